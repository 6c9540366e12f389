"""Allocating costs what the contract allows, counted in guest instructions, however much is free or installed."""

import pytest
from harness import Kernel, QemuGuest
from harness.guard import COUNTS

pytestmark = COUNTS

FEW, MANY = "10 free chunks", "100,000 free chunks"
NUMBERS, OWNERS = "allocator: take and give by numbers", "allocator: allocate and drop"
AT_BOOT = ["allocator: allocate_pages(1) and drop, at boot", "allocator: allocate_frames(1) and drop, at boot"]


def count(names, memory):
    """Return {row name: instructions} of bench rows on a machine with so much RAM, each in a freshly reset kernel."""
    with QemuGuest(counted=True, memory=memory) as guest:
        guest.console.wait_for_prompt(60)
        kernel = Kernel(guest, timeout=60)
        counts = {}
        for name in names:
            kernel.soft_reset()
            kernel.exec("from diagnostics import bench")
            counts[name] = kernel.eval(f"bench.run({name!r})")[0]
        return counts


@pytest.fixture(scope="module")
def counts():
    """The counts of the rows that have a target, with 128 MiB."""
    names = [
        f"{what}, {chunks}{kind}" for what in (NUMBERS, OWNERS) for chunks in (FEW, MANY) for kind in ("", ", whole")
    ]
    names += [f"{NUMBERS} anywhere, {chunks}" for chunks in (FEW, MANY)]
    return count([*names, f"allocator: take and give a million by numbers, {FEW}", *AT_BOOT], "128M")


@pytest.mark.parametrize("kind", ["", ", whole"])
def test_allocating_one_costs_no_more_than_agreed(counts, kind):
    # A node that goes or comes asks for room on the stack first.
    assert counts[f"{NUMBERS}, {FEW}{kind}"] <= (2100 if kind else 2000)
    assert counts[f"{OWNERS}, {FEW}{kind}"] <= 9000
    assert max(counts[name] for name in AT_BOOT) <= 9000


@pytest.mark.parametrize("what", [NUMBERS, OWNERS, f"{NUMBERS} anywhere"])
def test_a_hundred_thousand_free_chunks_cost_at_most_half_more(counts, what):
    assert counts[f"{what}, {MANY}"] <= 1.5 * counts[f"{what}, {FEW}"]


def test_a_million_in_one_call_cost_about_what_one_costs(counts):
    assert counts[f"allocator: take and give a million by numbers, {FEW}"] <= 1.5 * counts[f"{NUMBERS}, {FEW}, whole"]


def test_no_cost_grows_with_the_amount_of_ram(counts):
    small, large = count(AT_BOOT, "32M"), count(AT_BOOT, "8G")
    for name in AT_BOOT:
        assert large[name] == pytest.approx(small[name], rel=0.05)
