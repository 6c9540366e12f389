"""`Mapper`: maps what somebody owns, and is the only one who brings it back.

Every change has two parts. First everything that can fail: checks, Python objects, frames, `plan`. Then the commit:
machine code and stores into attributes that exist, none of which allocates or can be refused. All of it happens between
`enter` and `leave`, so that neither Ctrl-C nor a scheduled callback sees the middle.

    mapping      plan (paging) -> frames for tables -> cleared -> commit (paging) -> record armed
    unmapping    entries checked against the record -> not present -> entries emptied -> empty tables cut off -> TLB
                 flushed, once for all of that -> frames, tables and pages given back

From the first change to the end of the flush a mapping that goes is nobody's: its frames are UNMAPPED, its owner is
busy. A callback that hears of flushes (`ledger.broadcast`) is told while the entries are not present, but keep their
place: so it may use everything else. Then the empty tables cost a second flush.
"""

from memory_structs import Frame, OutOfFrames
from memory_structs.mode import ENTRIES, UPPER_HALF_FIRST_PAGE
from paging import OffsetPageTable, mapping
from paging.flags import EXCLUSIVE as EXCLUSIVE_BIT
from paging.flags import NO_EXECUTE
from paging.natives import memory

from ..allocators.owners import ARENA, CONSUMER, COUNT, DEAD, KEPT, RUN, AllocatedFrames, AllocatedPages
from ..ledger import DEVICE, EXCLUSIVE, SHARED, enter, leave, lost, mark_overridden, prepare
from ..refusals import CountMismatch
from . import faulted, unmapping
from .creating import Creating
from .mapped_pages import RECORD, SHARED_FRAMES, MappedPages
from .reclaiming import gc_and_reclaim
from .rights import refuse_for_kind, word_of
from .table_frames import lend, table_word, take_back

zero_frames = memory.zero_frames


