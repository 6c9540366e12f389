"""Taking mappings away, step by step; the order is drawn at the head of `mapper`.

What is taken out is checked against what the owner was given: every page mapped by an entry of its own, with the
owner's flags, EXCLUSIVE, and to the frames that the record says. If not, somebody changed the entries behind the
owner's back: MappingDamaged, and nothing has changed.
"""

import struct

from memory_structs import Page
from memory_structs.mode import LEVELS, UPPER_HALF_FIRST_PAGE, pages_at
from paging.access import PATH_BYTES, frame_in
from paging.changing import change_words
from paging.flags import ACCESSED, DIRTY, GLOBAL, HUGE_PAGE, NO_EXECUTE, PRESENT
from paging.flags import EXCLUSIVE as EXCLUSIVE_BIT
from paging.leaves import change_leaves, clear_leaves, extent
from paging.shootdown import forget, forget_all
from paging.translation import word_in

from ..ledger import DEVICE, EXCLUSIVE, SHARED, change, enter, finish, leave, mark_overridden, signature_of
from ..refusals import MappingDamaged
from ..runs import give
from .faulted import change_back, cut_off, keep_pages, own, restore, undo_unmapping
from .few import EXECUTED, NOT_SIMPLE, is_as_given, unmap_few
from .table_frames import give_cut_off, room_for_tables

UNCHECKED = ACCESSED | DIRTY | HUGE_PAGE
EVERYTHING = (1 << 25) - 1
# What `change_leaves` takes to make leaves not present, and to leave everything else.
GONE = struct.pack("<IIII", *(EVERYTHING & ~PRESENT, 0) * 2)
# For the tables above one page: here nothing may have to be allocated. Used between `enter` and `leave` only.
ROOM_FOR_ONE_WAY = bytearray(8 * LEVELS)
NO_TABLES = bytes(8 * LEVELS)
FAULT_ON_ONE_WAY = [None]


class _Index:
    def __getitem__(self, index):
        return index


WHOLE = _Index()[:]  # made once: `room[:]` makes a slice each time, and finds no memory when there is none
FLUSH_ALL_ABOVE = 64  # pages: from here on emptying the TLB is cheaper than going page by page


def runs_of(table, page, count, word, mapped, step):
    """[(first frame, count)] that a run of pages is mapped to, touching ones joined, in order of the pages.

    Raises MappingDamaged, naming `mapped` and the page, unless every page is mapped by an entry of its own that says
    the flag word `word`, marks apart.
    """
    access = table.access
    path, second = bytearray(PATH_BYTES), bytearray(PATH_BYTES)
    found = []
    end = page + count
    while page < end:
        extent_and_level = extent(access.facts, None, page, end - page, path, second, LEVELS)
        done, level = extent_and_level >> 3, extent_and_level & 7
        if done == 0:
            raise MappingDamaged(mapped, Page(page), step)
        inside = pages_at(level) - 1
        if (page | done) & inside or (word_in(path, level) ^ word) & ~UNCHECKED:
            raise MappingDamaged(mapped, Page(page), step)
        frame = frame_in(path, level) & ~inside
        if found and found[-1][0] + found[-1][1] == frame:
            found[-1] = found[-1][0], found[-1][1] + done
        else:
            found.append((frame, done))
        page += done
    return found


def runs_of_record(table, record, mapped, step):
    """The same for a record; its frames must be what its owner was given."""
    if is_as_given(table._facts, record):
        return [(record.frames, record.count)]
    page, count, word = record.first_page, record.count, record.flags
    if record.kind in (EXCLUSIVE, DEVICE):
        word |= EXCLUSIVE_BIT
    found = runs_of(table, page, count, word, mapped, step)
    if signature_of(found) != record.frames:
        first, length = found[0]
        if len(found) > 1 and first == record.frames:
            page += length  # given one run, and these are the first of it
        raise MappingDamaged(mapped, Page(page), step)
    return found


def flush(table, page, count, word):
    """Have every processor's TLB forget a range whose leaves said `word`, and the way to it."""
    if count <= FLUSH_ALL_ABOVE:
        forget(table.root, page, count)
    else:
        forget_all(table.root, page, count, word & GLOBAL)


def invalidate(table, page, count, word):
    """Have the TLB forget a range, and tell the shootdown callback. Returns what that raised, or None."""
    flush(table, page, count, word)
    callback = table._kernel.ledger.broadcast
    if callback is None:
        return None
    try:
        callback(page, count)
    except BaseException as failure:
        return failure
    return None


def empty(table, page, count, room, fault):
    """Empty the entries of a run that are not present any more, and cut off the tables that are empty then. Allocates
    nothing.

    Returns how many tables: their numbers are in `room`; or -1 when entries are left. A fault on the way is put into
    the list `fault`.
    """
    facts = table.access.facts
    try:
        clear_leaves(facts, None, page, count)
    except BaseException as error:
        fault[0] = error
        try:
            clear_leaves(facts, None, page, count)
        except BaseException:
            return -1
    return cut_off(table, page, count, room, fault)


