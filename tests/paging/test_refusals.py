"""Bad input to the live mapper: each mistake its own error that names the address, and nothing has changed."""

import pytest
from harness import depth
from on_target import source

pytestmark = pytest.mark.writable_executable("pages that are mapped by hand, as a technique is told to")

PAGE = 4096

SETUP = """
import memory
owned = own_frames(16)
frames = Frames(owned)
mapper = OffsetPageTable()
BASE, OTHER = page_of_root_entry(40) << 12, Page(page_of_root_entry(41))
A, A2, A1 = page_at(BASE + 0x405000), page_at(BASE + 0x800000, Page2M), page_at(BASE + 0x80000000, Page1G)
F, F2, F1 = frame_at(0x9000), frame_at(0x600000, Page2M), frame_at(0x40000000, Page1G)
mapper.map_to(A, F, PW, frames)
mapper.map_to(A2, F2, PW, frames)
mapper.map_to(A1, F1, PW, frames)
def where(page, level):
    table = active_level_4_table()
    for above in range(LEVELS, level, -1):
        table = table.next_table(page.index_at(above))
    entry = table[page.index_at(level)]
    return entry._table_page, entry.index
"""


@pytest.fixture
def paging(kernel):
    kernel.exec(source("paging/prelude"))
    kernel.exec(SETUP)
    return kernel


def state(paging):
    """Return the root's lower half and all owned tables, read from outside, and the number of frames that are out."""
    root, first, out = paging.eval("(cpu.read_root_frame(), owned.start.number, frames.out)")
    return paging.guest.memory.read(root * PAGE, 2048), paging.guest.memory.read(first * PAGE, 16 * PAGE), out


def refused(paging, call, name, *texts):
    before = state(paging)
    answer = paging.eval(f"refused(lambda: {call})")
    assert answer is not None, f"{call} was not refused"
    assert answer[0] == name, (call, answer)
    for text in texts:
        assert text in answer[1], call
    assert state(paging) == before, call


def at(offset):
    """Return how messages write the address `offset` bytes into the tests' region."""
    return f"v{depth.root_entry(40, offset):#x}"


ARGUMENTS = [
    ("mapper.map_to(F, A, PW, frames)", "TypeError", ""),
    ("mapper.map_to(A, F2, PW, frames)", "TypeError", "two sizes"),
    ("mapper.map_to(A, F, 3, frames)", "TypeError", "flags must be"),
    ("mapper.map_to(A, F, True, frames)", "TypeError", "flags must be"),
    ("mapper.map_to(0x405, F, PW, frames)", "TypeError", ""),
    ("mapper.unmap(F)", "TypeError", "Page expected"),
    ("mapper.translate(0x405000)", "TypeError", "VirtualAddress expected"),
    ("mapper.translate(PhysicalAddress(0x405000))", "TypeError", "VirtualAddress expected"),
    ("mapper.translate_page(F)", "TypeError", "Page expected"),
    ("mapper.update_flags(A, 0x3)", "TypeError", "flags must be"),
    ("mapper.unmap_range(A)", "TypeError", ""),
    ("mapper.unmap_range(FrameRange(F, F))", "TypeError", "PageRange expected"),
    ("mapper.map_range(PageRange(A, A), FrameRange(F, F + 1), PW, frames)", "ValueError", "as many"),
    ("mapper.set_parent_flags(A, LEVELS + 1, PW)", "ValueError", ""),
    ("PteFlagsX86_64(0x1003)", "ValueError", "bits of the frame"),
    ("PteFlagsX86_64(1 << 64)", "ValueError", "64 bits"),
    ("PteFlagsX86_64(True)", "TypeError", ""),
    ("PteFlags() | PW", "TypeError", "cannot combine"),
    ("page_at(BASE + 0x1000, Page2M)", "Misaligned", ""),
    ("VirtualAddress(LOWER_HALF_PAGES << 12)", "NonCanonicalAddress", ""),
    ("mapper.map_numbers(LOWER_HALF_PAGES, 9, 1, PW, frames)", "ValueError", "not canonical"),
    ("mapper.unmap_numbers(-1, 1)", "ValueError", "page number"),
    ("mapper.update_numbers('5', 1, PW)", "TypeError", "int expected, not str"),
    ("mapper.map_numbers(5, 1 << 40, 1, PW, frames)", "ValueError", "frame number"),
    ("mapper.map_numbers(5, (1 << 28) - 1, 2, PW, frames)", "OutOfRange", "physical addresses"),
    ("mapper.map_numbers(5, 9, 0, PW, frames)", "ValueError", "0 pages from page number 0x5 on do not fit this half"),
    ("mapper.map_numbers(LOWER_HALF_PAGES - 1, 9, 2, PW, frames)", "ValueError", "do not fit this half"),
    ("mapper.map_numbers(0xfffffffffffff, 9, 2, PW, frames)", "ValueError", "do not fit this half"),
    ("mapper.map_numbers(5, 9, 1, PW, frames, None, 0)", "ValueError", "levels"),
    ("mapper.map_numbers(5, 9, True, PW, frames)", "TypeError", "int expected"),
    ("mapper.unmap_numbers(5, 0)", "ValueError", "do not fit this half"),
    ("mapper.identity_map(frame_at(1 << 39, Page1G), 3, frames)", "TypeError", "flags must be"),
]


