"""`Mapper`: maps what somebody owns, and is the only one who brings it back.

Every change has two parts. First everything that can fail: checks, Python objects, frames, `plan`. Then the commit:
machine code and stores into attributes that exist, none of which allocates or can be refused. All of it happens between
`enter` and `leave`, so that neither Ctrl-C nor a scheduled callback sees the middle.

    mapping      plan (paging) -> frames for tables -> cleared -> commit (paging) -> record armed
    unmapping    entries checked against the record -> not present -> TLB flushed, others told -> entries emptied ->
                 empty tables cut off, flushed -> frames, tables and pages given back

From the first change to the end of the last flush a mapping that goes is nobody's: its frames are UNMAPPED, its owner
is busy, and its entries keep their place. So whatever runs meanwhile, a shootdown callback say, may use everything
else.
"""

from memory_structs import PAGE_SHIFT, PAGE_SIZE, Frame, OutOfFrames, VirtualAddress
from memory_structs.instances import make
from memory_structs.mode import ENTRIES, UPPER_HALF_FIRST_PAGE
from paging import OffsetPageTable, mapping
from paging.access import shared_table
from paging.flags import EXCLUSIVE as EXCLUSIVE_BIT
from paging.flags import PRESENT, PteFlags, word_for
from paging.natives import memory

from ..allocators.owners import ARENA, CONSUMER, COUNT, DEAD, RUN, AllocatedFrames, AllocatedPages
from ..ledger import (
    DEVICE,
    EXCLUSIVE,
    SHARED,
    Record,
    begin,
    commit,
    enter,
    leave,
    lost,
    signature_of,
)
from ..refusals import CountMismatch
from ..runs import give, take, take_at
from . import unmapping
from .data_frames import allocate_in_runs
from .few import map_few
from .mapped_pages import RECORD, SHARED_FRAMES, MappedPages
from .reclaiming import gc_and_reclaim
from .rights import NOT_MARKS, UNUSUAL, USUAL, unusual_word, word_of
from .run_lists import joined
from .table_frames import lend, table_word, take_back

zero_frames = memory.zero_frames


