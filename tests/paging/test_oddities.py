"""What the Rust crate x86_64 does and this kernel does not: each of its oddities, one test.

Every row runs on an inactive table. A refused call must leave every byte of every table, and every frame, as it was.
"""

import pytest
from harness import depth
from on_target import source

PAGE = 4096

SETUP = """
owned = own_frames(16)
def fresh():
    global frames, root, mapper
    for number in range(owned.start.number, owned.end.number + 1):
        tables.clear_table(page_in_window(number))
    frames = Frames(owned)
    root = new_root(frames.allocate_frame())
    mapper = OffsetPageTable(root)
def entry(page, level):
    table = PageTable512(page_in_window(root.number), LEVELS, page_in_window)
    for above in range(LEVELS, level, -1):
        table = table.next_table(page.index_at(above))
    return table[page.index_at(level)]
def raw(page, level, frame, word):
    found = entry(page, level)
    tables.set_entry(found._table_page, found.index, frame, word)
A = page_at(0x405000)
A2, A1 = page_at(0x400000, Page2M), page_at(0, Page1G)
F, F2, F1 = frame_at(0x9000), frame_at(0x600000, Page2M), frame_at(0x40000000, Page1G)
fresh()
"""


@pytest.fixture
def paging(kernel):
    kernel.exec(source("paging/prelude"))
    kernel.exec(SETUP)
    return kernel


def everything(paging):
    """Return the bytes of all owned frames, and how many are out."""
    first, out = paging.eval("(owned.start.number, frames.out)")
    return paging.guest.memory.read(first * PAGE, 16 * PAGE), out


def refused_without_a_trace(paging, call, name, message=""):
    before = everything(paging)
    answer = paging.eval(f"refused(lambda: {call})")
    assert answer is not None, f"{call} was not refused"
    assert answer[0] == name
    assert message in answer[1]
    assert everything(paging) == before, f"{call} was refused, but something has changed"


MAPPED = "mapper.map_to(A, F, P, frames)"
HUGE = "mapper.map_to(A2, F2, P, frames)"
GIANT = "mapper.map_to(A1, F1, P, frames)"


def test_a_fresh_mapping_makes_the_tables_of_the_crate(paging):
    paging.exec("""
        for n in range(1, 16): tables.copy_entries(page_in_window(owned.start.number + n),
            LAYOUT["KERNEL_PAGE"] + 0x200, 0, 511)
        mapper.map_to(page_at(0xdeadbeaf000), frame_at(0xb8000), PW, frames)
        """)
    first = paging.eval("owned.start.number")
    read = paging.guest.memory.read_entry
    made = [first * PAGE + n * PAGE for n in range(depth.LEVELS)]
    indexes = [0, 27, 427, 223, 175][-depth.LEVELS :]
    path = list(zip(made, indexes, [table | 3 for table in made[1:]] + [0xB8003], strict=True))
    assert [read(table + 8 * index) for table, index, _ in path] == [value for *_, value in path]
    for table, *_ in path:
        entries = paging.guest.memory.read(table, PAGE)
        assert entries.count(0) >= PAGE - 8, "dirty frames are cleared before they are linked"


@pytest.mark.parametrize("available", range(depth.LEVELS - 1))
def test_running_out_of_frames_leaves_no_half_made_tables(paging, available):
    paging.exec(f"frames.limit = 1 + {available}")
    message = f"needs {depth.LEVELS - 1} frames for tables, the frame allocator had {available}"
    refused_without_a_trace(paging, MAPPED, "FrameAllocationFailed", message)


def test_already_mapped_says_which_frame_is_mapped_and_which_was_offered(paging):
    paging.exec(MAPPED)
    call = "mapper.map_to(A, frame_at(0x777000), PW | U, frames, PW | U)"
    refused_without_a_trace(paging, call, "PageAlreadyMapped", "to p0x9000 already, so it can't be mapped to p0x777000")


@pytest.mark.parametrize(("below", "place"), [(HUGE, "page_at(0x405000)"), (GIANT, "page_at(0x405000)")])
def test_a_failed_map_below_a_huge_page_does_not_widen_it(paging, below, place):
    paging.exec(below)
    call = f"mapper.map_to({place}, F, PW | U, frames, PW | U)"
    refused_without_a_trace(paging, call, "ParentEntryHugePage", "lies inside a huge page")


