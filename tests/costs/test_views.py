"""What typed access may cost, in guest instructions, counted on a machine whose clock is its instructions."""

import pytest
from harness.guard import COUNTS

pytestmark = COUNTS

LIMITS = {
    "view: as_slice, the first of a mapping": 4000,
    "view: as_slice and release": 4000,
    "view: read one byte, checked": 250,
    "view: write one byte, checked": 350,
    "view: iterate, one element": 250,
    "view: call a native function of two integers": 450,
    "callback: machine code calls a Python function of two integers": 8000,
    "callback: make one and release it": 75000,
    "heap: one object of 1 KiB in a heap that has grown": 4000,
}
MEMCPY = "view: 64 KiB between two bytearrays (memcpy)"


@pytest.mark.parametrize("row", LIMITS)
def test_a_row_is_within_its_limit(count, row):
    assert 0 < count(row) <= LIMITS[row]


@pytest.mark.parametrize("row", ["view: copy_from 64 KiB", "view: copy_to 64 KiB"])
def test_a_large_copy_costs_what_memcpy_costs(count, row):
    assert count(row) <= 1.2 * count(MEMCPY)