def test_a_wrong_argument_is_refused_by_name(paging):
    for call, name, text in ARGUMENTS:
        refused(paging, call, name, text)


REFUSALS = [
    ("mapper.map_to(A, F, PteFlags.EXECUTABLE | PteFlags(), frames)", "ContradictoryFlags", "exclude each other"),
    ("mapper.map_to(A + 1, F, PW | HUGE, frames)", "ContradictoryFlags", "HUGE_PAGE"),
    ("mapper.map_to(A + 1, F, W, frames)", "ContradictoryFlags", "PRESENT"),
    ("mapper.map_to(A + 1, F, PW, frames, PW | HUGE)", "ContradictoryFlags", "HUGE_PAGE"),
    ("mapper.set_flags_p3_entry(A, W)", "ContradictoryFlags", "PRESENT"),
    ("mapper.map_to(A, F + 1, PW, frames)", "PageAlreadyMapped", at(0x405000), "p0x9000", "p0xa000"),
    (
        "mapper.map_to(A2.to_size(Page4K) + 1, F, PW, frames)",
        "ParentEntryHugePage",
        at(0x801000),
        "P2",
        "p0x600000",
    ),
    ("mapper.map_to(page_at(BASE + 0x80001000), F, PW, frames)", "ParentEntryHugePage", "P3", "p0x40000000"),
    ("mapper.map_to(page_at(BASE + 0x80200000, Page2M), F2, PW, frames)", "ParentEntryHugePage", "P3"),
    ("mapper.map_to(page_at(BASE + 0x400000, Page2M), F2, PW, frames)", "TableInTheWay", "a table at"),
    ("mapper.map_to(page_at(BASE, Page1G), F1, PW, frames)", "TableInTheWay", "a table at"),
    ("mapper.map_to(A2, F2, PW, frames)", "PageAlreadyMapped", "p0x600000"),
    ("mapper.unmap(A + 1)", "PageNotMapped", "P1 entry"),
    ("mapper.unmap(OTHER)", "PageNotMapped", depth.ROOT + " entry"),
    ("mapper.unmap(page_at(BASE + 0x801000))", "ParentEntryHugePage", "P2"),
    ("mapper.unmap(page_at(BASE + 0x80200000, Page2M))", "ParentEntryHugePage", "P3"),
    ("mapper.unmap(page_at(BASE + 0x400000, Page2M))", "SmallerPages", "table"),
    ("mapper.update_flags(page_at(BASE + 0x801000), P)", "ParentEntryHugePage", "P2"),
    ("mapper.update_flags(A + 1, P)", "PageNotMapped", "P1"),
    ("mapper.translate_page(page_at(BASE + 0x801000))", "ParentEntryHugePage", "P2"),
    ("mapper.set_flags_p2_entry(A2, PW)", "ParentEntryHugePage", ""),
    ("mapper.set_flags_p4_entry(OTHER, PW)", "PageNotMapped", depth.ROOT),
    ("mapper.clear(A)", "PageAlreadyMapped", at(0x405000)),
    ("mapper.clear(A + 1)", "PageNotMapped", "P1"),
    ("mapper.clear(page_at(BASE + 0x400000, Page2M))", "TableInTheWay", ""),
    ("mapper.unmap_range(PageRange(A2.to_size(Page4K), A2.to_size(Page4K) + 510))", "ParentEntryHugePage", ""),
    ("mapper.update_flags_range(PageRange(A, A + 1), P)", "PageNotMapped", at(0x406000)),
    ("mapper.unmap_range(PageRange(A, A + 1))", "PageNotMapped", at(0x406000)),
    ("mapper.unmap_range(PageRange(OTHER, OTHER + 5))", "PageNotMapped", depth.ROOT),
    ("mapper.update_flags_range(PageRange(OTHER, OTHER + 5), P)", "PageNotMapped", depth.ROOT),
    ("mapper.unmap_range(PageRange(page_at(BASE + 0xc0000000), page_at(BASE + 0xc0000000)))", "PageNotMapped", "P3"),
    ("mapper.walk(PhysicalAddress(0x1000))", "TypeError", "VirtualAddress or a Page"),
    ("mapper.map_range(PageRange(A + 9, A + 9), FrameRange(F, F), PW, frames, None, 1)", "TypeError", "size must be"),
    ("mapper.clean_up_range(A, frames)", "TypeError", "PageRange expected"),
    (
        "mapper.identity_map(frame_at(0xff00000000), PW, EmptyFrameAllocator())",
        "FrameAllocationFailed",
        f"{depth.LEVELS - 1} frames",
    ),
    ("mapper.map_to(page_at(0xdeadbeaf000), F, PW, EmptyFrameAllocator())", "FrameAllocationFailed", "v0xdeadbeaf000"),
]