class Mapper:
    """Maps pages of one table. `PageTable` is one; `kernel` is the kernel's own table, `system` its allocators."""

    def __init__(self, root, system, kernel):
        self.root = root
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
        self.access = self._view.access
        self._facts = self.access.facts

    # What users map.

    def map_allocated_pages_to(self, pages, frames, flags, huge=True, override=None):
        """Map pages to exactly these frames; consumes both and returns MappedPages.

        Uses huge pages where both sides are aligned and long enough, unless `huge` is False. `override` names why a
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
        enter()
        try:
            mapped, record = self._new(page, count, word, kind, frame)
            record.mark_overridden(override is not None)
            is_clean = kind == DEVICE or frame_state[RUN] & 1
            self._place(record, ((frame, count, is_clean),), word | EXCLUSIVE_BIT, self._limit(huge))
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
            mapped._state[RECORD].mark_overridden(True)
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
        shared._check_mappable(count, word, override)
        enter()
        try:
            mapped, record = self._new(page, count, word, SHARED, shared._first)
            record.mark_overridden(override is not None)
            mapped._state[SHARED_FRAMES] = shared
            users = self._kernel.shared_users
            users[record.index] = shared
            try:
                frames = ((shared._first, count, shared._is_clean_to_map()),)
                self._place(record, frames, word, self._limit(huge))
            except BaseException:
                del users[record.index]
                raise
            shared._add_user(word)
            self._consumed(pages, "map_shared()")
        finally:
            leave()
        return mapped

    def create_mapping(self, size_in_bytes, flags, huge=True, override=None):
        """See `memory.create_mapping`."""
        if size_in_bytes.__class__ is not int or size_in_bytes < 1:
            self._pages._count_for(size_in_bytes, 0)
        word = flags._word if flags.__class__ is PteFlags else word_for(flags)
        count = size_in_bytes + 4095 >> 12
        kernel = self._kernel
        if word & UNUSUAL == USUAL:
            word = word & NOT_MARKS | PRESENT
        else:
            word = unusual_word(flags, kernel._page_pool.low, count, override)
        mapped = make(MappedPages, "_state", None)
        mapped._state = state = [
            kernel.create_record(count, word, kernel.largest_level if huge else 1),
            kernel,
            None,
            None,
        ]
        if override is not None:
            state[RECORD].mark_overridden(True)
        return mapped

    def create_record(self, count, word, limit=1):
        """The number layer of `create_mapping`: returns the native Record, an owner; `unmap_record` takes it back."""
        record = begin(count)
        if record is not None:
            page = take(self._page_tree, count)
            frame = take(self._frame_tree, count)
            if map_few(self._facts, record, page, frame, count, word) == 0:
                commit(record)
                return record
            if page >= 0:
                give(self._page_tree, page, count)
            if frame >= 0:
                give(self._frame_tree, frame, count)
            leave()
        return self._with_room(self._create_in_steps, count, word, limit)._state[0]

    def _create_few_at(self, page, count, word):
        """The same for given pages, as MappedPages; None when it takes more steps to map them, or to say why they can't
        be mapped."""
        record = begin(count)
        if record is None:
            return None
        if page >= UPPER_HALF_FIRST_PAGE:
            table, tree, is_kernels = self._kernel, self._page_tree, False
        else:
            table, tree, is_kernels = self, self._lower_tree, shared_table(self._facts, None, page)
        frame, run = -1, take_at(tree, page, count)
        if run >= 0 and not is_kernels:
            frame = take(self._frame_tree, count)
            if map_few(table._facts, record, run, frame, count, word) == 0:
                commit(record)
                return make(MappedPages, "_state", [record, table, None, None])
        if run >= 0:
            give(tree, run, count)
        if frame >= 0:
            give(self._frame_tree, frame, count)
        leave()
        return None

    def _create_in_steps(self, count, word, limit):
        """`create_record` for many pages, when tables are missing, or when memory is short."""
        pages = self._pages.allocate(count)
        try:
            return self._create_in(pages, word, limit, "create_mapping()")
        except BaseException:
            pages.drop()
            raise

    def create(self, count, word):
        """`create_mapping` of new pages with a flag word that was checked."""
        return self._with_room(self._create_in_steps, count, word, self.largest_level)

    def _create_in(self, pages, word, limit, consumer):
        """Map the pages of an owner to whatever frames there are, the fewest runs, and consume it."""
        state = pages._state
        page, count = state[RUN] >> 1, state[COUNT]
        owners = allocate_in_runs(self._frames, count)
        enter()
        try:
            frame = owners[0]._state[RUN]
            mapped, record = self._new(page, count, word, EXCLUSIVE, frame >> 1)
            table = self.table_for(page)
            is_few = len(owners) == 1 and count < 512
            if is_few and page < UPPER_HALF_FIRST_PAGE:
                table._view.refuse_kernel(page, count)
            if is_few and map_few(table._facts, record, page << 1, frame, count, word) == 0:
                record.arm()
            else:
                frames = [(owner._state[RUN] >> 1, owner._state[COUNT], owner._state[RUN] & 1) for owner in owners]
                record.set(page, count, word, signature_of(joined(frames)))
                self._place(record, frames, word | EXCLUSIVE_BIT, limit)
            for owner in owners:
                owner._state[RUN] = DEAD
            self._consumed(pages, consumer)
        except BaseException:
            for owner in owners:
                owner.drop()
            raise
        finally:
            leave()
        return mapped

    def create_mapping_at(self, address, size_in_bytes, flags, huge=True, override=None):
        """See `memory.create_mapping_at`; as a method of a table, it maps the lower half in that one."""
        self._live()
        allocator = self._pages
        if size_in_bytes.__class__ is not int or size_in_bytes < 1:
            allocator._count_for(size_in_bytes, 0)
        count = size_in_bytes + 4095 >> 12
        word = flags._word if flags.__class__ is PteFlags else word_for(flags)
        is_few = count < ENTRIES and word & UNUSUAL == USUAL and override is None
        if is_few and address.__class__ is VirtualAddress and not address._value & PAGE_SIZE - 1:
            page = address._value >> PAGE_SHIFT
            mapped = self._create_few_at(page, count, word & NOT_MARKS | PRESENT)
            if mapped is not None:
                return mapped
        pages = allocator.allocate_at(address, count)
        try:
            return self.map_allocated_pages(pages, flags, huge, override)
        except BaseException:
            if pages:
                pages.drop()
            raise

    def create_contiguous_mapping(self, size_in_bytes, flags):
        """See `memory.create_contiguous_mapping`."""
        frames = self._frames.allocate_by_bytes(size_in_bytes)
        address = frames.start_address
        return self._map_new_pages(frames, flags), address

    def map_frame_range(self, address, size_in_bytes, flags):
        """See `memory.map_frame_range`."""
        return self._map_new_pages(self._frames.allocate_by_bytes_at(address, size_in_bytes), flags)

    def create_identity_mapping(self, count, flags):
        """See `memory.create_identity_mapping`."""
        frames = self._frames.allocate(count)
        try:
            pages = self._pages.allocate_at(VirtualAddress(frames.start_address.value), count)
        except BaseException:
            frames.drop()
            raise
        return self._map_or_drop(pages, frames, flags)

    def _map_new_pages(self, frames, flags):
        try:
            pages = self._pages.allocate(len(frames))
        except BaseException:
            frames.drop()
            raise
        return self._map_or_drop(pages, frames, flags)

    def _map_or_drop(self, pages, frames, flags):
        try:
            return self.map_allocated_pages_to(pages, frames, flags)
        except BaseException:
            for owner in pages, frames:
                if owner:
                    owner.drop()
            raise

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
        record = Record(table.root, page, count, word, kind, frames)
        return MappedPages._new(table, record), record

    def _place(self, record, frames, word, limit):
        """Make the leaves of a record's mapping. `frames`: (first, count, whether they are clean).

        Raises; then nothing is mapped and nothing is taken.
        """
        page, count = record.first_page, record.count
        table = self.table_for(page)
        access = table.access
        if page < UPPER_HALF_FIRST_PAGE:
            table._view.refuse_kernel(page, count)
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
        finally:
            if job.has_unused():
                take_back(pool, job)
        record.arm()

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
        """The frame number that a page number is mapped to, or -1."""
        return self.access.translate(page)

    unmap_record = unmapping.unmap_record
