"""What a translation answers: `Mapped`, `NotMapped`, and the entries of a walk."""

from memory_structs import PAGE_SHIFT, Page4K

from .flags import PteFlagsX86_64
from .natives import LEVELS, tables
from .numbers import SIZES, frame_of, physical_address_of
from .refusals import frame_text

Mapped = tables.Mapped


class Translation:
    """What a `Mapped` shows besides its numbers (.physical, .level, .word, .effective_word), made when asked for."""

    def __init__(self, found):
        self._found = found

    @property
    def physical_address(self):
        return physical_address_of(self._found.physical)

    @property
    def size(self):
        return SIZES[self._found.level]

    @property
    def frame(self):
        """The frame, of the page's own size, that the leaf names."""
        size = self.size
        return frame_of(self._found.physical >> PAGE_SHIFT & ~(size.num_4k_pages - 1), size)

    @property
    def offset(self):
        """How many bytes into that frame the address lies."""
        return self._found.physical & self.size.size_in_bytes - 1

    @property
    def flags(self):
        """The leaf's own flags."""
        return PteFlagsX86_64.of_word(self._found.word)

    @property
    def effective_flags(self):
        """The flags with the rights that remain over all levels: what an access is judged by."""
        return PteFlagsX86_64.of_word(self._found.effective_word)

    def __repr__(self):
        return "Mapped(%r, offset %s, %r, P%d)" % (self.frame, hex(self.offset), self.flags, self._found.level)


class NotMappedType:
    """The answer for an address that leads nowhere; false in a condition."""

    def __bool__(self):
        return False

    def __repr__(self):
        return "NotMapped"


NotMapped = NotMappedType()


class WalkEntry:
    """One entry on the way of an address: where it lies, and what it said at that moment."""

    def __init__(self, level, table_frame, index, entry_frame, word, malformed):
        self.level = level
        self._table = table_frame
        self.index = index
        self._frame = entry_frame
        self._word = word
        self.malformed = malformed

    @property
    def table(self):
        """The Frame of the table that holds the entry."""
        return frame_of(self._table)

    @property
    def flags(self):
        return PteFlagsX86_64.of_word(self._word)

    @property
    def value(self):
        """The raw 64 bits."""
        leaf_level = self.level if self.is_leaf else 0
        return (self._frame << PAGE_SHIFT) | self.flags.value & ~0x80 | (self._word & 0x80 or self._pat_bit(leaf_level))

    def _pat_bit(self, level):
        return 0x80 if level == 1 and self._word >> 24 & 1 else 0

    @property
    def frame(self):
        """The frame that the entry names: a table's, or the page's own."""
        size = SIZES[self.level] if self.is_leaf else Page4K
        return frame_of(self._frame & ~(size.num_4k_pages - 1), size)

    @property
    def is_present(self):
        return self._word & 1 != 0

    @property
    def is_leaf(self):
        return self.level == 1 or (self.level < LEVELS and self._word & 0x80 != 0)

    def __repr__(self):
        text = "P%d[%d] at %s: " % (self.level, self.index, frame_text(self._table))
        if not self.is_present:
            return text + ("not present" if self.value == 0 else "not present, but " + hex(self.value))
        text += "%s %r" % (frame_text(self._frame), self.flags)
        return text + ("  RESERVED BITS SET" if self.malformed else "")


class Walk:
    """The entries on the way of an address, from the level-4 table down: as many as the CPU would read."""

    def __init__(self, address, entries):
        self.address = address
        self.entries = entries

    def __iter__(self):
        return iter(self.entries)

    def __len__(self):
        return len(self.entries)

    def __getitem__(self, index):
        return self.entries[index]

    def __repr__(self):
        return "\n".join([str(self.address)] + ["  " + repr(entry) for entry in self.entries])


class Run:
    """A run of pages that map to successive frames with one size and one set of rights; or that map to nothing."""

    def __init__(self, page, count, frame, level, word, effective):
        self.page = page
        self.count = count
        self.frame = frame
        self.level = level
        self.word = word
        self.effective = effective

    @property
    def is_mapped(self):
        return self.frame >= 0

    @property
    def flags(self):
        return PteFlagsX86_64.of_word(self.word)

    @property
    def effective_flags(self):
        return PteFlagsX86_64.of_word(self.effective)

    def __repr__(self):
        pages = "v%s +%d" % (hex(self.page << PAGE_SHIFT), self.count)
        if not self.is_mapped:
            return "Run(%s: NotMapped)" % pages
        return "Run(%s -> %s, %r, P%d)" % (pages, frame_text(self.frame), self.flags, self.level)
