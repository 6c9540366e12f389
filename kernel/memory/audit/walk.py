"""The audit's own walk: through the physical window, entry by entry, shared with nobody.

A page number here is what the tables see of it, so that a walk is one count upwards: the upper half has no sign bits.
An entry may hold anything. What can't be a table is found by `claim_tables`, which goes first, and is cut off: `walk`
doesn't follow it. No table is claimed twice, so no loop is followed twice.
"""

from memory_structs import PAGE_SHIFT
from memory_structs.mode import ENTRIES, INDEX_BITS, LEVELS, PAGES_PER_ROOT_ENTRY, ROOT_SHIFT
from micropython import const

from .claims import (
    CLAIM,
    MAKES_TABLE,
    NAMES,
    absent,
    claim_tables,
    empty_tables,
    high_bits,
    low_bits,
    step,
    touching,
)
from .report import physical, virtual

PRESENT = const(1 << 0)
WRITABLE = const(1 << 1)
HUGE = const(1 << 7)
NO_EXECUTE = const(1 << 11)  # of the high bits

# Rights of the way to an entry: what every level so far allows.
WRITES = const(1)
EXECUTES = const(2)
ALL_RIGHTS = const(3)

TABLES_AT_ONCE = 64  # between two pauses


def reserved_bits(physical_bits, largest_level):
    """({level: bits of an entry that leads to a table}, {level: bits of a leaf}) that this CPU reserves."""
    beyond = (1 << 52) - (1 << physical_bits)
    tables, leaves = {}, {}
    for level in range(1, LEVELS + 1):
        tables[level] = beyond if level <= largest_level else beyond | HUGE
        # A huge leaf has its frame above, PAT in bit 12, and nothing in between.
        leaves[level] = beyond | ((1 << PAGE_SHIFT + INDEX_BITS * (level - 1)) - 1 & ~0x1FFF)
    return tables, leaves


