"""A machine whose clock is its instructions."""

import pytest
from harness import Kernel, QemuGuest


@pytest.fixture(scope="module")
def counted():
    """A kernel on a machine that counts instructions; who uses it resets it."""
    with QemuGuest(counted=True) as guest:
        guest.console.wait_for_prompt(30)
        yield Kernel(guest, timeout=60)


@pytest.fixture(scope="module")
def count(counted):
    """A function that runs a bench row in a fresh kernel and returns its instructions per act."""

    def run(row):
        counted.soft_reset()
        counted.exec("from diagnostics import bench")
        return counted.eval(f"bench.run({row!r})")[0]

    return run
