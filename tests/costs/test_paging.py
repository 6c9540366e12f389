"""What paging costs, in guest instructions: the reach that was set for it, held on every run."""

import bench
import pytest

REACH = {
    "paging: map a range of 262,144": 6,
    "paging: unmap a range of 262,144": 15,
    "paging: change the flags of 262,144": 10,
    "paging: map a page by numbers": 1000,
    "paging: translate a page by numbers": 1250,
    "paging: map a page, typed": 5000,
    "paging: translate an address, typed": 5000,
    "paging: map 1 GiB by 2 MiB pages by numbers, in all": 70000,
    "paging: map 1 GiB by one page, typed, in all": 43000,
    "paging: clean_up, per freed table": 2150,
}


@pytest.mark.slow
def test_every_row_is_within_its_reach():
    rows = bench.run_rows("paging")
    too_much = {name: rows[name]["instructions"] for name, most in REACH.items() if rows[name]["instructions"] > most}
    assert too_much == {}
    assert all("peers" in rows[name] for name in REACH if "one page" not in name and "by numbers, in" not in name)


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
