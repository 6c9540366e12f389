"""What the tests of devices share."""

import pytest
from harness import Kernel


@pytest.fixture
def with_devices(boot):
    """A function that boots a machine with these words of QEMU's, and returns a kernel with the names of `devices`."""

    def start(*extra, **settings):
        guest = boot(extra=extra, **settings)
        guest.console.wait_for_prompt(60)
        kernel = Kernel(guest, timeout=30)
        kernel.exec("import memory\nfrom memory import *\nfrom devices import *\nRW = PteFlags().writable(True)")
        return kernel

    return start


@pytest.fixture
def edu(with_devices):
    """A kernel that drives QEMU's teaching device: `edu`."""
    kernel = with_devices("-device", "edu")
    kernel.exec("from devices.edu import Edu\nedu = Edu()")
    return kernel
