"""GUARD=1: every machine of the tests has its page tables and its allocators' records behind a protection key.

What can't be so is marked `without_guard`, with the reason; Bochs has no such keys. Who pokes a table by hand opens the
guard for just that, with paging.guard's `opens_guard` or `opened`, which are nothing without one.
"""

import machine
import pytest

GUARD = machine.wanted_guard()
SHOWS_STALE = pytest.mark.without_guard("shows stale translations: QEMU forgets all when a key's rights change")
POKES = pytest.mark.without_guard("`poke` stores through the window, which the guard refuses")
SHOWS_ALL = pytest.mark.without_guard("shows the numbers and leaves of a machine without the guard")
COUNTS = pytest.mark.without_guard("holds counts of instructions, which are others behind the guard")


def why_left_out(item):
    """Return why a test can't have GUARD=1, or None."""
    if item.get_closest_marker("bochs"):
        return "Bochs has no protection keys for supervisor pages"
    mark = item.get_closest_marker("without_guard")
    return mark and mark.args[0]


def check_guard(kernel):
    """Fail if a test, whatever it did, left the guard open on the processor that runs Python."""
    guest = kernel.guest
    if GUARD and kernel.transport.in_raw_repl and guest.is_alive() and not (guest.failure or guest.expected_to_end):
        said = kernel.eval("__import__('_keys').supported() and __import__('_cpu').read_msr(0x6E1) >> 30")
        assert said is False or said == 2, "the guard was left open"
