"""What the TLB answers for an address, held against what the tables say."""

import micropython
from faults import probe
from loader.handover import USABLE, memory_regions
from memory_structs import PAGE_SHIFT
from paging.flags import WRITABLE
from paging.protection import address_in_window

from diagnostics.text import WIDTH, View, hexadecimal
from diagnostics.walks import WalkView

REGIONS = memory_regions()


class Stale(View):
    """Tries an address as the CPU sees it, and compares with a walk. `.is_stale`; `.found` says in words what differs.

    Nothing that lies there is changed: it is read, and written with what it holds only where the tables forbid writing.
    No handler is asked, and the CPU may remember the page afterwards. A page that shows the same bytes as the one in
    the tables can't be told from it.
    """

    def __init__(self, address):
        self.address = address
        self.view = WalkView(address)
        self.found = self._difference(address.value & -8)
        self.is_stale = self.found is not None

    def _difference(self, at):
        read = probe.access(at)
        if self.view.physical is None:
            return "the CPU still reads 0x%x there" % read.value if read.ok else None
        if not read.ok:
            return "the CPU refuses to read there"
        page, frame = at & -4096, self.view.physical >> PAGE_SHIFT
        if not memory_shows(frame):
            return None
        word = first_difference(signed(page), address_in_window(frame))
        if word >= 0:
            return "the CPU reads another frame, by the word at v%s" % hexadecimal(page + 8 * word)
        if not self.view.rights & WRITABLE and probe.access(at, probe.WRITE, value=read.value).ok:
            return "the CPU still writes there"
        return None

    def lines(self, width=WIDTH):
        verdict = self.view.verdict()
        if not self.is_stale:
            yield "%s: the TLB and the tables agree: %s" % (self.address, verdict)
            return
        yield "%s: STALE: %s" % (self.address, self.found)
        yield "by the tables: %s" % verdict
        yield "flush %s has the CPU look again" % self.address


def memory_shows(frame):
    """True for a frame of RAM: reading or writing it is no act."""
    return any([start >> PAGE_SHIFT <= frame < end >> PAGE_SHIFT and kind == USABLE for start, end, kind in REGIONS])


def signed(address):
    """An address as machine code takes it."""
    return address - (1 << 64) if address >> 63 else address


@micropython.viper
def first_difference(one: ptr32, other: ptr32) -> int:
    """The first 64-bit word in which two pages differ, or -1. What changes while it is looked at counts when it differs
    three times."""
    for half in range(2 * 512):
        if one[half] != other[half] and one[half] != other[half] and one[half] != other[half]:
            return half >> 1
    return -1
