"""What the TLB answers for an address, held against what the tables say."""

import sys

import micropython
import uctypes
from faults import PageFault, probe
from faults.working_set import access_of
from loader.handover import USABLE, memory_regions
from memory_structs import PAGE_SHIFT, PAGE_SIZE
from paging.flags import KEY_SHIFT, USER_ACCESSIBLE, WRITABLE
from paging.natives import cpu, keys
from paging.protection import address_in_window
from paging.user_pages import access_to

from diagnostics.text import WIDTH, View, hexadecimal
from diagnostics.walks import WalkView

REGIONS = memory_regions()
OTHERS = "processors"  # the package, if anybody has used it


class Stale(View):
    """Tries an address as the CPU sees it, and compares with a walk. `.is_stale`; `.found` says in words what differs.

    Nothing that lies there is changed: it is read, and written with what it holds only where the tables forbid writing.
    No handler is asked, and the CPU may remember the page afterwards. A page that shows the same bytes as the one in
    the tables can't be told from it. `.others`: (number, what differs or None) of each other CPU that is attached to
    these tables and has no job.
    """

    def __init__(self, address):
        self.address = address
        self.view = WalkView(address)
        at = address.value & -8
        with access_to(access_of(None), at, 8):
            self.found = self._difference(OwnEyes(), at)
            self.is_stale = self.found is not None
            self.others = [(each.number, self._difference(Eyes(each), at)) for each in asleep(address)]

    def _difference(self, eyes, at):
        value = eyes.read(at)
        if self.view.physical is None:
            return None if value is None else "%s still reads 0x%x there" % (eyes.name, value)
        forbidden = self._forbidden_by_key()
        if value is None:
            return None if forbidden & 1 else "%s refuses to read there" % eyes.name
        page, frame = at & -PAGE_SIZE, self.view.physical >> PAGE_SHIFT
        if not memory_shows(frame):
            return None
        word = first_difference(eyes.page(page), address_in_window(frame))
        if word >= 0:
            return "%s reads another frame, by the word at v%s" % (eyes.name, hexadecimal(page + 8 * word))
        if not self.view.rights & WRITABLE and not forbidden and eyes.write(at, value):
            return "%s still writes there" % eyes.name
        return None

    def _forbidden_by_key(self):
        """What the page's protection key forbids the kernel, as IA32_PKRS has it: that is no matter of the TLB."""
        if self.view.rights & USER_ACCESSIBLE:
            return 0
        return keys.rights() >> 2 * (self.view.steps[-1][1] >> KEY_SHIFT & 15) & 3

    def lines(self, width=WIDTH):
        verdict = self.view.verdict()
        if not self.is_stale:
            yield "%s: the TLB and the tables agree: %s" % (self.address, verdict)
        else:
            yield "%s: STALE: %s" % (self.address, self.found)
            yield "by the tables: %s" % verdict
            yield "flush %s has the CPU look again" % self.address
        for number, found in self.others:
            yield "CPU %d: %s" % (number, "its TLB and the tables agree" if found is None else "STALE: " + found)


class OwnEyes:
    """What the CPU that runs Python sees. An access that is refused is no fault here."""

    name = "the CPU"

    def read(self, at):
        """The 8 bytes there, or None if that is refused."""
        return probe.access(at).value

    def page(self, at):
        """Where the page can be looked at, as machine code takes an address."""
        return signed(at)

    def write(self, at, value):
        """True if 8 bytes can be written."""
        return probe.access(at, probe.WRITE, value=value).ok


class Eyes:
    """What another CPU sees, as OwnEyes: one look at the page, into a copy."""

    name = "it"

    def __init__(self, processor):
        self.processor = processor
        self.acts = sys.modules[OTHERS]
        self.copy = bytearray(PAGE_SIZE)

    def read(self, at):
        value = self.processor.look(self.acts.READ, at)
        return value if type(value) is int else None

    def page(self, at):
        copy = uctypes.addressof(self.copy)
        self.processor.look(self.acts.COPY, copy, at, PAGE_SIZE // 8)
        return copy

    def write(self, at, value):
        return type(self.processor.look(self.acts.WRITE, at, value)) is not PageFault


def asleep(address):
    """The other CPUs whose TLBs may know these tables, and that can be asked: none unless somebody has used one."""
    if OTHERS not in sys.modules:
        return []
    root, is_shared = cpu.read_root_frame(), address.value >> 63
    return [
        each
        for each in sys.modules[OTHERS].started()
        if not each.is_busy and (each.root == root or (each.root and is_shared))
    ]


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
