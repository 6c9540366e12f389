"""The roots, their tables, and the half that all of them share.

Tables are claimed before anything else is looked at below them: what hangs in no root is no table, and what hangs in
two, or in a loop, is a finding.
"""

from memory_structs import PAGE_SHIFT
from memory_structs.mode import (
    ENTRIES,
    FIRST_UPPER_INDEX,
    LEVELS,
    LOWER_HALF_PAGES,
    PAGES_PER_ROOT_ENTRY,
    ROOT_SHIFT,
    TRANSLATED_PAGES,
)
from paging.natives import LAYOUT, cpu
from uctypes import addressof

from .claims import MAKES_TABLE, difference, empty_tables, high_bits, low_bits, step
from .leaves import ACCESSED_DIRTY
from .report import physical, virtual
from .walk import NO_EXECUTE, PRESENT, WRITABLE

WINDOW = LAYOUT["WINDOW_ROOT_INDEX"]
TECHNIQUE = LAYOUT["TECHNIQUE_ROOT_INDEX"]
OTHER_RECURSIVE = LAYOUT["OTHER_RECURSIVE_ROOT_INDEX"]
RECURSIVE = LAYOUT["RECURSIVE_ROOT_INDEX"]
KERNEL_IMAGE = LAYOUT["KERNEL_ROOT_INDEX"]

# What is nobody's of the upper half is looked at here; the windows of the techniques, elsewhere.
SHARED_RANGES = (
    (WINDOW << ROOT_SHIFT, TECHNIQUE << ROOT_SHIFT),
    (KERNEL_IMAGE << ROOT_SHIFT, TRANSLATED_PAGES),
)


class Roots:
    """All roots of one audit.

    .ranges    {root: [(first page, page behind the last) of what is its own]}
    .windows   frames of the tables that the techniques' windows hang in
    """

    def __init__(self, kernel, frame_map, walk, findings):
        self.kernel_root = kernel.root
        self.upper = frame_map.upper_entries
        self._upper_at = addressof(self.upper)
        self.walk = walk
        self.complain = findings.complain
        self.ranges = {}
        self.windows = []

    def claim(self, page_tables):
        """Claim the tables of all roots: the kernel's, those of PageTables, and the one that the processor uses."""
        self._claim_shared_half()
        self._add_root(self.kernel_root, "the kernel")
        for root in page_tables:
            self._add_root(root, "a PageTable")
        active = cpu.read_root_frame()
        if active not in self.ranges and active not in page_tables:
            self._add_root(active, "CR3")
        for root in self.ranges:
            first = 1 if self._is_identity_mapped(root) else 0
            self.walk.claim_tables(root, LEVELS, 0, first, FIRST_UPPER_INDEX)
            self._compare_upper_half(root)

    def _add_root(self, root, who):
        if self.walk.claim_table(root, str, who):
            ranges = [(0, LOWER_HALF_PAGES)]
            if root == self.kernel_root:
                ranges += SHARED_RANGES
            self.ranges[root] = ranges  # one that can't be a table is not looked at

    def _upper_entry(self, index):
        """Where the entry of the kernel's root stands as boot built it."""
        return self._upper_at + 8 * (index - FIRST_UPPER_INDEX)

    def _claim_shared_half(self):
        """Claim what boot linked into the upper half, whatever the roots say now."""
        walk, index = self.walk, FIRST_UPPER_INDEX
        while index < ENTRIES:
            low = low_bits(self._upper_entry(index))
            if low & PRESENT and index != RECURSIVE:
                run = self._claim_empty(index, low >> PAGE_SHIFT)
                if run:
                    index += run
                    continue
                page = index * PAGES_PER_ROOT_ENTRY
                if walk.claim_table(low >> PAGE_SHIFT, virtual, page):
                    walk.claim_tables(low >> PAGE_SHIFT, LEVELS - 1, page)
                if index == TECHNIQUE:
                    self.windows.append(low >> PAGE_SHIFT)
            index += 1

    def _claim_empty(self, index, frame):
        """Claim tables in successive frames, from that of an entry on, as far as nothing is in them: how many."""
        frame_map = self.walk.frame_map
        entry, most = self._upper_entry(index), (TECHNIQUE if index < TECHNIQUE else ENTRIES) - index
        if index == TECHNIQUE:
            return 0
        run = empty_tables(entry, most, frame_map.window, 1)
        return step(frame_map.map, frame, run, MAKES_TABLE) if run else 0

    def _is_identity_mapped(self, root):
        """True when the first root entry is lent the window's, as IdentityPageTable does: without execute."""
        entry = self.walk.address_of(root)
        low, high = low_bits(entry), high_bits(entry)
        if not low & PRESENT or low >> PAGE_SHIFT != low_bits(self._upper_entry(WINDOW)) >> PAGE_SHIFT:
            return False
        if not high & NO_EXECUTE:
            self.complain("%s: the physical window, lent to the lower half, is executable there", virtual(0))
        self.walk.cut.add(entry)
        return True

    def _compare_upper_half(self, root):
        """Every entry is the kernel's, but for the slots of the access techniques."""
        index = FIRST_UPPER_INDEX
        while True:
            at = 8 * (index - FIRST_UPPER_INDEX)
            index += difference(self.walk.address_of(root, index), memoryview(self.upper)[at:])
            if index >= ENTRIES:
                return
            self._judge_upper_entry(root, index)
            index += 1

    def _judge_upper_entry(self, root, index):
        entry = self.walk.address_of(root, index)
        low, high = low_bits(entry) & ~ACCESSED_DIRTY, high_bits(entry)
        frame = low >> PAGE_SHIFT
        word = low & 0xFFF, high
        if index == RECURSIVE:
            kernels = self._upper_entry(RECURSIVE)
            if frame == root and word == (low_bits(kernels) & 0xFFF & ~ACCESSED_DIRTY, high_bits(kernels)):
                return
        elif index == OTHER_RECURSIVE and not low & PRESENT:
            return
        elif index in (OTHER_RECURSIVE, TECHNIQUE) and word == (PRESENT | WRITABLE, NO_EXECUTE):
            self._claim_technique(index, frame)
            return
        self.walk.cut.add(entry)
        self.complain("root %s: entry %d is not the kernel's, but %s", physical(root), index, hex(high << 52 | low))

    def _claim_technique(self, index, frame):
        """What a technique has in its slot: another root, or the window that it made."""
        if frame in self.windows or frame in self.ranges:
            return
        page = index * PAGES_PER_ROOT_ENTRY
        if self.walk.claim_table(frame, virtual, page) and index == TECHNIQUE:
            self.walk.claim_tables(frame, LEVELS - 1, page)
            self.windows.append(frame)
