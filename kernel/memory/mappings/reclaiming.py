"""Forgotten mappings and tables: their records are marked as lost, and here they are taken away.

What is damaged or active is not given back: it counts as stuck, and is tried again after the next collection.
"""

from paging.natives import cpu

from ..ledger import TABLE, adopt_lost, enter, leave, live_with_root, lost
from ..refusals import MappingDamaged
from . import unmapping


def reclaim(kernel):
    """Give back what is lost, mappings first. Returns how many that were."""
    count = 0
    while lost():
        enter()
        try:
            if not take_away(kernel, adopt_lost()):
                kernel.stuck += 1
                continue
            kernel._frame_pool.reclaimed += 1
            kernel._page_pool.reclaimed += 1
            kernel.reclaimed += 1
        finally:
            leave()
        count += 1
    return count


def take_away(kernel, record):
    """Unmap what a lost record says, or drop a lost table. False when that can't be: the record is lost again when the
    collector comes by."""
    root = record.root
    table = kernel.table_of_root(root)
    if record.kind == TABLE:
        if root == cpu.read_root_frame() or live_with_root(root):
            return False
        kernel.free_table(root, table.access)
        record.end()
        return True
    try:
        unmapping.unmap(table, record, record, "be reclaimed")
    except MappingDamaged:
        return False
    record.end()
    return True