def test_a_call_that_cannot_be_done_says_why_and_changes_nothing(paging):
    for call, name, *texts in REFUSALS:
        refused(paging, call, name, *texts)


SYSTEM = {
    "kernel's text": "boot.sections()[0][1]",
    "the physical window": "LAYOUT['WINDOW_PAGE'] + 0x1234",
    "the recursive slot": hex(depth.root_page(510)),
    "the technique windows": hex(depth.root_page(508)),
    "the recursive slot of inactive tables": hex(depth.root_page(509)),
}


SYSTEM_CALLS = ["unmap(page)", "update_flags(page, P)", "map_to(page, F, PW, frames)", "clear(page)"]


@pytest.mark.parametrize("name", SYSTEM)
def test_what_the_kernel_runs_on_is_refused_by_name(paging, name):
    paging.exec(f"page = Page({SYSTEM[name]})")
    for call in SYSTEM_CALLS:
        answer = paging.eval(f"refused(lambda: mapper.{call})")
        assert answer[0] in (("KernelInUse", "PageNotMapped") if call.startswith("clear") else ("KernelInUse",))
        if answer[0] == "KernelInUse":
            assert name in answer[1]
            assert "which the kernel itself runs on" in answer[1]


def test_every_section_of_the_image_is_refused(paging):
    for name, page, _, count, _ in paging.eval("boot.sections()"):
        for number in (page, page + count - 1):
            assert paging.eval(f"refused(mapper.unmap, Page({number}))")[0] == "KernelInUse", name
    paging.exec("mapper.set_flags_p4_entry(page_at(BASE), PW).flush()")
    assert paging.eval("refused(mapper.set_flags_p4_entry, Page(boot.sections()[0][1]), PW)")[0] == "KernelInUse"


def test_a_range_that_only_touches_the_kernel_is_refused(paging):
    pages = "PageRange.from_numbers(page_of_root_entry(508) - 4, page_of_root_entry(508) + 3)"
    before = state(paging)
    answer = paging.eval(f"refused(mapper.map_range, {pages}, FrameRange.from_numbers(0, 7), PW, frames)")
    assert answer[0] == "KernelInUse"
    assert "the technique windows" in answer[1]
    text = paging.eval("boot.sections()[0][1]")
    for first, last in ((text - 3, text), (text - 3, text + 3), (text + 3, text + 6)):
        pages = f"PageRange.from_numbers({first}, {last})"
        for call in (f"unmap_range({pages})", f"update_flags_range({pages}, P)"):
            name, message = paging.eval(f"refused(lambda: mapper.{call})")
            assert name == "KernelInUse"
            assert f"v{max(first, text) << 12:#x}:" in message, "the first page of it that is the kernel's"
    assert state(paging) == before


RESERVED = [(level, bit) for level in range(depth.LEVELS, 0, -1) for bit in (40, 51)] + [(depth.LEVELS, 7)]


