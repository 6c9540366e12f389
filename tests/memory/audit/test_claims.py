"""What nobody may map a second time, or at all, and who may write and execute it."""

import pytest
from harness import depth

POOL_SPOT = depth.root_entry(416)
"""Of the kernel's pool, far from everything else: what is mapped here has tables of its own."""


def test_a_frame_that_is_one_mappings_alone_may_be_mapped_by_nobody_else(audited):
    audited.exec("my = memory.create_mapping(4096, WRITE)\nframe = my.frames()[0].start")
    for page in "SPOT", f"Page({POOL_SPOT >> 12:#x})":
        violations, unowned = audited.eval(f"mapped_at({page}, frame, READ)")
        assert "another mapping's alone" in violations[0]
        assert len(unowned) == 1
    audited.exec("my.drop()")


def test_two_mappings_of_one_frame_are_found_and_the_frame_that_nobody_maps_then(audited, said):
    audited.exec("one, two = memory.create_mapping(4096, WRITE), memory.create_mapping(4096, WRITE)")
    violations = said(
        "planted(entry(table.root, one.start.number, 1), _memory.load64(entry(table.root, two.start.number, 1)))",
    )
    assert "another mapping's alone" in violations
    assert "nobody has them" in violations
    audited.exec("one.drop()\ntwo.drop()")


@pytest.mark.parametrize(
    ("frame", "flags", "reason"),
    [
        ("Frame(a_free_frame())", "READ", "free"),
        ("Frame(table.root)", "READ", "a page table"),
        (
            "Frame(_memory.load64(entry(table.root, page_of_root_entry(384), LEVELS)) >> 12 & 0xffffffffff)",
            "READ",
            "a page table",
        ),
        ("Frame(mmi.initial_mappings.text.frames()[0].start.number)", "WRITE", "the kernel's own"),
        ("Frame(memory.frame_allocator.reservations[-1][0])", "WRITE", "the kernel's own"),
    ],
)
def test_the_paging_layer_may_map_no_frame_that_is(audited, frame, flags, reason):
    violations, unowned = audited.eval(f"mapped_at(SPOT, {frame}, {flags})")
    assert violations, reason
    assert [text for text in violations if not text.startswith("v0x2000000 leads to p0x")] == []
    assert violations[0].endswith(reason)
    assert unowned == ["PageRange(v0x2000000..=v0x2000fff)"]


def test_frames_that_wait_to_be_freed_may_be_mapped_by_nobody(audited):
    audited.exec(
        """
        frames = memory.allocate_frames(2)
        frame = frames.start
        taken = memory.frame_allocator.into_mapped(frames, "a test")
        waiting = memory.frame_allocator.from_mapped(taken[0], taken[1])
        """
    )
    assert audited.eval("memory.verify().frames['unmapped']") == 2
    violations, _ = audited.eval("mapped_at(SPOT, frame, READ)")
    assert "unmapped, and waits to be freed" in violations[0]
    audited.exec("waiting.drop()")


def test_a_frame_that_was_taken_by_number_is_nobodys(audited, said):
    audited.exec("run = take(pool.tree, 3)")
    assert "3 frames are in use, but nobody has them: p0x" in said("memory.verify().violations")
    audited.exec("raw.map_to(SPOT, Frame(run >> 1), READ, table_frames)")
    assert "in use, but nobody has it" in said("memory.verify().violations")
    audited.exec("raw.unmap(SPOT)[2].flush()\nraw.clean_up(table_frames)\ngive(pool.tree, run, 3)")


def test_what_an_owner_lends_the_paging_layer_is_unowned_and_well(audited):
    audited.exec("frames = memory.allocate_frames(1)\nshared = SharedFrames(memory.allocate_frames(1))")
    for frame in "frames.start", "shared.range.start", "Frame(0xb8)", "Frame(1 << 26)":
        assert audited.eval(f"mapped_at(SPOT, {frame}, WRITE)") == ([], ["PageRange(v0x2000000..=v0x2000fff)"])
    kernel_text = "Frame(mmi.initial_mappings.text.frames()[0].start.number)"
    assert audited.eval(f"mapped_at(SPOT, {kernel_text}, READ)")[0] == []
    audited.exec("frames.drop()\nshared.drop()")


def test_a_devices_frames_are_its_mappings_alone(audited):
    for address in 0xB8000, 0xFEB00000, 1 << 38:
        audited.exec(f"my = memory.map_frame_range(PhysicalAddress({address:#x}), 8192, WRITE)")
        assert audited.eval("memory.verify().violations") == []
        violations, _ = audited.eval(f"mapped_at(SPOT, Frame({(address >> 12) + 1:#x}), READ)")
        assert "a device mapping's alone" in violations[0]
        audited.exec("my.drop()")


def test_huge_leaves_are_held_to_the_same_rules(audited, said):
    audited.exec("my = memory.create_mapping(4 << 20, WRITE)\nfirst = my.frames()[0].start.number")
    at = "entry(table.root, my.start.number, 2)"
    assert "not as its owner says: not EXCLUSIVE" in said(f"flipped({at}, 1 << 55)")
    assert "reserved bits 0x2000 in its leaf at level 2" in said(f"flipped({at}, 1 << 13)")
    assert "(512 pages) has an owner, but is not mapped" in said(f"planted({at}, 0)")
    audited.exec(
        """
        from memory_structs import Page2M
        page = Page.from_start_address(VirtualAddress(0x40000000), Page2M)
        frame = Frame.from_start_address(my.frames()[0].start_address, Page2M)
        """
    )
    violations, unowned = audited.eval("mapped_at(page, frame, READ)")
    assert violations[0].startswith("v0x40000000 (512 pages) leads to")
    assert unowned == ["PageRange(v0x40000000..=v0x401fffff)"]
    audited.exec("my.drop()")


