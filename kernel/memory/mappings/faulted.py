"""When the MMU refuses an access to a table in the middle of a commit.

A commit can't fail by what is asked of it; but a table's page may have been taken away, by whoever plays with the
physical window. Then what was done is undone, and the PageFault goes on to the caller, who has lost nothing. Where
undoing faults, too, nothing is given back that a leaf may still lead to: what the mapping had is kept, `verify()` says
so, and it is undone when the tables can be reached again.
"""

from memory_structs.mode import ENTRIES
from paging.changing import change_words, take_out
from paging.cleaning import count_of_freed
from paging.flags import ACCESSED, DIRTY
from paging.flags import EXCLUSIVE as EXCLUSIVE_BIT
from paging.leaves import change_leaves
from paging.natives import entries
from paging.shootdown import forget_all

from ..allocators.owners import ARENA, COUNT, DEAD, RUN, AllocatedFrames, AllocatedPages
from ..ledger import EXCLUSIVE, SEVERAL_RUNS, SHARED, enter, leave
from ..runs import give
from .few import map_few
from .table_frames import cut_off_empty, give_cut_off, room_for_tables

FAULT = "a fault while it was mapped"
OF_OWNERS = AllocatedPages, AllocatedFrames


def undo_mapping(table, record, owners):
    """Take out what was mapped for a record that is not armed, and the tables that were made for it. If that can't be,
    what the `owners` have is kept: they are dead then."""
    page, count = record.first_page, record.count
    try:
        take_out(table.access, page, count)
    except BaseException:
        keep(table, record, owners)
        return
    cut_off_and_give(table, page, count, room_for_tables(count))


def map_few_or_undo(table, record, page, frame, owners, word):
    """`map_few`, for a record that says page and count already. True if that was simple."""
    try:
        return map_few(table._facts, record, page << 1, frame, record.count, word) == 0
    except BaseException:
        try:
            take_out_few(table, page, frame >> 1, record.count, word)
        except BaseException:
            keep(table, record, owners)
        raise


def undo_few(table, record, page, frame, count, word):
    """The same where `map_few` faulted on runs just taken, which are given back; and leave the guard."""
    try:
        take_out_few(table, page >> 1, frame >> 1, count, word)
        give_runs(table, page, frame, count)
    except BaseException:
        if record.count == count and record.frames == frame >> 1:
            owners = AllocatedPages._new(table.page_arena(page >> 1)), AllocatedFrames._new(table._frame_pool)
            own(owners[0]._state, page, count)
            own(owners[1]._state, frame, count)
            keep(table, record, owners)
        else:  # it is not written down yet, and nothing was mapped
            give_runs(table, page, frame, count)
    finally:
        leave()


def give_runs(table, page, frame, count):
    """Give back runs just taken; negative ones were not."""
    if page >= 0:
        give(table.page_tree(page >> 1), page, count)
    if frame >= 0:
        give(table._frame_tree, frame, count)


def take_out_few(table, page, frame, count, word):
    """Empty the entries that `map_few` has written: those that go on as its first."""
    at = table.access.walk(page, 1)
    if at & 7 == 1:
        at -= 1
        count = min(count, ENTRIES - (at >> 3 & ENTRIES - 1))
        entries.clear(at, entries.touching(at, count, frame, word | EXCLUSIVE_BIT, 1))
    forget_all(table.root, page, count, True)


def own(state, run, count):
    """Let an owner's state say what it has."""
    state[COUNT] = count
    state[RUN] = run


def keep(table, record, owners):
    """Keep what the owners have of a mapping that can't be undone now: dead ones, and SharedFrames, which live on. An
    Opening of the frames' aliases waits, too."""
    page, count = record.first_page, record.count
    kept = []
    for owner in owners:
        if owner.__class__ not in OF_OWNERS:
            owner._hold()
        else:
            kept.append(owner._state)
            owner._state = [DEAD, 0, None, FAULT, None]

    def again():
        take_out_all(table, page, count)
        for owner in owners:
            if owner.__class__ not in OF_OWNERS:
                owner._let_go()
        give_states(kept)

    table._kernel.unfinished.append(again)


