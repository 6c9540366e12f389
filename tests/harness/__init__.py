"""The host's side of the tests: machines under a supervisor, their consoles, QEMU's own view, and guest RAM."""

from harness.errors import GuestFailure, KernelRaised
from harness.guest import BOOT_TIMEOUT_S, BochsGuest, QemuGuest
from harness.kernel import Kernel
from harness.unix import UnixPython

__all__ = ["BOOT_TIMEOUT_S", "BochsGuest", "GuestFailure", "Kernel", "KernelRaised", "QemuGuest", "UnixPython"]
