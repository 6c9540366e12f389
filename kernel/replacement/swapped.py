"""`Swapped`: a range of pages on a fixed number of frames; what has no frame is in a backing store.

    fault      while all frames are taken: victim (policy) -> stored, if dirty -> unmapped, its frame given back
               then: mapped, cleared -> filled from the store -> resident -> the access is tried again

Whatever comes in between, Ctrl-C, want of memory, a store that fails, a page is either resident or as it is in the
store, never both or neither:

    storing    dirty bit cleared and flushed -> written to the store; if that fails, the bit is set again. Who writes
               meanwhile sets it once more, so that is seen before the page is unmapped
    loading    until it is filled and resident, a page is unmapped again by whatever goes wrong
"""

import uctypes
from faults import DIRTY, on_fault_numbers
from faults.error_code import PRESENT, WRITE
from faults.handlers import pages_of
from faults.working_set import look, mark, sample
from memory import (
    HEAP_FLAGS,
    PAGE_SIZE,
    KernelError,
    NotWritable,
    UseAfterMove,
    allocate_pages_at,
    create_mapping_at,
    get_kernel_mmi_ref,
)
from memory.ledger import enter, leave
from memory.mappings.rights import word_of
from memory.refusals import Busy
from memory_structs.ending import drop_at_end
from memory_structs.mode import PAGE_SHIFT, UPPER_HALF_FIRST_PAGE
from paging.flags import WRITABLE
from paging.natives import LAYOUT, cpu
from paging.numbers import page_of, virtual_address_of

from .bits import Bits
from .chooser import Chooser
from .errors import BadStore, StoreError, text_of
from .policies import policy_of
from .store import RamStore

WINDOW = (LAYOUT["WINDOW_PAGE"] << 12) - (1 << 64)  # negative: so the addresses in there are small ints


def buffer_of(frame, count):
    """The bytes of some frames, as the physical window shows them: using them marks no page of anybody's."""
    return uctypes.bytearray_at(WINDOW + (frame << 12), count << 12)


class Counts:
    """What is counted of one Swapped. Apart from it, for in a class with a property each store is dear."""

    def __init__(self):
        self.faults = self.evictions = self.stored = self.read_ahead = 0
        self.loads = 0  # how many pages have come
        self.next = -1  # the page behind those that came last