def keep_pages(table, page, count):
    """Keep pages that were unmapped, but whose entries can't be emptied now."""
    pages = AllocatedPages._new(table.page_arena(page))
    own(pages._state, page << 1, count)

    def again():
        take_out_all(table, page, count)
        give_states([pages._state])

    table._kernel.unfinished.append(again)


def restore(table, record, change):
    """Have the leaves of a live record be again what it says, by change(table, record): now, or when that can be."""

    def again():
        if is_alive(record):
            change(table, record)

    try:
        change(table, record)
    except BaseException:
        table._kernel.unfinished.append(again)


def is_alive(record):
    """False when the mapping has gone meanwhile."""
    try:
        return record.count > 0
    except RuntimeError:
        return False


def change_back(table, record):
    """Give all leaves of a record the flags that it says, PRESENT among them."""
    word = record.flags if record.kind == SHARED else record.flags | EXCLUSIVE_BIT
    words = change_words(ACCESSED | DIRTY, word)
    change_leaves(table.access.facts, None, record.first_page, record.count, words)


def take_out_all(table, page, count):
    """Empty what is left of the entries of a run, and cut off what tables are empty then."""
    room = room_for_tables(count)
    take_out(table.access, page, count)
    cut_off_and_give(table, page, count, room)


def give_states(states):
    """Give back what owners' states say."""
    for state in states:
        if give(state[ARENA].tree, state[RUN] & ~1, state[COUNT]) == 0:
            state[RUN] = DEAD


def finish(kernel):
    """Do what a fault has left undone, as far as that can be now."""
    for again in kernel.unfinished[:]:
        enter()
        try:
            again()
            kernel.unfinished.remove(again)
        except Exception:  # a fault: later, then
            pass
        finally:
            leave()


def cut_off(table, page, count, room, fault):
    """`cut_off_empty`, in room that is zero, and once more after a fault, which is put into the list `fault`. Returns
    how many tables. Allocates nothing unless that faults."""
    try:
        return cut_off_empty(table.access, page, count, room)
    except BaseException as error:
        fault[0] = error
        done = count_of_freed(room)
        try:
            return done + cut_off_empty(table.access, page, count, room, done)
        except BaseException:
            postpone_cutting(table, page, count)
            return count_of_freed(room)


def cut_off_and_give(table, page, count, room):
    """Free what tables are empty on the way of a run of pages, flushed before."""
    tables = cut_off(table, page, count, room, [None])
    if tables:
        forget_all(table.root, page, count, False)
    give_cut_off(table._frame_pool, room, tables, 0)


def postpone_cutting(table, page, count):
    """A function of its own: what a closure holds on to is allocated when its function begins."""
    table._kernel.unfinished.append(lambda: cut_off_later(table, page, count))


def cut_off_later(table, page, count):
    """Cut off what tables are empty on the way of a run of pages, whoever has them now."""
    room = room_for_tables(count)
    tables = cut_off_empty(table.access, page, count, room)
    forget_all(table.root, page, count, False)
    give_cut_off(table._frame_pool, room, tables, 0)


def undo_unmapping(table, record):
    """Write the leaves of a record once more where `unmap_few` had emptied them when it faulted; leave the guard."""
    try:
        if record.kind == EXCLUSIVE and not record.exported and record.frames < SEVERAL_RUNS:
            restore(table, record, fill_gone)
    finally:
        leave()


def fill_gone(table, record):
    """Write the leaves of a record that are gone, in the one table where all of them are."""
    at = table.access.walk(record.first_page, 1)
    if at & 7 == 1:
        at -= 1
        gone = entries.unused(at, min(record.count, ENTRIES - (at >> 3 & ENTRIES - 1)))
        entries.fill(at, gone, record.frames, record.flags | EXCLUSIVE_BIT, 1)
