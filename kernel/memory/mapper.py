"""`Mapper`: maps what somebody owns, and is the only one who brings it back.

Every change has two parts. First everything that can fail: checks, Python objects, frames, frames for tables, `plan`.
Then the commit: native calls and stores into attributes that exist, none of which allocates or can be refused. All of
it happens between `enter` and `leave`, so that neither Ctrl-C nor a scheduled callback sees the middle.

Order when unmapping: entries cleared, TLB flushed, the shootdown callback called, and only then are frames, empty
tables and pages given back.
"""

import gc

from memory_structs import Frame, OutOfFrames, Page, PageRange, VirtualAddress
from paging import OffsetPageTable
from paging.flags import EXECUTABLE, GLOBAL, PteFlags, word_for
from paging.refusals import PageAlreadyMapped, ParentEntryHugePage

from . import runs as run_tree
from .allocators.owners import ARENA, CONSUMER, COUNT, DEAD, RUN, AllocatedFrames, AllocatedPages
from .mapped_pages import RECORD, SHARED_FRAMES, MappedPages
from .refusals import CountMismatch, MappingDamaged, WritableExecutable
from .runs import give, take
from .table_steps import (
    ACCESSED_DIRTY,
    DEVICE,
    EXCLUSIVE,
    EXCLUSIVE_BIT,
    HUGE,
    NO_EXECUTE,
    PRESENT,
    SHARED,
    UPPER_HALF,
    WRITABLE,
    Record,
    begin,
    detach,
    enter,
    field,
    finish,
    first_absent,
    first_lost,
    flush,
    frame_at,
    free_lost,
    leaf_at,
    leave,
    lend,
    log_override,
    lost,
    map,
    map_record,
    next_run,
    plan,
    pop_table,
    prune,
    run_length,
    set_callback_waits,
    take_back,
    unmap_simple,
    zero_frames,
)

CHUNKS_2M = 512
# What a mapper decides itself, whatever the flags say.
NOT_ASKED_FOR = ACCESSED_DIRTY | HUGE | EXCLUSIVE_BIT
# Flags that need a closer look, and what they are when they don't.
UNUSUAL = HUGE | EXCLUSIVE_BIT | EXECUTABLE | NO_EXECUTE | PRESENT
USUAL = NO_EXECUTE | PRESENT


