"""What `MappedPages.merge` and `split` ask of the two mappings, and count for them."""

from memory_structs import NotTouching
from memory_structs.mode import UPPER_HALF_FIRST_PAGE
from micropython import const
from paging.dividing import divide, tables_to_divide
from paging.flags import NO_EXECUTE
from paging.natives import LAYOUT
from paging.protection import Protection
from paging.shootdown import forget

from ..ledger import DEVICE, SHARED
from ..runs import TOO_MANY, add_owners
from .run_lists import APART
from .table_frames import give_unused, spare_tables, table_word, window_tables

_TABLE = const(1)  # of MappedPages._state


def lower_of(mapped, other, record, second):
    """Of two mappings' records that can be merged, the one that lies below. Raises NotTouching."""
    table = mapped._state[_TABLE]
    if other is mapped:
        reason = "they are the same"
    elif record.kind == DEVICE and frames_differ(table, record, second):
        reason = "their frames touch, but are of different memory"
    elif table is not other._state[_TABLE]:
        reason = "they live in different page tables"
    elif record.flags != second.flags:
        reason = "their flags differ; remap one"
    elif record.kind != second.kind or record.kind == SHARED:
        reason = "one is %s, the other %s" % (mapped.kind, other.kind)
    elif record.first_page + record.count == second.first_page:
        return record
    elif second.first_page + second.count == record.first_page:
        return second
    else:
        reason = "they do not touch"
    raise NotTouching(mapped, other, reason)


def frames_differ(table, record, second):
    """True when the frames of two mappings touch but are of different arenas, so can't be given back as one."""
    for lower, upper in (record, second), (second, record):
        frame = table.access.translate(upper.first_page)
        touching = table.access.translate(lower.first_page + lower.count - 1) + 1 == frame
        if touching and table._frames._arena_of(frame - 1, frame) is None:
            return True
    return False


class Divider:
    """Has a page begin where a mapping is going to be cut, at page number `number`: in its table; and, if it may be
    executed, its alias in the physical window, so that one part can become writable there without the other. `frame` is
    the page's, or APART.

    .is_needed    False when a page begins there already. Raises OutOfFrames.
    """

    def __init__(self, table, record, number, frame):
        self._pool, self._places = table._frame_pool, []
        self._spare = self._window_spare = ()
        access, window = table.access, table._kernel.access
        self.is_needed = False
        try:
            self._spare = spare_tables(self._pool, tables_to_divide(access.facts, number, number))
            self._places.append((access, number, self._spare))
            if not record.flags & NO_EXECUTE and 0 <= frame < Protection.live.window_pages:
                page = LAYOUT["WINDOW_PAGE"] + frame
                self._window_spare = window_tables(self._pool, tables_to_divide(window.facts, page, page))
                self._places.append((window, page, self._window_spare))
        except BaseException:
            self.give_unused()
            raise
        self.is_needed = len(self._spare) + len(self._window_spare) > 0

    def divide(self):
        """Do it. The caller flushes the mapping's own pages."""
        for access, page, spare in self._places:
            divide(access.facts, page, page, spare, table_word(page))
            forget(access.root_frame, page, 1)

    def give_unused(self):
        """Give back what was not used."""
        give_unused(self._pool, self._spare)
        give_unused(self._pool, self._window_spare)


def count_owners(table, kind, page, frame, more):
    """Count owners when a mapping of a kind is cut (more is 1) or joined (-1) below a page: of its pages, and of its
    frames if `frame`, the page's, follows the one below (else it is APART). False: no room, and nothing is counted."""
    pages = table._page_tree if page >= UPPER_HALF_FIRST_PAGE else table._lower_tree
    arena = table._frame_pool
    if add_owners(pages, more) == TOO_MANY and not table.page_arena(page).count_owners(more):
        return False
    if frame == APART:
        return True
    if kind == DEVICE:
        arena = table._frames._arena_of(frame - 1, frame)
        if arena is None:
            return True
    if add_owners(arena.tree, more) == TOO_MANY and not arena.count_owners(more):
        add_owners(pages, -more)
        return False
    return True