class Swapped:
    """Having one means: the pages of `.range` read as what was last written to them, or as the store has it.

    range: a PageRange of which nobody has mapped anything, or an owner's. frames: how many pages are resident at most.
    store: a store of at least as many pages (store.py), one in RAM of its own unless given. policy: the name of one, or
    a subclass of Policy; assigned to `.policy` later, the new one is told of the pages that are resident. flags: the
    rights of the pages. cluster: where a fault follows the last one, so many pages are read at once, as far as frames
    are free. interval: after so many faults each, the policy is told tick(); 0: when tick() is called here.

    .resident    {page number: (its place in the order of loading, MappedPages)}
    .faults      how many were answered; .evictions, .stored, .read_ahead: pages
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
        self._by_frames = hasattr(self.store, "read_frames")
        self._table = get_kernel_mmi_ref().page_table
        self._access = self._table.access
        self.bits = Bits(self._access)
        self.resident = {}
        self._counts = Counts()
        self._chooser = Chooser(frames, self.bits, self.resident)
        self._chooser.use(policy_of(policy))
        self._step = None  # what is under way
        self.handler = None
        try:
            self.handler = on_fault_numbers(self.range, self._answer)
            for _ in "12":  # a Ctrl-C that waited comes here
                pass
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
            return getattr(self._counts, name)
        raise AttributeError("'Swapped' object has no attribute '%s'" % name)

    # Faults.

    def _answer(self, page, code):
        """Answer a fault: True when the page has a frame now. Raises StoreError, PolicyFailed, OutOfFrames, ..."""
        if code & PRESENT or page in self.resident or not (self._is_everywhere or self._table.is_active()):
            return False
        if self._step is not None:
            raise Busy(self, self._step)
        if code & self._refused:
            raise NotWritable(self, "it is mapped for reading")
        self._step = "a fault"
        counts, chooser = self._counts, self._chooser
        try:
            chooser.policy()
            if len(self.resident) >= self.frames:
                self._evict(chooser.victim())
            count = self._count_at(page)
            try:
                self._load(page, count)
            except (KernelError, MemoryError):
                if count == 1:
                    raise
                count = 1  # nobody has asked for the others
                self._load(page, 1)
            counts.faults += 1
            counts.read_ahead += count - 1
            counts.next = page + count
            chooser.tell("loaded", (page,) if count == 1 else range(page, page + count))
            if self.interval and counts.faults % self.interval == 0:
                chooser.tell("tick")
        finally:
            self._step = None
        return True

    def _count_at(self, page):
        """How many pages are to be loaded from a page on."""
        if self.cluster == 1 or page != self._counts.next:
            return 1
        most = min(self.cluster, self.frames - len(self.resident), self._last + 1 - page)
        count = 1
        while count < most and page + count not in self.resident:
            count += 1
        return count

    def _load(self, page, count):
        """Make pages resident, with what the store has of them: all or none."""
        incoming, is_loaded, counts = [], False, self._counts
        try:
            for number in range(page, page + count):
                incoming.append(None)
                enter()  # or Ctrl-C could come between its being mapped and its being written down
                try:
                    incoming[-1] = create_mapping_at(virtual_address_of(number << 12), PAGE_SIZE, self.flags)
                finally:
                    leave()
            self._read(page, [self._access.translate(number) for number in range(page, page + count)])
            number = page
            enter()
            try:
                self._chooser.is_lost = True  # until it has been told
                for mapped in incoming:
                    self.resident[number] = counts.loads, mapped
                    number += 1
                    counts.loads += 1
                is_loaded = True
            finally:
                leave()
        finally:
            if not is_loaded:
                self._unload(page, incoming)

    def _unload(self, page, incoming):
        """Take back pages that could not be loaded."""
        enter()
        try:
            for number in range(page, page + len(incoming)):
                self.resident.pop(number, None)
            for mapped in incoming:
                if mapped:
                    mapped.drop()
        finally:
            leave()

    def _read(self, page, frames):
        """Fill frames with pages, by as few calls as there are runs of frames. Raises StoreError."""
        at = 0
        try:
            if self._by_frames:
                self.store.read_frames(page - self._first, frames)
                return
            while at < len(frames):
                count = 1
                while at + count < len(frames) and frames[at + count] == frames[at] + count:
                    count += 1
                self.store.read(page - self._first + at, buffer_of(frames[at], count))
                at += count
        except Exception as error:
            self._raise_store_error(page + at, "read", error)

    def _evict(self, page):
        """Take a page's frame, after storing what was written to it."""
        self._store(page)
        enter()
        try:
            if look(self._access, page, DIRTY):
                raise StoreError(page_of(page), page - self._first, self.store, "written", "it was changed meanwhile")
            mapped = self.resident[page][1]
            self._chooser.is_lost = True  # until it has been told
            try:
                mapped.drop()
            finally:
                if not mapped:  # else it could not be unmapped, and stays
                    del self.resident[page]
                    self._counts.evictions += 1
        finally:
            leave()
        self._chooser.tell("removed", (page,))

    def _store(self, page):
        """Write a page to the store if it is dirty; it is clean then. Raises StoreError; then it is as before."""
        access, offset = self._access, page - self._first
        if not look(access, page, DIRTY):
            return
        frame = access.translate(page)
        buffer = buffer_of(frame, 1)
        taken = 0
        is_stored = False
        try:
            enter()  # or Ctrl-C could come between the bit's being cleared and its being known
            try:
                taken = sample(access, page, DIRTY)
                cpu.invlpg(page)
            finally:
                leave()
            if taken:
                if self._by_frames:
                    self.store.write_frames(offset, [frame])
                else:
                    self.store.write(offset, buffer)
            is_stored = True
        except Exception as error:
            self._raise_store_error(page, "written", error)
        finally:
            enter()
            try:
                if taken and not is_stored:
                    mark(access, page, DIRTY)
            finally:
                leave()
        self._counts.stored += taken != 0

    def _raise_store_error(self, page, step, error):
        if isinstance(error, (MemoryError, StoreError)):
            raise error
        if page is None:
            raise StoreError(None, None, self.store, step, text_of(error))
        raise StoreError(page_of(page), page - self._first, self.store, step, text_of(error))

    # What a user does.

    @property
    def memory(self):
        """All bytes, as a bytearray that is for use as long as this lives: behind that, whoever maps something there is
        written to."""
        return uctypes.bytearray_at(self._first << PAGE_SHIFT, self.size_in_bytes)

    def dirty(self):
        """Return the numbers of the pages that the store does not have yet as they are, upwards."""
        return [page for page in sorted(self.resident) if self.bits.is_dirty(page)]

    def sync(self):
        """Write all dirty pages to the store, and have it flushed. Raises StoreError, Busy, UseAfterMove; the pages
        that were not written stay dirty."""
        self._do("sync()", self._sync)

    def _sync(self):
        for page in self.dirty():
            self._store(page)
        try:
            self.store.flush()
        except Exception as error:
            self._raise_store_error(None, "flushed", error)

    def drop(self, write_back=True):
        """Write dirty pages to the store, unless it ends with this or `write_back` is False; then unmap all pages.

        Raises as sync(); then it lives on, and no page has gone.
        """
        self._do("drop()", self._drop, write_back and self._writes_back)

    def _drop(self, writes):
        while True:
            if writes:
                self._sync()
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
        self._chooser.is_lost = True
        for page in list(self.resident):
            self.resident[page][1].drop()
            del self.resident[page]
        self.handler.cancel()

    def _refuse_when_busy(self):
        if self._step is not None:
            raise Busy(self, self._step)
        if not self.handler.is_active:
            raise UseAfterMove("Swapped", "drop()")

    def __enter__(self):
        self._refuse_when_busy()
        return self

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
        dirty = len(self.dirty())
        yield "%s: %d pages on %d frames, %s" % (self.range, len(self), self.frames, self._chooser.kind.name)
        yield "resident   %d pages, %d of them dirty" % (len(self.resident), dirty)
        yield "faults     %d, and %d pages read ahead" % (self.faults, self.read_ahead)
        yield "evictions  %d; %d pages were written to the store" % (self.evictions, self.stored)
        yield "store      %r" % (self.store,)
