"""TLB shootdown by every path of the engine; and what it costs."""

import pytest

from processors.shootdown_rows import ROWS


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.__name__)
def test_on_two_processors(pair, row):
    row(pair)


def test_on_the_second_machine(bochs_pair):
    for row in ROWS:
        row(bochs_pair)
