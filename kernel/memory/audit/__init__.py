"""`verify()`: the audit of all of memory, written against what must hold, not against how it is done.

    every frame of usable RAM has exactly one claimant: free, a page table, a mapping, or an owner who mapped it nowhere
    every frame of an exclusive mapping is mapped exactly once, by the entries that its owner says, with its rights
    every leaf belongs to a live owner or to the kernel itself; the others are listed as `.unowned`, and lead to what an
    owner lent them or to what is no RAM
    nothing is writable and executable by effective rights over all leaves, unless somebody said why (`override`), or it
    is an unowned leaf to what is no RAM
    the physical window shows read-only what an owner's mapping may execute, and the kernel's image, and nothing else
    nothing is set that this CPU reserves; every table hangs in one place, every root has the kernel's half
    the allocators' counts agree with all that, and no TLB flush that is needed is still owed

What another call is just doing, in whose middle a shootdown callback or a fault handler asks, is no violation: it is
listed as `.under_way`.

It believes nobody: it walks by itself (walk.py), and counts what is there (sums.py). Six steps, in this order:

    sums.claim      what is free, what owners have, what is the kernel's own       a byte in a map for each frame
    roots.claim     all tables of all roots, by the walk that finds them           now it is known what is a table
    records.check   every mapping that has an owner, leaf by leaf                  now it is known what is mapped
    check_the_rest  every leaf that no record covers, held against all that
    aliases.check   what may be executed, against how the physical window shows it
    sums.check      the counts

It changes nothing, whatever the entries hold it ends, and Ctrl-C ends it sooner.
"""

from .frame_map import FrameMap


def reserve_map(kernel):
    """Put frames aside for the map, and remember the kernel's half, at boot."""
    kernel.frame_map = FrameMap(kernel)


def verify(kernel):
    """Audit everything below the kernel's PageTable; returns an Audit. See auditing.py."""
    from .auditing import verify  # noqa: PLC0415 (nothing of it is needed to boot)

    return verify(kernel)
