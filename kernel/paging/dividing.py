"""Dividing a huge page: the table that maps what it maps, one level down, takes its place.

Translations, rights and marks stay what they are; whoever cut it flushes, because the CPU may go on using the large
translation.
"""

from memory_structs.mode import ENTRIES, pages_at

from .access import NO_PATH, walk
from .flags import HUGE_PAGE, flag_word, raw_leaf_word
from .installations import entry_in_window
from .natives import entries


def tables_to_divide(access, page):
    """How many tables it takes to have a page begin at number `page`, which is mapped: 0 if one does."""
    level = walk(access.facts, access.see, page, 1, NO_PATH) & 7
    if level == 1 or not page & pages_at(level) - 1:
        return 0
    return 2 if level == 3 and page & pages_at(2) - 1 else 1


def divide(access, page, frames, table_word):
    """Have a page begin at number `page`, inside a huge one. `frames`: numbers of as many frames as `tables_to_divide`
    said, taken off the list when they are linked; `table_word`: the raw word of entries that lead to the new tables.
    Can't fail, and allocates nothing."""
    while frames:
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
