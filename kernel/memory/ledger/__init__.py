"""Who has which mapping, also when Python has forgotten it: the native records, and what their numbers mean.

A Record is what a MappedPages holds. Its finaliser marks it as lost, and a safe point takes the mapping away. The
numbers of a record lie outside of Python's heap (port/ledger/records.h), where machine code reads them as words:

    word      what
    ----      ----
    0, 1      root: the frame number of the table that the mapping is bound to
    2, 3      first_page
    4, 5      count, of 4 KiB pages
    6, 7      frames: what they are mapped to, see `signature_of`
    8         flags: the flag word of the leaves, without ACCESSED and DIRTY
    9         the next one of the free or lost ones
    10        kind | state << 8 | exported << 16 | overridden << 24
    12, 13    the Record, as long as there is one
"""

import micropython
from _records import (
    DEVICE,
    EXCLUSIVE,
    LIVE,
    SHARED,
    SYSTEM,
    TABLE,
    Record,
    adopt,
    adopt_lost,
    begin,
    commit,
    disown,
    finish,
    lost,
    note,
    owner_of,
    place,
    used,
)
from micropython import const
from paging.natives import critical

# EXCLUSIVE   owned, and its frames are mapped nowhere else: RAM
# SHARED      frames that others may map, too
# SYSTEM      the kernel's own: never dropped
# DEVICE      as EXCLUSIVE, but its frames lie outside the pool of RAM
# TABLE       no mapping: a PageTable, whose root is the frame
KIND_NAMES = "exclusive", "shared", "system", "device", "page table"

enter, leave = critical.enter, critical.leave

_BYTES = const(56)
_ROOT = const(0)
_FIRST_PAGE = const(2)
_COUNT = const(4)
_FRAMES = const(6)
_FLAGS = const(8)
_KIND = const(10)
_KIND_BYTE = const(40)
_EXPORTED_BYTE = const(42)
_OVERRIDDEN_BYTE = const(43)
_LIVE = const(3)  # a state; above it only LOST, just below it what a call is taking away
_BUSY = const(2)
_TABLE = const(4)  # a kind
assert (_LIVE, _TABLE) == (LIVE, TABLE)

# Where the numbers of a record are: the first of two words, and what of them.
_FIELDS = {
    "root": (_ROOT, -1),
    "first_page": (_FIRST_PAGE, -1),
    "count": (_COUNT, -1),
    "frames": (_FRAMES, -1),
    "flags": (_FLAGS, 0xFFFFFFFF),
    "kind": (_KIND, 0xFF),
}

# The page number below each Stack: how many pages the Stack has. `guarded_by` knows which of them live.
guards = {}

SEVERAL_RUNS = 1 << 50  # in `frames`: a digest, and not the number of the first frame


def signature_of(runs):
    """What a record says of its frames: the first one's number if they are one run, else a digest of all runs.

    `runs`: (first frame, count), in the order of the pages, touching ones joined. The digest of other frames, or of the
    same in another order, is the same once in 2^40 times.
    """
    if len(runs) == 1:
        return runs[0][0]
    digest = 0
    for frame, count in runs:
        digest = (digest * 1000003 ^ frame << 1 ^ count) & (1 << 40) - 1
    return digest | SEVERAL_RUNS


# --- of a Record: its numbers, in place ---


@micropython.viper
def write(record, first_page: int, count: int, flags: int, frames: int):
    """Let a Record say something else of its pages."""
    known = ptr32(record)
    known[_FIRST_PAGE] = first_page
    known[_FIRST_PAGE + 1] = first_page >> 32
    known[_COUNT] = count
    known[_COUNT + 1] = count >> 32
    known[_FRAMES] = frames
    known[_FRAMES + 1] = frames >> 32
    known[_FLAGS] = flags


@micropython.viper
def change(record, first_page: int, count: int, flags: int, frames: int):
    """`write` for a live Record: it is among the last events, for whoever reads a panic."""
    write(record, first_page, count, flags, frames)
    note(record)


@micropython.viper
def prepare(root: int, first_page: int, count: int, flags: int, kind: int, frames: int):
    """Make a Record that says all this. The collector may drop it until it is armed."""
    record = Record()
    known = ptr32(record)
    known[_ROOT] = root
    known[_ROOT + 1] = root >> 32
    ptr8(record)[_KIND_BYTE] = kind
    write(record, first_page, count, flags, frames)
    return record


@micropython.viper
def mark_exported(record):
    """A raw buffer of the mapping was handed out: its pages must not be used again."""
    ptr8(record)[_EXPORTED_BYTE] = 1


@micropython.viper
def mark_overridden(record, yes: bool):
    """The mapping may be writable here and executable there, or not: somebody said why."""
    ptr8(record)[_OVERRIDDEN_BYTE] = int(yes)


