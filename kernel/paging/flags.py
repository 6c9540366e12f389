"""Flags of page-table entries: the bits of the SDM, and the set that any architecture has.

     63  62..59  58..52 (55)    51..12     11..9   8  7     6  5   4    3   2  1  0
    ┌───┬───────┬────────────┬───────────┬────────┬──┬─────┬──┬───┬────┬────┬──┬──┬──┐
    │NX │  key  │ ours (EXCL)│   frame   │ ours   │G │PS/  │D │A  │PCD │PWT │U │W │P │
    │   │       │            │           │        │  │PAT  │  │   │    │    │  │  │  │
    └───┴───────┴────────────┴───────────┴────────┴──┴─────┴──┴───┴────┴────┴──┴──┴──┘

Inside, flags are one small int, the *flag word*: entry bits 0-11, then entry bits 52-63 as bits 12-23. Bit 24 is PAT,
which the hardware keeps in bit 7 of a level-1 entry and in bit 12 of a huge page's; so flags mean the same at every
level. (Intel SDM, volume 3, "4-Level Paging and 5-Level Paging", the tables of entry formats.)
"""

from memory_structs.instances import make

from .refusals import ContradictoryFlags

PTE_FRAME_MASK = 0x000FFFFFFFFFF000

PRESENT = 1 << 0
WRITABLE = 1 << 1
USER_ACCESSIBLE = 1 << 2
WRITE_THROUGH = 1 << 3
CACHE_DISABLE = 1 << 4
ACCESSED = 1 << 5
DIRTY = 1 << 6
HUGE_PAGE = 1 << 7
GLOBAL = 1 << 8
EXCLUSIVE = 1 << 15  # entry bit 55
KEY_SHIFT = 19  # entry bits 59-62
NO_EXECUTE = 1 << 23  # entry bit 63
PAT = 1 << 24
EXECUTABLE = 1 << 25  # a wish, never in an entry: contradicts NO_EXECUTE
HARDWARE_WORD = PAT - 1
KEY = 15 << KEY_SHIFT


def word_of_value(value):
    """The flag word of the bits of an entry that are not its frame (no level: bit 7 is HUGE_PAGE)."""
    return value & 0xFFF | value >> 52 << 12


def value_of_word(word, level=None):
    """The entry bits of a flag word; PAT goes to bit 12 for a level above 1, else to bit 7."""
    value = word & 0xFFF | (word & 0xFFF000) << 40
    if word & PAT:
        value |= 1 << 12 if level is not None and level > 1 else 1 << 7
    return value


def raw_leaf_word(word, level):
    """The raw word of a page's entry: HUGE_PAGE above level 1, and PAT at its place (see port/typings/_entries.pyi)."""
    if level > 1:
        return word | HUGE_PAGE
    return word & ~PAT | HUGE_PAGE if word & PAT else word


def flag_word(raw, frame, level, is_leaf):
    """The flag word of an entry that says `raw` and names `frame`: PAT taken from where that level keeps it."""
    if level == 1:
        return raw & ~HUGE_PAGE | PAT if raw & HUGE_PAGE else raw
    return raw | PAT if is_leaf and frame & 1 else raw


