"""Forgotten mappings and tables: their records are marked as lost, and here they are taken away.

What is damaged is not given back, and counts as stuck. A table waits while it is active or mappings live in it, and
everything waits while Python's heap is full. Both are tried again after the next collection.
"""

import gc

from paging.natives import cpu

from ..ledger import TABLE, adopt_lost, enter, leave, live_with_root, lost
from . import faulted, unmapping

STUCK = False
WAITS = None


def reclaim(kernel):
    """Give back what is lost, mappings first. Returns how many that were."""
    count = 0
    if kernel.unfinished:
        faulted.finish(kernel)
    kernel._reclaiming += 1
    try:
        while lost():
            enter()
            try:
                done = take_away(kernel, adopt_lost())
                if not done:
                    kernel._stuck += done is STUCK
                    continue
                kernel._frame_pool.reclaimed += 1
                kernel._page_pool.reclaimed += 1
            finally:
                leave()
            count += 1
    finally:
        kernel._reclaiming -= 1
    return count


def take_away(kernel, record):
    """Unmap what a lost record says, or drop a lost table. STUCK or WAITS when that can't be now: the record is lost
    again when the collector comes by."""
    root = record.root
    table = kernel._table_of_root(root)
    if record.kind == TABLE:
        if root == cpu.read_root_frame() or live_with_root(root):
            return WAITS
        try:
            kernel._free_table(root, table.access)
        except Exception as error:  # a fault, or a full heap
            return WAITS if isinstance(error, MemoryError) else STUCK
        record.end()
        return True
    try:
        unmapping.unmap(table, record, record, "be reclaimed")
    except Exception as error:  # MappingDamaged, a fault, or a full heap
        return WAITS if isinstance(error, MemoryError) else STUCK
    record.end()
    return True


def gc_and_reclaim(table):
    """Collect, then unmap what was forgotten. True when that brought something back."""
    enter()  # or a safe point would be quicker, and this find nothing
    try:
        gc.collect()
        return lost() > 0 and reclaim(table._kernel) > 0
    finally:
        leave()
