"""Ranges: whole runs in one call, all page sizes, all or nothing."""

import pytest
from harness import Kernel, depth
from on_target import source
from oracle import page_walk

pytestmark = pytest.mark.writable_executable("pages that are mapped by hand, as a technique is told to")

PAGE = 4096
BASE = depth.root_entry(40)
TABLES = 1200

SETUP = f"""
import memory
owned = own_frames({TABLES})
frames = Frames(owned)
mapper = OffsetPageTable()
BASE = page_of_root_entry(40)
def pages(first, count):
    return PageRange.from_numbers(BASE + first, BASE + first + count - 1)
def run_of(first, count):
    return FrameRange.from_numbers(first, first + count - 1)
"""


@pytest.fixture
def paging(kernel):
    kernel.exec(source("paging/prelude"))
    kernel.exec(SETUP)
    return kernel


def leaves(paging):
    """Return the leaves of the test's region as an independent walk over guest RAM finds them."""
    cr3 = paging.eval("cpu.read_cr3()")
    return list(page_walk.walk(cr3, paging.guest.memory, top_slots=(40,)))


def state(paging):
    first, out, root = paging.eval("(owned.start.number, frames.out, cpu.read_root_frame())")
    return paging.guest.memory.read(first * PAGE, TABLES * PAGE), out, paging.guest.memory.read(root * PAGE, 2048)


CASES = [
    # first page, first frame, count, largest, expected (4 KiB, 2 MiB, 1 GiB) pages
    (0, 0x100000, 1, None, (1, 0, 0)),
    (511, 0x100000, 2, None, (2, 0, 0)),
    (0, 0x100000, 512, None, (0, 1, 0)),
    (0, 0x100001, 512, None, (512, 0, 0)),
    (1, 0x100001, 1535, None, (511, 2, 0)),
    (0, 0x100000, 262144, None, (0, 0, 1)),
    (0, 0x100200, 262144, None, (0, 512, 0)),
    (0, 0x100000, 262144, "Page2M", (0, 512, 0)),
    (0, 0x100000, 1024, "Page4K", (1024, 0, 0)),
    (262144 - 513, 0x100000 - 513, 262144 + 1026, None, (2, 2, 1)),
]


@pytest.mark.parametrize(("first", "frame", "count", "largest", "expected"), CASES)
def test_the_largest_pages_that_fit_are_used(paging, first, frame, count, largest, expected):
    paging.exec(f"mapper.map_range(pages({first}, {count}), run_of({frame}, {count}), PW, frames, None, {largest})")
    found = leaves(paging)
    assert tuple(sum(leaf.level == level for leaf in found) for level in (1, 2, 3)) == expected
    at = BASE + first * PAGE
    for leaf in found:
        assert (leaf.va, leaf.pa) == (at, (frame - first) * PAGE + at - BASE)
        assert leaf.writable
        at += leaf.size
    assert at == BASE + (first + count) * PAGE
    told = "[(r.page - BASE, r.count, r.frame, r.level) for r in runs]"
    paging.exec(f"runs = mapper.translate_range(pages({first}, {count}))")
    runs = paging.eval(told)
    assert sum(n for _, n, _, _ in runs) == count
    assert all(f - p == frame - first for p, _, f, _ in runs)
    paging.exec(f"runs, token = mapper.unmap_range(pages({first}, {count}))\ntoken.flush()")
    assert paging.eval(told) == runs
    assert leaves(paging) == []
    paging.exec("mapper.clean_up(frames)")
    assert paging.eval("frames.out") == 0
    assert paging.eval("findings() == HEALTHY")


def test_a_range_goes_round_what_is_mapped_inside_its_tables(paging):
    """An empty level-1 table where a huge page would fit is used, not refused; only map_to of a huge page is exact."""
    paging.exec("""
        mapper.map_to(Page(BASE + 512), Frame(5), PW, frames)
        mapper.unmap(Page(BASE + 512))[2].flush()
        mapper.map_range(pages(0, 1536), run_of(0x100000, 1536), PW, frames)
        """)
    assert [leaf.size for leaf in leaves(paging)] == [2 << 20] + [PAGE] * 512 + [2 << 20]