class Mapper(Creating):
    """Maps pages of one table. `PageTable` is one; `kernel` is the kernel's own table, `system` its allocators."""

    def __init__(self, root, system, kernel):
        object.__setattr__(self, "root", root)  # what nobody sets again: PageTable is sealed
        self._record = None
        self._system = system
        self._kernel = kernel or self
        self._frames = system.frame_allocator
        self._pages = system.page_allocator
        self._frame_pool = self._frames.pool
        self._frame_tree = self._frame_pool.tree
        self._page_pool = self._pages.pool
        self._page_tree = self._page_pool.tree
        self._lower_pool = self._pages._arenas[1]
        self._lower_tree = self._lower_pool.tree
        self._view = OffsetPageTable(Frame(root), ledger=self._kernel.ledger)
        object.__setattr__(self, "access", self._view.access)
        self._facts = self.access.facts

    # What users map.

    def map_allocated_pages_to(self, pages, frames, flags, huge=True, override=None):
        """Map pages to exactly these frames; consumes both and returns MappedPages.

        The frames are cleared, but for those of `unmap_into_parts(keep_contents=True)`, and of devices. Uses huge pages
        where both sides are aligned and long enough, unless `huge` is False. `override` names why a
        mapping may be writable and executable at once. Raises TypeError, UseAfterMove, CountMismatch,
        WritableExecutable, PageAlreadyMapped, OutOfFrames (for tables); then both owners are still the caller's.
        """
        return self._with_room(self._map_to, pages, frames, flags, huge, override)

    def _map_to(self, pages, frames, flags, huge, override):
        page_state, frame_state = self._state_of(pages, AllocatedPages), self._state_of(frames, AllocatedFrames)
        page, frame, count = page_state[RUN] >> 1, frame_state[RUN] >> 1, page_state[COUNT]
        if count != frame_state[COUNT]:
            raise CountMismatch(count, frame_state[COUNT])
        arena = frame_state[ARENA]
        word = word_of(flags, page, count, override)
        kind = EXCLUSIVE if arena is self._frame_pool else DEVICE
        if kind == DEVICE:
            refuse_for_kind(flags, kind, self._frames, frame, count)
        enter()
        try:
            mapped, record = self._new(page, count, word, kind, frame)
            mark_overridden(record, override is not None)
            is_clean = kind == DEVICE or frame_state[RUN] & 1 or frame_state[CONSUMER] is KEPT
            run = frame, count, is_clean
            place = self._place if word & NO_EXECUTE else self._place_executable
            place(record, (run,), word | EXCLUSIVE_BIT, self._limit(huge), (pages, frames))
            if kind == DEVICE:
                arena.mapped += count
            self._consumed(pages, "map_allocated_pages_to()")
            self._consumed(frames, "map_allocated_pages_to()")
        finally:
            leave()
        return mapped

    def map_allocated_pages(self, pages, flags, huge=True, override=None):
        """Map pages to any frames of RAM; consumes `pages`, returns MappedPages. Raises as `map_allocated_pages_to`."""
        return self._with_room(self._map_any, pages, flags, huge, override)

    def _map_any(self, pages, flags, huge, override):
        state = self._state_of(pages, AllocatedPages)
        word = word_of(flags, state[RUN] >> 1, state[COUNT], override)
        mapped = self._create_in(pages, word, self._limit(huge), "map_allocated_pages()")
        if override is not None:
            mark_overridden(mapped._state[RECORD], True)
        return mapped

    def map_shared(self, pages, shared, flags, huge=True, override=None):
        """Map pages to frames that others may map, too; consumes `pages`, counts one more user of `shared`.

        Raises as `map_allocated_pages_to`; WritableExecutable also when another mapping of the same frames would
        make them both.
        """
        return self._with_room(self._map_shared, pages, shared, flags, huge, override)

    def _map_shared(self, pages, shared, flags, huge, override):
        state = self._state_of(pages, AllocatedPages)
        page, count = state[RUN] >> 1, state[COUNT]
        word = word_of(flags, page, count, override)
        refuse_for_kind(flags, SHARED, self._frames, shared._first, count)
        shared._check_mappable(count, word, override)
        enter()
        try:
            mapped, record = self._new(page, count, word, SHARED, shared._first)
            mark_overridden(record, override is not None)
            mapped._state[SHARED_FRAMES] = shared
            users = self._kernel.shared_users
            users[record.index] = shared
            try:
                frames = ((shared._first, count, shared._is_clean_to_map()),)
                place = self._place if word & NO_EXECUTE else self._place_executable
                place(record, frames, word, self._limit(huge), (pages, shared))
            except BaseException:
                del users[record.index]
                raise
            shared._add_user(word)
            self._consumed(pages, "map_shared()")
        finally:
            leave()
        return mapped

    # Insides.

    def _with_room(self, call, *arguments):
        """A call that may have to collect what was forgotten before there are frames for it."""
        if lost():
            self._kernel.reclaim()
        self._live()
        try:
            return call(*arguments)
        except OutOfFrames:
            if not gc_and_reclaim(self):
                raise
        return call(*arguments)

    @staticmethod
    def _state_of(owner, kind):
        """The state of a live owner that is not empty. Raises TypeError, UseAfterMove or ValueError."""
        if owner.__class__ is not kind:
            raise TypeError("%s expected, not %s" % (kind.__name__, type(owner).__name__))
        state = owner._state
        if state[RUN] < 0:
            owner._live()
        if state[COUNT] == 0:
            raise ValueError("nothing to map: %s" % owner)
        return state

    def _live(self):
        """Raises UseAfterMove when this table was dropped; tables that can be dropped know better."""

    def _limit(self, huge):
        return self._kernel.largest_level if huge else 1

    def table_for(self, page):
        """The table that a mapping of a page is bound to: the kernel's half is the kernel's own."""
        return self._kernel if page >= UPPER_HALF_FIRST_PAGE else self

    def _new(self, page, count, word, kind, frames):
        """(MappedPages, its record), for a mapping that is not there yet."""
        table = self.table_for(page)
        record = prepare(table.root, page, count, word, kind, frames)
        return MappedPages._new(table, record), record

    def _place(self, record, frames, word, limit, owners=()):
        """Make the leaves of a record's mapping. `frames`: (first, count, whether they are clean).

        Raises; then nothing is mapped and nothing is taken. (Or it can't be undone: then the `owners` are dead.)
        """
        page, count = record.first_page, record.count
        table = self.table_for(page)
        access = table.access
        if page < UPPER_HALF_FIRST_PAGE:
            table._view.refuse_kernel(page, count)
        if len(frames) == 1 and count < ENTRIES and record.kind == EXCLUSIVE:
            first, _, is_clean = frames[0]
            run = first << 1 | (1 if is_clean else 0)
            if faulted.map_few_or_undo(table, record, page, run, owners, word & ~EXCLUSIVE_BIT):
                record.arm()
                return
        job = mapping.Job(word, table_word(page), limit)
        # Of several runs, the tables that small pages need: enough whatever fits.
        largest = limit if len(frames) == 1 else 1
        needed = mapping.tables_for(access, page, frames[0][0], count, 1, largest)
        pool = self._frame_pool
        if needed:
            lend(pool, job, needed)
        try:
            for first, length, is_clean in frames:
                if not is_clean:
                    zero_frames(first, length)
                mapping.commit(access.facts, None, None, job, page, first, length)
                page += length
        except BaseException:
            faulted.undo_mapping(table, record, owners)
            raise
        finally:
            if job.has_unused():
                take_back(pool, job)
        record.arm()

    def _place_executable(self, record, frames, word, limit, owners):
        """`_place` for what may be executed: the frames are cleared, and can't be written through the physical window
        any more, before the first leaf leads to them."""
        for first, length, is_clean in frames:
            if not is_clean:
                zero_frames(first, length)
        runs = [(first, length) for first, length, _ in frames]
        kernel = self._kernel
        opening = kernel.aliases().close(kernel, record, runs, owners[-1] if record.kind == SHARED else None)
        try:
            self._place(record, [run + (True,) for run in runs], word, limit, (opening,) + tuple(owners))
        except BaseException:
            if not opening.is_held:
                opening.commit()
            raise
        opening.forget()

    def page_arena(self, page):
        """The arena that a page number belongs to: each half of the address space has one."""
        return self._page_pool if page >= UPPER_HALF_FIRST_PAGE else self._lower_pool

    def page_tree(self, page):
        """The tree of its free runs."""
        return self._page_tree if page >= UPPER_HALF_FIRST_PAGE else self._lower_tree

    @staticmethod
    def _consumed(owner, consumer):
        """The commit for an owner whose numbers are mapped now."""
        owner._state[CONSUMER] = consumer
        owner._state[RUN] = DEAD

    # Questions.

    @property
    def view(self):
        """The paging layer's mapper of this table."""
        self._live()
        return self._view

    def translate(self, address):
        """`Mapped(frame, offset, flags, level)` or `NotMapped` for a VirtualAddress, in this table."""
        return self.view.translate(address)

    def translate_addr(self, address):
        """The PhysicalAddress that a VirtualAddress leads to in this table, or None."""
        return self.view.translate_addr(address)

    def translate_page(self, page):
        """The Frame that a Page is mapped to in this table. Raises PageNotMapped and the like."""
        return self.view.translate_page(page)

    def dump_pte(self, address):
        """The entries on the way of a VirtualAddress in this table, as a Walk: its repr is the dump."""
        return self.view.walk(address)

    def frame_number_of(self, page):
        """The frame number that a page number is mapped to, or -1. Raises TypeError or ValueError for no page."""
        mapping.check_run(page, 1)
        return self.access.translate(page)

    _unmap_record = unmapping.unmap_record
