"""What a TLB shootdown costs, in instructions of all processors together."""

import pytest
from harness import Kernel, QemuGuest
from harness.guard import COUNTS

pytestmark = COUNTS

ROUNDS = (
    "processors: a round for one page, one attached",
    "processors: a round for one page, two attached",
    "processors: a round for one page, three attached",
    "processors: a round for 64 pages, one attached",
)
PAIR = "processors: create_mapping of a page and drop, "
REMAP = "processors: remap 512 pages, per page, "


@pytest.fixture(scope="module")
def cost():
    """A function that returns what a row costs in a fresh kernel of a machine with four CPUs."""
    with QemuGuest(counted=True, processors=4) as guest:
        guest.console.wait_for_prompt(30)
        kernel = Kernel(guest, timeout=60)

        def run(row):
            kernel.soft_reset()
            kernel.exec("from diagnostics import bench, bench_processors")
            assert kernel.eval("sorted(bench_processors.LIMITS)") == sorted(ROUNDS)
            limit, found = kernel.eval(f"(bench_processors.LIMITS.get({row!r}), bench.run({row!r})[0])")
            assert found > 0
            return found, limit

        yield run


@pytest.mark.parametrize("row", ROUNDS)
def test_a_round_is_within_its_limit(cost, row):
    found, limit = cost(row)
    assert found <= limit


def test_who_is_attached_costs_a_call_little(cost):
    parked, one, two = [cost(PAIR + who)[0] for who in ("all parked", "one attached", "two attached")]
    assert 0 < one - parked <= 300
    assert 0 < two - one <= 100


def test_flags_change_atomically_for_little(cost):
    """Another CPU sets ACCESSED and DIRTY meanwhile; without one, as before."""
    parked, one = [cost(REMAP + who)[0] for who in ("all parked", "one attached")]
    assert 0 < one - parked <= 11