@pytest.mark.parametrize("available", range(depth.LEVELS + 1))
def test_frames_that_run_out_in_the_middle_leave_nothing_behind(paging, available):
    paging.exec(f"frames.limit = {available}")
    before = state(paging)
    call = "mapper.map_range(pages(0, 1200), run_of(0x100001, 1200), PW, frames)"
    assert paging.eval(f"refused(lambda: {call})") == (
        "FrameAllocationFailed",
        f"v{BASE:#x}: needs {depth.LEVELS + 1} frames for tables, the frame allocator had {available}",
    )
    assert state(paging) == before
    paging.exec(f"frames.limit = {depth.LEVELS + 1}\n{call}")
    assert len(leaves(paging)) == 1200


@pytest.mark.parametrize("place", [0, 1, 511, 512, 1199])
def test_a_page_in_the_way_anywhere_refuses_the_whole_range(paging, place):
    paging.exec(f"mapper.map_to(Page(BASE + {place}), Frame(5), P, frames)")
    before = state(paging)
    answer = paging.eval("refused(mapper.map_range, pages(0, 1200), run_of(0x100001, 1200), PW, frames)")
    assert answer[0] == "PageAlreadyMapped"
    assert f"v{BASE + place * PAGE:#x}" in answer[1]
    assert f"mapped to p{(0x100001 + place) * PAGE:#x}" in answer[1], "the frame that was offered for that page"
    assert state(paging) == before


@pytest.mark.parametrize("hole", [0, 1, 511, 512, 700, 1199])
def test_a_hole_anywhere_refuses_the_whole_range(paging, hole):
    paging.exec(f"""
        mapper.map_range(pages(0, 1200), run_of(0x100001, 1200), PW, frames)
        mapper.unmap(Page(BASE + {hole}))[2].flush()
        """)
    before = state(paging)
    for call in ("unmap_range(pages(0, 1200))", "update_flags_range(pages(0, 1200), P)"):
        name, message = paging.eval(f"refused(lambda: mapper.{call})")
        assert name == "PageNotMapped"
        assert f"v{BASE + hole * PAGE:#x}" in message
    assert state(paging) == before


def test_a_huge_page_that_reaches_out_refuses_the_whole_range(paging):
    paging.exec("mapper.map_range(pages(0, 1024), run_of(0x100000, 1024), PW, frames)")
    before = state(paging)
    for call in ("unmap_range(pages(0, 1000))", "unmap_range(pages(5, 1019))", "update_flags_range(pages(511, 2), P)"):
        assert paging.eval(f"refused(lambda: mapper.{call})")[0] == "ParentEntryHugePage"
    for call in ("unmap_range(pages(5, 512))", "update_flags_range(pages(511, 512), P)"):
        assert paging.eval(f"refused(lambda: mapper.{call})")[0] == "ParentEntryHugePage", "as long as a huge page"
    assert state(paging) == before


def test_huge_pages_go_and_the_tables_behind_them_stay(paging):
    """Huge pages next to tables of small ones, unmapped in one call: the tables are emptied, not forgotten."""
    paging.exec("""
        mapper.map_range(pages(0, 1024), run_of(0x100000, 1024), PW, frames)
        mapper.map_range(pages(1024, 1024), run_of(0x200001, 1024), PW, frames)
        """)
    assert paging.eval("frames.out") == depth.LEVELS
    for call in ("update_flags_range(pages(0, 2048), P).flush()", "unmap_range(pages(0, 2048))[1].flush()"):
        paging.exec(f"mapper.{call}")
        wanted = [] if call.startswith("unmap") else [1 << 21] * 2 + [PAGE] * 1024
        assert [leaf.size for leaf in leaves(paging)] == wanted
    assert paging.eval("(mapper.clean_up(frames), frames.out)") == (depth.LEVELS, 0)