@pytest.mark.parametrize("before", ["None", MAPPED])
def test_mapping_without_present_is_refused_whether_tables_exist_or_not(paging, before):
    paging.exec(before)
    refused_without_a_trace(paging, "mapper.map_to(page_at(0x406000), F, W, frames)", "ContradictoryFlags", "PRESENT")


def test_mapping_frame_0_with_no_flags_is_refused(paging):
    refused_without_a_trace(paging, "mapper.map_to(A, frame_at(0), NONE, frames)", "ContradictoryFlags")


def test_parent_flags_without_present_make_present_tables(paging):
    paging.exec("mapper.map_to(A, F, PW, frames, U)")
    assert paging.text("[e.flags for e in mapper.walk(VirtualAddress(0x405000))][:-1]") == str(
        ["PRESENT | USER_ACCESSIBLE"] * (depth.LEVELS - 1)
    ).replace("'", "")


def test_huge_page_where_it_means_nothing_is_refused(paging):
    refused_without_a_trace(paging, "mapper.map_to(A, F, PW, frames, PW | HUGE)", "ContradictoryFlags")
    refused_without_a_trace(paging, "mapper.map_to(A, F, PW | HUGE, frames)", "ContradictoryFlags")
    paging.exec(MAPPED)
    refused_without_a_trace(paging, "mapper.update_flags(A, PW | HUGE)", "ContradictoryFlags")
    refused_without_a_trace(paging, "mapper.set_flags_p2_entry(A, PW | HUGE)", "ContradictoryFlags")


@pytest.mark.parametrize("level", range(depth.LEVELS, 1, -1))
def test_a_parent_that_is_not_present_is_never_taken_for_a_table(paging, level):
    paging.exec(f"{MAPPED}\nraw(A, {level}, entry(A, {level})._frame_number(), 0)")
    message = f"its P{level} entry is not present but names"
    refused_without_a_trace(paging, "mapper.map_to(A, F, PW, frames)", "StaleParentEntry", message)
    refused_without_a_trace(paging, "mapper.unmap(A)", "PageNotMapped")
    refused_without_a_trace(paging, "mapper.update_flags(A, P)", "PageNotMapped")
    refused_without_a_trace(paging, f"mapper.set_parent_flags(A, {level}, P)", "PageNotMapped")
    assert paging.text("mapper.translate(VirtualAddress(0x405000))") == "NotMapped"


def test_updating_a_huge_page_does_not_turn_a_table_into_one(paging):
    paging.exec(MAPPED)
    refused_without_a_trace(paging, "mapper.update_flags(A2, PW)", "SmallerPages", "leads to the table at")


@pytest.mark.parametrize(("mapped", "level"), [(HUGE, 2), (GIANT, 3)])
def test_setting_a_parents_flags_does_not_turn_a_huge_page_into_a_table(paging, mapped, level):
    paging.exec(mapped)
    refused_without_a_trace(paging, f"mapper.set_flags_p{level}_entry(A, PW)", "ParentEntryHugePage")


def test_translating_a_huge_page_where_a_table_hangs_is_refused(paging):
    paging.exec(MAPPED)
    refused_without_a_trace(paging, "mapper.translate_page(A2)", "SmallerPages")
    refused_without_a_trace(paging, "mapper.unmap(A1)", "SmallerPages")


def test_flags_without_present_unmap_in_every_call_and_clear_takes_the_rest_away(paging):
    paging.exec(f"{MAPPED}\nmapper.update_flags(A, W)")
    assert paging.text("mapper.translate(VirtualAddress(0x405000))") == "NotMapped"
    assert paging.text("mapper.translate_addr(VirtualAddress(0x405000))") == "None"
    for call in ("mapper.translate_page(A)", "mapper.unmap(A)", "mapper.update_flags(A, P)"):
        refused_without_a_trace(paging, call, "PageNotMapped")
    refused_without_a_trace(paging, MAPPED, "StaleEntry", "clear(page) takes it away")
    assert paging.text("mapper.clear(A)") == "(9, WRITABLE)"
    paging.exec(MAPPED)


