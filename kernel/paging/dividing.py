"""Dividing a huge page: the table that maps what it maps, one level down, takes its place. And uniting: the other way.

Translations, rights and marks stay what they are; whoever divides or unites flushes, because the CPU may go on using
the translations that it had. Both are for tables that are seen without asking, at a distance.
"""

import micropython
from micropython import const

from .access import walk
from .natives import entries

_DISTANCE = const(2)  # words of an access's facts
_LARGEST = const(5)

_LEVEL = const(7)
_ENTRIES = const(512)
_PRESENT = const(1)
_WRITABLE = const(2)
_MARKS = const(0x60)
_HUGE = const(0x80)  # at level 1: PAT
_TABLE = const(0x81)  # these two bits of an entry that leads to a table: PRESENT
_PAT_SHIFT = const(24)  # of a raw word
_HIGH_FRAME = const(0xFFFFF)
_HIGH_EXCLUSIVE = const(1 << 23)  # bit 55, in the high half of the entry that leads to a table of the kernel's mapper

compare_and_set, fill, touching, write = entries.compare_and_set, entries.fill, entries.touching, entries.write


@micropython.viper
def tables_to_divide(facts: int, page: int, end: int) -> int:
    """How many tables it takes to have pages begin at number `page` and at `end`, which is not below it. 0 if they do.

    Where nothing is mapped, nothing is divided.
    """
    needed = 0
    at = int(walk(facts, None, page, 1, 0))
    first_level = at & _LEVEL
    level = first_level
    if int(ptr32(at - level)[0]) & _PRESENT == 0:
        level = 1
    while level > 1:
        level -= 1
        if page & (1 << 9 * level) - 1:
            needed += 1
    if end == page:
        return needed
    at = int(walk(facts, None, end, 1, 0))
    level = at & _LEVEL
    if int(ptr32(at - level)[0]) & _PRESENT == 0:
        return needed
    while level > 1:
        inside = (1 << 9 * (level - 1)) - 1
        if end & inside:
            needed += 1
            # One table serves both where both lie in one huge page.
            if level <= first_level and page & inside and page ^ end <= inside:
                needed -= 1
        level -= 1
    return needed


@micropython.viper
def divide(facts: int, page: int, end: int, frames, table_word: int):
    """Have pages begin at number `page` and at `end`, inside huge ones or not. `frames`: a list of the numbers of at
    least as many frames as `tables_to_divide` says, taken off it when they are linked; `table_word`: the raw word of
    entries that lead to the new tables. Can't fail, and allocates nothing."""
    fact = ptr32(facts)
    while True:
        at = int(walk(facts, None, page, 1, 0))
        level = at & _LEVEL
        at -= level
        entry = ptr32(at)
        low = int(entry[0])
        high = int(entry[1])
        shift = 9 * (level - 1)
        if low & _PRESENT == 0 or page & (1 << shift) - 1 == 0:
            if page == end:
                return
            page = end
            continue
        frame = low >> 12 | (high & _HIGH_FRAME) << 20  # its lowest bit is PAT
        word = low & 0xFFF | (high >> 20 & 0xFFF) << 12
        smaller = word
        first = frame
        if level == 2:
            first = frame & ~1
            smaller = word & ~_HUGE | (frame & 1) << 7
        table = int(frames[0])
        below = (fact[_DISTANCE] | fact[_DISTANCE + 1] << 32) + (table << 12)
        fill(below, _ENTRIES, first, smaller, 1 << shift - 9)
        # Unless the CPU has set a mark meanwhile.
        if compare_and_set(at, frame, word, table, table_word):
            frames.pop(0)


def room_to_unite(counts):
    """Room for the numbers of all tables that `unite` takes out at most, on the way of runs of so many pages."""
    return bytearray(8 + 8 * sum([(count >> 9) + (count >> 18) + 4 for count in counts]))


@micropython.viper
def unite(facts: int, page: int, count: int, united: ptr32):
    """Put one writable huge page in the place of each table on the way of a run of pages that maps the same in smaller
    ones, and is the kernel's own mapper's. It has both marks, for any of the small ones may get them meanwhile.

    Adds the numbers of the tables' frames, which nobody has now, to `united`: `taken_off` takes them off. Allocates
    nothing.
    """
    fact = ptr32(facts)
    largest = int(fact[_LARGEST])
    end = page + count
    level = 2
    while level <= largest:
        shift = 9 * (level - 1)
        wanted = _PRESENT | _WRITABLE
        inside = (1 << shift) - 1
        if level > 2:
            wanted |= _HUGE
            inside -= 1  # bit 0 of a huge page's frame is PAT
        page = page >> shift << shift
        first = page
        while first < end:
            at = int(walk(facts, None, first, level, 0))
            first += 1 << shift
            if at & _LEVEL != level:
                continue
            at -= level
            entry = ptr32(at)
            high = int(entry[1])
            if int(entry[0]) & _TABLE != _PRESENT or high & _HIGH_EXCLUSIVE == 0:
                continue
            table = int(entry[0]) >> 12 | (high & _HIGH_FRAME) << 20
            below = (fact[_DISTANCE] | fact[_DISTANCE + 1] << 32) + (table << 12)
            entry = ptr32(below)
            low = int(entry[0])
            high = int(entry[1])
            frame = low >> 12 | (high & _HIGH_FRAME) << 20
            word = low & 0xFFF | (high >> 20 & 0xFFF) << 12
            if low & wanted != wanted or frame & inside:
                continue
            if int(touching(below, _ENTRIES, frame, word, 1 << shift - 9)) != _ENTRIES:
                continue
            pat = frame & 1 if level > 2 else low >> 7 & 1
            write(at, frame & ~1, word | _MARKS | _HUGE | pat << _PAT_SHIFT)
            count = int(united[0]) + 1
            united[count << 1] = table
            united[(count << 1) + 1] = table >> 32
            united[0] = count
        level += 1


@micropython.viper
def taken_off(united: ptr32) -> int:
    """Take the number of one frame off what `unite` has written down; -1 if there is none. Allocates nothing."""
    count = int(united[0])
    if count == 0:
        return -1
    united[0] = count - 1
    return united[count << 1] | united[(count << 1) + 1] << 32
