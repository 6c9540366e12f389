"""Who has which mapping, also when Python has forgotten it: the native records, and what their numbers mean.

A Record is what a MappedPages holds. Its finaliser marks it as lost, and a safe point takes the mapping away. The
numbers of a record lie outside of Python's heap (port/ledger/records.h), where machine code reads them as words:

    word      what
    ----      ----
    0, 1      root: the frame number of the table that the mapping is bound to
    2, 3      first_page
    4, 5      count, of 4 KiB pages
    6, 7      frames: what they are mapped to, see `signature_of`
    8         flags: the flag word of the leaves, without ACCESSED and DIRTY
    10        kind | state << 8 | exported << 16 | overridden << 24
"""

from _records import (
    DEVICE,
    EXCLUSIVE,
    SHARED,
    SYSTEM,
    TABLE,
    Record,
    adopt,
    adopt_lost,
    begin,
    commit,
    disown,
    events,
    field,
    find,
    find_table,
    finish,
    live,
    live_with_root,
    log_override,
    lost,
    mapped_frames,
    mapped_pages,
    owner_of,
    read,
)
from _records import next as next_record
from paging.natives import critical

# EXCLUSIVE   owned, and its frames are mapped nowhere else: RAM
# SHARED      frames that others may map, too
# SYSTEM      the kernel's own: never dropped
# DEVICE      as EXCLUSIVE, but its frames lie outside the pool of RAM
# TABLE       no mapping: a PageTable, whose root is the frame
KIND_NAMES = "exclusive", "shared", "system", "device", "page table"

enter, leave = critical.enter, critical.leave

SEVERAL_RUNS = 1 << 50  # in `frames`: a digest, and not the number of the first frame


def signature_of(runs):
    """What a record says of its frames: the first one's number if they are one run, else a digest of all runs.

    `runs`: (first frame, count), in the order of the pages, touching ones joined. The digest of other frames, or of the
    same in another order, is the same once in 2^40 times.
    """
    if len(runs) == 1:
        return runs[0][0]
    digest = 0
    for frame, count in runs:
        digest = (digest * 1000003 ^ frame << 1 ^ count) & (1 << 40) - 1
    return digest | SEVERAL_RUNS


def records():
    """Yield the index of every record that is live, busy or lost."""
    index = next_record(0)
    while index >= 0:
        yield index
        index = next_record(index + 1)


def undisturbed(method):
    """A method during which neither Ctrl-C nor a callback comes: what it finds true stays true until its end."""

    def call(self, *arguments, **named):
        enter()
        try:
            return method(self, *arguments, **named)
        finally:
            leave()

    return call
