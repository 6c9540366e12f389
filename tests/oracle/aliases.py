"""W^X over all aliases, judged from raw guest RAM: which RAM can be written at one address and executed at another.

The addresses may be in different roots: what one processor writes, another may execute. Everything is done a table at
a time, for this is asked after every test; oracle/page_walk.py is what to read.
"""

import numpy

from oracle.page_walk import ADDRESS_MASK, HUGE, LARGEST_PAGE_LEVEL, NO_EXECUTE, PRESENT, WRITABLE, read_table

PAGE_BITS, INDEX_BITS = 12, 9
# Root entries of the recursive slots (boot/layout.h): there are tables, and nothing that is not elsewhere, too.
RECURSIVE_SLOTS = (509, 510)
LEGACY = (0xA0000, 0x100000)
"""Where a display and ROMs answer, and no RAM."""


class _Leaves:
    """The leaves of some roots, as arrays of (first address, address behind the last) of what they lead to."""

    def __init__(self, memory):
        self.memory = memory
        self.written, self.executed = [], []

    def add_table(self, address, level, writes, executes, slots=()):
        """Take all that hangs below a table; the way to it allows to write, and to execute."""
        entries = read_table(self.memory, address)
        present = numpy.flatnonzero(entries & numpy.uint64(PRESENT))
        if not len(present):
            return
        entries = entries[present]
        if level <= LARGEST_PAGE_LEVEL:
            is_leaf = (entries & numpy.uint64(HUGE)) != 0 if level > 1 else numpy.ones(len(entries), bool)
            self._add_leaves(entries[is_leaf], level, writes, executes)
            present, entries = present[~is_leaf], entries[~is_leaf]
        for index, entry in zip(present.tolist(), entries.tolist(), strict=True):
            if index not in slots:
                below = writes and bool(entry & WRITABLE), executes and not entry & NO_EXECUTE
                if any(below):
                    self.add_table(entry & ADDRESS_MASK, level - 1, *below)

    def _add_leaves(self, entries, level, writes, executes):
        size = 1 << PAGE_BITS + INDEX_BITS * (level - 1)
        first = entries & numpy.uint64(ADDRESS_MASK & ~(size - 1))
        if writes:
            written = first[(entries & numpy.uint64(WRITABLE)) != 0]
            self.written.append(numpy.stack([written, written + numpy.uint64(size)]))
        if executes:
            executed = first[(entries & numpy.uint64(NO_EXECUTE)) == 0]
            self.executed.append(numpy.stack([executed, executed + numpy.uint64(size)]))


def writable_and_executable(roots, memory, levels):
    """Return [(first physical address, address behind the last)] of RAM that some leaf of these roots (values of CR3)
    lets the kernel write, and some leaf execute."""
    leaves = _Leaves(memory)
    for root in sorted({root & ADDRESS_MASK for root in roots}):
        leaves.add_table(root, levels, True, True, RECURSIVE_SLOTS)
    executed, written = (in_order(arrays) for arrays in (leaves.executed, leaves.written))
    found = []
    if executed.size and written.size:
        ends = numpy.maximum.accumulate(written[1])
        for first, end in executed.T.tolist():
            # The last of those that begin before the end; one that ends behind the first may be before that.
            before = int(numpy.searchsorted(written[0], numpy.uint64(end)))
            if before and int(ends[before - 1]) > first:
                low, high = written[0][:before], written[1][:before]
                hits = (high > numpy.uint64(first)).nonzero()[0].tolist()
                found += [(max(first, int(low[hit])), min(end, int(high[hit]))) for hit in hits]
    return sorted({run for run in found if is_ram(memory, *run)})


def is_ram(memory, first, end):
    """Answer whether RAM lies there, from one address to before another."""
    return memory.is_ram(first, end - first) and not (LEGACY[0] <= first and end <= LEGACY[1])


def in_order(arrays):
    """Join arrays of (first, end), in the order of the first."""
    if not arrays:
        return numpy.zeros((2, 0), numpy.uint64)
    both = numpy.concatenate(arrays, axis=1)
    return both[:, numpy.argsort(both[0], kind="stable")]
