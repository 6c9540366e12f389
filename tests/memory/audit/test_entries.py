"""Entries of every level, records, and roots: what can't be, and what is not as its owner says."""

import pytest
from harness import depth

POOL_SPOT = depth.root_entry(416)
"""Of the kernel's pool, far from everything else: what is mapped here has tables of its own."""


def test_reserved_bits_are_found_at_every_level(audited, said):
    audited.exec(f"my = memory.create_mapping_at(VirtualAddress({POOL_SPOT:#x}), 4096, WRITE)")
    audited.exec("ways = entries(table.root, my.start.number)")
    levels = audited.eval("LEVELS")
    for index, level in enumerate(range(levels, 0, -1)):
        if level < levels:
            text = said(f"flipped(ways[{index}], 1 << 51)")
            assert "reserved bits 0x8000000000000" in text
            assert f"at level {level}" in text
    audited.exec("my.drop()\nframes = memory.allocate_frames(1)\nraw.map_to(SPOT, frames.start, READ, table_frames)")
    audited.exec("ways = entries(table.root, SPOT.number)")
    for index, level in enumerate(range(levels, 0, -1)):
        assert f"at level {level}" in said(f"flipped(ways[{index}], 1 << 51)")
    assert f"reserved bits 0x80 in its entry at level {levels}" in said("flipped(ways[0], 1 << 7)")
    audited.exec("raw.unmap(SPOT)[2].flush()\nraw.clean_up(table_frames)\nframes.drop()")


@pytest.mark.parametrize("level", range(depth.LEVELS, 1, -1))
def test_a_table_lies_in_ram_is_not_free_and_hangs_in_one_place(audited, said, level):
    audited.exec("frames = memory.allocate_frames(1)\nraw.map_to(SPOT, frames.start, READ, table_frames)")
    audited.exec(f"at = entry(table.root, SPOT.number, {level})\nother = Page(page_of_root_entry(56))")
    audited.exec("raw.map_to(other, frames.start, READ, table_frames)")

    def table_in(frame):
        return said(f"planted(at, {frame} << 12 | 3)")

    assert ": its table p0x4000000000 is no usable RAM" in table_in("(1 << 26)")
    assert "is free" in table_in("a_free_frame()")
    assert "is the kernel's own" in table_in("mmi.initial_mappings.text.frames()[0].start.number")
    loop = table_in("table.root")
    assert "is a page table" in loop
    assert "is a page table" in table_in("(at - window(0) >> 12)"), "its own table"
    twice = table_in(f"(_memory.load64(entry(table.root, other.number, {level})) >> 12 & 0xffffffffff)")
    assert "is a page table" in twice
    for page in "SPOT", "other":
        audited.exec(f"raw.unmap({page})[2].flush()")
    audited.exec("raw.clean_up(table_frames)\nframes.drop()")


def test_a_table_in_a_frame_that_an_owner_lent_is_well_until_it_is_freed(audited, said):
    audited.exec(
        """
        owned = memory.allocate_frames(LEVELS)
        class Lent:
            left = [owned.start.number + n for n in range(LEVELS - 1)]
            def allocate_frame(self):
                return Frame(self.left.pop())
        raw.map_to(SPOT, owned.start + (LEVELS - 1), READ, Lent())
        first = owned.start.number
        """
    )
    assert audited.eval("memory.verify().violations") == []
    audited.exec("at = entry(table.root, SPOT.number, LEVELS)\nvalue = _memory.load64(at)")
    assert audited.eval("refused(owned.drop)") == "IllegalState", "its owner can't give it away meanwhile"
    audited.exec("give(pool.tree, first << 1, LEVELS)")
    assert "is free" in said("memory.verify().violations")
    audited.exec("take_at(pool.tree, first, LEVELS)\nstore64(at, 0)\nowned.drop()")
    assert audited.eval("memory.verify().violations") == []


