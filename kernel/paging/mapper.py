"""The mapper: one piece of code for every page size and for every way to reach tables.

The typed calls are here; what they do to tables is in `mapping`, `leaves` and `cleaning`. The number layer are the
methods with `numbers` in their name, and `mapper.access`: page and frame numbers (address >> 12), counts of 4 KiB
pages, flag words.
"""

from memory_structs import Frame, FrameRange, Page, Page4K, PageRange, PageSize, VirtualAddress
from memory_structs.instances import make
from memory_structs.mode import FIRST_UPPER_INDEX, LAST_PAGE, LEVELS, ROOT_SHIFT, UPPER_HALF_FIRST_PAGE

from . import changing, cleaning, mapping
from .access import PATH_BYTES, shared_table
from .flags import HUGE_PAGE, PRESENT, PteFlagsX86_64, flag_word, word_for
from .leaves import extent, find, leaf_at
from .natives import cpu, entries
from .numbers import check_frame, check_page, frame_of, physical_address_of
from .protection import Protection
from .shootdown import OTHERS, is_attached, waits
from .tlb import NOTHING_TO_FLUSH, FlushLedger, MapperFlush, MapperFlushAll, MapperFlushNotGlobal
from .translation import Mapped, NotMapped, Run, Walk
from .verdicts import entry_is_malformed, refusal_of_leaf

KEEP_NOTHING = 0
MOST_LEVELS = 3
frame_at, take, root_in_cr3 = entries.frame, entries.take, cpu.read_root_frame
# 4 KiB pages in a page of a level. A list: in a frozen tuple of constants these would be big ints.
PAGES_OF = [0, 1, 1 << 9, 1 << 18]