class FlagWord:
    """Having flags means: a set of bits that no other object can change."""

    NAMES = ()
    MASK = 0

    def __init__(self, word):
        self._word = word

    @classmethod
    def of_word(cls, word):
        """The flags whose flag word this is, without any check."""
        return make(cls, "_word", word)

    @property
    def word(self):
        """The flag word, a small int: what the number layer takes."""
        return self._word

    @property
    def value(self):
        """The bits as an entry has them; PAT at its place in a level-1 entry."""
        return value_of_word(self._word)

    def _same(self, other):
        if type(other) is not type(self):
            raise TypeError("cannot combine %s with %s" % (type(self).__name__, type(other).__name__))
        return other._word

    def __or__(self, other):
        return self.of_word(self._word | self._same(other))

    def __and__(self, other):
        return self.of_word(self._word & self._same(other))

    def __sub__(self, other):
        return self.of_word(self._word & ~self._same(other))

    def __contains__(self, other):
        bits = self._same(other)
        return self._word & bits == bits

    def __eq__(self, other):
        return type(other) is type(self) and other._word == self._word

    def __ne__(self, other):
        return not self == other

    def __hash__(self):
        return self._word

    def __bool__(self):
        return self._word != 0

    def __repr__(self):
        word = self._word
        parts = []
        for name, bit in self.NAMES:
            if word & bit:
                parts.append(name)
                word &= ~bit
        if word >> KEY_SHIFT & 15:
            parts.append("KEY_%d" % (word >> KEY_SHIFT & 15))
            word &= ~KEY
        for bit in range(24):
            if word >> bit & 1:
                parts.append("BIT_%d" % (bit if bit < 12 else bit + 40))
        return " | ".join(parts) if parts else "0x0"

    __str__ = __repr__

    def _with(self, bit, on):
        if type(on) is not bool:
            raise TypeError("True or False expected, not %s" % type(on).__name__)
        return self.of_word(self._word | bit if on else self._word & ~bit)

    def valid(self, on):
        """A copy that is present, or not."""
        return self._with(PRESENT, on)

    def writable(self, on):
        return self._with(WRITABLE, on)

    def executable(self, on):
        """A copy without NO_EXECUTE, or with it."""
        return self._with(NO_EXECUTE, not on)

    def user_accessible(self, on):
        return self._with(USER_ACCESSIBLE, on)

    def device_memory(self, on):
        """A copy that caches nothing, or that does."""
        return self._with(CACHE_DISABLE, on)

    def accessed(self, on):
        return self._with(ACCESSED, on)

    def dirty(self, on):
        return self._with(DIRTY, on)

    def exclusive(self, on):
        """A copy that says "this entry owns its frame", or that doesn't."""
        return self._with(EXCLUSIVE, on)

    @property
    def protection_key(self):
        """Bits 59 to 62, 0 to 15: what may be forbidden for many pages at once (keys.py)."""
        return self._word >> KEY_SHIFT & 15

    def with_protection_key(self, key):
        """A copy with that protection key (0 to 15). Pages of every size may have one."""
        if type(key) is not int or not 0 <= key <= 15:
            raise ValueError("a protection key is from 0 to 15, not %r" % (key,))
        return self.of_word(self._word & ~KEY | key << KEY_SHIFT)

    def is_valid(self):
        return self._word & PRESENT != 0

    def is_writable(self):
        return self._word & WRITABLE != 0

    def is_executable(self):
        return self._word & NO_EXECUTE == 0

    def is_user_accessible(self):
        return self._word & USER_ACCESSIBLE != 0

    def is_device_memory(self):
        return self._word & CACHE_DISABLE != 0

    def is_accessed(self):
        return self._word & ACCESSED != 0

    def is_dirty(self):
        return self._word & DIRTY != 0

    def is_exclusive(self):
        return self._word & EXCLUSIVE != 0


class PteFlagsX86_64(FlagWord):  # noqa: N801 (the contract's name)
    """Flags of an x86-64 entry, one bit each: `PteFlagsX86_64.PRESENT | PteFlagsX86_64.WRITABLE`.

    `PteFlagsX86_64(value)` takes entry bits (ValueError for bits of the frame, bits 12 to 51) or a `PteFlags`.
    """

    NAMES = (
        ("PRESENT", PRESENT),
        ("WRITABLE", WRITABLE),
        ("USER_ACCESSIBLE", USER_ACCESSIBLE),
        ("WRITE_THROUGH", WRITE_THROUGH),
        ("CACHE_DISABLE", CACHE_DISABLE),
        ("ACCESSED", ACCESSED),
        ("DIRTY", DIRTY),
        ("HUGE_PAGE", HUGE_PAGE),
        ("GLOBAL", GLOBAL),
        ("EXCLUSIVE", EXCLUSIVE),
        ("NO_EXECUTE", NO_EXECUTE),
        ("PAT", PAT),
        ("EXECUTABLE", EXECUTABLE),
    )

    def __init__(self, value=0):
        if type(value) is PteFlags:
            super().__init__(value._word)
            return
        if type(value) is not int:
            raise TypeError("entry bits must be an int or PteFlags, not %s" % type(value).__name__)
        if value < 0 or value >> 64:
            raise ValueError("%s does not fit the 64 bits of an entry" % hex(value))
        if value & PTE_FRAME_MASK:
            raise ValueError("%s has bits of the frame (12 to 51), which are no flags" % hex(value))
        super().__init__(word_of_value(value))

    @property
    def pat_index(self):
        """Which of the eight memory types of the PAT register: PAT, PCD and PWT read as one number."""
        return self._word >> 3 & 3 | (4 if self._word & PAT else 0)

    def with_pat_index(self, index):
        """A copy that asks for memory type `index` (0 to 7) of the PAT register."""
        if type(index) is not int or not 0 <= index <= 7:
            raise ValueError("an index into the PAT is from 0 to 7, not %r" % (index,))
        word = self._word & ~(PAT | WRITE_THROUGH | CACHE_DISABLE)
        return self.of_word(word | (index & 3) << 3 | (PAT if index & 4 else 0))

    def is_huge(self):
        return self._word & HUGE_PAGE != 0

    def value_at(self, level):
        """The entry bits of a leaf at `level`, PAT and HUGE_PAGE where that level has them."""
        return value_of_word(self._word | HUGE_PAGE if level > 1 else self._word, level)

    def adjust_for_higher_level_pte(self):
        """A copy fit for a table's parent: present, no PAT, EXCLUSIVE, NO_EXECUTE or key, the leaf decides."""
        gone = NO_EXECUTE | EXCLUSIVE | WRITE_THROUGH | HUGE_PAGE | PAT | CACHE_DISABLE | KEY
        return self.of_word(self._word & ~gone | PRESENT)