def test_bit_7_of_a_4_kib_entry_is_pat(paging):
    paging.exec("mapper.map_to(A, F, PW | PteFlagsX86_64.PAT, frames)")
    assert paging.eval("entry(A, 1).value & 0xfff") == 0x83
    assert paging.text("mapper.translate_page(A)") == "Frame(p0x9000)"
    assert paging.text("mapper.unmap(A)[:2]") == "(Frame(p0x9000), PRESENT | WRITABLE | PAT)"


@pytest.mark.parametrize(("page", "frame"), [("A2", "F2"), ("A1", "F1")])
def test_bit_12_of_a_huge_entry_is_pat(paging, page, frame):
    paging.exec(f"mapper.map_to({page}, {frame}, PW | PteFlagsX86_64.PAT, frames)")
    assert paging.eval(f"entry({page}, {page}.size.level).value & 0x1fff") == 0x1083
    assert paging.eval(f"mapper.translate_page({page}) == {frame}")
    assert paging.text("mapper.translate(VirtualAddress(0x405000)).flags") == "PRESENT | WRITABLE | HUGE_PAGE | PAT"
    assert paging.eval(f"mapper.unmap({page})[0] == {frame}")


def test_a_huge_entry_that_is_not_present_is_not_mapped_in_every_call(paging):
    paging.exec(f"{HUGE}\nraw(A2, 2, entry(A2, 2)._frame_number(), 0x80)")
    assert paging.text("mapper.translate(VirtualAddress(0x405000))") == "NotMapped"
    for call in ("mapper.translate_page(A2)", "mapper.unmap(A2)", "mapper.update_flags(A2, P)"):
        refused_without_a_trace(paging, call, "PageNotMapped")
    refused_without_a_trace(paging, HUGE, "StaleEntry")


def test_wider_flags_on_a_leaf_show_in_the_effective_flags_only_when_the_parents_allow_them(paging):
    paging.exec("mapper.map_to(A, F, P, frames, P)")
    paging.exec("mapper.update_flags(A, PW | U)")
    assert paging.text("mapper.translate(VirtualAddress(0x405000)).flags") == "PRESENT | WRITABLE | USER_ACCESSIBLE"
    assert paging.text("mapper.translate(VirtualAddress(0x405000)).effective_flags") == "PRESENT"
    for level in range(depth.LEVELS, 1, -1):
        paging.exec(f"mapper.set_parent_flags(A, {level}, PW | U)")
    effective = "mapper.translate(VirtualAddress(0x405000)).effective_flags"
    assert paging.text(effective) == "PRESENT | WRITABLE | USER_ACCESSIBLE"
    paging.exec("mapper.set_flags_p3_entry(A, PW | NX)")
    assert paging.text(effective) == "PRESENT | WRITABLE | NO_EXECUTE"


def test_a_root_entry_with_the_huge_bit_is_reported_not_followed(paging):
    paging.exec(f"{MAPPED}\nraw(A, LEVELS, entry(A, LEVELS)._frame_number(), 0x83)")
    refused_without_a_trace(
        paging, "mapper.translate(VirtualAddress(0x405000))", "MalformedEntry", f"its {depth.ROOT} entry"
    )


def test_clean_up_and_ranges_cope_with_the_last_pages_of_both_halves(paging):
    paging.exec("""
        LAST, TOP, FIRST = Page(LOWER_HALF_PAGES - 1), Page((1 << 52) - 1), Page(UPPER_HALF_FIRST_PAGE)
        for page in (LAST, TOP, FIRST): mapper.map_to(page, F, PW, frames)
        """)
    assert paging.eval("frames.out") == 1 + 3 * (depth.LEVELS - 1)
    paging.exec("ends = PageRange(LAST - 1, LAST)")
    assert paging.eval("mapper.translate_range(ends)[1].frame") == 9
    assert paging.eval("mapper.clean_up(frames)") == 0
    paging.exec("for page in (LAST, TOP, FIRST): mapper.unmap(page)")
    assert paging.eval("mapper.clean_up(frames)") == 3 * (depth.LEVELS - 1)
    assert paging.eval("(frames.out, tables.next_used(page_in_window(root.number), 0))") == (1, 512)
