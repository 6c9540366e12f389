"""How the tables of one root are seen, and the walk through them: the one way in which a page is found.

    page number (address >> 12)              an entry of a table in frame f lies at
    35    27 26    18 17     9 8      0          where f is seen + 8 * index
    ┌───────┬────────┬────────┬────────┐     f is seen at f * 4096 + distance, or where `table_at` says
    │  P4   │   P3   │   P2   │   P1   │
    └───────┴────────┴────────┴────────┘     (five levels: nine bits more on the left)

Having an `Access` means: this root's entries can be read and written. It is a block of raw facts, so that machine code
(viper) needs no look-up, and holds nothing of any call under way: a walk is told where to write down what it saw (a
*path*: the entry of each level), and what it returns is one number, the address of the entry where it ended, with the
level of that entry in the lowest three bits, which are 0 in every such address.

Machine code is handed `access.facts`, where the facts lie (a number), and `access.see`.
"""

import micropython
import uctypes
from memory_structs.instances import bind
from memory_structs.mode import (
    LARGEST_PAGE_LEVEL,
    LAST_PAGE,
    LEVELS,
    LOWER_HALF_LAST_PAGE,
    PAGE_SHIFT,
    ROOT_SHIFT,
    pages_at,
)
from micropython import const

from .guard import opens_guard
from .natives import cpu

# Words of the facts; those with two words hold 64 bits, the low half first.
_ROOT = const(0)  # 2: frame number of the root table
_DISTANCE = const(2)  # 2: see above; odd: ask `see`
_SHIFT = const(4)  # of the root table's indexes
_LARGEST = const(5)  # the highest level at which this CPU has pages
_RESERVED = const(6)  # of the bits from 32 on: those that no present entry may have
_UNFOLLOWED = const(7)  # the same, and those of frames where no table can be seen
_SHARED_FIRST = const(8)  # 2: frames of the tables of the kernel's half that all roots share
_SHARED_LAST = const(10)  # 2
_MARKS = const(12)  # 2: where the marks of linked tables are (linked.py)
_WORDS = const(14)

_PRESENT = const(1)
_HUGE = const(0x80)
_TABLE = const(0x81)  # these two bits of an entry that leads to a table: PRESENT
_HIGH_FRAME = const(0xFFFFF)  # the frame's bits in the high half of an entry
_FRAME = const(0xFFFFFFFFFF000)  # and in all of it
_LEVEL = const(7)

ASK = 1  # a distance that is none
EFER = 0xC0000080
EFER_NO_EXECUTE_ENABLE = 1 << 11
PATH_BYTES = 8 * LEVELS
NO_PATH = 0
ANYWHERE = 1 << 40
NO_MARKS = bytes(16)


def reserved_high_bits():
    """Of the bits from 32 on those that a present entry may not have on this CPU, in its mode, as one number."""
    beyond = (1 << 52) - 1 & ~((1 << cpu.physical_bits()) - 1)
    no_execute = 0 if cpu.read_msr(EFER) & EFER_NO_EXECUTE_ENABLE else 1 << 63
    return (beyond | no_execute) >> 32


def high_bits_beyond(frame):
    """The bits from 32 on that an entry has only if it names a frame beyond the power of two that holds `frame`."""
    bits = 20  # 4 GiB: what lies below has no such bits
    while 1 << bits < frame:
        bits += 1
    return (1 << 52) - (1 << bits + 12) >> 32


def largest_page_level():
    """3 if the CPU has pages of 1 GiB, else 2 (CPUID 80000001h, EDX bit 26)."""
    return LARGEST_PAGE_LEVEL if cpu.cpuid(0x80000001)[3] >> 26 & 1 else LARGEST_PAGE_LEVEL - 1


