"""Each policy does what its textbook says, fault by fault and page by page, on the MMU's own bits and faults."""

import pytest
import replacement
from oracle.replacement import ALGORITHMS

SEED = 7
# Of each kind: pages, frames, references from one tick to the next, references. A quarter of these are writes.
SETTINGS = {
    "uniform": (12, 9, 32, 1_500),
    "zipf": (24, 16, 8, 4_000),
    "favourites": (24, 14, 32, 4_000),
    "loop": (9, 8, 32, 500),
    "scan": (20, 12, 32, 4_000),
    "phases": (32, 9, 32, 5_500),
    "belady": (5, 3, 1, 500),
}


def test_there_are_twenty_thousand_references_of_every_kind():
    assert set(SETTINGS) == set(replacement.KINDS)
    assert sum(references for *_, references in SETTINGS.values()) == 20_000


@pytest.mark.parametrize("policy", ALGORITHMS)
def test_a_policy_faults_as_its_textbook_says(kernel, policy):
    kernel.timeout = 60
    kernel.exec(replacement.PROGRAM)
    for kind, (pages, frames, interval, references) in SETTINGS.items():
        count, differs = replacement.judge(kernel, policy, (kind, pages, frames, interval, SEED, references))
        assert differs == "", f"{kind}: {differs}"
        assert count > pages
