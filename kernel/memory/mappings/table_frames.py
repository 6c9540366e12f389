"""Frames for the tables of owned mappings, out of the pool of RAM and back into it.

The entry that leads to such a table says EXCLUSIVE: the table is the kernel's own mapper's, and nobody else frees it.
"""

from memory_structs import OutOfFrames
from memory_structs.mode import LEVELS, TRANSLATED_PAGES, UPPER_HALF_FIRST_PAGE
from paging.cleaning import ANYBODYS, address_of, collect, frame_of_freed, length_of_freed
from paging.flags import EXCLUSIVE, PRESENT, USER_ACCESSIBLE, WRITABLE
from paging.linked import LinkedTables
from paging.protection import Protection

from .. import runs
from ..runs import give, take

EXCLUSIVE_HIGH = 1 << 23  # the bit EXCLUSIVE in the high half of an entry
FRAME_BITS = (1 << 52) - 1


def table_word(page):
    """The raw word of an entry that leads to a table of an owned mapping's: the leaf decides about rights."""
    word = PRESENT | WRITABLE | EXCLUSIVE
    return word if page >= UPPER_HALF_FIRST_PAGE else word | USER_ACCESSIBLE


def lend(pool, job, needed):
    """Hand a mapping job `needed` frames for tables, all or none. Raises OutOfFrames, or OutOfBookkeeping."""
    tree = pool.tree
    left = needed
    while left > 0:
        count = left
        run = take(tree, count)
        if run < 0:
            count = min(count, runs.largest_of(tree))
            run = take(tree, count) if count else run
            if run == runs.TOO_MANY and pool.grow():
                continue
        if run >= 0 and not pool.count_owners(count - 1):  # each table comes back on its own
            give(tree, run, count)
            run = runs.TOO_MANY
        if run < 0:
            take_back(pool, job)
            if run == runs.TOO_MANY:
                pool.allocator.refuse(run)
            raise OutOfFrames(needed, "page tables", runs.largest_of(tree))
        pool.tables += count
        try:
            job.supply(run >> 1, count)
        except BaseException:
            give_tables(pool, run >> 1, count)
            take_back(pool, job)
            raise
        left -= count


def spare_tables(pool, needed):
    """The numbers of `needed` frames for tables, as a list. Raises OutOfFrames, or OutOfBookkeeping."""
    spare, count, tree = [0] * needed, 0, pool.tree
    while count < needed:
        run = take(tree, 1)
        if run == runs.TOO_MANY and pool.grow():
            continue
        if run < 0:
            del spare[count:]
            give_unused(pool, spare)
            if run == runs.TOO_MANY:
                pool.allocator.refuse(run)
            raise OutOfFrames(needed, "page tables", runs.largest_of(tree))
        spare[count] = run >> 1
        pool.tables += 1
        count += 1
    return spare


def window_tables(pool, needed):
    """The same for pages of the physical window: nobody else may write to these tables."""
    spare = spare_tables(pool, needed)
    try:
        Protection.live.window_tables.update(spare)
    except BaseException:
        give_unused(pool, spare)
        raise
    return spare


def give_unused(pool, spare):
    """Give back what is left of either."""
    for frame in spare:
        give_window_table(pool, frame)


def give_window_table(pool, frame):
    """Free the frame of a table that may be the window's. Allocates nothing."""
    Protection.live.window_tables.discard(frame)
    give(pool.tree, frame << 1, 1)
    pool.tables -= 1


def take_back(pool, job):
    """Give back what a job has not used."""
    job.give_unused(pool, give_tables)


def give_tables(pool, first, count, clean=0):
    """Free frames of tables."""
    if count > 1:
        runs.add_owners(pool.tree, 1 - count)
    give(pool.tree, first << 1 | clean, count)
    pool.tables -= count


def room_for_tables(count):
    """Room for the numbers of all tables that may be empty when `count` pages are unmapped."""
    return bytearray(8 * ((count >> 9) + (count >> 18) + 2 * LEVELS))


def cut_off_empty(access, page, count, room, done=0):
    """Unlink the tables on the way of a run of pages that are empty now and the mapper's own. Returns how many; their
    numbers are in `room`, behind those that are `done`. The CPU may remember the way through them until it is told to
    forget."""
    return _collect(access, page, page + count - 1, EXCLUSIVE_HIGH, room, done)


def dismantle(access, room=None):
    """Unlink every table below the lower half of a root, whoever made it and whatever is in it. Without room: how many
    there are at most."""
    return _collect(access, 0, TRANSLATED_PAGES // 2 - 1, ANYBODYS, room)


def _collect(access, page, last, mode, room, done=0):
    kept = address_of(Protection.live.image_words)
    table = access.walk(0, LEVELS) & -4096
    first, last = page & TRANSLATED_PAGES - 1, last & TRANSLATED_PAGES - 1
    out = 0 if room is None else address_of(room) + 8 * done
    return collect(access.facts, None, LEVELS, table, first, last, mode, kept, out)


def give_dismantled(pool, lent, room, count):
    """Free what was dismantled: the mapper's own tables, and those in frames that `lent`, the TableFrames of the paging
    layer, has out. What somebody else lent is his again."""
    for index in range(count):
        word = frame_of_freed(room, index)
        frame = word & FRAME_BITS
        if word & 1 << 55:
            give_tables(pool, frame, 1)
            continue
        LinkedTables.live.forget(frame, 1)
        if lent.has_out(frame):
            lent.deallocate_number(frame)


def give_cut_off(pool, room, count, clean):
    """Free the tables that were cut off. `clean`: they are empty, and so zero."""
    index = 0
    while index < count:
        length = length_of_freed(room, index, count)
        give_tables(pool, frame_of_freed(room, index), length, clean)
        index += length
