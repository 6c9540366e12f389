"""What the host finds in RAM is what the kernel says of itself, and whatever lies there, looking comes to an end."""

import json

import pytest
from drawing import Drawing
from live_page import tables
from oracle.page_walk import PRESENT, WRITABLE, path_to

BUSY = """
import memory
from memory import PteFlags, create_mapping
kept = [create_mapping(n << 12, PteFlags().writable(n % 2 == 1)) for n in (1, 2, 300, 1024)]
del kept[1]
"""
SNAPSHOT = "from diagnostics.snapshot import as_json\nprint(as_json())"


def by_host(guest, regions=()):
    """Return the host's snapshot of a machine's tables."""
    registers = guest.monitor.registers()
    return tables.snapshot(guest.memory, registers["CR3"], tables.levels_of(registers["CR4"]), regions)


@pytest.mark.parametrize("code", ["", BUSY])
def test_the_hosts_snapshot_is_the_kernels(kernel, code):
    kernel.exec(code)
    said = json.loads(kernel.exec(SNAPSHOT))
    found = by_host(kernel.guest, said["regions"])
    assert found == json.loads(kernel.exec(SNAPSHOT)), "and asking has changed nothing"
    assert found == said
    kinds = {run[5] for table in found["tables"] for run in table["runs"]}
    assert kinds == {"pages", "table", "empty", "root"}


def test_an_entry_is_shown_with_its_bits_and_the_way_to_it(kernel):
    kernel.exec("from memory import *\nm = create_mapping(8192, PteFlags().writable(True))\nm.as_slice_mut('B')[0] = 1")
    guest, page = kernel.guest, kernel.eval("m.start_address.value >> 12")
    registers = guest.monitor.registers()
    way = tables.way_to(guest.memory, registers["CR3"], tables.levels_of(registers["CR4"]), page, 1)
    assert [step["level"] for step in way] == list(range(guest.memory.levels, 0, -1))
    assert [int(step["raw"], 16) for step in way] == path_to(registers["CR3"], guest.memory, page << 12)
    leaf = {row["name"]: row["value"] for row in way[-1]["meanings"]}
    assert [leaf[name] for name in ("P", "W", "U", "D", "EXCL", "NX")] == [1, 1, 0, 1, 1, 1]
    assert way[-1]["rights"] == "rw- kernel"
    assert way[-1]["first"] == f"v{page << 12:#x}"
    assert "PS" not in {row["name"] for row in way[0]["meanings"]}
    assert "PS" in {row["name"] for row in way[2]["meanings"]}


def test_tables_that_lead_to_themselves_or_to_no_ram_come_to_an_end(kernel):
    """As a hostile or broken kernel might leave them; the machine is held still, and does not go on."""
    guest = kernel.guest
    guest.monitor.stop()
    root, table = guest.monitor.registers()["CR3"], 0x7000000
    words = [table | PRESENT | WRITABLE] * 510 + [1 << 45 | PRESENT, 0xFFE]
    guest.memory.write(table, b"".join(word.to_bytes(8, "little") for word in words))
    before = guest.memory.read_entry(root + 8)
    guest.memory.write_entry(root + 8, table | PRESENT)
    found = by_host(guest)
    guest.memory.write_entry(root + 8, before)
    guest.monitor.resume()
    kinds = {run[5] for each in found["tables"] if each["frame"] == table >> 12 for run in each["runs"]}
    assert kinds == {"table", "no RAM", "absent", "pages"}
    assert found["left_out"] > 0
    assert sum(len(each["runs"]) for each in found["tables"]) < 2 * tables.MOST_RUNS
    assert "more are not drawn" in Drawing(found).svg()
