"""`MappedPages`: having one means that these pages are mapped, and that nobody else may unmap them.

    attribute   what
    ---------   ----
    _table      the PageTable that the mapping lives in (`.root`: frame number of its root). A mapping in the kernel's
                half is in every table, and bound to the kernel's own
    _record     while it lives: the native record (port/modules/_records.c), which survives when the collector finds
                the MappedPages unreachable. When it is dead: the name of the call that consumed it ("drop()", ...)
    _lease      class attribute None; the views put their `_views.Lease` there when the first view is made.
                mapped_pages calls `lease.end(consumer)` when the mapping is gone, and asks views'
                `check_not_borrowed(mapped, step)` (one collection, then StillBorrowed) before drop, remap, merge,
                split and unmap_into_parts, but only when `_lease` is not None

    of the record   what
    -------------   ----
    first_page, count, flags, kind, root    numbers; flags without ACCESSED and DIRTY; kind EXCLUSIVE 0, SHARED 1, SYSTEM 2

The record's finaliser marks it LOST; `Mapper.reclaim()` (every mapper call begins with it when something is lost)
unmaps what is lost: entries cleared, TLB flushed, frames freed, counted in statistics().
"""