class PteFlags(FlagWord):
    """Flags that every architecture has. `PteFlags()` is readable, not writable, not executable.

    `PteFlags(x86)` keeps what both can say, the protection key included: a right is not lost on the way. Caching finer
    than "device memory", HUGE_PAGE, PAT and the bits that are free for software are dropped.
    """

    NAMES = (
        ("VALID", PRESENT),
        ("WRITABLE", WRITABLE),
        ("USER_ACCESSIBLE", USER_ACCESSIBLE),
        ("DEVICE_MEMORY", CACHE_DISABLE),
        ("ACCESSED", ACCESSED),
        ("DIRTY", DIRTY),
        ("GLOBAL", GLOBAL),
        ("EXCLUSIVE", EXCLUSIVE),
        ("NOT_EXECUTABLE", NO_EXECUTE),
        ("EXECUTABLE", EXECUTABLE),
    )
    NEUTRAL = PRESENT | WRITABLE | USER_ACCESSIBLE | CACHE_DISABLE | ACCESSED | DIRTY | GLOBAL | EXCLUSIVE | NO_EXECUTE
    NEUTRAL |= KEY

    def __init__(self, flags=None):
        if flags is None:
            super().__init__(PRESENT | NO_EXECUTE)
        elif type(flags) is PteFlagsX86_64:
            super().__init__(flags._word & self.NEUTRAL)
        else:
            raise TypeError("PteFlags() takes nothing or a PteFlagsX86_64, not %s" % type(flags).__name__)

    def to_arch(self):
        """The same flags as the architecture's own."""
        return PteFlagsX86_64(self)


PteFlagsArch = PteFlagsX86_64


def name_bits(cls):
    for name, bit in cls.NAMES:
        setattr(cls, name, cls.of_word(bit))


name_bits(PteFlagsX86_64)
name_bits(PteFlags)

MMIO_FLAGS = PteFlags.of_word(PRESENT | WRITABLE | CACHE_DISABLE | ACCESSED | NO_EXECUTE)
DMA_FLAGS = PteFlags.of_word(PRESENT | WRITABLE | ACCESSED | NO_EXECUTE)
HEAP_FLAGS = DMA_FLAGS
TEXT_SECTION_FLAGS = PteFlags.of_word(PRESENT | ACCESSED)
RODATA_SECTION_FLAGS = PteFlags.of_word(PRESENT | ACCESSED | NO_EXECUTE)
DATA_BSS_SECTION_FLAGS = DMA_FLAGS


def word_for(flags):
    """The flag word of flags that are asked for. Raises TypeError or ContradictoryFlags."""
    if not isinstance(flags, FlagWord):
        raise TypeError("flags must be PteFlags or PteFlagsX86_64, not %s" % type(flags).__name__)
    word = flags._word
    if word & EXECUTABLE:
        if word & NO_EXECUTE:
            raise ContradictoryFlags(flags, "EXECUTABLE and NO_EXECUTE exclude each other")
        word &= ~EXECUTABLE
    return word
