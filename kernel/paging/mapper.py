"""The mapper: one piece of code for every page size and for every way to reach tables.

The number layer are the methods with `numbers` in their name, and `mapper.access`, the native object itself: page and
frame numbers (address >> 12), counts of 4 KiB pages, flag words; no heap allocation. The typed calls stand on it.
"""

from memory_structs import Frame, FrameRange, Page, Page4K, PageRange, VirtualAddress

from .flags import EXECUTABLE, HUGE_PAGE, PRESENT, PteFlagsX86_64, word_for
from .natives import LAST_PAGE, LEVELS, UPPER_HALF_FIRST_PAGE, tables
from .numbers import SIZES, check_frame, check_page, frame_of, physical_address_of
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

    def _flush_for(self, page, spans, leaves, with_global):
        if not self._may_be_cached(page):
            return NOTHING_TO_FLUSH
        if leaves > self.ledger.threshold:
            return MapperFlushAll(self.ledger, with_global)
        return MapperFlush(self.ledger, spans)

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
        parent = word_for_parents(parent_flags)
        code = self._map(page._number, frame._number, count, word_for(flags), level, level, parent)
        return self._finish_map(code, page._number, frame._number, count, flags, frame_allocator)

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
        limit = MOST_LEVELS if largest is None else largest.level
        if parent_flags is None and type(flags) is PteFlagsX86_64:
            if self._map(first, frame, count, flags._word, 1, limit, LEAVE_PARENTS) == 0:
                return NOTHING_TO_FLUSH
        return self.map_numbers(first, frame, count, flags, frame_allocator, parent_flags, limit)

    def map_numbers(self, page, frame, count, flags, frame_allocator, parent_flags=None, largest=MOST_LEVELS):
        """map_range on numbers: `count` 4 KiB pages from page number `page` on; `largest` is a level, 1 to 3."""
        word = flags._word if type(flags) is PteFlagsX86_64 else word_for(flags)
        if parent_flags is None and word < EXECUTABLE:
            code = self._map(page, frame, count, word, 1, largest, LEAVE_PARENTS)
            if code == 0:
                return NOTHING_TO_FLUSH
        else:
            code = self._map(page, frame, count, word_for(flags), 1, largest, word_for_parents(parent_flags))
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
        if self.access.parents_changed and self._may_be_cached(page):
            return MapperFlushAll(self.ledger, True)
        return NOTHING_TO_FLUSH

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
            self.access.give(run[0], run[1])
            left -= run[1]

    def withdraw(self, frame_allocator):
        """Give every frame that was handed in and not used back."""
        frame = self.access.take()
        while frame >= 0:
            frame_allocator.deallocate_frame(frame_of(frame))
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
        frame = access.translate(number)
        word = access.flags
        code = access.unmap(number, count, level, level)
        if code != 0:
            raise refusal(code, access, number, count, names=self.names)
        if self._may_be_cached(number):
            flush = MapperFlush(self.ledger, ((number, count, count),))
        else:
            flush = NOTHING_TO_FLUSH
        return frame_of(frame, size), PteFlagsX86_64.of_word(word), flush

    def unmap_range(self, pages):
        """Take the mappings of a whole PageRange away: (list of Run, MapperFlush).

        All of it must be mapped, and no huge page may reach out of it. Raises as unmap does.
        """
        return self.unmap_numbers(*numbers_of(pages)) if len(pages) else ([], NOTHING_TO_FLUSH)

    def unmap_numbers(self, page, count):
        """unmap_range on numbers."""
        access = self.access
        runs = self.runs(page, count)
        code = access.unmap(page, count, 1, MOST_LEVELS)
        if code != 0:
            raise refusal(code, access, page, count, names=self.names)
        return runs, self._flush_for(page, spans_of(runs), access.count, access.any_global)

    def update_flags(self, page, flags, keep=KEEP_NOTHING):
        """Replace one page's flags; of the old ones those in the flag word `keep` stay. Tables are not widened.

        Without PRESENT in `flags` the page is not mapped any more, but its entry goes on saying what it said:
        clear(page) takes it away. Raises as unmap does, and ContradictoryFlags.
        """
        size = check_page(page)._size
        count = size.num_4k_pages
        number = page._number
        self._update(number, count, size._level, size._level, flags, keep)
        return self._flush_for(number, ((number, count, count),), 1, True)

    def update_flags_range(self, pages, flags, keep=KEEP_NOTHING):
        """update_flags for a whole PageRange, of any mix of page sizes; returns one MapperFlush."""
        return self.update_numbers(*numbers_of(pages), flags, keep) if len(pages) else NOTHING_TO_FLUSH

    def update_numbers(self, page, count, flags, keep=KEEP_NOTHING):
        """update_flags_range on numbers."""
        access = self.access
        self._update(page, count, 1, MOST_LEVELS, flags, keep)
        leaves, any_global = access.count, access.any_global
        spans = ((page, count, 1),)
        if leaves <= self.ledger.threshold and leaves != count:
            spans = spans_of(self.runs(page, count))
        return self._flush_for(page, spans, leaves, any_global)

    def _update(self, page, count, smallest, largest, flags, keep):
        code = self.access.update(page, count, smallest, largest, keep, word_for(flags))
        if code != 0:
            raise refusal(code, self.access, page, count, flags=flags, names=self.names)

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
        code = self.access.set_parent(number, level, word_for(flags))
        if code != 0:
            raise refusal(code, self.access, number, 1, flags=flags, names=self.names)
        return MapperFlushAll(self.ledger, True) if self._may_be_cached(number) else NOTHING_TO_FLUSH

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
        return self.runs(*numbers_of(pages)) if len(pages) else []

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
        if len(pages) == 0:
            return 0
        return self.clean_up_numbers(pages.first_number, pages.last_number, frame_deallocator)

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


def word_for_parents(flags):
    """What the native map takes for parent_flags: a flag word, or "leave them alone"."""
    return LEAVE_PARENTS if flags is None else word_for(flags)


def one_at_a_time(frame_allocator):
    """allocate_run for a frame allocator that has none."""

    def allocate_run(_):
        frame = frame_allocator.allocate_frame()
        return None if frame is None else (check_frame(frame).number, 1)

    return allocate_run


def numbers_of(pages):
    """(first page number, count of 4 KiB pages) of a PageRange that is not empty."""
    if type(pages) is not PageRange:
        raise TypeError("a PageRange expected, not %s" % type(pages).__name__)
    return pages.first_number, pages.size_in_bytes >> 12


def spans_of(runs):
    """What a MapperFlush needs of runs."""
    return tuple((run.page, run.count, SIZES[run.level].num_4k_pages) for run in runs if run.is_mapped)