def unmap(table, record, mapped, step, pages=None, take=None):
    """Take a record's mapping away and give everything back; its end is the caller's.

    Returns what the shootdown callback raised, or None; or the fault that came when the mapping was gone. Raises
    MappingDamaged, or a fault that came before; then nothing has changed.

    `take(runs)` gets the frames instead of the allocator, `pages`, an owner's state, the pages.
    """
    page, count, kind, word = record.first_page, record.count, record.kind, record.flags
    found = runs_of_record(table, record, mapped, step)
    room = room_for_tables(count)
    pool = table._frame_pool
    waiting = count if kind == EXCLUSIVE else 0
    fault = [None]
    failure = None
    is_watched = table._kernel.ledger.broadcast is not None
    opening = None
    if not word & NO_EXECUTE:
        kernel = table._kernel
        opening = kernel.aliases().opening_for(kernel, record, found, kernel.shared_users.get(record.index))
    record.go()
    pool.unmapped += waiting
    try:
        change_leaves(table.access.facts, None, page, count, GONE)
        if is_watched:  # by somebody who may map something: until he is done the entries keep their place
            failure = invalidate(table, page, count, word)
    except BaseException:  # a fault
        record.arm()
        restore(table, record, change_back)
        if opening is not None:
            opening.forget()
        raise
    finally:
        pool.unmapped -= waiting
    tables = empty(table, page, count, room, fault)
    if tables or not is_watched:
        # Once for all. Each INVLPG empties the paging-structure caches, too, whatever its address (SDM, "Operations
        # that Invalidate TLBs and Paging-Structure Caches").
        flush(table, page, count, word)
    if opening is not None:
        opening.commit()
    if take is not None:
        take(found)
    elif kind != SHARED:
        give_frames(table, found, kind)
    if tables > 0:
        give_cut_off(pool, room, tables, 1)
    if tables < 0:
        keep_pages(table, page, count)
    elif record.exported:
        table._pages._quarantined += count
    elif pages is None:
        give(table.page_tree(page), page << 1, count)
    else:
        own(pages, page << 1, count)
    if kind == SHARED:
        forget_user(table, record.index, word)
    return failure or fault[0]


def change_rights(table, record, word, found, is_overridden, tell):
    """Give the leaves of a record the flag word `word`, and have everybody forget the old one by `tell`: invalidate, or
    flush. Returns what that returns.

    `found`: the runs of frames. Raises OutOfFrames, MemoryError or a fault; then nothing has changed.
    """
    kernel = table._kernel
    page, count, old, kind = record.first_page, record.count, record.flags, record.kind
    words = word_to_change(word if kind == SHARED else word | EXCLUSIVE_BIT)
    shared = kernel.shared_users[record.index] if kind == SHARED else None
    opening = None
    if (word ^ old) & NO_EXECUTE:
        aliases = kernel.aliases()
        opening = (aliases.opening_for if word & NO_EXECUTE else aliases.close)(kernel, record, found, shared)
    try:
        change_leaves(table.access.facts, None, page, count, words)
    except BaseException:
        restore(table, record, change_back)
        invalidate(table, page, count, old | word)
        if opening is not None:
            opening.end(old)
        raise
    change(record, page, count, word, record.frames)
    mark_overridden(record, is_overridden)
    if shared is not None:
        shared._remove_user(old)
        shared._add_user(word)
    failure = tell(table, page, count, old | word)
    if opening is not None:
        opening.end(word)
    return failure


def give_frames(table, found, kind):
    """Free the frames of a mapping that is gone."""
    for frame, count in found:
        if kind == DEVICE:
            arena = table._frames._arena_of(frame, frame)
            arena.mapped -= count
            give(arena.tree, frame << 1, count)
        else:
            give(table._frame_tree, frame << 1, count)


def forget_user(table, index, word):
    """A shared mapping is gone, and flushed."""
    users = table._kernel.shared_users
    shared = users[index]
    del users[index]
    shared._remove_user(word)
    shared._give_when_unused()


def unmap_record(table, record):
    """The number layer of `MappedPages.drop`. Raises MappingDamaged, or what the shootdown callback raised."""
    enter()
    try:
        run = unmap_few(table._facts, record)
    except BaseException:
        undo_unmapping(table, record)
        raise
    if run >= 0:
        if run & 1:
            finish_few(table, record, run)
        else:
            count, page = record.count, record.first_page
            give(table._frame_tree, run, count)
            give(table._page_tree if page >= UPPER_HALF_FIRST_PAGE else table._lower_tree, page << 1, count)
            finish(record)
        return
    if run != NOT_SIMPLE:
        finish_few(table, record, run)
        return
    try:
        failure = unmap(table, record, record, "be dropped")
        record.end()
    finally:
        leave()
    if failure is not None:
        raise failure


def finish_few(table, record, run):
    """Do what `unmap_few` has left: cut off the tables that are empty now and invalidate what it unmapped, have the
    window show writable again what could be executed, and give it all back. The record ends, and the guard is left."""
    count, page = record.count, record.first_page
    was_executable = run < 0
    if was_executable:
        run = EXECUTED - run
    is_empty = run & 1
    try:
        if is_empty:
            FAULT_ON_ONE_WAY[0] = None
            tables = cut_off(table, page, 1, ROOM_FOR_ONE_WAY, FAULT_ON_ONE_WAY)
            forget(table.root, page, count)
        if was_executable:
            kernel = table._kernel
            kernel.aliases().open_few(kernel, run >> 1, count)
        if is_empty:
            give_cut_off(table._frame_pool, ROOM_FOR_ONE_WAY, tables, 1)
            ROOM_FOR_ONE_WAY[WHOLE] = NO_TABLES
        give(table._frame_tree, run & -2, count)
        give(table._page_tree if page >= UPPER_HALF_FIRST_PAGE else table._lower_tree, page << 1, count)
    finally:
        finish(record)
    if is_empty and FAULT_ON_ONE_WAY[0] is not None:
        raise FAULT_ON_ONE_WAY[0]


def word_to_change(word):
    """What `change_leaves` takes to give leaves the flag word `word`; the marks stay."""
    return change_words(ACCESSED | DIRTY, word)
