"""Flags, entries and tables: bits by the manual's names and places, read and written through the physical window."""

import pytest
from harness import depth
from harness.guard import GUARD
from on_target import source

PAGE = 4096

SETUP = """
from paging.flags import *
owned = own_frames(4)
number = owned.start.number
tables.clear_table(page_in_window(number))
X = PteFlagsX86_64
def at(level, index=5):
    return PageTable512(page_in_window(number), level)[index]
"""

# Intel SDM volume 3, "4-Level Paging and 5-Level Paging", the tables of entry formats; 55 is ours.
BITS = {
    "PRESENT": 0,
    "WRITABLE": 1,
    "USER_ACCESSIBLE": 2,
    "WRITE_THROUGH": 3,
    "CACHE_DISABLE": 4,
    "ACCESSED": 5,
    "DIRTY": 6,
    "HUGE_PAGE": 7,
    "GLOBAL": 8,
    "EXCLUSIVE": 55,
    "NO_EXECUTE": 63,
}


@pytest.fixture
def paging(kernel):
    kernel.exec(source("paging/prelude"))
    kernel.exec(SETUP)
    return kernel


def raw(paging, index=5):
    """Return an entry of the test's table as it lies in memory."""
    return paging.guest.memory.read_entry(paging.eval("number") * PAGE + 8 * index)


def test_every_flag_has_the_bit_of_the_manual(paging):
    for name, bit in BITS.items():
        assert paging.eval(f"X.{name}.value") == 1 << bit
        assert paging.text(f"X(1 << {bit})") == name
    assert paging.eval("X(~PTE_FRAME_MASK & (1 << 64) - 1).value") == 0xFFF0_0000_0000_0FFF


def test_all_bits_that_are_no_frame_go_in_and_come_out(paging):
    for bit in [*range(12), *range(52, 64)]:
        assert paging.eval(f"X(1 << {bit}).value") == 1 << bit
    assert paging.text("X(1 << 9 | 1 << 52)") == "BIT_9 | BIT_52"


def test_flags_combine_like_sets_and_never_change(paging):
    assert paging.text("X.PRESENT | X.NO_EXECUTE") == "PRESENT | NO_EXECUTE"
    assert paging.text("(X.PRESENT | X.WRITABLE) & X.WRITABLE") == "WRITABLE"
    assert paging.text("(X.PRESENT | X.WRITABLE) - X.WRITABLE") == "PRESENT"
    assert paging.eval("[X.WRITABLE in PW, PW in X.PRESENT, X(3) == PW, X(3) != PW, len({X(3), PW}), bool(X())]") == [
        True,
        False,
        True,
        False,
        1,
        False,
    ]
    assert paging.text("X()") == "0x0"
    assert paging.text("(PW.writable(False), PW)") == "(PRESENT, PRESENT | WRITABLE)"


def test_protection_keys_and_memory_types_are_numbers(paging):
    for key in (0, 1, 15):
        assert paging.eval(f"X.PRESENT.with_protection_key({key}).value") == 1 | key << 59
        assert paging.eval(f"X.PRESENT.with_protection_key({key}).protection_key") == key
    for index in range(8):
        assert paging.eval(f"PW.with_pat_index({index}).pat_index") == index
        bits = (index & 3) << 3
        assert paging.eval(f"PW.with_pat_index({index}).value_at(1)") == 3 | bits | (index >> 2) << 7
        assert paging.eval(f"PW.with_pat_index({index}).value_at(2)") == 0x83 | bits | (index >> 2) << 12
    assert paging.eval("refused(PW.with_pat_index, 8)")[0] == "ValueError"
    assert paging.eval("refused(PW.with_protection_key, 16)")[0] == "ValueError"


def test_neutral_flags_begin_readable_and_not_more(paging):
    assert paging.text("PteFlags()") == "VALID | NOT_EXECUTABLE"
    queries = ["valid", "writable", "executable", "device_memory", "accessed", "dirty", "exclusive", "user_accessible"]
    assert [name for name in queries if paging.eval(f"PteFlags().is_{name}()")] == ["valid"]
    for name in queries:
        assert paging.eval(f"PteFlags().{name}(True).is_{name}()")
        assert not paging.eval(f"PteFlags().{name}(True).{name}(False).is_{name}()")
    assert paging.eval("refused(PteFlags().writable, 1)")[0] == "TypeError"


