"""Machines with more than one CPU. What is said of `kernel` is true of these, too."""

import pytest
from harness import Kernel
from harness.spare import Spare
from on_target import source

START = "from processors import processors\nprocessors()"


@pytest.fixture(scope="session")
def spare_pair():
    """The machine of two CPUs that the last test left whole, if there is one."""
    spare = Spare(once=START)
    yield spare
    spare.stop()


@pytest.fixture
def pair(request, boot, spare_pair):
    """A kernel on a machine with two CPUs, with the names of `on_target/processors/prelude.py`."""
    yield from lent(spare_pair, request.node, lambda: boot(processors=2), lambda guest: Kernel(guest, timeout=30))


@pytest.fixture
def bochs_pair(request, boot_bochs):
    """The same on the second machine, a new one."""
    spare = Spare(boot_timeout_s=120, once=START)
    new = lambda: boot_bochs(processors=2)  # noqa: E731 (as above)
    yield from lent(spare, request.node, new, lambda guest: Kernel(guest, timeout=60))
    spare.stop()


def lent(spare, node, boot, kind):
    """Yield a kernel of a spare machine that has the prelude."""
    for kernel in spare.lend(node, boot, kind):
        kernel.exec(source("processors/prelude"))
        yield kernel
