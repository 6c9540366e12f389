"""What is done to page tables for a whole mapping, each step one native call (port/modules/_mappings.c, _records.c).

All pages and frames are numbers of 4 KiB, roots are frame numbers, flags are flag words. None of these calls but
`Record` and `lend` can fail for want of memory, and none runs Python: what lies between two of them is held together
by `enter` and `leave`, which keep Ctrl-C and scheduled callbacks out.
"""

from _critical import enter, leave, set_safe_point, take_interrupt
from _mappings import (
    activate,
    active_root,
    begin,
    build_upper_half,
    change,
    copy_pages,
    copy_root_entry,
    count_runs,
    detach,
    dismantle,
    divide,
    events,
    finish,
    first_absent,
    flush,
    flush_everything,
    frame_at,
    largest_level,
    leaf_at,
    lend,
    link_root,
    log_override,
    map,
    map_record,
    next_run,
    physical_bits,
    plan,
    plan_divide,
    pop_table,
    prune,
    run_length,
    set_callback_waits,
    share_upper_half,
    tables,
    take_back,
    unmap_simple,
    zero_frames,
)
from _records import (
    Record,
    adopt,
    disown,
    field,
    find,
    first_lost,
    free_lost,
    live,
    live_with_root,
    lost,
    mapped_frames,
    mapped_pages,
    next,
    read,
)
from micropython import const


def undisturbed(method):
    """A method during which neither Ctrl-C nor a callback comes: what it finds true stays true until its end."""

    def call(self, *arguments, **named):
        enter()
        try:
            return method(self, *arguments, **named)
        finally:
            leave()

    return call


# Kinds of mappings.
EXCLUSIVE = const(0)  # owned, and its frames are mapped nowhere else: RAM
SHARED = const(1)  # frames that others may map, too
SYSTEM = const(2)  # the kernel's own: never dropped
DEVICE = const(3)  # as EXCLUSIVE, but its frames lie outside the pool of RAM

TABLE = const(4)  # no mapping: a PageTable, whose root is the frame

KIND_NAMES = "exclusive", "shared", "system", "device", "page table"

# Bits of a flag word.
PRESENT = const(1 << 0)
WRITABLE = const(1 << 1)
USER = const(1 << 2)
EXCLUSIVE_BIT = const(1 << 15)
NO_EXECUTE = const(1 << 23)
ACCESSED_DIRTY = const(3 << 5)
HUGE = const(1 << 7)

UPPER_HALF = const(0xFFFF800000000)  # page numbers from here on belong to the half of the kernel