def test_converting_keeps_what_both_can_say(paging):
    both = "PteFlags().writable(True).device_memory(True).exclusive(True).dirty(True).user_accessible(True)"
    assert paging.eval(f"PteFlags(PteFlagsX86_64({both})) == {both}")
    assert paging.text(f"({both}).to_arch()") == (
        "PRESENT | WRITABLE | USER_ACCESSIBLE | CACHE_DISABLE | DIRTY | EXCLUSIVE | NO_EXECUTE"
    )
    assert paging.text("PteFlags(PW | X.HUGE_PAGE | X.PAT | X.WRITE_THROUGH | G)") == "VALID | WRITABLE | GLOBAL"
    assert paging.eval("PteFlagsArch is PteFlagsX86_64")


def test_ready_made_sets_are_those_of_the_reference(paging):
    assert paging.eval("[flags.value for flags in (MMIO_FLAGS, DMA_FLAGS, HEAP_FLAGS)]") == [
        0x8000_0000_0000_0033,
        0x8000_0000_0000_0023,
        0x8000_0000_0000_0023,
    ]
    assert paging.eval("PTE_FRAME_MASK") == 0x000F_FFFF_FFFF_F000


@pytest.mark.parametrize(
    ("level", "frame", "flags", "value"),
    [
        (1, "frame_at(0xb8000)", "PW | NX", 0x8000_0000_000B_8003),
        (1, "frame_at(0xb8000)", "PW | X.PAT", 0xB8083),
        (2, "frame_at(0xb8000)", "PW | U", 0xB8007),
        (2, "frame_at(0x600000, Page2M)", "PW | X.PAT", 0x601083),
        (3, "frame_at(0x40000000, Page1G)", "P", 0x4000_0081),
        (4, "frame_at(0xfffffff000)", "PW | X.EXCLUSIVE", 0x80_00FF_FFFF_F003),
    ],
)
def test_an_entry_says_what_was_set(paging, level, frame, flags, value):
    paging.exec(f"entry = at({level})\nentry.set_entry({frame}, {flags})")
    assert raw(paging) == value
    assert paging.eval("entry.value") == value
    assert paging.eval(f"entry.pointed_frame() == {frame}")
    assert paging.eval(f"entry.flags - X.HUGE_PAGE == {flags}")
    assert paging.eval("entry.is_huge()") == ("Page2M" in frame or "Page1G" in frame)
    assert paging.eval("(entry.is_present(), entry.is_unused())") == (True, False)
    paging.exec("entry.set_flags(P | NX)")
    is_huge = "Page2M" in frame or "Page1G" in frame
    frame_bits = 0x000F_FFFF_FFFF_E000 if is_huge else 0x000F_FFFF_FFFF_F000  # in a huge entry bit 12 is PAT
    assert raw(paging) == value & frame_bits | 1 << 63 | 1 | is_huge << 7, "the old flags are gone, the size stays"
    assert paging.eval(f"entry.pointed_frame() == {frame}")
    paging.exec("result = entry.set_unmapped()")
    assert raw(paging) == 0
    assert paging.eval(f"(result.frame == {frame}, result.is_exclusive, entry.is_unused())") == (True, False, True)


def test_an_exclusive_entry_gives_its_frame_away(paging):
    paging.exec("at(1).set_entry(frame_at(0x5000), PW | X.EXCLUSIVE)")
    assert paging.eval("at(1).set_unmapped().is_exclusive")
    assert paging.text("at(1).set_unmapped().frame") == "None"


