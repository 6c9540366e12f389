"""`Arena`: the free runs of one kind of address space or memory, and who watches over them."""

import uctypes
from memory_structs import commits

from ..runs import (
    add_owners,
    bytes_for,
    create,
    end_at,
    find,
    first_from,
    give,
    largest_of,
    length_at,
    lift_limit,
    limit_owners,
    lists,
    nodes_in,
    runs_of,
    total_of,
)
from .owners import plain_state

LEAST_GROWTH, MOST_GROWTH = 1 << 16, 1 << 20  # bytes
NEVER = 1 << 60
MOST_ZEROS = 1 << 16  # at once


def none_elsewhere():
    """Stands for counters that nobody keeps."""
    return 0


class Arena:
    """Numbers from `low` to `high` (4 KiB units) of which one tree keeps the free ones.

    Runs of two arenas are never joined and no allocation spans two. `enter` and
    `leave` hold back Ctrl-C and scheduled callbacks while an owner changes.

    Its tree has nodes for some runs. As many owners may live as can't make more, in whatever order they go; when they
    are more, `grow` brings nodes, while nothing has changed yet: so giving something back never fails.
    """

    # add_room(arena, bytes): put so many bytes of memory under the tree of an arena, or fewer; returns how many nodes.
    add_room = None

    def __init__(self, allocator, name, runs, memory, enter, leave):
        """Make the tree in `memory` (address, size in bytes) and give it `runs` (normal, may be empty)."""
        address, size_in_bytes = memory
        self.allocator = allocator
        self.name = name
        self.tree = address
        self.enter = enter
        self.leave = leave
        self.new_state = plain_state
        self.low = runs[0][0] if runs else 0
        self.high = self.last_unasked = runs[-1][1] if runs else -1
        self._set_territory(runs)
        create(address, size_in_bytes)
        for first, last in runs:
            give(address, first << 1, last + 1 - first)
        self.managed = total_of(address)
        # How many of the numbers that are not free are in these states; the rest are allocated. `unmapped` is also
        # what a mapper has cleared the entries of, until its last flush is done.
        self.mapped = 0
        self.unmapped = 0
        self.tables = 0
        self.postponed = 0
        # How many owners were forgotten, and reclaimed.
        self.reclaimed = 0
        self._nodes = nodes_in(size_in_bytes)
        self._enough = 0
        self._mapped_elsewhere = self._tables_elsewhere = none_elsewhere
        self._table_counts = []

    def follow_owners(self, enough=None):
        """Count owners from now on, and allow as many as the tree's nodes can follow; or any number, if there are
        `enough` nodes for all runs that the numbers can make (None: they can make too many)."""
        self._enough = NEVER if enough is None else enough
        if self._nodes < self._enough:
            limit_owners(self.tree)

    def grow(self):
        """Make room for more owners: True. False, and nothing has changed, where no memory is to be had."""
        self.enter()
        try:
            wanted = min(max(bytes_for(self._nodes), LEAST_GROWTH), MOST_GROWTH)
            added = self.add_room(self, wanted) if self.add_room else 0
            self._nodes += added
            if self._nodes >= self._enough:
                lift_limit(self.tree)
            return added > 0
        finally:
            self.leave()

    def count_owners(self, more):
        """Count `more` owners (negative: fewer), with more room for them if that is needed. False: there is none."""
        return add_owners(self.tree, more) == 0 or (self.grow() and add_owners(self.tree, more) == 0)

    def end_unasked(self, last):
        """Keep the runs that begin behind number `last` for requests that name them."""
        self.last_unasked = last
        end_at(self.tree, last + 1)

    def largest_unasked(self):
        """The length of the longest free run that is for requests without a wish."""
        longest = largest_of(self.tree)
        if longest and find(self.tree, self.low, self.last_unasked, longest, 1, 1) < 0:
            return max([0] + [count for first, count, _ in self.runs() if first <= self.last_unasked])
        return longest

    def add_taken(self, tables, mapped):
        """Take over what was handed out before this existed: runs of page tables, and mapped runs."""
        for first, last in tables:
            self.tables += last + 1 - first
        for first, last in mapped:
            self.mapped += last + 1 - first
        self.managed += self.tables + self.mapped
        self._set_territory(self._territory + tables + mapped)

    def give_up(self, first, last):
        """Manage an allocated run no longer: it is reserved from now on."""
        self._set_territory(lists.without(self._territory, [(first, last)]))
        self.managed -= last + 1 - first

    def _set_territory(self, runs):
        """The largest stretch first: that is where most questions are about."""
        self._territory = sorted(lists.normal(runs), key=lambda run: run[0] - run[1])

    def count_elsewhere(self, mapped, tables):
        """Add what `mapped()` and `tables()` answer to the counts here: the mapper's natives count for themselves."""
        self._mapped_elsewhere = mapped
        self._tables_elsewhere = tables

    def count_tables(self, count):
        """Add what `count()` answers to the tables: each source of table frames counts its own."""
        self._table_counts.append(count)

    def __getattr__(self, name):
        """`.free`, `.allocated`, `.all_mapped`, `.all_tables` (no properties: each would make every store slow).

        `.free`: how many numbers can be had, those of deferred actions included.
        """
        if name == "free":
            return total_of(self.tree) + self.postponed
        if name == "all_mapped":
            return self.mapped + self._mapped_elsewhere()
        if name == "all_tables":
            return self.tables + self._tables_elsewhere() + sum([count() for count in self._table_counts])
        if name == "allocated":
            return self.managed - self.free - self.all_mapped - self.unmapped - self.all_tables
        raise AttributeError("'Arena' object has no attribute '%s'" % name)

    def holds(self, first, last):
        """True when the whole run belongs here, free or not. Looks into the largest stretch first."""
        for start, end in self._territory:
            if start <= first and last <= end:
                return True
        return False

    def free_from(self, number):
        """The lowest free run that holds `number` or lies above it, as (first, count), or None."""
        first = first_from(self.tree, number)
        return None if first < 0 else (first, length_at(self.tree, first))

    def taken_in(self, first, last):
        """The first part of the run from `first` to `last` that is not free here, as (first, last), or None."""
        free = self.free_from(first)
        if free is None or free[0] > last:
            return first, last
        if free[0] > first:
            return first, free[0] - 1
        if sum(free) > last:
            return None
        return self.taken_in(sum(free), last)

    def runs(self):
        """All free runs upwards, as (first, count, clean)."""
        return runs_of(self.tree)


@commits.opens_guard
def zeros(memory, size_in_bytes):
    """(address, size) of memory that is zero."""
    address, _ = memory(size_in_bytes)
    zero = bytearray(min(size_in_bytes, MOST_ZEROS))  # of `bytes` each would cost nine instructions
    for offset in range(0, size_in_bytes, MOST_ZEROS):
        some = min(MOST_ZEROS, size_in_bytes - offset)
        uctypes.bytearray_at(address + offset, some)[:] = zero if some == len(zero) else bytearray(some)
    return address, size_in_bytes


class PythonMemory:
    """Bookkeeping memory from the Python heap, where no window on physical memory exists (tests)."""

    def __init__(self):
        self._blocks = []

    def __call__(self, size_in_bytes):
        """Return (address, size in bytes)."""
        block = bytearray(size_in_bytes)
        self._blocks.append(block)
        return uctypes.addressof(block), size_in_bytes