class Mapper:
    """Having a mapper means: the tables of this root can be read and changed. `access` says how they are seen."""

    def __init__(self, access, ledger=None):
        self.access = access
        self.ledger = FlushLedger() if ledger is None else ledger

    def is_active(self):
        """True while CR3 names this mapper's root."""
        return self.access.is_active

    # What the kernel runs on, and flushes.

    def refuse_kernel(self, page, count):
        """Raise KernelInUse if one of `count` pages from number `page` on is what the kernel itself runs on."""
        protection, access = Protection.live, self.access
        if protection is None:
            return
        # Mostly they are of the lower half, and their root entry leads to none of the kernel's tables.
        index = page >> ROOT_SHIFT
        is_simple = index < FIRST_UPPER_INDEX and page + count - 1 >> ROOT_SHIFT == index
        if not (is_simple and shared_table(access.facts, access.see, page) == 0):
            protection.refuse_through(access, page, count)

    def ledger_for(self, page):
        """Who does the invalidations of a page number; None where no processor can remember entries for it: none is on
        this root, and the part is not shared. For what all roots share, it is the one that knows what is owed."""
        access = self.access
        if root_in_cr3() == access.root_frame or (waits[OTHERS] and is_attached(access.root_frame)):
            return self.ledger
        if access.shared_table(page):
            return self.ledger if FlushLedger.live is None else FlushLedger.live
        return None

    def token(self, page, spans):
        """A token for pages from `page` on: made, and in the ledger, before the change, as it needs the heap."""
        ledger = self.ledger_for(page)
        return NOTHING_TO_FLUSH if ledger is None else MapperFlush.owed(ledger, self.access.root_frame, spans)

    def token_for_all(self, page, count, with_global=True):
        """A token for a change to entries above leaves, or to more leaves than are worth an invlpg each."""
        ledger = self.ledger_for(page)
        if ledger is None:
            return NOTHING_TO_FLUSH
        kind = MapperFlushAll if with_global else MapperFlushNotGlobal
        return kind.owed(ledger, self.access.root_frame, None, (page, count))

    # Mapping.

    def map_to(self, page, frame, flags, frame_allocator, parent_flags=None):
        """Map one page of any size to a frame of the same size; missing tables come from `frame_allocator`.

        New tables get PRESENT, WRITABLE and the page's USER_ACCESSIBLE: the leaf decides. With `parent_flags` new and
        existing tables on the way get these flags added, which is the only way to widen what exists.
        Returns a MapperFlush; it is needed only if an existing table's flags changed. Raises
        FrameAllocationFailed, ParentEntryHugePage, PageAlreadyMapped, StaleParentEntry, ContradictoryFlags,
        MalformedEntry, KernelInUse; then nothing has changed and every frame is back in its allocator.
        """
        if type(page) is not Page or type(frame) is not Frame:
            raise TypeError("a Page and a Frame expected, not %s" % _kinds(page, frame))
        size = page._size
        if frame._size is not size:
            raise TypeError("%r and %r are of two sizes" % (page, frame))
        word = flags._word if type(flags) is PteFlagsX86_64 else word_for(flags)
        if parent_flags is None and size is Page4K and self.access.map(page._number, frame._number, word) == 0:
            return NOTHING_TO_FLUSH
        level = size._level
        first, count = page._number, PAGES_OF[level]
        return mapping.map_run(self, first, frame._number, count, flags, frame_allocator, parent_flags, level, level)

    def identity_map(self, frame, flags, frame_allocator, parent_flags=None):
        """Map a frame to the page with the same address. As map_to; NonCanonicalAddress above the lower half."""
        page = Page.containing_address(VirtualAddress(check_frame(frame).start_address.value), frame.size)
        return self.map_to(page, frame, flags, frame_allocator, parent_flags)

    def map_range(self, pages, frames, flags, frame_allocator, parent_flags=None, largest=None):
        """Map a PageRange to a FrameRange of the same length, with the largest pages that fit.

        `largest` (Page4K, Page2M, Page1G) is an upper limit. As map_to in everything else, for the whole range.
        """
        if type(pages) is not PageRange or type(frames) is not FrameRange:
            raise TypeError("a PageRange and a FrameRange expected, not %s" % _kinds(pages, frames))
        first, frame = pages._first, frames._first
        count = pages._last + 1 - first
        if count != frames._last + 1 - frame:
            raise ValueError("%r has not as many 4 KiB units as %r" % (pages, frames))
        if count == 0:
            return NOTHING_TO_FLUSH
        limit = MOST_LEVELS if largest is None else level_of(largest)
        return mapping.map_run(self, first, frame, count, flags, frame_allocator, parent_flags, 1, limit)

    def map_numbers(self, page, frame, count, flags, frame_allocator, parent_flags=None, largest=MOST_LEVELS):
        """map_range on numbers: `count` 4 KiB pages from page number `page` on; `largest` is a level, 1 to 3."""
        mapping.check_run(page, count)
        return mapping.map_run(self, page, frame, count, flags, frame_allocator, parent_flags, 1, largest)

    # Unmapping and changing.

    def unmap(self, page):
        """Take one page's mapping away: (Frame, flags, MapperFlush). Tables stay; clean_up frees them.

        Raises PageNotMapped, ParentEntryHugePage (SmallerPages when `page` is huge but its mapping is not),
        MalformedEntry, KernelInUse; then nothing has changed.
        """
        if page.__class__ is not Page:
            check_page(page)
        size, number, access = page._size, page._number, self.access
        level = size._level
        facts, see, count = access.facts, access.see, PAGES_OF[level]
        if number >= UPPER_HALF_FIRST_PAGE or shared_table(facts, see, number):
            self.refuse_kernel(number, count)
        at = leaf_at(facts, see, number, level)
        if at == 0:
            raise self._refusal_of(number, level)
        frame = frame_at(at)
        taken = make(Frame, "_number", frame & -count, "_size", size)
        flags = make(PteFlagsX86_64, "_word", 0)
        root = access.root_frame
        ledger = self.ledger if root_in_cr3() == root else self.ledger_for(number)
        if ledger is None:
            token = NOTHING_TO_FLUSH
            result = taken, flags, token
        else:
            serial, spans = ledger.opened, ((number, count, count),)
            token = make(MapperFlush, "_ledger", ledger, "_serial", serial, "spans", spans, "_root", root)
            result = taken, flags, token
            # Nothing comes in between from here to the change: no call of Python's, and no jump.
            ledger.open[serial] = token
            ledger.opened = serial + 1
        # The word of that moment, with the marks that the CPU has set meanwhile.
        try:
            word = take(at)
        except BaseException:  # a fault
            token.ignore()
            raise
        flags._word = flag_word(word, frame, level, True) if level > 1 or word & HUGE_PAGE else word
        return result

    def unmap_range(self, pages):
        """Take the mappings of a whole PageRange away: (list of Run, MapperFlush).

        All of it must be mapped, and no huge page may reach out of it. Raises as unmap does.
        """
        first, count = numbers_of(pages)
        return changing.unmap_run(self, first, count) if count else ([], NOTHING_TO_FLUSH)

    def unmap_numbers(self, page, count):
        """unmap_range on numbers."""
        mapping.check_run(page, count)
        return changing.unmap_run(self, page, count)

    def update_flags(self, page, flags, keep=KEEP_NOTHING):
        """Replace one page's flags; of the old ones those in the flag word `keep` stay. Tables are not widened.

        Without PRESENT in `flags` the page is not mapped any more, but its entry goes on saying what it said:
        clear(page) takes it away. Raises as unmap does, and ContradictoryFlags.
        """
        level = check_page(page)._size._level
        return changing.update_run(self, page._number, PAGES_OF[level], level, level, flags, keep)

    def update_flags_range(self, pages, flags, keep=KEEP_NOTHING):
        """update_flags for a whole PageRange, of any mix of page sizes; returns one MapperFlush."""
        first, count = numbers_of(pages)
        return self.update_numbers(first, count, flags, keep) if count else NOTHING_TO_FLUSH

    def update_numbers(self, page, count, flags, keep=KEEP_NOTHING):
        """update_flags_range on numbers."""
        mapping.check_run(page, count)
        return changing.update_run(self, page, count, 1, MOST_LEVELS, flags, keep)

    def clear(self, page):
        """Empty an entry that is not present: (frame number, flags) that it named. PageNotMapped if it is empty."""
        level = check_page(page)._size._level
        return changing.clear_note(self, page._number, level)

    def set_flags_p4_entry(self, page, flags):
        """Replace the flags of the P4 entry for `page`; returns a MapperFlushAll. Raises PageNotMapped."""
        return self.set_parent_flags(page, 4, flags)

    def set_flags_p3_entry(self, page, flags):
        """As set_flags_p4_entry, one level down; ParentEntryHugePage where a 1 GiB page is mapped."""
        return self.set_parent_flags(page, 3, flags)

    def set_flags_p2_entry(self, page, flags):
        """As set_flags_p3_entry, one level down; ParentEntryHugePage where a 2 MiB page is mapped."""
        return self.set_parent_flags(page, 2, flags)

    def set_parent_flags(self, page, level, flags):
        """Replace the flags of the table entry at `level` on the way of `page`; what it leads to stays."""
        if level.__class__ is not int or not 2 <= level <= LEVELS:
            raise ValueError("an entry of a table leads to a table at levels 2 to %d, not %r" % (LEVELS, level))
        return changing.set_parent(self, check_page(page)._number, page._size._level, level, flags)

    # Looking.

    def translate(self, address):
        """`Mapped` or `NotMapped` (which is false) for a VirtualAddress. MalformedEntry where reserved bits are set."""
        if address.__class__ is not VirtualAddress:
            raise TypeError("a VirtualAddress expected, not %s" % type(address).__name__)
        value = address._value
        path = bytearray(PATH_BYTES)
        access = self.access
        level = find(access.facts, access.see, value >> 12, path)
        if level > 0:
            return make(Mapped, "_path", path, "level", level, "_address", value)
        if level < 0:
            raise self._refusal_of(value >> 12, 1)
        return NotMapped

    def translate_addr(self, address):
        """The PhysicalAddress that a VirtualAddress leads to, or None."""
        if address.__class__ is not VirtualAddress:
            raise TypeError("a VirtualAddress expected, not %s" % type(address).__name__)
        value = address._value
        frame = self.access.translate(value >> 12)
        return None if frame < 0 else physical_address_of(frame << 12 | value & 0xFFF)

    def translate_page(self, page):
        """The Frame, of the page's own size, that it is mapped to.

        Raises PageNotMapped, ParentEntryHugePage or SmallerPages (another size is mapped there), MalformedEntry.
        """
        level = check_page(page)._size._level
        at = leaf_at(self.access.facts, self.access.see, page._number, level)
        if at == 0:
            raise self._refusal_of(page._number, level)
        return frame_of(entries.frame(at) & -PAGES_OF[level], page._size)

    def _refusal_of(self, page, level):
        """Why a page number is no page of that level."""
        at = self.access.walk(page, level)
        return refusal_of_leaf(self.access, at & -8, at & 7, page, level)

    def translate_range(self, pages):
        """What a PageRange is mapped to: a list of Run, holes included, in ascending order."""
        first, count = numbers_of(pages)
        return self.runs(first, count) if count else []

    def runs(self, page, count):
        """translate_range on numbers."""
        mapping.check_run(page, count)
        access = self.access
        found, second = [], bytearray(PATH_BYTES)
        while count > 0:
            path = bytearray(PATH_BYTES)
            found_pages = extent(access.facts, access.see, page, count, path, second, LEVELS)
            done, level = found_pages >> 3, found_pages & 7
            if done == 0:
                raise self._refusal_of(page, 1)
            found.append(Run.of(page, done, path, level))
            page += done
            count -= done
        return found

    def walk(self, address):
        """The entries on the way of a VirtualAddress (or to a Page), as a Walk: nothing is followed that can't be."""
        if type(address) is not VirtualAddress and type(address) is not Page:
            raise TypeError("a VirtualAddress or a Page expected, not %s" % type(address).__name__)
        path = bytearray(PATH_BYTES)
        at = self.access.walk(address.number, 1, path)
        level = at & 7
        malformed = entries.word(at & -8) & PRESENT != 0 and entry_is_malformed(self.access, at & -8, level)
        return Walk.of(address, self.access.root_frame, path, level, malformed)

    # Tables.

    def clean_up(self, frame_deallocator):
        """Free every empty table but the root and shared tables; returns how many that were."""
        return cleaning.clean_up_run(self, 0, LAST_PAGE, frame_deallocator)

    def clean_up_range(self, pages, frame_deallocator):
        """As clean_up, for the tables on the way of a PageRange."""
        first, count = numbers_of(pages)
        return self.clean_up_numbers(first, first + count - 1, frame_deallocator) if count else 0

    def clean_up_numbers(self, first, last, frame_deallocator):
        """clean_up_range on page numbers of one half, `last` included.

        Unlink, then flush (the CPU may remember the way through the tables), then hand the frames back.
        A deallocator that has `deallocate_run(frame number, count)` gets runs. Tables that the kernel's own mapper made
        are its to free.
        """
        mapping.check_run(first, last + 1 - first)
        return cleaning.clean_up_run(self, first, last, frame_deallocator)


def _kinds(one, other):
    return "%s and %s" % (type(one).__name__, type(other).__name__)


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
