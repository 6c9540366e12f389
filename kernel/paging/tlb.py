"""The TLB: what the CPU remembers of page tables, and how it is made to forget.

A CPU may remember entries that are present, and only those: so what was not present needs no invalidation, and
what was present needs exactly one before anybody relies on the change. (Intel SDM, volume 3, "Caching Translation
Information".)
"""

from memory_structs import Frame, Page, VirtualAddress
from memory_structs.instances import make
from memory_structs.like_ranges import no_elements
from memory_structs.mode import LOWER_HALF_LAST_PAGE, UPPER_HALF_FIRST_PAGE

from .frame_allocators import Keeper
from .natives import cpu
from .numbers import frame_of
from .protection import Protection
from .shootdown import ALL_PAGES, EVERYBODY, OTHERS, forget_all, shoot_spans, waits

# Above this many leaves one full flush is cheaper than an invlpg for each. Measured under QEMU (microseconds, refilling
# included): an invlpg 0.15; a full flush 9 when 64 pages are in use, 21 for 256, 65 for 1,024. So they meet at 60, 110
# and 430 leaves; the interpreter and its heap keep some hundreds of pages in use.
FLUSH_ALL_ABOVE = 128
CR3_FLAGS = 0x18


class Cr3:
    """The register that names the active level-4 table."""

    @staticmethod
    def read():
        """(Frame of the level-4 table, flags): of the flags only write-through (8) and cache-disable (16) exist."""
        return frame_of(cpu.read_root_frame()), cpu.read_cr3() & CR3_FLAGS

    @staticmethod
    def write(frame, flags=None):
        """Make a root table active. CR3's flags stay as they are unless given.

        When the root changes everything is invalidated, GLOBAL entries too: those of another table's lower half would
        go on being used. The frame's owner keeps it as long as it is the root. Raises TypeError, ValueError,
        KernelInUse for a table without the kernel's half: with that the kernel could not go on; or IllegalState for a
        frame that somebody may fill with something else.
        """
        if type(frame) is not Frame:
            raise TypeError("CR3 takes a Frame, not %s" % type(frame).__name__)
        flags = cpu.read_cr3() & CR3_FLAGS if flags is None else flags
        if flags.__class__ is not int or flags & ~CR3_FLAGS:
            raise ValueError("CR3 has the flags 8 (write-through) and 16 (cache-disable), not %r" % (flags,))
        changes = frame.number != cpu.read_root_frame()
        if changes and Protection.live is not None:
            Protection.live.require_root(frame.number)
            if Keeper.live is not None:
                Keeper.live.enter_root(frame.number)
        cpu.write_cr3(frame.start_address.value | flags)
        if changes:
            cpu.flush_global()
            if Keeper.live is not None:
                Keeper.live.leave_root()


def flush(page):
    """Forget one page (a `Page`, or the `VirtualAddress` of any byte in it), GLOBAL or not: one invlpg."""
    if type(page) is not Page and type(page) is not VirtualAddress:
        raise TypeError("a Page or a VirtualAddress expected, not %s" % type(page).__name__)
    cpu.invlpg(page.number)


def flush_all(keep_global=False):
    """Forget everything. GLOBAL entries go too, by switching CR4.PGE off and on; with `keep_global` they stay, as a
    reload of CR3 leaves them."""
    if keep_global:
        cpu.flush()
    else:
        cpu.flush_global()