def test_changing_flags_over_a_mix_of_sizes_keeps_what_is_asked_for(paging):
    paging.exec("""
        mapper.map_range(pages(262144 - 513, 262144 + 1026), run_of(0x100000 - 513, 262144 + 1026),
                         PW | PteFlagsX86_64.DIRTY | PteFlagsX86_64.EXCLUSIVE, frames)
        mapper.update_numbers(BASE + 262144 - 513, 262144 + 1026, P | NX | PteFlagsX86_64.PAT,
                              (PteFlagsX86_64.DIRTY | PteFlagsX86_64.ACCESSED).word).ignore()
        """)
    found = leaves(paging)
    assert [leaf.level for leaf in found] == [1, 2, 3, 2, 1]
    for leaf in found:
        pat_and_size = 0x80 if leaf.level == 1 else 0x1080
        assert leaf.raw & ~(leaf.size - 1) & page_walk.ADDRESS_MASK == leaf.pa
        assert leaf.raw & 0xFFF0_0000_0000_1FFF & ~(leaf.pa & 0x1000) == 1 << 63 | 0x41 | pat_and_size
    assert paging.text("mapper.translate(VirtualAddress(BASE + 262144 << 12)).flags") == (
        "PRESENT | DIRTY | HUGE_PAGE | NO_EXECUTE | PAT"
    )


def test_translating_a_range_finds_holes_sizes_and_rights(paging):
    paging.exec("""
        mapper.map_range(pages(3, 5), run_of(0x777, 5), PW, frames)
        mapper.map_range(pages(8, 2), run_of(0x77c, 2), P, frames)
        mapper.map_range(pages(10, 2), run_of(0x9000, 2), P, frames)
        mapper.map_range(pages(1024, 1024), run_of(0x100000, 1024), PW, frames)
        """)
    paging.exec("runs = mapper.translate_range(pages(0, 1 << 27))")
    runs = paging.eval("[(r.page - BASE, r.count, r.frame, r.level) for r in runs]")
    assert [(p, n, f if f >= 0 else None) for p, n, f, _ in runs] == [
        (0, 3, None),
        (3, 5, 0x777),
        (8, 2, 0x77C),
        (10, 2, 0x9000),
        (12, 1012, None),
        (1024, 1024, 0x100000),
        (2048, (1 << 27) - 2048, None),
    ]


def test_a_run_that_begins_inside_a_huge_page_says_where(paging):
    paging.exec("mapper.map_range(pages(0, 1024), run_of(0x100000, 1024), PW, frames)")
    runs = paging.eval("[(r.page - BASE, r.count, r.frame, r.level) for r in mapper.translate_range(pages(100, 600))]")
    assert runs == [(100, 600, 0x100064, 2)]


def test_empty_ranges_do_nothing(paging):
    before = state(paging)
    paging.exec("""
        nothing = PageRange.empty()
        assert not mapper.map_range(nothing, FrameRange.empty(), PW, frames).needed
        assert mapper.unmap_range(nothing)[0] == []
        assert not mapper.update_flags_range(nothing, P).needed
        assert mapper.translate_range(nothing) == []
        assert mapper.clean_up_range(nothing, frames) == 0
        """)
    assert state(paging) == before


def test_clean_up_frees_bottom_up_and_keeps_what_is_used(paging):
    paging.exec("""
        mapper.map_range(pages(0, 2000), run_of(0x100001, 2000), PW, frames)
        mapper.unmap_range(pages(0, 1024))[1].flush()
        out = frames.out
        """)
    assert paging.eval("mapper.clean_up_range(pages(512, 1), frames)") == 1
    assert paging.eval("mapper.clean_up_range(pages(1999, 1), frames)") == 0
    assert paging.eval("mapper.clean_up(frames)") == 1
    paging.exec("mapper.unmap_range(pages(1024, 976))[1].flush()")
    assert paging.eval("mapper.clean_up(frames)") == depth.LEVELS
    assert paging.eval("frames.out") == 0
    assert paging.eval("findings() == HEALTHY")


def test_clean_up_never_frees_level_3_tables_of_the_kernels_half(paging):
    before = paging.guest.memory.read(paging.eval("cpu.read_root_frame()") * PAGE + 2048, 2048)
    assert paging.eval("mapper.clean_up(frames)") == 0
    assert paging.guest.memory.read(paging.eval("cpu.read_root_frame()") * PAGE + 2048, 2048) == before
    assert paging.eval("findings() == HEALTHY")