class Access:
    """See the head of this file.

    `see(frame, level, page)` says at which address the table in a frame, at a level on the way of a page, is seen,
    where the distance is ASK.

    The number layer: `.translate(page)`, `.physical(address)`, `.map(page, frame, flag word)`.
    """

    # By how much page numbers are shifted for the root's index: a device's tables may have fewer levels than the CPU's.
    root_shift = ROOT_SHIFT
    # Frames of the tables of the kernel's half that all roots share, and the marks of linked tables; none before
    # `memory.init`.
    shared_tables = (1, 0)
    marks = uctypes.addressof(NO_MARKS)

    def __init__(self, root, distance, see=None, tables_end=ANYWHERE):
        self.root_frame = root
        self.see = see
        self.largest_page_level = largest = largest_page_level()
        reserved = reserved_high_bits()
        self.no_execute_is_reserved = reserved >> 31 != 0
        self.frames_end = 1 << cpu.physical_bits() - PAGE_SHIFT
        self._block = bytearray(4 * _WORDS)
        self.facts = facts = uctypes.addressof(self._block)
        _write_facts(facts, _ROOT, root)
        _write_facts(facts, _DISTANCE, distance)
        _write_facts(facts, _SHIFT, self.root_shift | largest << 32)
        _write_facts(facts, _RESERVED, reserved | (reserved | high_bits_beyond(tables_end)) << 32)
        _write_facts(facts, _SHARED_FIRST, self.shared_tables[0])
        _write_facts(facts, _SHARED_LAST, self.shared_tables[1])
        _write_facts(facts, _MARKS, self.marks)
        if distance != ASK:
            self.translate = bind(translate, facts)
            self.map = bind(map_page, facts)

    def walk(self, page, lowest, path=NO_PATH):
        """`walk` of a page number in these tables; `path` is a bytearray, or NO_PATH."""
        return walk(self.facts, self.see, page, lowest, path if path is NO_PATH else uctypes.addressof(path))

    def translate(self, page):
        """The frame number that a page number is mapped to, or -1; also where reserved bits are set, as for the CPU."""
        return frame_at(self.facts, self.walk(page, 1), page)

    def physical(self, address):
        """The physical address that a virtual one (a number of bytes) leads to, or -1."""
        frame = self.translate(address >> 12)
        return frame if frame < 0 else frame << 12 | address & 0xFFF

    def stretches(self, address, length, path=NO_PATH):
        """Yield (page number, count, `walk` of it) of the pages of `length` bytes at an address, a number: as many at
        once as one entry decides, until the half of the address space ends, which no access gets over."""
        page, end = address >> 12, (address + length + 0xFFF) >> 12
        end = min(end, (LOWER_HALF_LAST_PAGE if page <= LOWER_HALF_LAST_PAGE else LAST_PAGE) + 1)
        while page < end:
            at = self.walk(page, 1, path)
            behind = min(end, (page | pages_at(at & _LEVEL) - 1) + 1)
            yield page, behind - page, at
            page = behind

    def map(self, page, frame, word):
        """Map one 4 KiB page of the lower half whose tables exist, with a flag word that needs no thought: 0.

        Anything else, and whatever is to be refused, answers 1 and changes nothing: `Mapper.map_numbers` says why.
        """
        return 1

    def shared_table(self, page):
        """The frame of the shared table of the kernel's half that a page number's way leads through, or 0."""
        return shared_table(self.facts, self.see, page)

    def link(self, at, frame, level, page, word):
        """Have the entry at an address lead to a new table at `level`, cleared before. For those that ask."""
        raise NotImplementedError

    def foresee(self, job):
        """Find out where the spare frames of a job will be seen. False if that has let others run: plan again."""
        return True

    @property
    def is_active(self):
        """True while CR3 names this root."""
        return cpu.read_root_frame() == self.root_frame


@micropython.viper
def _write_facts(facts: int, word: int, value: int):
    fact = ptr32(facts)
    fact[word] = value
    fact[word + 1] = value >> 32


@micropython.viper
def walk(facts: int, see, page: int, lowest: int, path: int) -> int:
    """Follow the entries for a page number from the root: to its leaf, to a hole, to what can't be followed, or to the
    entry at level `lowest`. Returns that entry's address | its level.

    `path`: PATH_BYTES bytes that take the entry of each level passed (level 1 first), or NO_PATH. Nothing is followed
    that the CPU would not follow: an entry that is not present, a huge page, reserved bits; nor a frame where no table
    can be.
    """
    fact = ptr32(facts)
    table = (fact[_ROOT] | fact[_ROOT + 1] << 32) << 12
    distance = fact[_DISTANCE] | fact[_DISTANCE + 1] << 32
    unfollowed = int(fact[_UNFOLLOWED])
    shift = int(fact[_SHIFT])
    last = (lowest - 1) * 9
    entries_seen = ptr32(path)
    ask = distance & 1
    while True:
        if ask:
            at = int(see(table >> 12, (shift * 57 >> 9) + 1, page)) + ((page >> shift & 511) << 3)
        else:
            at = distance + table + ((page >> shift & 511) << 3)
        entry = ptr32(at)
        low = int(entry[0])
        high = int(entry[1])
        if path:
            entries_seen[shift * 57 >> 8 & -2] = low
            entries_seen[(shift * 57 >> 8 & -2) + 1] = high
        if shift == last or (low ^ _PRESENT) & _TABLE | high & unfollowed:
            # shift / 9 + 1, for multiples of 9 up to 36, without a division
            return at + (shift * 57 >> 9) + 1
        table = (low | high << 32) & _FRAME
        shift -= 9


@micropython.viper
def frame_at(facts: int, at: int, page: int) -> int:
    """The frame number that a page number leads to by the entry where its walk ended, or -1."""
    fact = ptr32(facts)
    level = at & _LEVEL
    entry = ptr32(at - level)
    low = int(entry[0])
    high = int(entry[1])
    if low & _PRESENT == 0 or high & int(fact[_RESERVED]):
        return -1
    frame = low >> 12 | (high & _HIGH_FRAME) << 20
    if level == 1:
        return frame
    inside = (1 << 9 * (level - 1)) - 1
    if low & _HUGE == 0 or level > int(fact[_LARGEST]) or frame & inside > 1:
        return -1
    return frame & ~inside | page & inside


