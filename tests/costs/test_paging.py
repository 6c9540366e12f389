"""What paging and owned mappings cost, in guest instructions: the reach that was set for it, held on every run."""

import bench
import pytest
from harness import depth
from harness.compiler import limit
from harness.guard import COUNTS

pytestmark = COUNTS

FIFTH_LEVEL = 1.04
"""What a level more may cost of each row."""

REACH = {
    "paging: map a range of 262,144": 5,
    "paging: unmap a range of 262,144": 10,
    "paging: change the flags of 262,144": 10,
    "paging: translate a range of 262,144": 6,
    "paging: map a page by numbers": 1000,
    "paging: translate a page by numbers": 900,
    "paging: map a page, typed": 5000,
    "paging: unmap a page, typed": 10500,
    "paging: translate an address, typed": 4300,
    "paging: map 1 GiB by 2 MiB pages by numbers, in all": 35000,
    "paging: map 1 GiB by one page, typed, in all": 23000,
    "paging: clean_up, per freed table": 1500,
    "paging: open and close a protection key": 1500,
}

OWNED_REACH = {
    # Where the lowest free run is a leaf of the tree; where it is none, 200 less.
    "ownership: create_mapping of a page and drop": 14600,
    # With a table that the window's huge page is divided into, and that is made whole again.
    "ownership: create_mapping of an executable page and drop": 65000,
    "ownership: remap a page to be executed, and back": 96000,
    "ownership: map_allocated_pages and drop, three tables made and freed": 100000,
    "ownership: map and unmap a page by numbers, one owner": 10000,
    "ownership: map 262,144 clean pages to given frames": 6,
    "ownership: remap 262,144 pages": 12,
    "ownership: unmap 262,144 pages": 15,
    "ownership: verify a million scattered pages, per page": 120,
    "ownership: split and merge a mapping": 60000,
}


def over_reach(rows, reach):
    """Return {row: instructions} of the rows that cost more than their reach."""
    share = FIFTH_LEVEL ** (depth.LEVELS - 4)
    spent = {name: rows[name]["instructions"] for name in reach}
    return {name: spent[name] for name, most in reach.items() if spent[name] > limit(most) * share}


@pytest.mark.slow
def test_every_row_of_paging_is_within_its_reach():
    rows = bench.run_rows("paging")
    assert over_reach(rows, REACH) == {}
    alone = "one page", "by numbers, in", "key"
    assert all("peers" in rows[name] for name in REACH if not any(words in name for words in alone))


@pytest.mark.slow
def test_every_row_of_ownership_is_within_its_reach():
    assert over_reach(bench.run_rows("ownership"), OWNED_REACH) == {}


@pytest.mark.writable_executable("pages mapped by number, with the flags of nobody")
def test_single_pages_by_numbers_use_no_heap(kernel):
    kernel.exec("""
        import gc
        from memory import allocate_frames
        from paging import BootInfo, BootInfoFrameAllocator, OffsetPageTable, PteFlagsX86_64
        from paging.leaves import leaf_at
        from paging.natives import entries
        frames = BootInfoFrameAllocator(BootInfo().memory_map, allocate_frames(8))
        mapper = OffsetPageTable()
        mapper.map_numbers(40 << 27, 5, 1, PteFlagsX86_64(3), frames)
        access, page = mapper.access, (40 << 27) + 1
        def used(call, *arguments):
            gc.collect()
            gc.disable()
            call(*arguments)
            before = gc.mem_alloc()
            for _ in range(50): call(*arguments)
            after = gc.mem_alloc()
            gc.enable()
            return after - before
        def cycle():
            access.map(page, 5, 3)
            access.translate(page)
            at = leaf_at(access.facts, access.see, page, 1)
            entries.change(at, 1, 1 << 24, 1)
            entries.take(at)
        """)
    assert kernel.eval("used(lambda: [1]) > 1000"), "the measure sees what is used"
    loop = kernel.eval("used(lambda: None)")
    assert kernel.eval("used(cycle)") == loop
    assert kernel.eval("access.translate(page)") == -1