class FlushLedger:
    """Does the invalidations of one mapper, counts them, and knows which are still owed.

    `.pages` counts invlpg instructions, `.full` reloads of CR3, `.full_global` those that took GLOBAL entries along;
    `.open` holds, by serial number, the tokens that were neither flushed nor ignored, `.being_flushed` those of them
    whose flush() has not come to its end. Other processors that may remember what changed forget it, too (shootdown).
    For observers, `.shootdown(spans)` is called then with a tuple of (page number, count, pages per leaf), or None for
    everything; `.broadcast(page number, count)` with the pages that it concerned.

    `FlushLedger.live` is the one that mappers of the live tables share, so that `verify()` sees what they owe;
    `memory.init` puts the kernel's there.
    """

    live = None

    def __init__(self):
        self.pages = 0
        self.full = 0
        self.full_global = 0
        self.threshold = FLUSH_ALL_ABOVE
        self.shootdown = None
        self.broadcast = None
        self.open = {}
        self.being_flushed = {}
        self.opened = 0

    def _flush_spans(self, spans, root):
        """Invalidate every leaf of (page number, count of 4 KiB pages, pages per leaf) spans: one invlpg each."""
        for page, count, pages_per_leaf in spans:
            self.pages += cpu.invalidate(page, count, pages_per_leaf)
        if waits[OTHERS] and spans:
            shoot_spans(root, spans)
        if self.shootdown is not None:
            self.shootdown(spans)
        if self.broadcast is not None:
            for page, count, _ in spans:
                self.broadcast(page, count)

    def _flush_everything(self, with_global, pages=None, root=EVERYBODY):
        """Invalidate everything: GLOBAL entries only if `with_global`.

        `pages`: (page number, count) of what changed; `root`: the frame number of its root.
        """
        if with_global:
            self.full_global += 1
        else:
            self.full += 1
        page, count = pages or ALL_PAGES
        forget_all(root, page, count, with_global)
        if self.shootdown is not None:
            self.shootdown(None)
        if self.broadcast is not None and pages is not None:
            for page, count in in_halves(*pages):
                self.broadcast(page, count)


def in_halves(page, count):
    """((page, count), ...) of a run of pages, cut where the halves of the address space end: no range lies in both."""
    end = page + count
    if page > LOWER_HALF_LAST_PAGE or end <= UPPER_HALF_FIRST_PAGE:
        return ((page, count),)
    return (page, LOWER_HALF_LAST_PAGE + 1 - page), (UPPER_HALF_FIRST_PAGE, end - UPPER_HALF_FIRST_PAGE)


class MapperFlush:
    """A change that the TLB may not know yet: `.flush()` it, or `.ignore()` it when somebody else will.

    `.needed` is False when nothing can be stale. A needed token that is neither flushed nor ignored is in the open
    list of its ledger, and `verify()` reports it.
    """

    _with_global = False
    _ledger = None
    _root = EVERYBODY
    spans = ()

    @classmethod
    def owed(cls, ledger, root, spans, pages=None):
        """A token that is on a ledger's open list. (No constructor: that would cost twice as much.)"""
        serial = ledger.opened
        token = make(cls, "_ledger", ledger, "_serial", serial, "_root", root, "spans", spans, "_pages", pages)
        # Last, when nothing can fail any more: what is in the list will be owed.
        ledger.open[ledger.opened] = token
        ledger.opened += 1
        return token

    __iter__ = no_elements

    def __getattr__(self, name):
        """`.needed`. (No property: each makes every store into an object slow.)"""
        if name == "needed":
            return self._ledger is not None
        raise AttributeError("'%s' object has no attribute '%s'" % (type(self).__name__, name))

    def flush(self):
        """Invalidate, once: a second call does nothing."""
        ledger = self._ledger
        if ledger is None:
            return
        try:
            ledger.being_flushed[self._serial] = self
            if self.spans is None:
                ledger._flush_everything(self._with_global, self._pages, self._root)
            else:
                ledger._flush_spans(self.spans, self._root)
        finally:
            ledger.being_flushed.pop(self._serial, None)
        self.ignore()

    def ignore(self):
        """Take it off the open list without doing anything: the caller knows why that is right."""
        ledger = self._ledger
        if ledger is not None:
            self._ledger = None
            del ledger.open[self._serial]

    def __repr__(self):
        name = type(self).__name__
        if not self.needed:
            return name + "(not needed)"
        if self.spans is None:
            return name + "(everything)"
        return "%s(%s)" % (name, ", ".join("v%s: %d" % (hex(page << 12), count) for page, count, _ in self.spans))


class MapperFlushAll(MapperFlush):
    """As MapperFlush, for a change above the leaves: everything is invalidated. `pages`: (page number, count) below."""

    _with_global = True

    flush_all = MapperFlush.flush


class MapperFlushNotGlobal(MapperFlushAll):
    """As MapperFlushAll, when no GLOBAL entry was changed: a reload of CR3 is enough."""

    _with_global = False


NOTHING_TO_FLUSH = MapperFlush()
