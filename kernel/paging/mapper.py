"""The mapper: one piece of code for every page size and for every way to reach tables.

The number layer are the methods with `numbers` in their name, and `mapper.access`, the native object itself: page and
frame numbers (address >> 12), counts of 4 KiB pages, flag words; no heap allocation. The typed calls stand on it.
"""

from memory_structs import Frame, FrameRange, Page, Page4K, PageRange, PageSize, VirtualAddress

from .flags import EXECUTABLE, GLOBAL, HUGE_PAGE, PRESENT, PteFlagsX86_64, word_for
from .natives import LAST_PAGE, LEVELS, UPPER_HALF_FIRST_PAGE, tables
from .numbers import check_frame, check_page, frame_of, physical_address_of
from .refusals import FrameAllocationFailed, PageNotMapped, refusal
from .tlb import NOTHING_TO_FLUSH, FlushLedger, MapperFlush, MapperFlushAll
from .translation import NotMapped, Run, Walk, WalkEntry

KEEP_NOTHING = 0
LEAVE_PARENTS = -1
MOST_LEVELS = LEVELS - 1
ENTRIES = 512
# 4 KiB pages in a page of a level. A list: in a frozen tuple of constants these would be big ints.
PAGES_OF = [0, 1, 1 << 9, 1 << 18]


