"""`verify`: the five steps, from what is claimed to what is compared."""

from paging.guard import opens_guard
from paging.natives import cpu, critical

from ..ledger import enter, leave, lost
from .aliases import Aliases
from .records import Records, check_the_rest
from .report import Audit, Enough, Findings
from .roots import Roots
from .sums import Sums
from .walk import Walk


def verify(kernel):
    """Audit everything below the kernel's PageTable; returns an Audit. Forgotten things are given back first, unless
    just that is under way.

    Nothing else runs meanwhile, for what an audit has seen must still be so at its end. Raises KeyboardInterrupt, or
    OutOfBookkeeping where its map must grow (claims.py) and no frames are left for that.
    """
    enter()
    try:
        if not kernel._reclaiming:
            kernel.reclaim()  # a shootdown callback may run an audit of its own in there
        while True:
            try:
                return _audit(kernel)
            except MemoryError:
                if not kernel.frame_map.is_used_up():
                    raise
                kernel.frame_map.grow()
    finally:
        leave()


def pause():
    """Where a long audit can be ended."""
    if critical.take_interrupt():
        raise KeyboardInterrupt


@opens_guard
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