def test_a_record_is_held_against_its_entries(audited, said):
    audited.exec(f"my = memory.create_mapping_at(VirtualAddress({POOL_SPOT:#x}), 3 * 4096, WRITE)")
    audited.exec("at = entry(table.root, my.start.number + 1, 1)")
    middle = f"v{POOL_SPOT + 4096:#x}"
    assert f"{middle} has an owner, but is not mapped" in said("planted(at, 0)")
    assert f"{middle}: not as its owner says: not WRITABLE" in said("flipped(at, 2)")
    assert f"{middle}: not as its owner says: not NO_EXECUTE" in said("flipped(at, 1 << 63)")
    assert f"{middle}: not as its owner says: not EXCLUSIVE" in said("flipped(at, 1 << 55)")
    assert "not as its owner says: flags" in said("flipped(at, 1 << 4)")
    assert audited.eval("(flipped(at, 1 << 5), flipped(at, 1 << 6))") == ([], []), "the processor sets these"
    assert "(3 pages) has an owner, but is not mapped" in said("planted(entry(table.root, my.start.number, 3), 0)")
    audited.exec(
        """
        from memory.ledger import prepare
        second = prepare(table.root, my.start.number + 2, 1, my._state[0].flags, 0, my._state[0].frames)
        second.arm()
        """
    )
    assert "has two owners" in said("memory.verify().violations")
    audited.exec("second.end()\nmy.drop()")


def test_every_root_has_the_kernels_half(audited, said):
    audited.exec("other = PageTable.new_table(table)\nroots = other.root, table.root")
    for root, index in ((0, 300), (0, 450), (0, 511), (0, 510), (0, 508), (1, 480), (1, 509)):
        text = said(f"planted(window(roots[{root}]) + 8 * {index}, a_free_frame() << 12 | 0x103)")
        assert f"entry {index} is not the kernel's" in text
    assert "entry 450" in said("planted(window(other.root) + 8 * 450, 0)")
    assert "entry 511" in said("flipped(window(other.root) + 8 * 511, 1 << 63)")
    audited.exec("other.drop()")


def test_the_lower_half_of_every_table_is_looked_at_active_or_not(audited, said):
    audited.exec(
        """
        other = PageTable.new_table(table)
        my = memory.create_mapping(4096, WRITE)
        mapper = OffsetPageTable(Frame(other.root))
        mapper.map_to(SPOT, my.frames()[0].start, READ, table_frames)
        """
    )
    assert "another mapping's alone" in said("memory.verify().violations")
    audited.exec("other.switch_to()")
    assert "another mapping's alone" in said("memory.verify().violations")
    audited.exec(
        """
        table.switch_to()
        mapper.unmap(SPOT)[2].flush()
        other.drop()
        """
    )
    assert audited.eval("memory.verify().violations") == []
    audited.exec(
        """
        frames = memory.allocate_frames(8)
        class Lent:
            left = [frames.start.number + n for n in range(8)]
            def allocate_frame(self):
                return Frame(self.left.pop())
        lent = Lent()
        root = new_root(lent.allocate_frame(), Frame(table.root))
        RecursivePageTable(root).leave()
        store64(window(root.number) + 8 * 510, root.number << 12 | 3 | 1 << 63)
        mapper = OffsetPageTable(root)
        mapper.map_to(SPOT, my.frames()[0].start, READ, lent)
        before = memory.verify().violations
        Cr3.write(root)
        """
    )
    assert audited.eval("before") == [], "a root that nobody uses is nobody's"
    assert "another mapping's alone" in said("memory.verify().violations")
    audited.exec("table.switch_to()\nmapper.unmap(SPOT)[2].flush()\nframes.drop()\nmy.drop()")


def test_the_window_shows_every_frame_at_its_place(audited, said):
    gib = 3
    at = f"entry(table.root, {depth.WINDOW >> 12} + ({gib} << 18), 3)"
    assert "of the physical window shows p0x0" in said(f"planted({at}, _memory.load64({at}) & 0xfff | 1 << 63)")
    assert "nobody executes it, but the physical window is read-only there" in said(f"flipped({at}, 2)")
    assert "not as its owner says: not NO_EXECUTE" in said(f"flipped({at}, 1 << 63)")


@pytest.mark.parametrize(
    "technique",
    [
        "RecursivePageTable()",
        "RecursivePageTable(Frame(other.root))",
        "TemporaryPageTable(table_frames)",
        "__import__('paging').IdentityPageTable()",
    ],
)
def test_the_slots_and_windows_of_techniques_in_use_are_known(audited, technique):
    audited.exec("other = PageTable.new_table(table)")
    audited.exec(f"mapper = {technique}")
    assert audited.eval("(memory.verify().violations, memory.verify().unowned)") == ([], [])
    audited.exec("mapper.leave()\nother.drop()")
