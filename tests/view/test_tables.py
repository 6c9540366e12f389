"""What the host finds in RAM is what the kernel says of itself, and whatever lies there, looking comes to an end."""

import json
import re

import pytest
from drawing import Drawing
from live_page import tables
from oracle import page_walk
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


KINDS = """
from memory import *
from paging import *
from diagnostics.walks import WalkView
large = create_mapping(2 << 20, PteFlags().writable(True))
small = create_mapping(8 << 12, PteFlags().writable(True).with_protection_key(5))
places = [large.start_address.value, 0xffff800000000000 if LEVELS == 4 else 0xff00000000000000, 0x12345000]
places += [page << 12 for page in range(small.start_address.value >> 12, (small.start_address.value >> 12) + 8)]
"""
ROW = re.compile(r"  P(\d)\[(\d+)\] +(p0x\w+) +(0x\w+)  (.*?)(?: +-> (\S+) (p0x\w+) +(.*))?$")
PAGES = {"4K": "a 4 KiB page", "2M": "a 2 MiB page", "1G": "a 1 GiB page"}
# What the host puts into the leaves of `small`, over what is there.
CHANGES = {
    1: lambda raw: raw & ~PRESENT,
    2: lambda raw: raw | 1 << 45,
    3: lambda raw: raw | page_walk.HUGE,
    4: lambda raw: raw | 1 << 3 | 1 << 4 | page_walk.USER | page_walk.GLOBAL,
    5: lambda raw: 0xABCDE << 12 | 1 << 5,
    6: lambda raw: raw & ~page_walk.NO_EXECUTE & ~page_walk.WRITABLE | 1 << 9 | 1 << 52,
    7: lambda raw: 0,
}


def names_of(step):
    """Return the set bits of an entry of a way as the kernel's `walk` names them."""
    rows = {row["name"]: row["value"] for row in step["meanings"] if row["value"]}
    return {f"key={value}" if name == "KEY" else name for name, value in rows.items() if name not in UNNAMED}


UNNAMED = ("RSVD", "free", "rest")


def test_entries_of_every_kind_say_what_the_kernels_walk_says(kernel):
    """Pages of each size, keys, PAT, not present with and without bits, reserved bits: row by row."""
    kernel.exec("from memory_structs.mode import LEVELS\n" + KINDS)
    guest, registers, places = kernel.guest, kernel.guest.monitor.registers(), kernel.eval("places")
    levels, left = guest.memory.levels, {}
    for number, change in CHANGES.items():
        step = tables.way_to(guest.memory, registers["CR3"], levels, places[3 + number] >> 12, 1)[-1]
        at = int(step["at"][1:], 16)
        left[at] = guest.memory.read_entry(at)
        guest.memory.write_entry(at, change(left[at]))
    try:
        told = kernel.exec("for each in places: print('\\n'.join(WalkView(VirtualAddress(each)).lines(200)))")
        ways = [tables.way_to(guest.memory, registers["CR3"], levels, place >> 12, 1) for place in places]
    finally:
        for at, raw in left.items():
            guest.memory.write_entry(at, raw)
    rows = [ROW.match(line) for line in told.splitlines() if line.startswith("  P")]
    steps = [step for way in ways for step in way]
    assert len(rows) == len(steps)
    for row, step in zip(rows, steps, strict=True):
        level, index, at, raw, names, kind, where, rights = row.groups()
        assert (step["level"], step["index"], step["at"], step["raw"]) == (int(level), int(index), at, raw), row[0]
        if kind is None:
            assert (step["leads"], names_of(step)) == ("not present", set()), row[0]
            continue
        assert names_of(step) == set(names.split()), row[0]
        assert step["malformed"] or step["rights"] == rights.strip(), row[0]
        assert step["malformed"] or step["leads"].startswith(f"{PAGES.get(kind, f'a {kind} table')} at {where}"), row[0]
    assert [step["malformed"] for step in steps].count(True) == told.count("has a reserved bit set") == 1
    kinds = {row["name"] for step in steps for row in step["meanings"] if row["value"]}
    assert kinds >= {"PS", "PAT", "KEY", "RSVD", "free", "rest", "PWT", "PCD", "U", "G"}


def test_tables_that_lead_to_themselves_or_to_no_ram_come_to_an_end(kernel, monkeypatch):
    """As a hostile or broken kernel might leave them; the machine is held still, and does not go on."""
    monkeypatch.setattr(tables, "MOST_RUNS", 4000)
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
