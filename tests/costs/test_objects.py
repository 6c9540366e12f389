"""What object files may cost, in guest instructions."""

import bench
import pytest
from harness.compiler import limit
from harness.guard import COUNTS

pytestmark = COUNTS

LOOP = 50  # what the row's own loop adds to each call
LIMITS = {
    "objects: load two of 4 KB with 24 relocations": 2_000_000,
    "objects: replace one of them": 1_500_000,
    "objects: unload both": 100_000,
    "objects: call a function of three integers": 450 + LOOP,
}


@pytest.fixture(scope="module")
def rows():
    return bench.run_rows("objects:")


@pytest.mark.parametrize("row", LIMITS)
def test_a_row_is_within_its_limit(rows, row):
    assert 0 < rows[row]["instructions"] <= limit(LIMITS[row])


def test_the_objects_are_as_large_as_the_rows_say(kernel):
    kernel.exec("from diagnostics.bench_objects import FILES, objects")
    assert 3800 < kernel.eval("sum([len(data) for _, data in FILES])") / 2 < 4400
    kernel.exec("loaded = objects.load(FILES)")
    assert kernel.eval("sum([len(each.needs()) for each in loaded])") == 24
    assert kernel.eval("loaded[0].symbol('one3').as_func('q(qqq)')(1, 2, 39)") == 42
    kernel.exec("import gc; loaded = None; gc.collect(); objects.unload('one.o', 'two.o')")
