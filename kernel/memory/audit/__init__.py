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

    sums.claim      what is free, what owners have, what is the kernel's own       a byte of a map for each frame
    roots.claim     all tables of all roots, by the walk that finds them           now it is known what is a table
    records.check   every mapping that has an owner, leaf by leaf                  now it is known what is mapped
    check_the_rest  every leaf that no record covers, held against all that
    aliases.check   what may be executed, against how the physical window shows it
    sums.check      the counts

It changes nothing, whatever the entries hold it ends, and Ctrl-C ends it sooner.
"""

from paging.guard import opened
from paging.natives import cpu, critical

from ..ledger import enter, leave, lost
from .claims import FrameMap
from .records import Records, check_the_rest
from .report import Audit, Enough, Findings
from .roots import Roots
from .sums import Sums
from .walk import Walk


def reserve_map(kernel):
    """Put frames aside for the map, and remember the kernel's half, at boot."""
    kernel.frame_map = FrameMap(kernel)


def verify(kernel):
    """Audit everything below the kernel's PageTable; returns an Audit. Forgotten things are given back first, unless
    just that is under way.

    Nothing else runs meanwhile, for what an audit has seen must still be so at its end. Raises KeyboardInterrupt.
    """
    enter()
    try:
        if not kernel._reclaiming:
            kernel.reclaim()  # a shootdown callback may run an audit of its own in there
        with opened():
            return _audit(kernel)
    finally:
        leave()


def pause():
    """Where a long audit can be ended."""
    if critical.take_interrupt():
        raise KeyboardInterrupt


def _audit(kernel):
    findings, audit = Findings(), Audit()
    try:
        _look_at_everything(kernel, findings, audit)
        left = "%d more"
    except Enough:
        left = "%d more, and the rest was not looked at"
    being_flushed = kernel.ledger.being_flushed
    for serial, token in kernel.ledger.open.items():
        if serial in being_flushed:
            findings.under_way.add("a TLB flush: %s", token)
        else:
            findings.violations.add("a TLB flush is owed: %s", token)
    if kernel._reclaiming and lost():
        findings.under_way.add("%d forgotten mappings and tables are being given back", lost())
    if kernel._stuck:
        findings.violations.add("%d forgotten mappings could not be unmapped", kernel._stuck)
    if kernel.unfinished:
        findings.violations.add("%d calls that a fault ended half-way are not undone", len(kernel.unfinished))
    audit.violations = findings.violations.close(left)
    audit.unowned = findings.unowned.close("%d more")
    audit.under_way = findings.under_way.close("%d more")
    return audit


def _look_at_everything(kernel, findings, audit):
    from .aliases import Aliases  # noqa: PLC0415 (not at boot)

    frame_map = kernel.frame_map
    sums = Sums(kernel, frame_map, findings)
    sums.claim()
    walk = Walk(frame_map, findings, cpu.physical_bits(), kernel.largest_level, pause)
    records = Records(kernel.root)
    roots = Roots(kernel, frame_map, walk, findings)
    roots.claim(records.tables)
    aliases = Aliases(kernel, findings)
    gaps, devices = records.check(walk, roots.ranges, findings, aliases)
    check_the_rest(walk, roots.ranges, roots.windows, gaps, devices, findings, aliases)
    aliases.check()
    audit.mappings, audit.mapped_pages = records.mappings, records.pages
    audit.frames = sums.check(records)
    audit.tables = audit.frames["tables"]