class Mapper:
    """Maps pages of one table. `PageTable` is one; `kernel` is the kernel's own table, `system` its allocators."""

    _record = None
    _view = None

    def __init__(self, root, system, kernel):
        self.root = root
        self._system = system
        self._kernel = kernel or self
        self._frames = system.frame_allocator
        self._pages = system.page_allocator
        self._frame_pool = self._frames.pool
        self._frame_tree = self._frame_pool.tree
        self._page_pool = self._pages.pool
        self._page_tree = self._page_pool.tree

    # What users map.

    def map_allocated_pages_to(self, pages, frames, flags, huge=True, override=None):
        """Map pages to exactly these frames; consumes both and returns MappedPages.

        Uses huge pages where both sides are aligned and long enough, unless `huge` is False. `override` names why a
        mapping may be writable and executable at once. Raises TypeError, UseAfterMove, CountMismatch,
        WritableExecutable, PageAlreadyMapped, OutOfFrames (for tables); then both owners are still the caller's.
        """
        try:
            return self._map_to(pages, frames, flags, huge, override)
        except OutOfFrames:
            if not gc_and_reclaim(self):
                raise
        return self._map_to(pages, frames, flags, huge, override)

    def _map_to(self, pages, frames, flags, huge, override):
        if lost():
            self.reclaim()
        if self._record.__class__ is str:
            self._live()
        if pages.__class__ is not AllocatedPages or frames.__class__ is not AllocatedFrames or not (pages and frames):
            self._state_of(pages, AllocatedPages)
            self._state_of(frames, AllocatedFrames)
        page_state, frame_state = pages._state, frames._state
        page, frame, count = page_state[RUN] >> 1, frame_state[RUN] >> 1, page_state[COUNT]
        if count != frame_state[COUNT] or count == 0:
            self._state_of(pages, AllocatedPages)
            raise CountMismatch(count, frame_state[COUNT])
        in_pool = frame_state[ARENA] is self._frame_pool
        word = flags._word if flags.__class__ is PteFlags else word_for(flags)
        if word & UNUSUAL != USUAL:
            word = self._unusual(flags, page, count, override)
        word &= ~ACCESSED_DIRTY
        kernel = self._kernel
        table = kernel if page >= UPPER_HALF else self
        root = table.root
        enter()
        try:
            mapped = MappedPages()
            record = Record(root, page, count, word, EXCLUSIVE if in_pool else DEVICE)
            mapped._state = [record, table, None, None]
            needed = plan(root, page, frame, count, kernel.largest_level if huge else 1)
            if needed < 0:
                self._refuse_map(page - 1 - needed, frame - 1 - needed)
            if needed:
                run = take(self._frame_tree, needed)
                if run >= 0:
                    run_tree.add_owners(self._frame_tree, needed - 1)  # each table comes back on its own
                    lend(run >> 1, needed)
                else:
                    self._lend_tables(needed)
            if in_pool and not frame_state[RUN] & 1:
                zero_frames(frame, count)
            map(root, word | EXCLUSIVE_BIT)
            if override is not None:
                record.mark_overridden(True)
            record.arm()
            if not in_pool:
                frame_state[ARENA].mapped += count
            page_state[CONSUMER] = frame_state[CONSUMER] = "map_allocated_pages_to()"
            page_state[RUN] = frame_state[RUN] = DEAD
        finally:
            leave()
        return mapped

    def map_allocated_pages(self, pages, flags, huge=True, override=None):
        """Map pages to any frames of RAM; consumes `pages`, returns MappedPages. Raises as `map_allocated_pages_to`."""
        try:
            return self._map_any(pages, flags, huge, override)
        except OutOfFrames:
            if not gc_and_reclaim(self):
                raise
        return self._map_any(pages, flags, huge, override)

    def _map_any(self, pages, flags, huge, override):
        if lost():
            self.reclaim()
        self._live()
        page_state = self._state_of(pages, AllocatedPages)
        page, count = page_state[RUN] >> 1, page_state[COUNT]
        word = self._word(flags, page, count, override)
        enter()
        try:
            record = Record(self._root_for(page), page, count, word, EXCLUSIVE)
            mapped = MappedPages._new(self._table_for(page), record)
            self._map_to_any(page, count, word, self._limit(huge))
            record.mark_overridden(override is not None)
            record.arm()
            self._consumed(pages, "map_allocated_pages()")
        finally:
            leave()
        return mapped

    def create(self, count, word, limit):
        """Map `count` new pages of the kernel's pool to any frames: MappedPages. The flag word goes unchecked."""
        mapped = MappedPages()
        mapped._state = state = [None, self, None, None]
        state[RECORD] = self.create_record(count, word, limit)
        return mapped

    def create_record(self, count, word, limit=1):
        """The number layer of `create`: returns the native Record, an owner; `unmap_record` takes it back."""
        record = begin(count)
        if record is not None:
            page = take(self._page_tree, count)
            frame = take(self._frame_tree, count)
            needed = map_record(record, self.root, page, frame, count, word)
            if needed == 0 or self._map_with_tables(needed, record, page, frame, count, word):
                return record
        return self._create_in_steps(count, word, limit)

    def _map_with_tables(self, needed, record, page, frame, count, word):
        """Go on where `map_record` could not, with frames for tables. False: all is given back, the guard is left."""
        if needed > 0:
            run = take(self._frame_tree, needed)
            if run >= 0:
                run_tree.add_owners(self._frame_tree, needed - 1)  # each table comes back on its own
                lend(run >> 1, needed)
                map_record(record, self.root, page, frame, count, word)
                return True
        self._give_runs(page, frame, count)
        leave()
        return False

    def _give_runs(self, page, frame, count):
        if page >= 0:
            give(self._page_tree, page, count)
        if frame >= 0:
            give(self._frame_tree, frame, count)

    def _create_in_steps(self, count, word, limit):
        """`create_record` for many pages, when tables are missing, or when memory is short."""
        try:
            return self._create_once(count, word, limit)
        except OutOfFrames:
            if not gc_and_reclaim(self):
                raise
        return self._create_once(count, word, limit)

    def _create_once(self, count, word, limit):
        self.reclaim()
        word &= ~ACCESSED_DIRTY
        pages = self._pages.allocate(count)
        page = pages._state[RUN] >> 1
        enter()
        try:
            record = Record(self.root, page, count, word, EXCLUSIVE)
            self._map_to_any(page, count, word, limit)
            pages._state[RUN] = DEAD
            record.arm()
        except BaseException:
            pages.drop()
            raise
        finally:
            leave()
        return record

    def create_mapping(self, size_in_bytes, flags, huge=True, override=None):
        """See `memory.create_mapping`."""
        if size_in_bytes.__class__ is not int or size_in_bytes < 1:
            self._pages._count_for(size_in_bytes, 0)
        word = flags._word if flags.__class__ is PteFlags else word_for(flags)
        if word & UNUSUAL != USUAL:
            word = self._unusual(flags, self._kernel._page_pool.low, size_in_bytes + 4095 >> 12, override)
            if override is not None:
                return self._create_overridden(size_in_bytes + 4095 >> 12, word, huge)
        kernel = self._kernel
        count = size_in_bytes + 4095 >> 12
        mapped = MappedPages()
        mapped._state = state = [None, kernel, None, None]
        # As create_record, in line: this is the hottest call of all.
        record = begin(count)
        if record is not None:
            page = take(kernel._page_tree, count)
            frame = take(kernel._frame_tree, count)
            needed = map_record(record, kernel.root, page, frame, count, word)
            if needed == 0 or kernel._map_with_tables(needed, record, page, frame, count, word):
                state[RECORD] = record
                return mapped
        state[RECORD] = kernel._create_in_steps(count, word, kernel.largest_level if huge else 1)
        return mapped

    def _create_overridden(self, count, word, huge):
        kernel = self._kernel
        mapped = kernel.create(count, word, kernel.largest_level if huge else 1)
        mapped._state[RECORD].mark_overridden(True)
        return mapped

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
            if pages:
                pages.drop()
            if frames:
                frames.drop()
            raise

    def set_shootdown(self, callback):
        """See `memory.set_broadcast_tlb_shootdown_cb`."""
        if callback is not None and not callable(callback):
            raise TypeError("a function or None expected, not %s" % type(callback).__name__)
        self._kernel.shootdown = callback
        set_callback_waits(callback is not None)

    def map_shared(self, pages, shared, flags, huge=True, override=None):
        """Map pages to frames that others may map, too; consumes `pages`, counts one more user of `shared`.

        Raises as `map_allocated_pages_to`; WritableExecutable also when another mapping of the same frames would
        make them both.
        """
        if lost():
            self.reclaim()
        self._live()
        page_state = self._state_of(pages, AllocatedPages)
        page, count = page_state[RUN] >> 1, page_state[COUNT]
        word = self._word(flags, page, count, override)
        shared._check_mappable(count, word, override)
        enter()
        try:
            record = Record(self._root_for(page), page, count, word, SHARED)
            mapped = MappedPages._new(self._table_for(page), record)
            mapped._state[SHARED_FRAMES] = shared
            self._kernel.shared_users[record.index] = shared
            try:
                self._prepare(page, shared._first, count, self._limit(huge))
            except BaseException:
                del self._kernel.shared_users[record.index]
                raise
            shared._make_clean()
            map(self.root, word)
            record.mark_overridden(override is not None)
            record.arm()
            shared._add_user(word)
            self._consumed(pages, "map_shared()")
        finally:
            leave()
        return mapped

    # Safe points.

    def reclaim(self):
        """Unmap what the collector found forgotten. Returns how many mappings that were."""
        count = 0
        kernel = self._kernel
        while lost():
            enter()
            try:
                index = first_lost()
                self._frame_pool.reclaimed += 1
                self._page_pool.reclaimed += 1
                if not kernel.reclaim_record(index):
                    kernel.stuck += 1
                free_lost()
                kernel.reclaimed += 1
            finally:
                leave()
            count += 1
        return count

    # Insides: preparing.

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

    def _word(self, flags, page, count, override):
        """The flag word of the leaves to be made. Raises TypeError, ContradictoryFlags or WritableExecutable."""
        word = flags._word if flags.__class__ is PteFlags else word_for(flags)
        if word & UNUSUAL != USUAL:
            word = self._unusual(flags, page, count, override)
        return word & ~ACCESSED_DIRTY

    def _unusual(self, flags, page, count, override):
        """The flag word of flags that are executable, or wish it. Raises ContradictoryFlags or WritableExecutable."""
        word = word_for(flags)
        if word & WRITABLE and not word & NO_EXECUTE:
            self._allow(page, count, override)
        return word & ~NOT_ASKED_FOR | PRESENT

    def _allow(self, page, count, override):
        """Refuse W+X, or log who asked for it and why."""
        if type(override) is not str or not override:
            raise WritableExecutable(PageRange.from_numbers(page, page + count - 1))
        log_override(override, page, count)

    def _limit(self, huge):
        return self._kernel.largest_level if huge else 1

    def _root_for(self, page):
        return self._kernel.root if page >= UPPER_HALF else self.root

    def _table_for(self, page):
        return self._kernel if page >= UPPER_HALF else self

    def _prepare(self, page, frame, count, limit):
        """Have the tables that `map` needs lent to it. Raises; then nothing has changed."""
        needed = plan(self.root, page, frame, count, limit)
        if needed > 0:
            self._lend_tables(needed)
        elif needed < 0:
            self._refuse_map(page - 1 - needed, frame - 1 - needed)

    def _lend_tables(self, needed):
        """Lend `needed` frames to `map` or `divide`: one run if there is one, else what there is."""
        lent = 0
        try:
            while lent < needed:
                count = needed - lent
                run = take(self._frame_tree, count)
                if run < 0:
                    count = min(count, run_tree.largest_of(self._frame_tree))
                    run = take(self._frame_tree, count) if count else run
                if run < 0:
                    raise OutOfFrames(needed, "page tables", run_tree.largest_of(self._frame_tree))
                lent += count
                try:
                    lend(run >> 1, count)
                except BaseException:
                    give(self._frame_tree, run, count)
                    raise
                run_tree.add_owners(self._frame_tree, count - 1)  # each table comes back on its own
        except BaseException:
            self._take_tables_back()
            raise

    def _take_tables_back(self):
        frame = take_back()
        while frame >= 0:
            give(self._frame_tree, frame << 1, 1)
            frame = take_back()

    def _map_to_any(self, page, count, word, limit):
        """Map pages to whatever frames there are, the fewest runs. Raises; then nothing is mapped and nothing taken."""
        done = 0
        try:
            while done < count:
                owner = self._take_frames(count - done)
                run, length = owner._state[RUN], owner._state[COUNT]
                frame = run >> 1
                try:
                    self._prepare(page + done, frame, length, limit)
                except BaseException:
                    owner.drop()
                    raise
                if not run & 1:
                    zero_frames(frame, length)
                map(self.root, word | EXCLUSIVE_BIT)
                owner._state[RUN] = DEAD
                done += length
        except BaseException:
            if done:
                detach(self.root, page, done)
                self._finish(self.root, page, done, EXCLUSIVE, word, False)
            raise

    def _take_frames(self, count):
        """Own as many of `count` frames as one run has: all of them, or the longest run there is."""
        try:
            return self._frames.allocate(count)
        except OutOfFrames:
            largest = run_tree.largest_of(self._frame_tree)
            if largest == 0 or run_tree.total_of(self._frame_tree) < count:
                raise
            return self._frames.allocate(min(count, largest))

    def _consumed(self, owner, consumer):
        """The commit for an owner whose numbers are mapped now."""
        state = owner._state
        state[CONSUMER] = consumer
        state[RUN] = DEAD

    # Insides: unmapping.

    def unmap(self, mapped, record, consumer):
        """Take a mapping away and give everything back. Raises MappingDamaged; then nothing has changed."""
        enter()
        try:
            failure = self._unmap_in_steps(record, mapped)
            mapped._state[RECORD] = consumer
        finally:
            leave()
        if failure is not None:
            raise failure

    def unmap_record(self, record):
        """The number layer of `unmap`. Raises MappingDamaged, or what the shootdown callback raised."""
        run = unmap_simple(record, None)
        if run >= 0:
            count = record.count
            give(self._frame_tree, run & -2, count)
            if run & 1:
                self._give_popped()
            give(self._page_tree, record.first_page << 1, count)
            finish(record)
            return
        failure = self._unmap_in_steps(record, record)
        if failure is not None:
            raise failure

    def _give_popped(self):
        """Free the tables that were cut off; they are clean."""
        table = pop_table()
        while table >= 0:
            give(self._frame_tree, table << 1 | 1, 1)
            table = pop_table()

    def _unmap_in_steps(self, record, mapped):
        """`unmap` for whatever is not simple. Returns what the shootdown callback raised, or None."""
        page, count, kind, word = record.first_page, record.count, record.kind, record.flags
        absent = detach(record.root, page, count)
        if absent >= 0:
            raise MappingDamaged(mapped, Page(page + absent), "be dropped")
        failure = self._finish(record.root, page, count, kind, word, not record.exported)
        if record.exported:
            self._quarantine(count)
        if kind == SHARED:
            self._forget_user(record.index, word)
        record.end()
        return failure

    def reclaim_record(self, index):
        """Unmap a lost record. False when its entries are not what they should be: then nothing is given back."""
        root, page, count = field(index, "root"), field(index, "first_page"), field(index, "count")
        kind, word = field(index, "kind"), field(index, "flags")
        if detach(root, page, count) >= 0:
            return False
        exported = field(index, "exported")
        self._finish(root, page, count, kind, word, not exported)
        if exported:
            self._quarantine(count)
        if kind == SHARED:
            self._forget_user(index, word)
        return True

    def _forget_user(self, index, word):
        """A shared mapping is gone, and flushed."""
        users = self._kernel.shared_users
        shared = users[index]
        del users[index]
        shared._remove_user(word)
        shared._give_when_unused()

    def _finish(self, root, page, count, kind, word, with_pages=True):
        """After `detach`: flush, tell other CPUs, give all of it back. Returns what the callback raised."""
        failure = self._invalidate(page, count, word)
        self._harvest(kind)
        prune(root, page, count)
        self._give_popped()
        if with_pages:
            self._give_pages(page, count)
        return failure

    def _invalidate(self, page, count, word):
        """Flush a range and call the shootdown callback. Returns what that raised, or None."""
        flush(page, count, word & GLOBAL)
        callback = self._kernel.shootdown
        if callback is None:
            return None
        try:
            callback(PageRange.from_numbers(page, page + count - 1))
        except BaseException as failure:
            return failure
        return None

    def _harvest(self, kind):
        """Give back the frames that the detached entries name."""
        tree = self._frame_tree
        frame = next_run()
        while frame >= 0:
            count = run_length()
            if kind == EXCLUSIVE:
                give(tree, frame << 1, count)
            elif kind == DEVICE:
                self._give_device(frame, count)
            frame = next_run()

    def _give_device(self, frame, count):
        """Give back frames outside the pool: reserved RAM or a device region."""
        arena = self._frames._arena_of(frame, frame)
        arena.mapped -= count
        give(arena.tree, frame << 1, count)

    def _give_pages(self, page, count):
        give(self._page_arena(page).tree, page << 1, count)

    def _quarantine(self, count):
        """Never use `count` pages again: a raw buffer may still point to them. They stay counted as not free."""
        self._pages.quarantined += count

    def _page_arena(self, page):
        return self._page_pool if page >= UPPER_HALF else self._pages._arenas[1]

    # Refusals.

    def _refuse_map(self, page, frame):
        leaf = leaf_at(self.root, page)
        level, word = leaf & 15, leaf >> 4
        mapped = frame_at(self.root, page)
        if level > 1:
            raise ParentEntryHugePage(page, level, word, mapped)
        raise PageAlreadyMapped(page, level, word, mapped, frame)

    def _refuse_unmap(self, mapped, page, step):
        raise MappingDamaged(mapped, Page(page), step)

    # Questions.

    @property
    def view(self):
        """The paging layer's mapper of this table, for looking."""
        self._live()
        if self._view is None:
            self._view = OffsetPageTable(Frame(self.root), ledger=self._kernel.ledger)
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
        return frame_at(self.root, page)

    def is_mapped(self, page, count):
        """True when every one of `count` pages from number `page` on is mapped by a leaf inside that range."""
        return first_absent(self.root, page, count) < 0


def gc_and_reclaim(mapper):
    """Collect, then unmap what was forgotten. True when that brought something back."""
    enter()  # or a safe point would be quicker, and this find nothing
    try:
        gc.collect()
        return lost() > 0 and mapper.reclaim() > 0
    finally:
        leave()
