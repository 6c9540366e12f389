"""Taking empty tables away: unlinked bottom-up, and handed back when the CPU has forgotten the way through them.

The entry that leads to a table says whose the table is, as a page's entry does: with EXCLUSIVE set the kernel's own
mapper made it and frees it; without, whoever maps through the paging layer. So neither frees what is the other's.
"""

import micropython
from memory_structs import IllegalState
from memory_structs.mode import LEVELS, PAGES_PER_ROOT_ENTRY, ROOT_SHIFT, TRANSLATED_PAGES
from micropython import const

from .frame_allocators import Keeper, check_deallocator, give_back
from .guard import opens_guard
from .natives import critical, entries
from .protection import BORROWED_ENTRIES, KERNEL_PAGE, Protection

_ROOT = const(0)  # words of an access's facts
_DISTANCE = const(2)
_UNFOLLOWED = const(7)
_SHARED_FIRST = const(8)
_SHARED_LAST = const(10)
_MARKS = const(12)
_BLOCKS = const(4)  # words of sparse marks, and of a block of theirs
_REGION_SHIFT = const(17)
_FIRST_MARKS = const(4)
_WORD_IN_REGION = const(4095)

_PRESENT = const(1)
_TABLE = const(0x81)
_HIGH_FRAME = const(0xFFFFF)
_HIGH_EXCLUSIVE = const(1 << 23)  # bit 55, in the high half of an entry

unused = entries.unused
ANYBODYS = 1
_ANYBODYS = const(1)
NO_FRAMES = b"\1\0\0\0\0\0\0\0"


@opens_guard
@micropython.viper
def collect(
    facts: int, see, level: int, table: int, page: int, last: int, exclusive: int, kept: int, freed: int
) -> int:
    """Unlink every empty table below `table` (an address) that is on the way of the pages `page` to `last`.

    Of these numbers only the translated bits count. Returns how many tables.

    `exclusive`: the bit that leads to tables of the one who asks, in the high half of an entry; ANYBODYS for all of
    them, empty or not. `kept`: the first and the last frame of tables that are never unlinked. `freed`: their frame
    numbers, 64 bits each, of ANYBODYS with bit 55 as the entry had it; a number of 0 only counts the tables that might
    be.
    """
    fact = ptr32(facts)
    distance = fact[_DISTANCE] | fact[_DISTANCE + 1] << 32
    shift = 9 * (level - 1)
    count = 0
    out = freed
    while page <= last:
        behind = (page >> shift) + 1 << shift
        entry = ptr32(table + ((page >> shift & 511) << 3))
        low = int(entry[0])
        high = int(entry[1])
        frame = low >> 12 | (high & _HIGH_FRAME) << 20
        enter = low & _TABLE == _PRESENT and high & int(fact[_UNFOLLOWED]) == 0
        shared = frame >= (fact[_SHARED_FIRST] | fact[_SHARED_FIRST + 1] << 32) and frame <= (
            fact[_SHARED_LAST] | fact[_SHARED_LAST + 1] << 32
        )
        if enter and exclusive == _ANYBODYS and shared:
            enter = False  # the kernel's, which something has lent to this root
        if enter and frame != (fact[_ROOT] | fact[_ROOT + 1] << 32):
            if distance & 1:  # noqa: SIM108
                below = int(see(frame, level - 1, page))
            else:
                below = distance + (frame << 12)
            if level > 2:
                upto = last
                if behind - 1 < last:
                    upto = behind - 1
                if out:
                    count += int(collect(facts, see, level - 1, below, page, upto, exclusive, kept, out + (count << 3)))
                else:
                    count += int(collect(facts, see, level - 1, below, page, upto, exclusive, kept, 0))
            static = frame >= int(ptr32(kept)[0]) and frame <= int(ptr32(kept)[1])
            if not shared and not static and (exclusive == _ANYBODYS or high & _HIGH_EXCLUSIVE == exclusive):
                if out == 0:
                    count += 1
                elif exclusive == _ANYBODYS or int(unused(below, 512)) == 512:
                    entry[0] = 0
                    entry[1] = 0
                    place = ptr32(out + (count << 3))
                    place[0] = frame
                    place[1] = frame >> 32 | (high & _HIGH_EXCLUSIVE if exclusive == _ANYBODYS else 0)
                    count += 1
        page = behind
    return count


