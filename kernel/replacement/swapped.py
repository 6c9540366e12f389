"""`Swapped`: a range of pages on a fixed number of frames; what has no frame is in a backing store.

    fault      while all frames are taken: victim (policy) -> stored, if dirty -> unmapped, its frame given back
               then: mapped, cleared -> filled from the store -> resident -> the access is tried again

What is not in the store when the machine is reset, softly or not, is lost: sync() or drop() before.
"""

import uctypes
from faults import on_fault_numbers
from faults.error_code import PRESENT, WRITE
from faults.handlers import pages_of
from memory import (
    HEAP_FLAGS,
    PAGE_SIZE,
    KernelError,
    NotWritable,
    UseAfterMove,
    allocate_pages_at,
    get_kernel_mmi_ref,
)
from memory.ledger import enter, leave
from memory.mappings.rights import word_of
from memory.refusals import Busy
from memory_structs.ending import drop_at_end
from memory_structs.mode import PAGE_SHIFT, UPPER_HALF_FIRST_PAGE
from paging.flags import WRITABLE
from paging.shootdown import OTHERS, waits

from .errors import BadStore
from .policies import policy_of
from .residents import Residents
from .store import RamStore


class Swapped:
    """Having one means: the pages of `.range` read as what was last written to them, or as the store has it.

    range: a PageRange of which nobody has mapped anything, or an owner's. frames: how many pages are resident at most.
    store: a store of at least as many pages (store.py), one in RAM of its own unless given. policy: the name of one, or
    a subclass of Policy; assigned to `.policy` later, the new one is told of the pages that are resident. flags: the
    rights of the pages. cluster: where a fault follows the last one, so many pages are read at once, as far as frames
    are free. interval: after so many faults each, the policy is told tick(); 0: when tick() is called here.

    .resident    {page number: (its place in the order of loading, MappedPages)}
    .faults      how many were answered; .evictions, .stored, .read_ahead: pages
    .bits        what the policy asks
    """

    def __init__(self, range, frames=64, store=None, policy="clock", flags=HEAP_FLAGS, cluster=1, interval=0):
        self.range = pages_of(range)
        self._first, self._last = self.range.first_number, self.range.last_number
        self._is_everywhere = self._first >= UPPER_HALF_FIRST_PAGE  # that half is the same in all tables
        self.frames, self.flags = frames, flags
        self.cluster, self.interval = cluster, interval
        self._writes_back = store is not None  # else the store ends with this
        self.size_in_bytes = len(self) * PAGE_SIZE
        self.store = RamStore(len(self)) if store is None else store
        self._check()
        self._table = get_kernel_mmi_ref().page_table
        self._residents = Residents(self._first, frames, self.store, flags, self._table.access)
        self.bits, self.resident, self._chooser = self._residents.bits, self._residents.pages, self._residents.chooser
        self._chooser.use(policy_of(policy))
        self._step = None  # what is under way
        self.handler = None
        try:
            self.handler = on_fault_numbers(self.range, self._answer)
            for _ in "12":  # a Ctrl-C that waited comes here
                pass
            return  # in here: it also comes where a `try` ends
        except BaseException:  # nobody would have what drops it
            if self.handler is not None:
                self.handler.cancel()
            raise

    def _check(self):
        for name, least in ("frames", 1), ("cluster", 1), ("interval", 0):
            number = getattr(self, name)
            if number.__class__ is not int:
                raise TypeError("%s: an int expected, not %s" % (name, type(number).__name__))
            if number < least:
                raise ValueError("%s is %d: it must be at least %d" % (name, number, least))
        for name in "size_in_pages", "read_only", "read", "write", "flush":
            if not hasattr(self.store, name):
                raise TypeError("a store has %s; %s has not" % (name, type(self.store).__name__))
        word = word_of(self.flags, self._first, len(self), None)
        self._refused = 0 if word & WRITABLE else WRITE
        if self.store.size_in_pages < len(self):
            raise BadStore(self.store, "has %d pages, which is less than %d" % (self.store.size_in_pages, len(self)))
        if self.store.read_only and word & WRITABLE:
            raise BadStore(self.store, "is read-only: map it without writable, or private")
        allocate_pages_at(self.range.start_address, len(self)).drop()  # who has some of them says so now

    # The policy.

    @property
    def policy(self):
        """The Policy that is asked. Raises Busy amid a fault or another call, or UseAfterMove."""
        return self._do("policy", self._chooser.policy)

    @policy.setter
    def policy(self, which):
        """Raises UnknownPolicy, PolicyFailed, Busy or UseAfterMove; then the old one stays."""
        self._do("policy", self._chooser.use, policy_of(which))

    def tick(self):
        """A sampling interval of the policy is over. Raises PolicyFailed, Busy or UseAfterMove."""
        self._do("tick()", self._tick)

    def _tick(self):
        self._chooser.policy()
        self._chooser.tell("tick")

    def __getattr__(self, name):
        """`.faults` and the other counts."""
        if name[0] != "_":
            return getattr(self._residents, name)
        raise AttributeError("'Swapped' object has no attribute '%s'" % name)

    # Faults.

    def _answer(self, page, code):
        """Answer a fault: True when the page has a frame now. Raises StoreError, PolicyFailed, OutOfFrames, ..."""
        if not (self._is_everywhere or self._table.is_active()):
            return False
        is_resident, is_alone = page in self.resident, not waits[OTHERS]
        if is_alone and (code & PRESENT or is_resident):
            return False
        if self._step is not None:
            raise Busy(self, self._step)
        if is_resident:  # another processor asks: it came meanwhile, or could not be stored and may be written to again
            return not code & (self._refused | ~(PRESENT | WRITE))
        if code & self._refused:
            raise NotWritable(self, "it is mapped for reading")
        self._step = "a fault"
        residents = self._residents
        chooser = residents.chooser
        try:
            chooser.policy()
            if len(self.resident) >= self.frames:
                residents.evict(chooser.victim())
            count = self._count_at(page)
            try:
                residents.load(page, count)
            except (KernelError, MemoryError):
                if count == 1:
                    raise
                count = 1  # nobody has asked for the others
                residents.load(page, 1)
            residents.faults += 1
            residents.read_ahead += count - 1
            residents.next = page + count
            chooser.tell("loaded", (page,) if count == 1 else range(page, page + count))
            if self.interval and residents.faults % self.interval == 0:
                chooser.tell("tick")
        finally:
            self._step = None
        return True

    def _count_at(self, page):
        """How many pages are to be loaded from a page on."""
        if self.cluster == 1 or page != self._residents.next:
            return 1
        most = min(self.cluster, self.frames - len(self.resident), self._last + 1 - page)
        count = 1
        while count < most and page + count not in self.resident:
            count += 1
        return count

    # What a user does.

    @property
    def memory(self):
        """All bytes, as a bytearray that is for use as long as this lives: behind that, whoever maps something there is
        written to."""
        return uctypes.bytearray_at(self._first << PAGE_SHIFT, self.size_in_bytes)

    def dirty(self):
        """Return the numbers of the pages that the store does not have yet as they are, upwards."""
        return self._residents.dirty()

    def sync(self):
        """Write all dirty pages to the store, and have it flushed. Raises StoreError, Busy, UseAfterMove; the pages
        that were not written stay dirty."""
        self._do("sync()", self._residents.sync)

    def drop(self, write_back=True):
        """Write dirty pages to the store, unless it ends with this or `write_back` is False; then unmap all pages.

        Raises as sync(); then it lives on, and no page has gone.
        """
        self._do("drop()", self._drop, write_back and self._writes_back)

    def _drop(self, writes):
        while True:
            if writes:
                self._residents.sync()
            enter()  # nobody writes between looking and unmapping
            try:
                if not (writes and self.dirty()):
                    self._end()
                    return
            finally:
                leave()

    def _do(self, step, act, *arguments):
        """Do something during which a callback that does another thing, or faults here, is told Busy."""
        self._refuse_when_busy()
        self._step = step
        try:
            return act(*arguments)
        finally:
            self._step = None

    def _end(self):
        self._residents.let_go()
        self.handler.cancel()

    def _refuse_when_busy(self):
        if self._step is not None:
            raise Busy(self, self._step)
        if not self.handler.is_active:
            raise UseAfterMove("Swapped", "drop()")

    def __enter__(self):
        try:
            self._refuse_when_busy()
            return self
        except KeyboardInterrupt:  # as inside: who has no other name for it could not drop it
            self.__exit__(KeyboardInterrupt, None, None)
            raise

    def __exit__(self, kind, value, traceback):
        if self.handler.is_active:
            drop_at_end(self, kind)
        return False

    def __len__(self):
        return self._last - self._first + 1

    def __bool__(self):
        return self.handler.is_active

    def __repr__(self):
        return "Swapped(%s)" % (self.range,) if self else "Swapped(consumed by drop())"

    def lines(self, width=80):
        """What the prompt shows of it."""
        if not self:
            yield repr(self)
            return
        yield str(self.range)
        yield "pages      %d, frames %d, policy %s" % (len(self), self.frames, self._chooser.kind.name)
        yield "resident   %d, of these dirty %d" % (len(self.resident), len(self.dirty()))
        yield "faults     %d, pages read ahead %d" % (self.faults, self.read_ahead)
        yield "evictions  %d, pages written to the store %d" % (self.evictions, self.stored)
        yield "store      %r" % (self.store,)
