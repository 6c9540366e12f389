"""Random programs over the whole interface of mappings agree with a model of plain dictionaries."""

import fuzz
import pytest

SEEDS = [11, 12]
OPERATIONS = 13_000  # for each seed


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_random_programs_agree_with_the_model(seed):
    counts = fuzz.run(seed, OPERATIONS)
    assert sum(counts.values()) == OPERATIONS
    assert len(counts) >= 25
    assert min(counts.values()) > 100
