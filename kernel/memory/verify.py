"""`verify()`: the audit of all of memory, written against what must hold, not against how it is done.

    every frame of usable RAM has exactly one claimant: free, a page table, a mapping, or an owner who mapped it nowhere
    every frame of an exclusive mapping is mapped exactly once, by the entries that its owner says, with its rights
    every leaf belongs to a live owner or to the kernel itself; the others are listed as `.unowned`
    nothing is writable and executable by effective rights, and no executable frame is writable through another mapping
    every table has the kernel's half; every table frame hangs in one place; the allocators' sums agree with all that
    no TLB flush that is needed is still owed

A byte of a map for every frame, in frames put aside at boot, is all the memory that it needs. The loops over pages are
C (port/modules/_audit.c): some thirty instructions for each mapped page.
"""

from _audit import (
    begin,
    check,
    claim,
    claim_list,
    claimed,
    compare_upper_half,
    end,
    finding,
    findings,
    next_unowned,
    open,
    unowned_length,
    walk,
)
from memory_structs import PAGE_SHIFT, Frame, Page, PageRange
from micropython import const
from paging.natives import LAYOUT

from . import runs as run_tree
from .ledger import SYSTEM, TABLE, field
from .ledger import next_record as next

_FREE = const(1)
_TABLE = const(2)
_MAPPED = const(3)
_SHARED = const(4)

CODES = (
    None,
    "%s: %s has another claimant, too",
    "%s is writable and executable, and so is %s",
    "%s is writable, and its %s is executable elsewhere",
    "%s has an owner, but is not mapped (%s)",
    "%s is not mapped as its owner says (to %s)",
    "%s: reserved bits in an entry, or a table outside RAM (%s)",
    "%s: not the kernel's half (%s)",
)

LOWER_HALF_LAST = (1 << 35) - 1


class Audit:
    """What `verify()` found: `.violations` (empty is healthy) and `.unowned`, as texts; and what it looked at."""

    def __init__(self):
        self.violations = []
        self.unowned = []
        self.mapped_pages = 0
        self.tables = 0
        self.mappings = 0

    @property
    def is_healthy(self):
        return not self.violations

    def __repr__(self):
        lines = ["%d mappings, %d pages, %d tables" % (self.mappings, self.mapped_pages, self.tables)]
        lines += ["VIOLATION " + text for text in self.violations]
        lines += ["unowned: " + text for text in self.unowned]
        return "\n".join(lines if len(lines) > 1 else [lines[0] + ": nothing to complain of"])


def verify(kernel):
    """Audit everything below the kernel's PageTable. Changes nothing."""
    kernel.reclaim()
    audit = Audit()
    try:
        begin(kernel.audit_frame, kernel._frames.pool.high + 1)
        _Auditor(kernel, audit).run()
    finally:
        end()
    return audit


def reserve_map(kernel):
    """Put frames aside for the map, at boot: the audit must work when not one frame is left."""
    address, _ = kernel._frames.reserve_memory(kernel._frames.pool.high + 1)
    kernel.audit_frame = (address >> PAGE_SHIFT & 0xFFFFFFFFFFFFF) - LAYOUT["WINDOW_PAGE"]


