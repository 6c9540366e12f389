"""One bit for each number, in one block of raw memory: which frames a lender has out.

    words 0 to 2   how many numbers there are, how many are marked, the word below which all are
    from word 4    the bits, 32 numbers to a word, the lowest number in the lowest bit

`marks` is the block's address (an int, 4-byte aligned), numbers count from 0. Each function is one piece of machine
code in which no Python runs: it does all or nothing, and allocates nothing.

All trust their caller with one thing: numbers and counts are ints below 2^52, for machine code cuts longer ones off
(`check_run` refuses them). Everything else they check.
"""

import micropython
from micropython import const

from .spaces import check_integer

_SIZE = const(0)
_MARKED = const(1)
_FULL_BELOW = const(2)
_BITS = const(4)
_ALL = const(0xFFFFFFFF)
# What no space has so many of, in units of 4 KiB.
_TOO_MANY = const(1 << 52)


def bytes_for(size):
    """How many bytes the block for `size` numbers needs."""
    return 4 * (_BITS + (size + 31 >> 5))


def check_run(first, count):
    """Refuse what is not the run of `count` numbers from `first` on. Raises TypeError or ValueError."""
    check_integer(first, "a frame number")
    check_integer(count, "a count of frames")
    if first >= _TOO_MANY or not 0 < count < _TOO_MANY:
        raise ValueError("there are no %d frames from number %s on" % (count, hex(first)))


def frames_text(first, count):
    """Frames by number, in words."""
    return "frame number %s" % hex(first) if count == 1 else "%d frames from number %s on" % (count, hex(first))


@micropython.viper
def create(marks: int, size: int):
    """Make a block in which no number is marked. What the memory holds doesn't matter."""
    p = ptr32(marks)
    word = _BITS + (size + 31 >> 5)
    while word:
        word -= 1
        p[word] = 0
    p[_SIZE] = size


@micropython.viper
def marked(marks: int) -> int:
    """How many numbers are marked."""
    return ptr32(marks)[_MARKED]


@micropython.viper
def are_marked(marks: int, first: int, count: int) -> int:
    """1 if the whole run from `first` on is marked, else 0."""
    p = ptr32(marks)
    size = int(p[_SIZE])
    if count < 1 or first < 0 or first > size or count > size - first:
        return 0
    # A word at a time: `mask` has the bits of the run that lie in it.
    while count:
        bit = first & 31
        some = 32 - bit
        if some > count:
            some = count
        mask = (1 << some) - 1 << bit
        if int(p[_BITS + (first >> 5)]) & mask != mask:
            return 0
        first += some
        count -= some
    return 1


@micropython.viper
def any_marked(marks: int, first: int, count: int) -> int:
    """1 if a number of the run from `first` on is marked, else 0; none is behind the end of the block."""
    p = ptr32(marks)
    size = int(p[_SIZE])
    if first < 0 or first >= size:
        return 0
    if count > size - first:
        count = size - first
    while count > 0:
        bit = first & 31
        some = 32 - bit
        if some > count:
            some = count
        if int(p[_BITS + (first >> 5)]) & (1 << some) - 1 << bit:
            return 1
        first += some
        count -= some
    return 0


@micropython.viper
def clear_marks(marks: int, first: int, count: int):
    """Unmark whatever of a run is marked, in a block whose marks nobody counts."""
    p = ptr32(marks)
    size = int(p[_SIZE])
    if first >= 0 and first < size:
        if count > size - first:
            count = size - first
        while count > 0:
            word = _BITS + (first >> 5)
            p[word] = int(p[word]) & ~(1 << (first & 31))
            first += 1
            count -= 1


@micropython.viper
def _flip(marks: int, first: int, count: int):
    """Mark the run, or unmark it: all of it is as the other."""
    p = ptr32(marks)
    while count:
        bit = first & 31
        some = 32 - bit
        if some > count:
            some = count
        word = _BITS + (first >> 5)
        p[word] = int(p[word]) ^ (1 << some) - 1 << bit
        first += some
        count -= some


@micropython.viper
def mark(marks: int, first: int, count: int) -> int:
    """Mark a run. Returns 0, or -1 if it leaves the block or a part is marked already; then nothing has changed."""
    p = ptr32(marks)
    size = int(p[_SIZE])
    if count < 1 or first < 0 or first > size or count > size - first:
        return -1
    number = first
    end = first + count
    while number < end:
        bit = number & 31
        some = 32 - bit
        if some > end - number:
            some = end - number
        if int(p[_BITS + (number >> 5)]) & (1 << some) - 1 << bit:
            return -1
        number += some
    _flip(marks, first, count)
    p[_MARKED] = int(p[_MARKED]) + count
    return 0


@micropython.viper
def unmark(marks: int, first: int, count: int) -> int:
    """Unmark a run. Returns how many numbers are still marked, or -1 if not all of it was; then nothing has changed."""
    if not int(are_marked(marks, first, count)):
        return -1
    p = ptr32(marks)
    _flip(marks, first, count)
    if first >> 5 < int(p[_FULL_BELOW]):
        p[_FULL_BELOW] = first >> 5
    left = int(p[_MARKED]) - count
    p[_MARKED] = left
    return left


@micropython.viper
def mark_lowest(marks: int, count: int) -> int:
    """Mark the lowest numbers that are not, in one run of at most `count`.

    Returns first << 20 | how many (never more than 2^20 - 1); -1 if all are marked.
    """
    p = ptr32(marks)
    size = int(p[_SIZE])
    word = int(p[_FULL_BELOW])
    first = word << 5
    while first < size and int(p[_BITS + word]) == _ALL:
        word += 1
        first += 32
    p[_FULL_BELOW] = word
    while first < size and p[_BITS + (first >> 5)] >> (first & 31) & 1:
        first += 1
    if count > 0xFFFFF:
        count = 0xFFFFF
    if count > size - first:
        count = size - first
    if count < 1:
        return -1
    taken = 0
    number = first
    while taken < count:
        word = _BITS + (number >> 5)
        bits = int(p[word])
        if bits >> (number & 31) & 1:
            break
        p[word] = bits | 1 << (number & 31)
        number += 1
        taken += 1
    p[_MARKED] = int(p[_MARKED]) + taken
    return first << 20 | taken
