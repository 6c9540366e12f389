"""What devices may cost, in guest instructions, counted on a machine whose clock is its instructions."""

import pytest
from harness import Kernel, QemuGuest

LIMITS = {
    "device: read a register": 400,
    "device: write a register": 400,
}


@pytest.fixture(scope="module")
def count():
    """A function that runs a bench row in a fresh kernel and returns its instructions per act."""
    with QemuGuest(counted=True) as guest:
        guest.console.wait_for_prompt(30)
        kernel = Kernel(guest, timeout=60)

        def run(row):
            kernel.soft_reset()
            kernel.exec("from diagnostics import bench")
            return kernel.eval(f"bench.run({row!r})")[0]

        yield run


@pytest.mark.parametrize("row", LIMITS)
def test_a_row_is_within_its_limit(count, row):
    assert 0 < count(row) <= LIMITS[row]