class _Auditor:
    """One audit under way."""

    def __init__(self, kernel, audit):
        self.kernel = kernel
        self.audit = audit
        self.pool = kernel._frames.pool

    def run(self):
        for first, last in self.pool._territory:
            open(first, last + 1 - first)
        claim_list(self.pool.tree, *run_tree.LIST_WORDS)
        walked = self._walk_tables()
        recorded = self._check_records()
        self._report_findings()
        if walked != recorded:
            self._find_unowned()
        self._check_sums()
        for token in self.kernel.ledger.open.values():
            self._violation("a TLB flush is owed: %s" % (token,))

    def _violation(self, text):
        self.audit.violations.append(text)

    def _walk_tables(self):
        """Claim all tables; returns how many pages all leaves map."""
        root = self.kernel.root
        claim(root, 1, _TABLE)
        walked = walk(root, 0, LAYOUT["TECHNIQUE_P4_INDEX"])
        walked += walk(root, LAYOUT["KERNEL_P4_INDEX"], 512)
        walk(root, LAYOUT["TECHNIQUE_P4_INDEX"], LAYOUT["OTHER_RECURSIVE_P4_INDEX"])
        compare_upper_half(root, root)
        for index in self._records():
            if field(index, "kind") == TABLE:
                other = field(index, "root")
                claim(other, 1, _TABLE)
                walked += walk(other, 0, LAYOUT["WINDOW_P4_INDEX"])
                compare_upper_half(other, root)
        return walked

    def _records(self):
        index = next(0)
        while index >= 0:
            yield index
            index = next(index + 1)

    def _check_records(self):
        """Compare every record with its entries; returns how many pages all records have."""
        recorded = 0
        for index in self._records():
            if field(index, "kind") != TABLE:
                check(index)
                self.audit.mappings += 1
                recorded += field(index, "count")
        self.audit.mapped_pages = recorded
        return recorded

    def _report_findings(self):
        for index in range(findings()):
            found = finding(index)
            if found is None:
                self._violation("%d more" % (findings() - index))
                return
            code, page, frame = found
            self._violation(CODES[code] % (Page(page).start_address, Frame(frame).start_address))

    def _find_unowned(self):
        """List the leaves that no record covers, as runs."""
        kernel = self.kernel
        roots = [(kernel.root, 0, LOWER_HALF_LAST)]
        for first, last in ("WINDOW_P4_INDEX", "TECHNIQUE_P4_INDEX"), ("KERNEL_P4_INDEX", None):
            last_page = 0xFFFFFFFFFFFFF if last is None else _page_of_entry(LAYOUT[last]) - 1
            roots.append((kernel.root, _page_of_entry(LAYOUT[first]), last_page))
        roots += [
            (field(index, "root"), 0, LOWER_HALF_LAST) for index in self._records() if field(index, "kind") == TABLE
        ]
        for root, first, last in roots:
            self._find_unowned_in(root, first, last)

    def _find_unowned_in(self, root, page, last):
        run_first = run_end = -1
        while page <= last:
            page = next_unowned(root, page, last)
            if page < 0:
                break
            if page != run_end:
                self._list_unowned(run_first, run_end)
                run_first = page
            run_end = page = page + unowned_length()
        self._list_unowned(run_first, run_end)

    def _list_unowned(self, first, end):
        if first >= 0:
            self.audit.unowned.append(str(PageRange.from_numbers(first, end - 1)))

    def _check_sums(self):
        """The allocators' own counts against what was found."""
        pool = self.pool
        self.audit.tables = claimed(_TABLE)
        sums = (
            ("free frames", claimed(_FREE), run_tree.total_of(pool.tree)),
            ("page tables", claimed(_TABLE), pool.all_tables),
            ("mapped frames", claimed(_MAPPED) + claimed(_SHARED), pool.all_mapped),
        )
        for name, found, counted in sums:
            if found != counted:
                self._violation("%d %s were found, the frame allocator counts %d" % (found, name, counted))
        if pool.free + pool.allocated + pool.all_mapped + pool.unmapped + pool.all_tables != pool.managed:
            self._violation("the states of RAM do not sum up to all of it")
        mapped = sum(field(index, "count") for index in self._records() if field(index, "kind") not in (SYSTEM, TABLE))
        counted = sum(arena.all_mapped for arena in self.kernel._pages._arenas)
        if mapped != counted:
            self._violation("%d pages are mapped, the page allocator counts %d" % (mapped, counted))


def _page_of_entry(index):
    """The number of the first page below an upper root entry."""
    return index << 27 | 0xFFFF000000000
