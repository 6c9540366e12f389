"""`MappedPages`: having one means that these pages are mapped, and that nobody else may unmap them.

    attribute      what
    ---------      ----
    _table         the PageTable that the mapping was made in, and is bound to (its `.root` is the root's frame number)
    _lease         the native record of the mapping (port/modules/_leases.c): what the views check at every access, what
                   `verify` walks, and what survives when the collector finds the MappedPages unreachable

    of the lease   what
    ------------   ----
    root           frame number of the root table
    first_page     number of the first page (4 KiB)
    count          pages of 4 KiB
    flags          flag word of the leaves (no ACCESSED, DIRTY)
    kind           EXCLUSIVE 0, SHARED 1, SYSTEM 2
    alive          False from the moment of drop or consumption on; views and raw buffers ask this
    consumer       name of the call that consumed it ("drop", "merge", ...), for UseAfterMove and UseAfterUnmap
    borrows        () -> how many views, buffers and functions live (the refusal itself is `check_not_borrowed(mapped, step)`)
    set(first_page, count, flags)   after split, merge, remap; allocates nothing
    end(consumer)                   the mapping is gone or moved; disarms the finaliser; allocates nothing

`Lease(root, first_page, count, flags, kind)` is made before the commit and is *not* armed until `.arm()`: a mapping
that fails half-way must not be unmapped by the collector.  `_leases.take_lost()` -> slot index or -1, and the
fields of a lost slot are read by index (`_leases.field(index, name)`) until `_leases.free(index)`.
C code finds the records in port/leases.h: `lease_record_t lease_records[LEASES_MAX]`, state FREE/LIVE/LOST.
"""