# --- of all records ---


@micropython.viper
def pages(kind: int, upper: int) -> int:
    """How many pages the live and lost records of a kind have in the upper half (1) or the lower one (0)."""
    known = ptr32(int(place()))
    index = int(used())
    total = 0
    while index > 0:
        word = int(known[_KIND])
        if word & 0xFF == kind and word >> 8 & 0xFF >= _LIVE and int(known[_FIRST_PAGE + 1]) >> 19 & 1 == upper:
            total += int(known[_COUNT]) | int(known[_COUNT + 1]) << 32
        known = ptr32(int(known) + _BYTES)
        index -= 1
    return total


def mapped_pages(upper):
    """How many pages owned mappings have in the upper half (True) or the lower one."""
    return pages(EXCLUSIVE, upper) + pages(SHARED, upper) + pages(DEVICE, upper)


def mapped_frames():
    """How many frames of RAM exclusive mappings have."""
    return pages(EXCLUSIVE, False) + pages(EXCLUSIVE, True)


# --- by index, which is from 0 to the number of places less one ---


@micropython.viper
def read(index: int, words: ptr32):
    """Write root, first page, count, flags, kind and overridden of a record into 6 words of 64 bits."""
    known = ptr32(int(place()) + index * _BYTES)
    for word in range(6):
        words[word] = known[word]
    words[6] = known[_FLAGS]
    words[8] = known[_KIND] & 0xFF
    words[10] = int(known[_KIND]) >> 24 & 1
    words[7] = words[9] = words[11] = 0


@micropython.viper
def _words(index: int, word: int) -> int:
    """Two words of a record, from an even one on, as one number."""
    known = ptr32(int(place()) + index * _BYTES)
    return int(known[word]) | int(known[word + 1]) << 32


def field(index, name):
    """One number of the record at an index: its `root`, `first_page`, `count`, `frames`, `flags` or `kind`."""
    word, mask = _FIELDS[name]
    return _words(index, word) & mask


@micropython.viper
def next_record(index: int) -> int:
    """The first record at or above an index that is live or lost, or -1."""
    known = ptr32(int(place()) + index * _BYTES)
    end = int(used())
    while index < end:
        if int(known[_KIND]) >> 8 & 0xFF >= _LIVE:
            return index
        known = ptr32(int(known) + _BYTES)
        index += 1
    return -1


def guarded_by(page):
    """The first page of the Stack whose guard page has that number, and how many it has; None if it is no guard."""
    count = guards.get(page)
    if count is None:
        return None
    index = next_record(0)
    while index >= 0:
        if field(index, "first_page") == page + 1 and field(index, "count") == count:
            return page + 1, count
        index = next_record(index + 1)
    del guards[page]  # the Stack was forgotten, and taken away
    return None


@micropython.viper
def find_table(root: int) -> int:
    """The record, live or lost, of the table with that root, or -1."""
    known = ptr32(int(place()))
    end = int(used())
    index = 0
    while index < end:
        kind = int(known[_KIND])
        if (
            kind & 0xFF == _TABLE
            and kind >> 8 & 0xFF >= _LIVE
            and int(known[_ROOT]) | int(known[_ROOT + 1]) << 32 == root
        ):
            return index
        known = ptr32(int(known) + _BYTES)
        index += 1
    return -1


@micropython.viper
def live_with_root(root: int) -> int:
    """How many mappings, live or lost or just being taken away, are bound to a root."""
    known = ptr32(int(place()))
    end = int(used())
    index = count = 0
    while index < end:
        kind = int(known[_KIND])
        if (
            kind & 0xFF != _TABLE
            and kind >> 8 & 0xFF >= _BUSY
            and int(known[_ROOT]) | int(known[_ROOT + 1]) << 32 == root
        ):
            count += 1
        known = ptr32(int(known) + _BYTES)
        index += 1
    return count


@micropython.viper
def count_busy(counts: ptr32):
    """Add the pages of all records that a call is just taking away to `counts`, 64 bits for each kind."""
    known = ptr32(int(place()))
    index = int(used())
    while index > 0:
        kind = int(known[_KIND])
        if kind >> 8 & 0xFF == _BUSY:
            at = (kind & 0xFF) << 1
            pages = (counts[at] | counts[at + 1] << 32) + (known[_COUNT] | known[_COUNT + 1] << 32)
            counts[at] = pages
            counts[at + 1] = pages >> 32
        known = ptr32(int(known) + _BYTES)
        index -= 1


def undisturbed(method):
    """A method during which neither Ctrl-C nor a callback comes: what it finds true stays true until its end."""

    def call(self, *arguments, **named):
        enter()
        try:
            return method(self, *arguments, **named)
        finally:
            leave()

    return call