@micropython.viper
def translate(facts: int, page: int) -> int:
    """`Access.translate` where no technique has to be asked.

    The walk once more, in line: that saves 400 instructions of 1,167.
    """
    fact = ptr32(facts)
    shift = int(fact[_SHIFT])
    distance = fact[_DISTANCE] | fact[_DISTANCE + 1] << 32
    unfollowed = int(fact[_UNFOLLOWED])
    table = (fact[_ROOT] | fact[_ROOT + 1] << 32) << 12
    while True:
        at = distance + table + ((page >> shift & 511) << 3)
        entry = ptr32(at)
        low = int(entry[0])
        high = int(entry[1])
        table = (low | high << 32) & _FRAME
        if shift == 0 or (low ^ _PRESENT) & _TABLE | high & unfollowed:
            break
        shift -= 9
    if shift == 0 and low & _PRESENT and high & int(fact[_RESERVED]) == 0:
        return table >> 12
    return int(frame_at(facts, at + (shift * 57 >> 9) + 1, page))


@opens_guard
@micropython.viper
def map_page(facts: int, page: int, frame: int, word: int) -> int:
    """`Access.map` where no technique has to be asked.

    The walk once more, in line, and without the questions that only refusals ask: that saves 600 instructions of 1,500.
    """
    fact = ptr32(facts)
    shift = int(fact[_SHIFT])
    if page < 0 or page >> shift > 255 or frame < 0 or frame >> 40 or word & ~0xFFFF7F or word & _PRESENT == 0:
        return 1
    unfollowed = int(fact[_UNFOLLOWED])
    high = frame >> 20 | word >> 12 << 20
    if high & int(fact[_RESERVED]):
        return 1
    distance = fact[_DISTANCE] | fact[_DISTANCE + 1] << 32
    entry = ptr32(distance + (fact[_ROOT] << 12 | fact[_ROOT + 1] << 44) + ((page >> shift & 511) << 3))
    table = (int(entry[0]) | int(entry[1]) << 32) & _FRAME
    if table >> 12 >= (fact[_SHARED_FIRST] | fact[_SHARED_FIRST + 1] << 32) and table >> 12 <= (
        fact[_SHARED_LAST] | fact[_SHARED_LAST + 1] << 32
    ):
        return 1
    while shift:
        if (int(entry[0]) ^ _PRESENT) & _TABLE | int(entry[1]) & unfollowed:
            return 1
        shift -= 9
        entry = ptr32(distance + table + ((page >> shift & 511) << 3))
        table = (int(entry[0]) | int(entry[1]) << 32) & _FRAME
    if int(entry[0]) | int(entry[1]):
        return 1
    # The half that makes it present comes last, so a CPU that walks sees all of it or nothing.
    entry[1] = high
    entry[0] = frame << 12 | word & 0xFFF
    return 0


@micropython.viper
def shared_table(facts: int, see, page: int) -> int:
    """The frame of the shared table of the kernel's half that a page number's way leads through; 0 if it does not."""
    fact = ptr32(facts)
    shift = int(fact[_SHIFT])
    root = fact[_ROOT] | fact[_ROOT + 1] << 32
    if int(fact[_DISTANCE]) & 1:
        at = int(see(root, (shift * 57 >> 9) + 1, page))
    else:
        at = (fact[_DISTANCE] | fact[_DISTANCE + 1] << 32) + (root << 12)
    entry = ptr32(at + ((page >> shift & 511) << 3))
    frame = int(entry[0]) >> 12 | (int(entry[1]) & _HIGH_FRAME) << 20
    if int(entry[0]) & _PRESENT == 0 or frame < (fact[_SHARED_FIRST] | fact[_SHARED_FIRST + 1] << 32):
        return 0
    return frame if frame <= (fact[_SHARED_LAST] | fact[_SHARED_LAST + 1] << 32) else 0


@micropython.viper
def frame_in(path: ptr32, level: int) -> int:
    """The frame field of the entry that a walk saw at a level."""
    return path[(level << 1) - 2] >> 12 | (path[(level << 1) - 1] & _HIGH_FRAME) << 20


@micropython.viper
def raw_word_in(path: ptr32, level: int) -> int:
    """The raw word of the entry that a walk saw at a level: its bits 0-11 and 52-63."""
    return path[(level << 1) - 2] & 0xFFF | (path[(level << 1) - 1] >> 20 & 0xFFF) << 12


@micropython.viper
def rights_in(path: ptr32, level: int, top: int) -> int:
    """The rights that the entries from level `top` down to `level` leave together: WRITABLE and USER_ACCESSIBLE where
    all have them, NO_EXECUTE where one has it; as in a flag word."""
    every = 6
    some = 0
    while top >= level:
        every &= int(path[(top << 1) - 2])
        some |= int(path[(top << 1) - 1])
        top -= 1
    return every | (some >> 31 & 1) << 23


def is_canonical(page):
    """True for a page number that exists."""
    return 0 <= page <= LAST_PAGE and (page < 1 << ROOT_SHIFT + 8 or page > LAST_PAGE - (1 << ROOT_SHIFT + 8))
