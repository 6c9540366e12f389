"""Entries and tables as they lie in memory, and where the active level-4 table is."""

from memory_structs import PAGE_SHIFT, Misaligned, Page4K, VirtualAddress
from memory_structs.mode import ENTRIES, LEVELS

from .flags import EXCLUSIVE, HUGE_PAGE, PAT, PteFlagsX86_64, flag_word, word_for
from .natives import LAYOUT, cpu, entries
from .numbers import SIZES, check_frame, frame_of
from .protection import Protection
from .refusals import ContradictoryFlags, frame_text


def address_of_page(page):
    """The address of a page number's first byte, as the machine has it in 64 bits: negative in the upper half, so that
    it is a small int."""
    return (page - (1 << 52) if page >> 51 else page) << PAGE_SHIFT


class UnmapResult:
    """What an entry said before it was emptied: `.frame` (None if it was not present), `.flags`.

    `.is_exclusive`: the entry owned its frame, so the frame is the caller's now; else others may map it still.
    """

    def __init__(self, frame, flags):
        self.frame = frame
        self.flags = flags

    @property
    def is_exclusive(self):
        return self.frame is not None and self.flags.word & EXCLUSIVE != 0

    def __repr__(self):
        return "UnmapResult(%r, %r)" % (self.frame, self.flags)


class PageTableEntry:
    """One entry of a table at `level`, live: reading it reads memory, setting it writes memory and flushes nothing."""

    def __init__(self, table_page, index, level):
        self._table_page = table_page
        self.index = index
        self.level = level

    def _at(self):
        """Where it lies."""
        return address_of_page(self._table_page) + 8 * self.index

    @property
    def address(self):
        """The VirtualAddress of the entry itself."""
        return VirtualAddress(self._at() & (1 << 64) - 1)

    def _frame_number(self):
        return entries.frame(self._at())

    def _raw_word(self):
        return entries.word(self._at())

    def _word(self):
        """The flag word, PAT taken from where this level keeps it."""
        return flag_word(self._raw_word(), self._frame_number(), self.level, self.is_huge())

    @property
    def value(self):
        """The raw 64 bits."""
        return self._frame_number() << PAGE_SHIFT | PteFlagsX86_64.of_word(self._raw_word()).value

    @property
    def flags(self):
        return PteFlagsX86_64.of_word(self._word())

    def is_unused(self):
        """True when all 64 bits are zero."""
        return self._raw_word() == 0 and self._frame_number() == 0

    def is_present(self):
        return self._raw_word() & 1 != 0

    def is_huge(self, level=None):
        """True for an entry of level 2 or 3 that maps a page; at level 1 the same bit is PAT."""
        level = self.level if level is None else level
        return 1 < level < LEVELS and self._raw_word() & HUGE_PAGE != 0

    def pointed_frame(self):
        """The Frame that a present entry names, of its page's size for a leaf; None when not present."""
        if not self.is_present():
            return None
        size = SIZES[self.level] if self.is_huge() else Page4K
        return frame_of(self._frame_number() & ~(size.num_4k_pages - 1), size)

    def _refuse_kernel(self):
        """Raise KernelInUse for an entry that the kernel could not go on without."""
        protection = Protection.live
        if protection is not None:
            protection.refuse_entry(protection.frame_at(self._table_page), self.index, self.level)

    def _store(self, frame_number, flags, is_leaf):
        """Write frame and flags; a huge leaf gets HUGE_PAGE, and PAT its place."""
        word = word_for(flags)
        if is_leaf and self.level > 1:
            word |= HUGE_PAGE
            frame_number |= 1 if word & PAT else 0
        elif word & HUGE_PAGE:
            raise ContradictoryFlags(flags, "HUGE_PAGE has no meaning in this P%d entry" % self.level)
        elif word & PAT:
            if not is_leaf:
                raise ContradictoryFlags(flags, "PAT has no meaning in an entry that names a table")
            word |= HUGE_PAGE
        self._refuse_kernel()
        entries.write(self._at(), frame_number, word & ~PAT)

    def set_entry(self, frame, flags):
        """Make the entry name `frame`: above level 1 a 4 KiB Frame is a table's, a larger one a page.

        Whatever was there is overwritten. Raises TypeError, ContradictoryFlags or Misaligned.
        """
        level = check_frame(frame).size.level
        if level not in (1, self.level):
            raise Misaligned(frame, "a P%d entry" % self.level)
        self._store(frame.number, flags, self.level in (1, level))

    def set_flags(self, flags):
        """Replace the flags, keep the frame."""
        is_leaf = self.level == 1 or self.is_huge()
        number = self._frame_number()
        self._store(number & ~1 if is_leaf and self.level > 1 else number, flags, is_leaf)

    def set_unmapped(self):
        """Empty the entry; returns the UnmapResult."""
        result = UnmapResult(self.pointed_frame(), self.flags)
        self._refuse_kernel()
        entries.clear(self._at(), 1)
        return result

    def __repr__(self):
        return "PageTableEntry(%s, %r)" % (frame_text(self._frame_number()), self.flags)


