"""A kernel to be attacked, and what its RAM says of its tables.

What hostile users did to tables, techniques and roots: each attack is refused by name, or does what it says. Only
public names of the packages are used, and natives that act on memory and registers.
"""

import numpy
import on_target
import pytest
from harness import Kernel, QemuGuest
from oracle import page_walk

PRELUDE = on_target.source("attacks/prelude")
PAGE = 4096
ACCESSED_DIRTY = 0x60
PASSED = pytest.StashKey[bool]()
MACHINE = pytest.StashKey[QemuGuest]()
BOOT_TIMEOUT_S = 15
# A kernel that does not answer within this time hangs: hardly anything here takes a second.
ANSWER_TIMEOUT_S = 10


class Attacked(Kernel):
    """A kernel, with the prelude's names, and with its tables as they lie in RAM."""

    def __init__(self, guest):
        super().__init__(guest, timeout=ANSWER_TIMEOUT_S)
        self.exec(PRELUDE)
        self.free_at_boot = self.eval("counts()")

    def cr3(self):
        return self.eval("_cpu.read_cr3()")

    def renew(self):
        """Reset softly: everything that was taken is back, and the names are new."""
        self.soft_reset()
        self.exec(PRELUDE)
        assert self.eval("counts()") == self.free_at_boot, "a soft reset did not give everything back"

    def bytes_of(self, frame):
        """Return the bytes of a table, by frame number, without ACCESSED and DIRTY."""
        entries = numpy.frombuffer(self.guest.memory.read(frame * PAGE, PAGE), "<u8")
        return (entries & numpy.uint64(~ACCESSED_DIRTY & (1 << 64) - 1)).tobytes()

    def table(self, frame):
        """Return the 512 entries of a table, without ACCESSED and DIRTY."""
        return entries_of(self.bytes_of(frame))

    def tables(self, *roots):
        """Return {frame number: bytes} of all tables below the active root, and below others given by number."""
        found = set()
        for root in (self.cr3() >> 12, *roots):
            found |= {address // PAGE for address in self.tables_in_ram(root)}
        return {frame: self.bytes_of(frame) for frame in found}

    def tables_in_ram(self, root):
        memory = self.guest.memory
        return [address for address in page_walk.table_frames(root * PAGE, memory) if memory.is_ram(address, PAGE)]

    def state(self, *roots):
        """Return everything that a refused call must leave as it was: counts, tables, the guard, the findings."""
        told = self.eval("(counts(), _critical.depth(), audited(), active_root())")
        return told, self.tables(*roots)

    def refuses(self, call, names, *roots):
        """Have a call refused with an error of one of the names, and nothing changed; return what it said."""
        before = self.state(*roots)
        name, said = self.eval(f"(refused(lambda: {call}), said)")
        self.is_as(before, *roots, after=f"{call} raised {name}")
        assert name in names, f"{call}: {name} ({said}), not {' or '.join(names)}"
        return said

    def is_as(self, before, *roots, after):
        """Assert that state() says what it said before."""
        found = differences(before, self.state(*roots))
        assert not found, f"{after}: {'; '.join(found)}"

    def adds_up(self):
        """Assert that everything that was taken came back, and that the audit finds nothing."""
        assert self.eval("(_critical.depth(), collected())") == (0, None), "the guard is held"
        assert self.eval("violations()") == []
        assert self.eval("counts()") == self.free_at_boot, "frames or pages did not come back"


def differences(before, after):
    """Return in words where two states differ."""
    found = [f"{str(a)[:150]} became {str(b)[:300]}" for a, b in zip(before[0], after[0], strict=True) if a != b]
    old, new = before[1], after[1]
    if old.keys() != new.keys():
        found.append(f"tables in frames {sorted(old.keys() ^ new.keys())[:8]} are new or gone")
    for frame in [frame for frame in old.keys() & new.keys() if old[frame] != new[frame]]:
        for index, (a, b) in enumerate(zip(entries_of(old[frame]), entries_of(new[frame]), strict=True)):
            if a != b:
                found.append(f"entry {index} of the table in frame {frame:#x}: {a:#x} became {b:#x}")
    return found[:4]


def entries_of(table):
    """Return the entries in the bytes of a table."""
    return numpy.frombuffer(table, "<u8").tolist()


@pytest.fixture(scope="module")
def machines():
    """The machine that the last test of this file left whole, if there is one: so many boots would take too long."""
    whole = []
    yield whole
    for kernel in whole:
        kernel.guest.stop()


@pytest.fixture
def attacked(machines, request):
    """A kernel that the test attacks, fresh from a boot or a soft reset.

    A test that passed leaves a machine that a soft reset makes new, every frame in its place; any other is stopped.
    """
    kernel = machines.pop() if machines else boot(request.node)
    request.node.stash[MACHINE] = kernel.guest
    try:
        yield kernel
        if request.node.stash.get(PASSED, False):
            kernel.guest.check()
            kernel.renew()
            machines.append(kernel)
    finally:
        if kernel not in machines:
            kernel.guest.stop()


def boot(node):
    """Return the kernel of a new machine."""
    guest = QemuGuest()
    node.stash[MACHINE] = guest
    try:
        guest.console.wait_for_prompt(BOOT_TIMEOUT_S)
        return Attacked(guest)
    except BaseException:
        guest.stop()
        raise


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    """Remember that a test passed, for what comes after it; show the end of what a machine said when it did not."""
    report = yield
    if call.when == "call":
        item.stash[PASSED] = report.passed
        guest = item.stash.get(MACHINE, None)
        if report.failed and guest and not guest.failure:
            report.sections.append(("the attacked machine", guest.tails()))
    return report