@pytest.mark.parametrize(("level", "bit"), RESERVED)
def test_an_entry_with_reserved_bits_is_shown_by_walk_and_never_followed(paging, level, bit):
    paging.exec(f"""
        table, index = where(A, {level})
        old = tables.entry_frame(table, index), tables.entry_flags(table, index)
        """)
    frame, word = paging.eval("old")
    bad = (frame | 1 << bit - 12, word) if bit >= 12 else (frame, word | 1 << bit)
    paging.exec(f"tables.set_entry(table, index, {bad[0]}, {bad[1]})")
    refused(paging, "mapper.translate(A.start_address)", "MalformedEntry", f"its P{level} entry")
    refused(paging, "mapper.translate_page(A)", "MalformedEntry")
    refused(paging, "mapper.unmap(A)", "MalformedEntry", at(0x405000))
    refused(paging, "mapper.update_flags(A, P)", "MalformedEntry")
    refused(paging, "mapper.unmap_range(PageRange(A, A))", "MalformedEntry")
    if level > 1:
        refused(paging, "mapper.map_to(A + 1, F, PW, frames)", "MalformedEntry")
    walked = paging.text("mapper.walk(A.start_address)")
    assert f"P{level}[" in walked
    assert walked.rstrip().endswith("RESERVED BITS SET")
    assert len(walked.splitlines()) == 2 + depth.LEVELS - level
    assert paging.text("mapper.translate_addr(A.start_address)") == "None"
    paging.exec("tables.set_entry(table, index, *old)")
    assert paging.text("mapper.translate_page(A)") == "Frame(p0x9000)"


@pytest.mark.parametrize(("page", "level", "bit"), [("A2", 2, 13), ("A2", 2, 20), ("A1", 3, 13), ("A1", 3, 29)])
def test_a_huge_page_that_is_not_aligned_is_malformed(paging, page, level, bit):
    paging.exec(f"table, index = where({page}, {level})")
    paging.exec("frame, word = tables.entry_frame(table, index), tables.entry_flags(table, index)")
    paging.exec(f"tables.set_entry(table, index, frame | {1 << bit - 12}, word)")
    refused(paging, f"mapper.unmap({page})", "MalformedEntry", f"its P{level} entry")
    refused(paging, f"mapper.translate({page}.start_address)", "MalformedEntry")
    assert "RESERVED BITS SET" in paging.text(f"mapper.walk({page}.start_address)")


def test_one_gibibyte_pages_need_a_cpu_that_has_them(boot):
    from harness import Kernel  # noqa: PLC0415 (a machine of its own)

    guest = boot(cpu="qemu64")
    guest.console.wait_for_prompt(30)
    kernel = Kernel(guest)
    kernel.exec(source("paging/prelude"))
    kernel.exec("owned = own_frames(1030); frames = Frames(owned); mapper = OffsetPageTable()")
    kernel.exec("BASE = page_of_root_entry(40) << 12")
    call = "mapper.map_to(page_at(BASE, Page1G), frame_at(1 << 30, Page1G), PW, frames)"
    assert kernel.eval(f"refused(lambda: {call})")[0] == "ContradictoryFlags"
    kernel.exec(
        "mapper.map_range(PageRange.from_numbers(page_of_root_entry(40), page_of_root_entry(40) + (1 << 18) - 1),"
        "FrameRange.from_numbers(1 << 18, (1 << 19) - 1), PW, frames)"
    )
    assert kernel.eval("mapper.translate(VirtualAddress(BASE)).level") == 2
    assert kernel.eval("frames.out") == kernel.eval("LEVELS") - 2


WITHOUT_HEAP = [
    "mapper.map_to(A + 1, F, PW, frames)",
    "mapper.map_to(OTHER, F, PW, frames)",
    "mapper.map_to(A + 2, F, PW, frames, PW | U)",
    "mapper.map_range(PageRange(A + 3, A + 600), FrameRange(F, F + 597), PW, frames)",
    "mapper.unmap(A)",
    "mapper.unmap_range(PageRange(A, A))",
    "mapper.update_flags(A, P)",
    "mapper.update_flags_range(PageRange(A, A), P)",
    "mapper.set_flags_p3_entry(A, PW | U)",
    "mapper.clear(A + 1)",
    "mapper.unmap(A + 1)",
    "mapper.clean_up(frames)",
]


@pytest.mark.parametrize("call", WITHOUT_HEAP)
def test_without_any_heap_a_call_does_all_or_nothing(paging, call):
    """With the heap locked, a call either does without it or raises MemoryError before anything has changed."""
    paging.exec(f"import micropython\nact = lambda: {call}")
    before, open_tokens = state(paging), paging.eval("len(mapper.ledger.open)")
    paging.exec("""
        micropython.heap_lock()
        try:
            answer = act()
        except MemoryError:
            answer = "MemoryError"
        finally:
            micropython.heap_unlock()
        """)
    if paging.eval("answer == 'MemoryError'"):
        assert state(paging) == before
        assert paging.eval("len(mapper.ledger.open)") == open_tokens
