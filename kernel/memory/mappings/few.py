"""The hottest paths as machine code: a few pages, in one run of frames, in one level-1 table that is there.

Everything else answers "not simple" and has changed nothing; `mapper` then goes step by step, and knows why.
"""

import micropython
import uctypes
from micropython import const
from paging.access import walk
from paging.guard import opens_guard
from paging.leaves import agreeing
from paging.natives import cpu, entries, memory, processors
from paging.shootdown import waits

from ..ledger import DEVICE, EXCLUSIVE
from .few_aliases import open_beside_others

NOT_SIMPLE = const(-1)
EXECUTED = const(-2)

_ROOT = const(0)  # words of a record
_FIRST_PAGE = const(2)
_COUNT = const(4)
_FRAMES = const(6)
_FLAGS = const(8)
_KIND = const(10)
_KIND_AND_EXPORTED = const(0xFF00FF)
_EXCLUSIVE_KINDS = const(0b1001)  # one bit each: whose leaves say EXCLUSIVE

_EXCLUSIVE_BIT = const(1 << 15)  # of a flag word
_ORDINARY = const(0xFFFF1F)  # of a flag word: neither ACCESSED nor DIRTY, HUGE_PAGE nor PAT
_NO_EXECUTE = const(1 << 23)
_MARKS = const(0x60)
_MOST_TO_INVALIDATE_SHIFT = const(6)  # 64 pages: for more a full flush is cheaper

fill, clear, unused, touching = entries.fill, entries.clear, entries.unused, entries.touching
invalidate, forget, zero_frames = cpu.invalidate, processors.forget, memory.zero_frames
assert EXCLUSIVE == 0  # what a new record's kind is
assert 1 << EXCLUSIVE | 1 << DEVICE == _EXCLUSIVE_KINDS
waits_at = uctypes.addressof(waits)  # who is to hear of flushes: in its first byte observers, then other processors


@opens_guard
@micropython.viper
def map_few(facts: int, record, page_run: int, frame_run: int, count: int, word: int) -> int:
    """Map `count` pages just taken to as many frames just taken (runs are first << 1 | clean, or negative), cleared
    unless they are clean, and write down in the record what was done. 0, or NOT_SIMPLE."""
    if page_run < 0 or frame_run < 0 or word & ~_ORDINARY:
        return NOT_SIMPLE
    page = page_run >> 1
    frame = frame_run >> 1
    at = int(walk(facts, None, page, 1, 0))
    if at & 7 != 1:
        return NOT_SIMPLE
    at -= 1
    entry = ptr32(at)
    if (at >> 3 & 511) + count > 512 or entry[0] or entry[1]:
        return NOT_SIMPLE
    if count > 1 and int(unused(at, count)) != count:
        return NOT_SIMPLE
    fact = ptr32(facts)
    if frame_run & 1 == 0:
        zero_frames(frame, count)
    known = ptr32(record)
    known[_ROOT] = fact[0]
    known[_ROOT + 1] = fact[1]
    known[_FIRST_PAGE] = page
    known[_FIRST_PAGE + 1] = page >> 32
    known[_COUNT] = count
    known[_COUNT + 1] = 0
    known[_FRAMES] = frame
    known[_FRAMES + 1] = frame >> 32
    known[_FLAGS] = word
    word |= _EXCLUSIVE_BIT
    if count > 1:
        fill(at, count, frame, word, 1)
    else:
        # The half that makes it present comes last.
        entry[1] = frame >> 20 | word >> 12 << 20
        entry[0] = frame << 12 | word & 0xFFF
    return 0


@opens_guard
@micropython.viper
def unmap_few(facts: int, record) -> int:
    """Unmap what a live record says, if it is exclusive, in one run of frames, not exported, no observer waits to hear
    of flushes, and every entry says what its owner was given. Invalidate it, unless its level-1 table is empty now.

    Returns first frame << 1 | whether that is so; or EXECUTED less that, if the window does not show frames writable
    yet that could be executed; or NOT_SIMPLE.
    """
    known = ptr32(record)
    count = known[_COUNT] | known[_COUNT + 1] << 32
    page = known[_FIRST_PAGE] | known[_FIRST_PAGE + 1] << 32
    hearers = ptr32(int(waits_at))[0]
    if int(known[_KIND]) & _KIND_AND_EXPORTED or count - 1 >> _MOST_TO_INVALIDATE_SHIFT or hearers & 1:
        return NOT_SIMPLE
    at = int(walk(facts, None, page, 1, 0))
    if at & 7 != 1:
        return NOT_SIMPLE
    at -= 1
    frame = known[_FRAMES] | known[_FRAMES + 1] << 32
    word = int(known[_FLAGS]) | _EXCLUSIVE_BIT
    if frame >> 40 or word & ~_ORDINARY or (at >> 3 & 511) + count > 512:
        return NOT_SIMPLE
    entry = ptr32(at)
    if count > 1:
        if int(touching(at, count, frame, word, 1)) != count:
            return NOT_SIMPLE
        clear(at, count)
    else:
        if (
            int(entry[0]) & ~_MARKS != frame << 12 & 0xFFFFFFFF | word & 0xFFF
            or int(entry[1]) != frame >> 20 | word >> 12 << 20
        ):
            return NOT_SIMPLE
        entry[0] = 0
        entry[1] = 0
    is_empty = 1 if int(unused(at & -4096, 512)) == 512 else 0
    if not is_empty:  # else it is for the table as well, when that is cut off
        if hearers:
            forget(0 if page >> 51 else int(known[_ROOT]) | int(known[_ROOT + 1]) << 32, page, count)
        else:
            invalidate(page, count, 1)
    run = frame << 1 | is_empty
    if word & _NO_EXECUTE == 0 and (is_empty or int(open_beside_others(facts, frame, count)) == 0):
        run = EXECUTED - run
    return run


@micropython.viper
def is_as_given(facts: int, record) -> int:
    """1 if the pages of a record are mapped as its owner was told, to one run of frames. 0 says only that it takes a
    closer look."""
    known = ptr32(record)
    frame = known[_FRAMES] | known[_FRAMES + 1] << 32
    word = int(known[_FLAGS])
    if frame >> 40 or word & ~_ORDINARY:
        return 0
    kind = int(known[_KIND]) & 0xFF
    if 1 << kind & _EXCLUSIVE_KINDS:
        word |= _EXCLUSIVE_BIT
    count = known[_COUNT] | known[_COUNT + 1] << 32
    page = known[_FIRST_PAGE] | known[_FIRST_PAGE + 1] << 32
    return 1 if int(agreeing(facts, page, count, frame, word)) == count else 0