class Walk:
    """Walks for one audit. `pause()` is called at every table."""

    def __init__(self, frame_map, findings, physical_bits, largest_level, pause):
        self.frame_map = frame_map
        self.complain = findings.complain
        self.largest_level = largest_level
        self.reserved_in_table, self.reserved_in_leaf = reserved_bits(physical_bits, largest_level)
        self.pause = pause
        self.cut = set()
        self.root = -1
        self.nearby = -1, 0, 0

    def address_of(self, table, index=0):
        """Where the window shows an entry of the table in a frame."""
        return self.frame_map.window + (table << PAGE_SHIFT) + 8 * index

    def claim_table(self, frame, name, who):
        """Claim one frame as a table; False, and a finding that begins with name(who), when it can't be one."""
        if step(self.frame_map.map, frame, 1, MAKES_TABLE):
            return True
        self.complain("%s leads to %s for a table: %s", name(who), physical(frame), self.name_of(frame))
        return False

    def name_of(self, frame):
        """What has been found of a frame, in words."""
        frames = self.frame_map
        return NAMES[frames.byte(frame) & CLAIM] if frame < frames.frames else "no usable RAM"

    def claim_tables(self, table, level, page=0, first=0, end=ENTRIES):
        """Claim all tables that hang below entries `first` to before `end` of a table; `page` is where that begins."""
        self.pause()
        at = self.address_of(table)
        shift = INDEX_BITS * (level - 1)
        frames, largest, reserved = self.frame_map.map, self.largest_level, self.reserved_in_table[level]
        first += absent(at + 8 * first, end - first)
        while first < end:
            if level == 2:
                first += claim_tables(frames, at + 8 * first, end - first, reserved, MAKES_TABLE)
                first += absent(at + 8 * first, end - first)
                if first == end:
                    break
            entry = at + 8 * first
            low = low_bits(entry)
            if low & HUGE and level <= largest:
                first += touching(entry, end - first, 1 << shift)
            else:
                frame = low >> PAGE_SHIFT
                if not low & reserved and step(frames, frame, 1, MAKES_TABLE):
                    if level > 2:
                        self.claim_tables(frame, level - 1, page + (first << shift))
                else:
                    self.cut.add(entry)
                    self.refuse_table(low, level, page + (first << shift))
                first += 1
            first += absent(at + 8 * first, end - first)

    def refuse_table(self, low, level, page):
        """Tell what is wrong with an entry that should lead to a table."""
        wrong, frame = low & self.reserved_in_table[level], low >> PAGE_SHIFT
        if wrong:
            self.complain("%s: reserved bits %s in its entry at level %d", virtual(page), hex(wrong), level)
        else:
            self.complain("%s: its table %s is %s", virtual(page), physical(frame), self.name_of(frame))

    def walk_root(self, root, page, end, visit):
        """`walk` from a root. Who comes upwards in small steps mostly finds the level-1 table of the last one again."""
        if root != self.root:
            self.root = root
            self.nearby = -1, 0, 0
        region, at, rights = self.nearby
        if page >> INDEX_BITS == region and end - 1 >> INDEX_BITS == region:
            visit.leaves(at + 8 * (page & ENTRIES - 1), page, end, rights)
        else:
            self.walk(root, LEVELS, page, end, ALL_RIGHTS, visit)

    def walk(self, table, level, page, end, rights, visit):
        """Hand everything from `page` to before `end`, at or below one table, to `visit`, upwards and once:

        visit.absent(page, end)                          nothing is there
        visit.leaves(entry, page, end, rights)           entries of a level-1 table, from that of `page` on
        visit.huge(entry, page, end, rights, level)      what lies in there of huge leaves that touch
        visit.tables(entry, most, rights)                at most `most` whole level-1 tables, from the entry that leads
                                                         to the first; returns how many pages it has dealt with
        """
        shift = INDEX_BITS * (level - 1)
        entry = self.address_of(table, page >> shift & ENTRIES - 1)
        if level == 1:
            self.pause()
            self.nearby = page >> INDEX_BITS, self.address_of(table), rights
            visit.leaves(entry, page, end, rights)
            return
        while page < end:
            if level == 2 and not self.cut and page & ENTRIES - 1 == 0:
                self.pause()
                done = visit.tables(entry, min(end - page >> INDEX_BITS, TABLES_AT_ONCE), rights)
                page += done
                entry += 8 * (done >> INDEX_BITS)
                if done >> INDEX_BITS:
                    continue
            left = (end - 1 >> shift) - (page >> shift) + 1
            run = absent(entry, left)
            if run:
                after = min(end, (page >> shift) + run << shift)
                visit.absent(page, after)
            else:
                low = low_bits(entry)
                empty = self._empty(entry, page, end) if level == LEVELS else 0
                if empty:
                    run = empty
                    after = page + (run << shift)
                    visit.absent(page, after)
                elif low & HUGE and level <= self.largest_level:
                    run = touching(entry, left, 1 << shift)
                    after = min(end, (page >> shift) + run << shift)
                    visit.huge(entry, page, after, rights, level)
                else:
                    run = 1
                    after = min(end, (page >> shift) + 1 << shift)
                    self._below(entry, low, level, page, after, rights, visit)
            entry += 8 * run
            page = after

    def _empty(self, entry, page, end):
        """How many entries of the root, from one on, lead to empty tables all of which belongs to the walk."""
        if self.cut or page & PAGES_PER_ROOT_ENTRY - 1:
            return 0
        return empty_tables(entry, end - page >> ROOT_SHIFT, self.frame_map.window, 0)

    def _below(self, entry, low, level, page, end, rights, visit):
        if self.cut and entry in self.cut:
            visit.absent(page, end)
            return
        if not low & WRITABLE:
            rights &= EXECUTES
        if high_bits(entry) & NO_EXECUTE:
            rights &= WRITES
        self.walk(low >> PAGE_SHIFT, level - 1, page, end, rights, visit)