@pytest.mark.parametrize(
    ("call", "name"),
    [
        ("at(1).set_entry(frame_at(0x600000, Page2M), PW)", "Misaligned"),
        ("at(3).set_entry(frame_at(0x600000, Page2M), PW)", "Misaligned"),
        ("at(1).set_entry(frame_at(0x5000), PW | HUGE)", "ContradictoryFlags"),
        ("at(2).set_entry(frame_at(0x5000), PW | HUGE)", "ContradictoryFlags"),
        ("at(2).set_entry(frame_at(0x5000), PW | X.PAT)", "ContradictoryFlags"),
        ("at(1).set_entry(Page(5), PW)", "TypeError"),
        ("at(1).set_entry(frame_at(0x5000), 3)", "TypeError"),
        ("at(1, 512)", "IndexError"),
        ("at(1, -1)", "IndexError"),
        ("at(1, 'x')", "TypeError"),
    ],
)
def test_an_entry_refuses_what_it_cannot_say(paging, call, name):
    assert paging.eval(f"refused(lambda: {call})")[0] == name
    assert raw(paging) == 0


def test_a_table_lists_its_used_entries_and_leads_to_the_next(paging):
    paging.exec("""
        tables.clear_table(page_in_window(number + 1))
        table = PageTable512(page_in_window(number), 2, page_in_window)
        table[3].set_entry(Frame(number + 1), PW)
        table[511].set_entry(frame_at(0x600000, Page2M), P)
        """)
    assert paging.eval("[e.index for e in table.used()]") == [3, 511]
    assert paging.eval("(len(table), sum([not e.is_unused() for e in table]), table.is_empty())") == (512, 2, False)
    assert paging.eval("(table.next_table(3).level, table.next_table(3).is_empty())") == (1, True)
    assert paging.text("[table.next_table(i) for i in (0, 511)]") == "[None, None]"


def test_compare_and_set_stores_only_over_what_it_was_told(paging):
    place = "page_in_window(number), 9"
    assert paging.eval(f"tables.compare_and_set({place}, 0, 0, 5, 3)")
    assert raw(paging, 9) == 0x5003
    assert not paging.eval(f"tables.compare_and_set({place}, 0, 0, 6, 3)")
    assert raw(paging, 9) == 0x5003


def test_the_memory_map_can_be_lent_only_where_it_is_owned_and_usable(paging):
    paging.exec("""
        memory_map = BootInfo().memory_map
        some = BootInfoFrameAllocator(memory_map, owned)
        given = [some.allocate_frame().number for _ in range(4)]
        """)
    assert paging.eval("given == list(range(number, number + 4))")
    assert paging.text("some.allocate_frame()") == "None"
    paging.exec("for frame in given: some.deallocate_frame(Frame(frame))")
    assert paging.eval("(some.free(), some.allocated)") == (4, 0)
    assert paging.eval("sorted([some.allocate_frame().number for _ in range(4)]) == given")
    # Over all of physical memory: what the map does not call usable is never given out.
    usable = [(a, b) for a, b, kind in paging.eval("boot.memory_map()") if kind == 1]
    taken = [(a, b) for a, b, kind in paging.eval("boot.memory_map()") if kind != 1]
    paging.exec("from paging.frame_allocators import pieces_of")
    pieces = paging.eval("pieces_of(memory_map, 0, (1 << 28) - 1)")
    for first, end in pieces:
        assert any(a <= first * PAGE and end * PAGE <= b for a, b in usable)
        assert not any(a < end * PAGE and first * PAGE < b for a, b in taken)
    assert sum(end - first for first, end in pieces) > 30000


def test_the_empty_allocator_never_has_a_frame_and_takes_none(paging):
    assert paging.text("EmptyFrameAllocator().allocate_frame()") == "None"
    assert paging.eval("refused(EmptyFrameAllocator().deallocate_frame, Frame(5))")[0] == "ValueError"


def test_boot_information_is_typed(paging):
    paging.exec("info = BootInfo()")
    assert paging.text("(type(info.memory_map[0].start), info.memory_map[0].kind)") == (
        "(<class 'PhysicalAddress'>, 'usable')"
    )
    assert paging.text("info.physical_memory_offset") == f"v{depth.WINDOW:#x}"
    raw_map = paging.eval("boot.memory_map()")
    assert paging.eval("[(r.start.value, r.end.value + 1, r.kind_number) for r in info.memory_map]") == raw_map
    assert {"text", "rodata"} <= set(paging.eval("[s.name for s in info.sections]"))
    assert paging.text("info.modules") == "[]"
    assert paging.eval("info.command_line") == ("guard" if GUARD else "")