@pytest.mark.parametrize("page", ["SPOT", f"Page({POOL_SPOT >> 12:#x})"])
def test_nothing_is_written_here_and_executed_there_in_whatever_order(audited, page):
    audited.exec(
        """
        shared = SharedFrames(memory.allocate_frames(1))
        frame = shared.range.start
        my = table.map_shared(memory.allocate_pages(1), shared, RUN)
        """
    )
    violations, _ = audited.eval(f"mapped_at({page}, frame, WRITE)")
    assert len(violations) == 1
    assert "is writable, p0x" in violations[0]
    assert violations[0].endswith("executable elsewhere")
    audited.exec("my.drop()\nmy = table.map_shared(memory.allocate_pages(1), shared, WRITE)")
    violations, _ = audited.eval(f"mapped_at({page}, frame, RX)")
    assert "is executable, p0x" in violations[0]
    assert violations[0].endswith("writable elsewhere")
    audited.exec("my.drop()\nshared.drop()")


def test_a_leaf_that_is_writable_and_executable_is_found_unless_the_way_forbids_it(audited):
    audited.exec("frames = memory.allocate_frames(1)")
    violations, _ = audited.eval("mapped_at(SPOT, frames.start, WX)")
    assert violations == ["v0x2000000 is writable and executable"]
    audited.exec("raw.map_to(SPOT, frames.start, WX, table_frames)")
    audited.exec("at = entry(table.root, SPOT.number, 2)\nstore64(at, _memory.load64(at) | 1 << 63)")
    assert audited.eval("memory.verify().violations") == []
    audited.exec("raw.unmap(SPOT)[2].flush()\nraw.clean_up(table_frames)\nframes.drop()")


def test_what_is_no_ram_may_be_written_and_executed_without_an_owner_and_is_listed_so(audited):
    """The post maps the VGA buffer so, several times. A device mapping's frame is another matter."""
    audited.exec("second = Page(SPOT.number + 1)\nraw.map_to(second, Frame(0xb8), WX, table_frames)")
    violations, unowned = audited.eval("mapped_at(SPOT, Frame(0xb8), WX)")
    assert violations == []
    assert unowned == ["PageRange(v0x2000000..=v0x2001fff), writable and executable"]
    violations, unowned = audited.eval("mapped_at(SPOT, Frame(0xb9), READ)")
    assert violations == []
    assert unowned == [
        "PageRange(v0x2000000..=v0x2000fff)",
        "PageRange(v0x2001000..=v0x2001fff), writable and executable",
    ]
    audited.exec("my = memory.map_frame_range(PhysicalAddress(0xba000), 4096, READ)")
    violations, _ = audited.eval("mapped_at(SPOT, Frame(0xba), WX)")
    assert len(violations) == 1
    audited.exec("my.drop()\nraw.unmap(second)[2].flush()\nraw.clean_up(table_frames)")


def test_an_overridden_mapping_is_no_violation_until_nobody_says_why(audited, said):
    audited.exec("my = memory.create_mapping(4096, WRITE.executable(True), override='a test')")
    assert audited.eval("memory.verify().violations") == []
    audited.exec("memory.ledger.mark_overridden(my._state[0], False)")
    assert "is writable and executable" in said("memory.verify().violations")
    audited.exec(
        """
        my.drop()
        shared = SharedFrames(memory.allocate_frames(1))
        one = table.map_shared(memory.allocate_pages(1), shared, RUN)
        two = table.map_shared(memory.allocate_pages(1), shared, WRITE, override="another test")
        """
    )
    assert audited.eval("memory.verify().violations") == []
    audited.exec("memory.ledger.mark_overridden(two._state[0], False)")
    assert "elsewhere" in said("memory.verify().violations")
    audited.exec("one.drop()\ntwo.drop()\nshared.drop()")


def test_the_way_to_whole_tables_forbids_as_that_to_a_leaf_does(audited):
    """Tables that are taken at once: 1,024 leaves, writable and executable, below entries that forbid either."""
    audited.exec("""
        from memory.ledger import mark_overridden
        both = memory.create_mapping(1 << 22, memory.PteFlags().writable(True).executable(True), False, "a test")
        mark_overridden(both._state[0], False)
        ways = [entry(table.root, both.start.number + offset, 2) for offset in (0, 512)]
        def forbidden(bits):
            for at in ways: store64(at, _memory.load64(at) ^ bits)
            said = memory.verify().violations
            for at in ways: store64(at, _memory.load64(at) ^ bits)
            return [text for text in said if "nobody executes it, but the physical window" not in text]
        """)
    assert "is writable and executable" in audited.eval("forbidden(0)")[0]
    assert audited.eval("forbidden(1 << 1)") == []
    assert audited.eval("forbidden(1 << 63)") == []
    # And what is behind the first leaf that is not as it should be is looked at, too.
    audited.exec("mark_overridden(both._state[0], True)\nfirst = both.start.number")
    audited.exec("gone = [entry(table.root, first + n, 1) for n in (5, 300)]")
    audited.exec("were = [_memory.load64(at) for at in gone]\nfor at in gone: store64(at, 0)")
    said = audited.eval("memory.verify().violations")
    assert len([text for text in said if text.endswith("has an owner, but is not mapped")]) == 2
    audited.exec("for at, was in zip(gone, were): store64(at, was)")
    audited.exec("mark_overridden(both._state[0], True)\nboth.drop()")
