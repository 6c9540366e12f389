"""Another CPU does what it is given, and is told what it must forget."""

import pytest
from processors.rows import ROWS


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.__name__)
def test_on_two_processors(pair, row):
    row(pair)


def test_cpus_shows_who_does_what(pair):
    console = pair.friendly()
    console.command("clew")
    console.command("ap = processor(1); ap.park()")
    head, first, second = console.command("cpus").strip().split("\n")
    assert head.split() == ["CPU", "APIC", "does", "on", "root", "jobs", "faults", "shootdowns"]
    assert first.split()[:4] == ["0", "0x0", "runs", "Python"]
    assert second.split()[:6] == ["1", "0x1", "parked", "of", "the", "boot"]
    jobs = int(second.split()[-3])
    console.command("ap.read(0)")
    words = console.command("cpus").strip().split("\n")[2].split()
    assert (words[2], int(words[-3]), words[3]) == ("attached", jobs + 1, first.split()[-1])
    console.command("ap.start(SPIN)")
    assert console.command("cpus").strip().split("\n")[2].split()[2] == "running"
    console.command("ap.stop()")
