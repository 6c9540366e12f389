"""A kernel to be attacked, and what its RAM says of its tables.

What hostile users did to tables, techniques and roots: each attack is refused by name, or does what it says. Only
public names of the packages are used, and natives that act on memory and registers.
"""

import numpy
import on_target
import pytest
from harness import Kernel
from oracle import page_walk

PRELUDE = on_target.source("attacks/prelude")
PAGE = 4096
ACCESSED_DIRTY = 0x60
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


@pytest.fixture
def attacked(request, boot, spare):
    """A kernel that the test attacks, fresh from a boot or a soft reset."""
    yield from spare.lend(request.node, boot, Attacked)