class Mapper:
    """Having a mapper means: this level-4 table can be read and changed. `access` is a `tables.Access` on it.

    `names[i]` names the i-th protected span of `access`, in refusals.
    """

    def __init__(self, access, ledger=None, names=()):
        self.access = access
        self.ledger = FlushLedger() if ledger is None else ledger
        self.names = list(names)
        self.shared_from = ENTRIES
        # Looked up once: the calls that are made for single pages.
        self._map = access.map
        self._map_page = access.map_page
        self._map_again = access.map_again
        self._find = access.find
        self._physical = access.physical

    @property
    def root(self):
        """The Frame of the level-4 table."""
        return frame_of(self.access.root_frame)

    def is_active(self):
        """True while CR3 names this mapper's level-4 table."""
        return self.access.is_active

    def protect(self, first_page, last_page, name):
        """Refuse, from now on, every change from page number `first_page` to `last_page`, naming `name`."""
        self.access.protect(first_page, last_page)
        self.names.append(name)

    def share_from(self, index):
        """Say that root entries from `index` on lead to level-3 tables that other roots use too: never freed."""
        self.access.share_from(index)
        self.shared_from = index

    # Flushes.

    def _may_be_cached(self, page):
        """True when the CPU can remember entries for this page number: this root is active, or shares that part."""
        return self.access.is_active or (page >= UPPER_HALF_FIRST_PAGE and self.shared_from < ENTRIES)

    def _token(self, page, spans):
        """A token for pages from `page` on: made, and in the ledger, before the change, as it needs the heap."""
        return MapperFlush(self.ledger, spans) if self._may_be_cached(page) else NOTHING_TO_FLUSH

    def _token_for_all(self, page, with_global=True):
        return MapperFlushAll(self.ledger, with_global) if self._may_be_cached(page) else NOTHING_TO_FLUSH

    def _require(self, code, token, page, count=1, flags=None):
        """Raise what a native refused with, and take the token back that was made for it."""
        if code != 0:
            token.ignore()
            raise refusal(code, self.access, page, count, flags=flags, names=self.names)

    # Mapping.

    def map_to(self, page, frame, flags, frame_allocator, parent_flags=None):
        """Map one page of any size to a frame of the same size; missing tables come from `frame_allocator`.

        New tables get PRESENT, WRITABLE and the page's USER_ACCESSIBLE: the leaf decides. With `parent_flags` new and
        existing tables on the way get these flags added, which is the only way to widen what exists.
        Returns a MapperFlush; it is needed only if an existing table's flags changed. Raises
        FrameAllocationFailed, ParentEntryHugePage, PageAlreadyMapped, StaleParentEntry, ContradictoryFlags,
        KernelInUse; then nothing has changed and every frame is back in its allocator.
        """
        if type(page) is not Page or type(frame) is not Frame:
            raise TypeError("a Page and a Frame expected, not %r and %r" % (page, frame))
        size = page._size
        if frame._size is not size:
            raise TypeError("%r and %r are of two sizes" % (page, frame))
        word = flags._word if type(flags) is PteFlagsX86_64 else word_for(flags)
        if parent_flags is None and size is Page4K:
            code = self._map_page(page._number, frame._number, word)
            if code == 0:
                return NOTHING_TO_FLUSH
        level = size._level
        count = PAGES_OF[level]
        page, frame = page._number, frame._number
        if parent_flags is not None:
            return self._map_widening(page, frame, count, flags, (level, level), frame_allocator, parent_flags)
        code = self._map(page, frame, count, word_for(flags), level, level, LEAVE_PARENTS)
        return self._finish_map(code, page, frame, count, flags, frame_allocator)

    def identity_map(self, frame, flags, frame_allocator, parent_flags=None):
        """Map a frame to the page with the same address. As map_to; NonCanonicalAddress above the lower half."""
        page = Page.containing_address(VirtualAddress(check_frame(frame).start_address.value), frame.size)
        return self.map_to(page, frame, flags, frame_allocator, parent_flags)

    def map_range(self, pages, frames, flags, frame_allocator, parent_flags=None, largest=None):
        """Map a PageRange to a FrameRange of the same length, with the largest pages that fit.

        `largest` (Page4K, Page2M, Page1G) is an upper limit. As map_to in everything else, for the whole range.
        """
        if type(pages) is not PageRange or type(frames) is not FrameRange:
            raise TypeError("a PageRange and a FrameRange expected")
        first, frame = pages._first, frames._first
        count = pages._last + 1 - first
        if count != frames._last + 1 - frame:
            raise ValueError("%r has not as many 4 KiB units as %r" % (pages, frames))
        if count == 0:
            return NOTHING_TO_FLUSH
        limit = MOST_LEVELS if largest is None else level_of(largest)
        plain = parent_flags is None and type(flags) is PteFlagsX86_64
        if plain and self._map(first, frame, count, flags._word, 1, limit, LEAVE_PARENTS) == 0:
            return NOTHING_TO_FLUSH
        return self.map_numbers(first, frame, count, flags, frame_allocator, parent_flags, limit)

    def map_numbers(self, page, frame, count, flags, frame_allocator, parent_flags=None, largest=MOST_LEVELS):
        """map_range on numbers: `count` 4 KiB pages from page number `page` on; `largest` is a level, 1 to 3."""
        word = flags._word if type(flags) is PteFlagsX86_64 else word_for(flags)
        if parent_flags is not None:
            return self._map_widening(page, frame, count, flags, (1, largest), frame_allocator, parent_flags)
        if word >= EXECUTABLE:
            word = word_for(flags)
        code = self._map(page, frame, count, word, 1, largest, LEAVE_PARENTS)
        if code == 0:
            return NOTHING_TO_FLUSH
        return self._finish_map(code, page, frame, count, flags, frame_allocator)

    def _finish_map(self, code, page, frame, count, flags, frame_allocator):
        """What is left to do after the first answer: supply tables and try again, or refuse."""
        if code > 0:
            try:
                self.supply(page, code, frame_allocator)
                code = self._map_again(page, count)
            finally:
                if self.access.spare_count:
                    self.withdraw(frame_allocator)
        if code != 0:
            raise refusal(code, self.access, page, count, frame, flags, self.names)
        return NOTHING_TO_FLUSH

    def _map_widening(self, page, frame, count, flags, levels, frame_allocator, parent_flags):
        """Map, and add `parent_flags` to the tables on the way: their old flags may be cached."""
        token = self._token_for_all(page)
        changed = False
        try:
            code = self._map(page, frame, count, word_for(flags), levels[0], levels[1], word_for(parent_flags))
            self._finish_map(code, page, frame, count, flags, frame_allocator)
            changed = self.access.parents_changed
        finally:
            if not changed:
                token.ignore()
        return token if changed else NOTHING_TO_FLUSH

    def supply(self, page, needed, frame_allocator):
        """Hand `needed` frames in for tables, all or none: FrameAllocationFailed gives back what came.

        A frame allocator that has `allocate_run(count)` is asked for runs: it returns (first frame number, count of
        at most that many) or None.
        """
        try:
            allocate_run = frame_allocator.allocate_run
        except AttributeError:
            allocate_run = one_at_a_time(frame_allocator)
        left = needed
        while left > 0:
            run = allocate_run(left)
            if run is None:
                self.withdraw(frame_allocator)
                raise FrameAllocationFailed(page, needed, needed - left)
            first, count = run
            try:
                self.access.give(first, count)
            except MemoryError:
                give_back(frame_allocator, first, count)
                self.withdraw(frame_allocator)
                raise
            left -= count

    def withdraw(self, frame_allocator):
        """Give every frame that was handed in and not used back."""
        frame = self.access.take()
        while frame >= 0:
            give_back(frame_allocator, frame, 1)
            frame = self.access.take()

    # Unmapping and changing.

    def unmap(self, page):
        """Take one page's mapping away: (Frame, flags, MapperFlush). Tables stay; clean_up frees them.

        Raises PageNotMapped, ParentEntryHugePage (SmallerPages when `page` is huge but its mapping is not),
        MalformedEntry, KernelInUse; then nothing has changed.
        """
        size = check_page(page)._size
        number = page._number
        level = size._level
        count = PAGES_OF[level]
        access = self.access
        frame = max(access.translate(number), 0)
        flags = PteFlagsX86_64.of_word(access.flags)
        token = self._token(number, ((number, count, count),))
        result = frame_of(frame, size), flags, token
        self._require(access.unmap(number, count, level, level), token, number, count)
        return result

    def unmap_range(self, pages):
        """Take the mappings of a whole PageRange away: (list of Run, MapperFlush).

        All of it must be mapped, and no huge page may reach out of it. Raises as unmap does.
        """
        first, count = numbers_of(pages)
        return self.unmap_numbers(first, count) if count else ([], NOTHING_TO_FLUSH)

    def unmap_numbers(self, page, count):
        """unmap_range on numbers."""
        runs = self.runs(page, count)
        token = self._token_for_runs(page, runs)
        result = runs, token
        self._require(self.access.unmap(page, count, 1, MOST_LEVELS), token, page, count)
        return result

    def _token_for_runs(self, page, runs):
        """The token for changing all leaves of runs."""
        leaves = 0
        words = 0
        for run in runs:
            if run.is_mapped:
                leaves += run.count // PAGES_OF[run.level]
                words |= run.word
        if leaves > self.ledger.threshold:
            return self._token_for_all(page, words & GLOBAL != 0)
        return self._token(page, spans_of(runs))

    def _token_after_check(self, page, count):
        """Check that all of a range is mapped, and make the token for changing all of its leaves."""
        access = self.access
        self._require(access.check(page, count, 1, MOST_LEVELS), NOTHING_TO_FLUSH, page, count)
        leaves, any_global = access.count, access.any_global
        if leaves > self.ledger.threshold:
            return self._token_for_all(page, any_global)
        if leaves == count:
            return self._token(page, ((page, count, 1),))
        return self._token(page, spans_of(self.runs(page, count)))

    def update_flags(self, page, flags, keep=KEEP_NOTHING):
        """Replace one page's flags; of the old ones those in the flag word `keep` stay. Tables are not widened.

        Without PRESENT in `flags` the page is not mapped any more, but its entry goes on saying what it said:
        clear(page) takes it away. Raises as unmap does, and ContradictoryFlags.
        """
        size = check_page(page)._size
        count = size.num_4k_pages
        number = page._number
        level = size._level
        token = self._token(number, ((number, count, count),))
        self._update(number, count, level, level, flags, keep, token)
        return token

    def update_flags_range(self, pages, flags, keep=KEEP_NOTHING):
        """update_flags for a whole PageRange, of any mix of page sizes; returns one MapperFlush."""
        first, count = numbers_of(pages)
        return self.update_numbers(first, count, flags, keep) if count else NOTHING_TO_FLUSH

    def update_numbers(self, page, count, flags, keep=KEEP_NOTHING):
        """update_flags_range on numbers."""
        token = self._token_after_check(page, count)
        self._update(page, count, 1, MOST_LEVELS, flags, keep, token)
        return token

    def _update(self, page, count, smallest, largest, flags, keep, token):
        try:
            code = self.access.update(page, count, smallest, largest, keep, word_for(flags))
        except BaseException:
            token.ignore()
            raise
        self._require(code, token, page, count, flags)

    def clear(self, page):
        """Empty an entry that is not present: (frame number, flags) that it named. PageNotMapped if it is empty."""
        level = check_page(page)._size._level
        self.access.look(page._number, level)
        word, was_empty = self.access.flags, self.access.entry_frame == 0 and self.access.flags == 0
        if was_empty or self.access.level != level:
            raise PageNotMapped(page._number, self.access.level, word)
        frame = self.access.clear(page._number, level)
        if frame < 0:
            raise refusal(frame, self.access, page._number, names=self.names)
        return frame, PteFlagsX86_64.of_word(word)

    def set_flags_p4_entry(self, page, flags):
        """Replace the flags of the root's entry for `page`; returns a MapperFlushAll. Raises PageNotMapped."""
        return self.set_parent_flags(page, 4, flags)

    def set_flags_p3_entry(self, page, flags):
        """As set_flags_p4_entry, one level down; ParentEntryHugePage where a 1 GiB page is mapped."""
        return self.set_parent_flags(page, 3, flags)

    def set_flags_p2_entry(self, page, flags):
        """As set_flags_p3_entry, one level down; ParentEntryHugePage where a 2 MiB page is mapped."""
        return self.set_parent_flags(page, 2, flags)

    def set_parent_flags(self, page, level, flags):
        """Replace the flags of the table entry at `level` on the way of `page`; what it leads to stays."""
        number = check_page(page)._number
        if level <= page._size._level:
            raise refusal(tables.PARENT_HUGE, self.access, number)
        word = word_for(flags)
        token = self._token_for_all(number)
        try:
            code = self.access.set_parent(number, level, word)
        except BaseException:
            token.ignore()
            raise
        self._require(code, token, number, 1, flags)
        return token

    # Looking.

    def translate(self, address):
        """`Mapped` or `NotMapped` (which is false) for a VirtualAddress. MalformedEntry where reserved bits are set."""
        if type(address) is not VirtualAddress:
            raise TypeError("a VirtualAddress expected, not %s" % type(address).__name__)
        found = self._find(address._value)
        if found is None:
            return self._nothing_at(address)
        return found

    def _nothing_at(self, address):
        if self.access.malformed:
            raise refusal(tables.MALFORMED, self.access, address.number)
        return NotMapped

    def translate_addr(self, address):
        """The PhysicalAddress that a VirtualAddress leads to, or None."""
        if type(address) is not VirtualAddress:
            raise TypeError("a VirtualAddress expected, not %s" % type(address).__name__)
        value = self._physical(address._value)
        return None if value < 0 else physical_address_of(value)

    def translate_page(self, page):
        """The Frame, of the page's own size, that it is mapped to.

        Raises PageNotMapped, ParentEntryHugePage or SmallerPages (another size is mapped there), MalformedEntry.
        """
        level = check_page(page)._size._level
        access = self.access
        frame = access.look(page._number, level)
        code = 0
        if not access.flags & PRESENT:
            code = tables.NOT_MAPPED
        elif access.malformed:
            code = tables.MALFORMED
        elif access.level > level:
            code = tables.PARENT_HUGE
        elif level > 1 and not access.flags & HUGE_PAGE:
            code = tables.SMALLER_PAGES
        if code != 0:
            raise refusal(code, access, page._number)
        return frame_of(frame & -PAGES_OF[level], page._size)

    def translate_range(self, pages):
        """What a PageRange is mapped to: a list of Run, holes included, in ascending order."""
        first, count = numbers_of(pages)
        return self.runs(first, count) if count else []

    def runs(self, page, count):
        """translate_range on numbers."""
        access = self.access
        found = []
        while count > 0:
            frame = access.next_run(page, count)
            if frame == tables.MALFORMED:
                raise refusal(frame, access, page)
            done = access.count
            found.append(Run(page, done, frame, access.level, access.flags, access.effective))
            page += done
            count -= done
        return found

    def walk(self, address):
        """The entries on the way of a VirtualAddress (or to a Page), as a Walk: nothing is followed that can't be."""
        if type(address) is not VirtualAddress and type(address) is not Page:
            raise TypeError("a VirtualAddress or a Page expected, not %s" % type(address).__name__)
        number = address.number
        entries = []
        for level in range(LEVELS, 0, -1):
            frame = self.access.look(number, level)
            if self.access.level != level:
                break
            table = self.access.table_frame
            index = number >> 9 * (level - 1) & 511
            entries.append(WalkEntry(level, table, index, frame, self.access.flags, self.access.malformed))
        return Walk(address, entries)

    # Tables.

    def clean_up(self, frame_deallocator):
        """Free every empty table but the root and shared level-3 tables; returns how many that were."""
        return self.clean_up_numbers(0, LAST_PAGE, frame_deallocator)

    def clean_up_range(self, pages, frame_deallocator):
        """As clean_up, for the tables on the way of a PageRange."""
        first, count = numbers_of(pages)
        return self.clean_up_numbers(first, first + count - 1, frame_deallocator) if count else 0

    def clean_up_numbers(self, first, last, frame_deallocator):
        """clean_up_range on page numbers, `last` included.

        Unlink, then flush (the CPU may remember the way through the tables), then hand the frames back.

        A deallocator that has `deallocate_run(frame number, count)` gets runs.
        """
        access = self.access
        freed = access.clean_up(first, last)
        if freed and (self._may_be_cached(first) or self._may_be_cached(last)):
            self.ledger.flush_all(False)
        deallocate_run = getattr(frame_deallocator, "deallocate_run", None)
        frame = access.freed_run()
        while frame >= 0:
            count = access.count
            if deallocate_run is not None:
                deallocate_run(frame, count)
            else:
                for number in range(frame, frame + count):
                    frame_deallocator.deallocate_frame(frame_of(number))
            frame = access.freed_run()
        return freed


def give_back(frame_allocator, first, count):
    """Hand frames back one by one: every frame allocator can take that."""
    for number in range(first, first + count):
        frame_allocator.deallocate_frame(frame_of(number))


def one_at_a_time(frame_allocator):
    """allocate_run for a frame allocator that has none."""

    def allocate_run(_):
        frame = frame_allocator.allocate_frame()
        return None if frame is None else (check_frame(frame).number, 1)

    return allocate_run


def level_of(size):
    """The level of a page size. Raises TypeError for anything else."""
    if type(size) is not PageSize:
        raise TypeError("a size must be Page4K, Page2M or Page1G, not %s" % type(size).__name__)
    return size.level


def numbers_of(pages):
    """(first page number, count of 4 KiB pages) of a PageRange; a count of 0 if it is empty."""
    if type(pages) is not PageRange:
        raise TypeError("a PageRange expected, not %s" % type(pages).__name__)
    return pages._first, pages._last + 1 - pages._first


def spans_of(runs):
    """What a MapperFlush needs of runs."""
    return tuple([(run.page, run.count, PAGES_OF[run.level]) for run in runs if run.is_mapped])