class PageTable512:
    """A table of 512 entries at `level`, seen at page number `page`. Iterating gives all entries, unused ones too."""

    def __init__(self, page, level, reach=None):
        self.page = page
        self.level = level
        self._reach = reach

    def __len__(self):
        return ENTRIES

    def __getitem__(self, index):
        if type(index) is not int:
            raise TypeError("an index must be an int, not %s" % type(index).__name__)
        if not 0 <= index < ENTRIES:
            raise IndexError("an index into a table is from 0 to 511, not %d" % index)
        return PageTableEntry(self.page, index, self.level)

    def __iter__(self):
        for index in range(ENTRIES):
            yield PageTableEntry(self.page, index, self.level)

    def used(self):
        """Every entry that is not zero, in ascending order of `.index`."""
        index = self._next_used(0)
        while index < ENTRIES:
            yield PageTableEntry(self.page, index, self.level)
            index = self._next_used(index + 1)

    def _next_used(self, index):
        """The next index from `index` on whose entry is not zero; 512 when there is none."""
        return (
            index + entries.unused(address_of_page(self.page) + 8 * index, ENTRIES - index)
            if index < ENTRIES
            else index
        )

    def root_number(self):
        """The frame number of this table, as a root's. Raises TypeError for a table of a lower level."""
        if self.level != LEVELS:
            raise TypeError("a P%d table is of a wrong kind: only the P%d table is a root" % (self.level, LEVELS))
        return Protection.live.frame_at(self.page)

    def is_empty(self):
        return self._next_used(0) == ENTRIES

    def next_table(self, index):
        """The table that entry `index` leads to; None where it leads to none (not present, or a page)."""
        level, entry = self.level, self[index]
        if level == 1 or not entry.is_present() or entry.is_huge():
            return None
        return PageTable512(self._reach(entry._frame_number()), level - 1, self._reach)

    def __repr__(self):
        lines = ["P%d table at v%s" % (self.level, hex(self.page << PAGE_SHIFT))]
        return "\n".join(lines + ["  [%d] %r" % (entry.index, entry) for entry in self.used()])


def page_in_window(frame):
    """The number of the page in the physical window that shows a frame number."""
    return LAYOUT["WINDOW_PAGE"] + frame


def active_level_4_table(physical_memory_offset=None):
    """The level-4 table that CR3 names, read through the physical window, or through all of physical memory at another
    VirtualAddress."""
    if physical_memory_offset is None:
        return PageTable512(page_in_window(cpu.read_root_frame()), LEVELS, page_in_window)
    first = physical_memory_offset.number
    return PageTable512(first + cpu.read_root_frame(), LEVELS, lambda frame: first + frame)
