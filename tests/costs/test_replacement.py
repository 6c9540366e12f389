"""What a fault of a Swapped may cost, in guest instructions, the store apart. Counted on a machine whose clock is its
instructions."""

import pytest
from harness.guard import COUNTS

pytestmark = COUNTS

ROWS = [
    "replacement: a frame is free",
    "replacement: a clean page goes",
    "replacement: a dirty page goes",
    "replacement: a page that is read ahead",
]


def test_all_rows_are_listed(counted):
    counted.soft_reset()
    counted.exec("from diagnostics import bench_replacement")
    assert counted.eval("list(sorted(bench_replacement.LIMITS))") == sorted(ROWS)


@pytest.mark.parametrize("row", ROWS)
def test_a_row_is_within_its_limit(counted, row):
    counted.soft_reset()
    counted.exec("from diagnostics import bench, bench_replacement")
    limit = counted.eval(f"bench_replacement.LIMITS[{row!r}]")
    assert counted.eval(f"bench.run({row!r})[0]") <= limit
