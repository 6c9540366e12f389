"""Dividing a huge page: the table that maps what it maps, one level down, takes its place. And uniting: the other way.

Translations, rights and marks stay what they are; whoever divides or unites flushes, because the CPU may go on using
the translations that it had.
"""

from memory_structs.mode import ENTRIES, pages_at

from .access import NO_PATH, walk
from .flags import ACCESSED, DIRTY, EXCLUSIVE, HUGE_PAGE, PRESENT, WRITABLE, flag_word, raw_leaf_word
from .installations import entry_in_window
from .natives import entries

MARKS = ACCESSED | DIRTY
MAPPERS_OWN = PRESENT | EXCLUSIVE  # of the entry that leads to a table of the kernel's own mapper


def tables_to_divide(access, page):
    """How many tables it takes to have a page begin at number `page`, which is mapped: 0 if one does."""
    level = walk(access.facts, access.see, page, 1, NO_PATH) & 7
    if level == 1 or not page & pages_at(level) - 1:
        return 0
    return 2 if level == 3 and page & pages_at(2) - 1 else 1


def divide(access, page, frames, table_word):
    """Have a page begin at number `page`, inside a huge one. `frames`: numbers of at least as many frames as
    `tables_to_divide` says, taken off the list when they are linked; `table_word`: the raw word of entries that lead to
    the new tables. Can't fail, and allocates nothing."""
    while tables_to_divide(access, page):
        table = frames[0]
        at = access.walk(page, 1)
        level = at & 7
        at -= level
        while True:
            frame, raw = entries.frame(at), entries.word(at)
            step = pages_at(level - 1)
            smaller = raw_leaf_word(flag_word(raw, frame, level, True) & ~HUGE_PAGE, level - 1)
            entries.fill(entry_in_window(table, 0), ENTRIES, frame & -pages_at(level), smaller, step)
            # Unless the CPU has set a mark meanwhile.
            if entries.compare_and_set(at, frame, raw, table, table_word):
                frames.pop(0)
                break


def unite(access, page, level):
    """Put one writable huge page in the place of the table that the entry at `level` on the way of a page leads to, if
    it maps the same in smaller ones, and is the kernel's own mapper's. It has both marks, for any of the small ones may
    get them meanwhile.

    Returns the number of the table's frame, which nobody has now, or -1: nothing was changed. Allocates nothing.
    """
    at = access.walk(page, level)
    if at & 7 != level:
        return -1
    at -= level
    table = entries.frame(at)
    if entries.word(at) & (MAPPERS_OWN | HUGE_PAGE) != MAPPERS_OWN:
        return -1
    first = entry_in_window(table, 0)
    frame, raw = entries.frame(first), entries.word(first)
    wanted, inside = PRESENT | WRITABLE, pages_at(level) - 1
    if level > 2:
        wanted, inside = wanted | HUGE_PAGE, inside - 1  # bit 0 of a huge page's frame is PAT
    if raw & wanted != wanted or frame & inside:
        return -1
    if entries.touching(first, ENTRIES, frame, raw, pages_at(level - 1)) != ENTRIES:
        return -1
    larger = raw_leaf_word(flag_word(raw, frame, level - 1, True) | MARKS, level)
    entries.write(at, frame & -pages_at(level), larger)
    return table
