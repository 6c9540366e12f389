"""One bit for each number of a large space: a directory of blocks (marks.py), each for a region of 131,072 numbers.

    words 0, 1   how many numbers there are
    word 2       how many are marked
    from word 4  the address of each region's block, 64 bits; 0 where there is none, so nothing is marked

A directory for the frames of 8 TiB takes 128 KiB, and a block 16 KiB: where there is none yet, `mark` says NO_BLOCK,
and who has memory to spare gives it (`add_block`). All else is as in marks.py, and trusted with the same.
"""

import micropython
from micropython import const

from .marks import any_marked as any_in_block
from .marks import are_marked as are_in_block
from .marks import bytes_for as block_bytes_for
from .marks import clear_marks as clear_in_block
from .marks import create as create_block
from .marks import mark as mark_in_block
from .marks import unmark as unmark_in_block

NO_BLOCK = const(-2)
_REGION = const(1 << 17)
_REGION_SHIFT = const(17)
_NO_BLOCK = const(-2)
_MARKED = const(2)
_BLOCKS = const(4)


def bytes_for(size):
    """How many bytes the directory for `size` numbers needs."""
    return 4 * _BLOCKS + 8 * regions_of(size)


def regions_of(size):
    """How many regions `size` numbers have."""
    return size + _REGION - 1 >> _REGION_SHIFT


def block_bytes(size, region):
    """How many bytes the block of a region needs."""
    return block_bytes_for(min(_REGION, size - (region << _REGION_SHIFT)))


@micropython.viper
def create(marks: int, size: int):
    """Make a directory without blocks. Its memory must be zero."""
    p = ptr32(marks)
    p[0] = size
    p[1] = size >> 32


@micropython.viper
def add_block(marks: int, region: int, address: int):
    """Give a region, which has none, a block at an address: `block_bytes`, 8-byte aligned."""
    p = ptr32(marks)
    size = (p[0] | p[1] << 32) - (region << _REGION_SHIFT)
    if size > _REGION:
        size = _REGION
    create_block(address, size)
    at = _BLOCKS + (region << 1)
    p[at] = address
    p[at + 1] = address >> 32


@micropython.viper
def without_block(marks: int, first: int, count: int) -> int:
    """The first region of a run that has no block, or -1. There is none behind the last number."""
    p = ptr32(marks)
    size = p[0] | p[1] << 32
    end = first + count
    if end > size:
        end = size
    region = first >> _REGION_SHIFT
    while region << _REGION_SHIFT < end:
        at = _BLOCKS + (region << 1)
        if p[at] | p[at + 1] == 0:
            return region
        region += 1
    return -1


@micropython.viper
def marked(marks: int) -> int:
    """How many numbers are marked."""
    return ptr32(marks)[_MARKED]


@micropython.viper
def are_marked(marks: int, first: int, count: int) -> int:
    """1 if the whole run from `first` on is marked, else 0."""
    p = ptr32(marks)
    size = p[0] | p[1] << 32
    if count < 1 or first < 0 or first > size or count > size - first:
        return 0
    while count > 0:
        at = _BLOCKS + (first >> _REGION_SHIFT << 1)
        block = p[at] | p[at + 1] << 32
        inside = first & _REGION - 1
        some = _REGION - inside
        if some > count:
            some = count
        if block == 0 or int(are_in_block(block, inside, some)) == 0:
            return 0
        first += some
        count -= some
    return 1


@micropython.viper
def any_marked(marks: int, first: int, count: int) -> int:
    """1 if a number of the run from `first` on is marked, else 0; none is behind the last number."""
    p = ptr32(marks)
    size = p[0] | p[1] << 32
    if first < 0 or first >= size:
        return 0
    if count > size - first:
        count = size - first
    while count > 0:
        at = _BLOCKS + (first >> _REGION_SHIFT << 1)
        block = p[at] | p[at + 1] << 32
        inside = first & _REGION - 1
        some = _REGION - inside
        if some > count:
            some = count
        if block and int(any_in_block(block, inside, some)):
            return 1
        first += some
        count -= some
    return 0


@micropython.viper
def clear_marks(marks: int, first: int, count: int):
    """Unmark whatever of a run is marked, where nobody counts the marks."""
    p = ptr32(marks)
    size = p[0] | p[1] << 32
    if first < 0 or first >= size:
        return
    if count > size - first:
        count = size - first
    while count > 0:
        at = _BLOCKS + (first >> _REGION_SHIFT << 1)
        block = p[at] | p[at + 1] << 32
        inside = first & _REGION - 1
        some = _REGION - inside
        if some > count:
            some = count
        if block:
            clear_in_block(block, inside, some)
        first += some
        count -= some


@micropython.viper
def mark(marks: int, first: int, count: int) -> int:
    """Mark a run. Returns 0; -1 if it has numbers that don't exist, or a part is marked already; or NO_BLOCK. Then
    nothing has changed."""
    p = ptr32(marks)
    size = p[0] | p[1] << 32
    if count < 1 or first < 0 or first > size or count > size - first:
        return -1
    if int(without_block(marks, first, count)) >= 0:
        return _NO_BLOCK
    if int(any_marked(marks, first, count)):
        return -1
    p[_MARKED] = int(p[_MARKED]) + count
    while count > 0:
        at = _BLOCKS + (first >> _REGION_SHIFT << 1)
        inside = first & _REGION - 1
        some = _REGION - inside
        if some > count:
            some = count
        mark_in_block(p[at] | p[at + 1] << 32, inside, some)
        first += some
        count -= some
    return 0


@micropython.viper
def unmark(marks: int, first: int, count: int) -> int:
    """Unmark a run. Returns how many numbers are still marked, or -1 if not all of it was; then nothing has changed."""
    if int(are_marked(marks, first, count)) == 0:
        return -1
    p = ptr32(marks)
    p[_MARKED] = int(p[_MARKED]) - count
    while count > 0:
        at = _BLOCKS + (first >> _REGION_SHIFT << 1)
        inside = first & _REGION - 1
        some = _REGION - inside
        if some > count:
            some = count
        unmark_in_block(p[at] | p[at + 1] << 32, inside, some)
        first += some
        count -= some
    return p[_MARKED]
