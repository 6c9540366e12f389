"""What faults may cost, in guest instructions, and what keeps it low: allocations that don't search the whole heap,
names that are found at once. Counted on a machine whose clock is its instructions."""

import pytest
from harness.guard import COUNTS

pytestmark = COUNTS


@pytest.mark.parametrize(
    "row",
    [
        "faults: fault to except",
        "faults: a fault's line",
        "faults: handler by numbers maps a page, retry",
        "faults: typed handler maps a page, retry",
        "faults: handler maps an owned page, retry",
        "faults: take the bits of a page",
    ],
)
def test_a_row_is_within_its_limit(counted, row):
    counted.soft_reset()
    counted.exec("from diagnostics import bench, bench_faults")
    limit = counted.eval(f"bench_faults.LIMITS[{row!r}]")
    assert counted.eval(f"bench.run({row!r})[0]") <= limit


def test_small_holes_in_the_heap_cost_nothing(counted):
    """Thousands of single free blocks lie before the first place for four."""
    counted.soft_reset()
    counted.exec("""
        import gc
        from time import ticks_cpu
        holes = [[n] for n in range(6000)]
        for n in range(0, 6000, 2): holes[n] = None
        gc.collect(); gc.disable()
        def allocate(count):
            kept = []
            before = ticks_cpu()
            for n in range(count): kept.append(bytearray(100))
            return (ticks_cpu() - before) // count
        allocate(10)
        found = allocate(100)
        gc.enable()
        """)
    assert counted.eval("found") < 4000


def test_a_name_that_is_not_there_is_missed_quickly(counted):
    counted.soft_reset()
    counted.exec("""
        import memory
        from time import ticks_cpu
        def miss(count):
            before = ticks_cpu()
            for n in range(count): getattr(memory, 'frame_allocator', None)
            return (ticks_cpu() - before) // count
        """)
    assert counted.eval("miss(100)") < 3000


def test_allocating_and_freeing_at_random_keeps_every_byte(counted):
    counted.soft_reset()
    counted.exec("""
        import gc, random
        random.seed(6)
        def churn(steps, most):
            live, bad = {}, 0
            for step in range(steps):
                slot = random.randrange(most)
                if slot in live:
                    bad += live[slot] != bytes([slot & 255]) * len(live[slot])
                    if step % 3 == 0: del live[slot]
                    else: live[slot] += bytes([slot & 255]) * random.randrange(80)
                    if slot in live and len(live[slot]) > 600: live[slot] = bytes([slot & 255]) * 20
                else: live[slot] = bytes([slot & 255]) * random.randrange(1, 320)
                if step % 1500 == 0: gc.collect()
            return bad
        gc.collect(); before = gc.mem_alloc()
        """)
    assert counted.eval("churn(12000, 700)", timeout=100) == 0
    assert abs(counted.eval("(gc.collect(), gc.mem_alloc() - before)[1]")) < 2000


def test_a_full_heap_still_finds_its_last_holes(counted):
    """What was freed by hand is used again before the heap grows: for all sizes, in either order."""
    counted.soft_reset()
    counted.exec("""
        import gc
        gc.collect()
        kept = [bytearray(200) for n in range(2000)]
        high = gc.mem_alloc()
        for n in range(0, 2000, 2): kept[n] = None
        gc.collect()
        again = [bytearray(200) for n in range(1000)]
        """)
    assert counted.eval("gc.mem_alloc() - high") < 30000
