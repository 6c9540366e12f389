"""What `MappedPages.merge` and `split` ask of the two mappings, and count for them."""

from memory_structs import NotTouching
from memory_structs.mode import UPPER_HALF_FIRST_PAGE
from micropython import const

from ..ledger import DEVICE, SHARED
from ..runs import TOO_MANY, add_owners
from .run_lists import APART

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