def clean_up_run(mapper, first, last, frame_deallocator):
    """`Mapper.clean_up_numbers`: free the empty tables on the way of the pages from number `first` to `last`."""
    check_deallocator(frame_deallocator)
    access = mapper.access
    kept = address_of(Protection.live.image_words if Protection.live is not None else NO_FRAMES)
    pieces = pieces_to_clean(access, first & TRANSLATED_PAGES - 1, last & TRANSLATED_PAGES - 1)
    table = access.walk(0, LEVELS) & -4096
    critical.enter()
    try:
        # So many at most; room for them is made before anything is unlinked.
        most = 0
        for page, end in pieces:
            most += collect(access.facts, access.see, LEVELS, table, page, end, 0, kept, 0)
        freed, count, changed = bytearray(8 * most), 0, (first, last + 1 - first)
        ledger = mapper.ledger_for(first) or mapper.ledger_for(last)
        try:
            for page, end in pieces:
                place = address_of(freed) + 8 * count
                count += collect(access.facts, access.see, LEVELS, table, page, end, 0, kept, place)
        except BaseException:
            count = count_of_freed(freed)  # a fault: so many were unlinked before it
            raise
        finally:
            try:
                if count and ledger is not None:
                    ledger._flush_everything(False, changed, access.root_frame)
            finally:
                forget_links(access.facts, freed, count)
                hand_back(freed, count, frame_deallocator)
    finally:
        critical.leave()
    return count


def pieces_to_clean(access, first, last):
    """[(first page, last page)] of a run without the root entries that lead to techniques' tables, and to roots."""
    if Protection.live is None or not access.shared_table(KERNEL_PAGE):
        return [(first, last)]
    pieces = [(first, last)]
    for index in BORROWED_ENTRIES:
        low, high = index << ROOT_SHIFT, (index << ROOT_SHIFT) + PAGES_PER_ROOT_ENTRY - 1
        cut = []
        for start, end in pieces:
            if start < low:
                cut.append((start, min(end, low - 1)))
            if end > high:
                cut.append((max(start, high + 1), end))
        pieces = [(start, end) for start, end in cut if start <= end]
    return pieces


def hand_back(freed, count, frame_deallocator):
    """Give the frames of tables back, in runs. What this allocator refuses goes to the one that it came from; if it
    came from none, the others come back all the same."""
    failure, index, by_runs = None, 0, hasattr(frame_deallocator, "deallocate_run")
    while index < count:
        first, length = frame_of_freed(freed, index), length_of_freed(freed, index, count) if by_runs else 1
        index += length
        try:
            give_back(frame_deallocator, first, length)
        except IllegalState as error:
            for number in range(first, first + length):
                failure = give_to_its_own(frame_deallocator if length > 1 else None, number, error) or failure
        except BaseException as error:
            failure = failure or error
    if failure is not None:
        raise failure


def give_to_its_own(frame_deallocator, number, refusal):
    """Give one frame of a run that was refused back: to this allocator, if there is one to ask, or else to whom it came
    from. Returns None, or what was raised."""
    try:
        if frame_deallocator is not None:
            try:
                give_back(frame_deallocator, number, 1)
                return None
            except IllegalState:
                pass
        return None if Keeper.live is not None and Keeper.live.take_table(number) else refusal
    except BaseException as error:
        return error


@opens_guard
@micropython.viper
def forget_links(facts: int, freed: ptr32, count: int):
    """Take the marks of tables away that `collect` wrote down: the CPU has forgotten them."""
    fact = ptr32(facts)
    marks = ptr32(fact[_MARKS] | fact[_MARKS + 1] << 32)
    size = marks[0] | marks[1] << 32
    region = -1
    block = ptr32(0)
    for index in range(count):
        frame = freed[index << 1] | (freed[(index << 1) + 1] & _HIGH_FRAME) << 32
        if frame < size:
            if frame >> _REGION_SHIFT != region:
                region = frame >> _REGION_SHIFT
                word = _BLOCKS + (region << 1)
                block = ptr32(marks[word] | marks[word + 1] << 32)
            if int(block):
                word = _FIRST_MARKS + (frame >> 5 & _WORD_IN_REGION)
                block[word] = int(block[word]) & ~(1 << (frame & 31))


@micropython.viper
def address_of(buffer: ptr32) -> int:
    """Where a buffer lies."""
    return int(buffer)


def count_of_freed(freed):
    """How many tables `collect` wrote down before a fault ended it, in a buffer that was zero."""
    count = 0
    while 8 * count < len(freed) and frame_of_freed(freed, count):
        count += 1
    return count


@micropython.viper
def frame_of_freed(freed: ptr32, index: int) -> int:
    """The frame number at a place of what `collect` wrote."""
    return freed[index << 1] | freed[(index << 1) + 1] << 32


@micropython.viper
def length_of_freed(freed: ptr32, index: int, count: int) -> int:
    """How many of the `count` frame numbers follow one upon the other from a place on."""
    first = freed[index << 1] | freed[(index << 1) + 1] << 32
    length = 1
    while index + length < count:
        at = index + length << 1
        if (freed[at] | freed[at + 1] << 32) != first + length:
            return length
        length += 1
    return length
