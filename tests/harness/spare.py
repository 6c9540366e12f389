"""Between two tests: a machine that the last one left as a boot leaves it serves the next one.

A soft reset takes a quarter of a boot's time, and what the emulator has translated stays translated.
"""

import pytest

from harness.aliases import check_aliases
from harness.guard import check_guard
from harness.guest import BOOT_TIMEOUT_S
from harness.kernel import Kernel

# In a test's stash: its machines, stopped at its end; and whether it passed.
GUESTS = pytest.StashKey[list]()
PASSED = pytest.StashKey[bool]()

# What a soft reset must bring back as it was at power-on: what both allocators count.
COUNTS = "[str(a.statistics()) for m in [__import__('memory')] for a in (m.frame_allocator, m.page_allocator)]"
# What a test may leave otherwise, but then nobody else gets its machine: registers, EFER and PAT, and files.
REST = """[(c.read_cr0(), c.read_cr3(), c.read_cr4(), c.read_flags(), c.read_idt(), c.read_msr(0xC0000080),
c.read_msr(0x277), __import__("os").listdir("/")) for c in [__import__("_cpu")]]""".replace("\n", " ")


class Spare:
    """The machine that the last test left whole, if there is one; it waits in the raw REPL.

    boot_timeout_s: how long a new one may take to its prompt. is_held: its process is stopped while it waits, for
    Bochs takes a whole CPU to wait. once: code for a new machine, whose traces in the counts no soft reset takes away.
    """

    def __init__(self, boot_timeout_s=BOOT_TIMEOUT_S["pvh"], is_held=False, once=""):
        self.boot_timeout_s = boot_timeout_s
        self.is_held = is_held
        self.once = once
        self.guest = None

    def lend(self, node, boot, kind=Kernel):
        """Yield a kernel (a `kind` of it) for a test, on the spare machine or on a new one; then look at what it left.

        After the test, whatever it did, a soft reset must leave what the allocators count as it was at boot:
        AssertionError. The machine becomes the spare one if the test passed and nothing else is changed either.
        """
        guest, self.guest = self.guest, None
        if guest is None:
            guest = boot()
            guest.console.wait_for_prompt(self.boot_timeout_s)
            new = Kernel(guest, timeout=30)
            if self.once:
                new.exec(self.once)
                new.soft_reset()
            guest.at_boot = new.eval(f"({COUNTS}, {REST})")
        else:
            node.stash[GUESTS].append(guest)
            if self.is_held:
                guest.go_on()
        kernel = kind(guest)
        yield kernel
        check_aliases(guest, node)
        check_guard(kernel)
        if not kernel.transport.in_raw_repl or guest.failure or guest.expected_to_end or not guest.is_alive():
            return
        kernel.soft_reset()
        counts, rest = kernel.eval(f"({COUNTS}, {REST})")
        assert counts == guest.at_boot[0], "a soft reset did not give everything back"
        if node.stash.get(PASSED, False) and rest == guest.at_boot[1]:
            guest.check()
            guest.forget()
            node.stash[GUESTS].remove(guest)
            guest.left_by = node.nodeid
            if self.is_held:
                guest.hold()
            self.guest = guest

    def stop(self):
        """Stop the machine, if there is one."""
        if self.guest is not None:
            self.guest.stop()
            self.guest = None
