"""Bench rows at the prompt: each undoes what it made, so that it can be run again and nothing of it is left."""

from harness import Kernel

RUN = """
import gc, memory
from diagnostics import bench
bench.WARM_UPS = bench.SAMPLES = 1
def left():
    gc.collect()
    frames, pages = memory.frame_allocator.statistics(), memory.page_allocator.statistics()
    return frames.free + frames.tables, pages.free, memory.verify().violations
def run(name, times):
    for _ in range(times):
        bench.run(name)
        after = left()
        if after != before: return after
"""
# The same rows, prepared in less time.
SMALLER = """
from diagnostics import bench_allocators, bench_ownership
chunked, bench_ownership.MILLION = bench_allocators.chunked, 1 << 15
bench_allocators.chunked = lambda chunks, size: chunked(min(chunks, 2000), size)
"""
# This one asks for each of its 100,000 chunks; those leave areas of Python's heap, which come back in time; these a
# page of addresses, of which none is used twice.
LEFT_OUT = "allocator: take and give by numbers anywhere, 100,000 free chunks", "heap: ", "callback: "


def odd_rows(kernel, wanted):
    """Of the rows that are wanted those after which something is left: {name: (frames, pages, violations)}."""
    kernel.exec(RUN + SMALLER + "before = left()")
    assert kernel.eval("before[2]") == []
    odd = {}
    for name in filter(wanted, kernel.eval("bench.names()")):
        found = kernel.eval(f"run({name!r}, 2)", timeout=120)
        if found is not None:
            odd[name] = found
    return odd


def test_each_row_leaves_nothing(kernel):
    special = kernel.eval("__import__('diagnostics.bench').bench.machines()")
    assert odd_rows(kernel, lambda name: name not in special and not name.startswith(LEFT_OUT)) == {}


def test_each_row_that_needs_much_memory_leaves_nothing(boot):
    guest = boot(memory="12G")
    guest.console.wait_for_prompt(30)
    kernel = Kernel(guest, timeout=120)
    special = kernel.eval("__import__('diagnostics.bench').bench.machines()")
    large = [name for name, settings in special.items() if "memory" in settings]
    assert len(large) > 5
    assert odd_rows(kernel, large.__contains__) == {}


def test_a_row_that_fails_leaves_nothing(kernel):
    """Whatever it had made by then; and the collector works again."""
    kernel.exec(RUN + "before = left()")
    kernel.exec("""
        from diagnostics import bench_faults, bench_paging
        def area():
            made = bench_faults.Area(bench_faults._typed)
            def act():
                made.act()
                raise OSError
            return act
        def regions():
            bench_paging.Regions(True)
            raise OSError
        bench_faults.ROWS += (("row: fails in its act", area, 1), ("row: fails before", regions, 1))
        """)
    for name in ("row: fails in its act", "row: fails before"):
        with kernel.raises("OSError"):
            kernel.exec(f"bench.run({name!r})")
        assert kernel.eval("left() == before and gc.isenabled()")


def test_rows_at_the_prompt(console):
    """As it was found: `bench fault` failed, and left pages that nobody owned."""
    for _ in range(2):
        said = console.command("bench fault")
        assert "Error" not in said
        assert [line.split(":")[0] for line in said.splitlines()] == ["faults"] * 8
    assert "nothing to complain of" in console.command("verify")
    said = console.command("bench clean pages to given frames")
    assert said == (
        "MachineTooSmall: ownership: map 262,144 clean pages to given frames: needs a machine with 12G of RAM:"
        " make run MEMORY=12G\n"
    )
