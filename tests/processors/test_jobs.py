"""Another CPU does what it is given, and is told what it must forget."""

import pytest
from processors.rows import ROWS


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.__name__)
def test_on_two_processors(pair, row):
    row(pair)
