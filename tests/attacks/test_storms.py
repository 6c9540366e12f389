"""A short storm around each kind of attack; `make storms` makes long ones."""

import pytest
import storms

OPERATIONS = 300


@pytest.mark.parametrize("kind", storms.KINDS)
def test_a_short_storm_finds_nothing(kind):
    assert storms.run(kind, seed=1, count=OPERATIONS) == (OPERATIONS, [])