def test_a_long_range_of_both_halves_ends(paging):
    """Up to the last page of either half, without forming an address behind it."""
    paging.exec("other = OffsetPageTable(new_root(frames.allocate_frame()))")
    for last in ((depth.HALF_BYTES >> 12) - 1, 0xFFFFFFFFFFFFF):
        paging.exec(f"""
            ends = PageRange.from_numbers({last} - 599, {last})
            other.map_range(ends, run_of(0x100000, 600), PW, frames)
            """)
        found = paging.eval("[(r.page, r.count, r.frame) for r in other.translate_range(ends)]")
        assert found == [(last - 599, 600, 0x100000)]
        paging.exec("other.unmap_range(ends)")
    assert paging.eval("(other.clean_up(frames), frames.out)") == (2 * depth.LEVELS, 1)


def test_a_deallocator_that_fails_loses_at_most_the_frame_it_was_given(paging):
    paging.exec("""
        mapper.map_range(pages(0, 2000), run_of(0x100001, 2000), PW, frames)
        mapper.unmap_range(pages(0, 2000))[1].flush()
        class Failing:
            got = []
            def deallocate_run(self, frame, count):
                if not self.got:
                    self.got.append((frame, count))
                    raise RuntimeError("full")
                for number in range(frame, frame + count): frames.deallocate_frame(Frame(number))
        """)
    assert paging.eval("frames.out") == depth.LEVELS + 2
    assert paging.eval("refused(mapper.clean_up, Failing())") == ("RuntimeError", "full")
    assert paging.eval("mapper.clean_up(frames)") == 0, "nothing new to free"
    refused_run = paging.eval("Failing.got[0]")
    assert paging.eval("frames.out") == refused_run[1], "the others came back, once"
    paging.exec(f"for number in range({refused_run[0]}, {sum(refused_run)}): frames.deallocate_frame(Frame(number))")
    assert paging.eval("len(set(frames.free)) == len(frames.free)")


def test_identity_mapping_puts_a_frame_of_any_size_at_its_own_address(paging):
    for size, address in (("Page4K", 0x140000005000), ("Page2M", 0x140000200000), ("Page1G", 0x140040000000)):
        number = address % (1 << 39)
        paging.exec(f"mapper.identity_map(frame_at({number}, {size}), PW, frames)")
        assert paging.text(f"mapper.translate_addr(VirtualAddress({number + 0x123}))") == f"p{number + 0x123:#x}"
    paging.exec("""
        for number, size in ((0x5000, Page4K), (0x200000, Page2M), (0x40000000, Page1G)):
            mapper.unmap(page_at(number, size))[2].flush()
        mapper.clean_up(frames)
        """)
    assert paging.eval("frames.out == 0 and findings() == HEALTHY")
    assert paging.eval("refused(lambda: mapper.identity_map(Page(5), PW, frames))")[0] == "TypeError"


@pytest.mark.four_levels  # with five, every frame has a page of its number
def test_an_identity_mapping_above_the_lower_half_is_refused(boot):
    guest = boot(cpu="max,phys-bits=52")
    guest.console.wait_for_prompt(30)
    kernel = Kernel(guest)
    kernel.exec(source("paging/prelude"))
    kernel.exec("mapper = OffsetPageTable()")
    name, message = kernel.eval("refused(mapper.identity_map, frame_at(1 << 47), PW, EmptyFrameAllocator())")
    assert name == "NonCanonicalAddress"
    assert "v0x800000000000" in message


def test_a_run_says_what_it_is(paging):
    paging.exec("mapper.map_range(pages(3, 2), run_of(0x900, 2), PW, frames)")
    said = paging.eval("[repr(run) for run in mapper.translate_range(pages(2, 3))]")
    assert said == [
        f"Run(v{BASE + 0x2000:#x} +1: NotMapped)",
        f"Run(v{BASE + 0x3000:#x} +2 -> p0x900000, PRESENT | WRITABLE, P1)",
    ]
    paging.exec("mapper.unmap_range(pages(3, 2))[1].flush(); mapper.clean_up_range(pages(0, 512), frames)")
