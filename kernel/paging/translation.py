"""What a walk found: `Mapped` or `NotMapped` for an address, `Walk` for its entries, `Run` for many pages at once."""

from memory_structs import PAGE_SHIFT, Page4K
from memory_structs.instances import make
from memory_structs.like_ranges import no_elements
from memory_structs.mode import LEVELS, index_at

from .access import frame_in, raw_word_in, rights_in
from .flags import HUGE_PAGE, NO_EXECUTE, USER_ACCESSIBLE, WRITABLE, PteFlagsX86_64, flag_word
from .numbers import SIZES, frame_of, physical_address_of
from .refusals import frame_text

RIGHTS = WRITABLE | USER_ACCESSIBLE | NO_EXECUTE


def effective_word(path, level):
    """The flag word of the page that a walk ended at, at `level`, with the rights that all levels leave together."""
    return word_in(path, level) & ~RIGHTS | rights_in(path, level, LEVELS)


def word_in(path, level):
    """The flag word of the entry that a walk saw at a level."""
    raw = raw_word_in(path, level)
    frame = frame_in(path, level)
    return flag_word(raw, frame, level, level == 1 or (level < LEVELS and raw & HUGE_PAGE != 0))


class Mapped:
    """What an address led to at one moment: `.frame`, `.offset`, `.flags`, `.level`, `.physical_address`, `.size`; with
    `.effective_flags`, the flags with the rights that remain over all levels: what an access is judged by.

    `.physical` (bytes), `.word` and `.effective_word` are the same as numbers.
    """

    def __init__(self, path, level, address):
        self._path = path
        self.level = level
        self._address = address

    @classmethod
    def of(cls, path, level, address):
        """The answer of a walk that ended at a sound leaf; `address` is a number."""
        return make(cls, "_path", path, "level", level, "_address", address)

    __iter__ = no_elements

    def __getattr__(self, name):
        """Everything else is read from the walk when somebody asks: most look at one thing only."""
        reader = READERS.get(name)
        if reader is None:
            raise AttributeError("'Mapped' object has no attribute '%s'" % name)
        return reader(self)

    def _frame_number(self):
        """Of the first 4 KiB of the page."""
        return frame_in(self._path, self.level) & -SIZES[self.level].num_4k_pages

    def _offset(self):
        return self._address & SIZES[self.level].size_in_bytes - 1

    def _facts(self):
        return self.level, self.physical, self.word, self.effective_word

    def __eq__(self, other):
        return type(other) is Mapped and self._facts() == other._facts()

    def __hash__(self):
        return hash(self._facts())

    def __repr__(self):
        return "Mapped(%r, offset %s, %r, P%d)" % (self.frame, hex(self.offset), self.flags, self.level)


READERS = {
    "physical": lambda found: (found._frame_number() << PAGE_SHIFT) + found._offset(),
    "physical_address": lambda found: physical_address_of(found.physical),
    "size": lambda found: SIZES[found.level],
    "frame": lambda found: frame_of(found._frame_number(), SIZES[found.level]),
    "offset": lambda found: found._offset(),
    "word": lambda found: word_in(found._path, found.level),
    "flags": lambda found: PteFlagsX86_64.of_word(found.word),
    "effective_word": lambda found: effective_word(found._path, found.level),
    "effective_flags": lambda found: PteFlagsX86_64.of_word(found.effective_word),
}


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
    """The entries on the way of an address, from the root table down: as many as the CPU would read."""

    def __init__(self, address, entries):
        self.address = address
        self.entries = entries

    @classmethod
    def of(cls, address, root_frame, path, last_level, malformed):
        """What a walk from a root wrote down; `malformed`: whether its last entry is."""
        found, table = [], root_frame
        for level in range(LEVELS, last_level - 1, -1):
            frame = frame_in(path, level)
            is_last = level == last_level
            index = index_at(address.number, level)
            found.append(WalkEntry(level, table, index, frame, word_in(path, level), is_last and malformed))
            table = frame
        return cls(address, found)

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

    @classmethod
    def of(cls, page, count, path, level):
        """The run of `count` pages from number `page` on, by the walk of the first."""
        word = word_in(path, level)
        if not word & 1:
            return cls(page, count, -1, level, word, 0)
        inside = (1 << 9 * (level - 1)) - 1
        frame = frame_in(path, level) & ~inside | page & inside
        return cls(page, count, frame, level, word, effective_word(path, level))

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
