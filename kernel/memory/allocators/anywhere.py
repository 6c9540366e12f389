"""Allocating wherever there is room: the lowest address that fits.

A request of 512 (262,144) chunks or more begins on a 2 MiB (1 GiB) boundary if it can, so that huge pages get used.
"""

from memory_structs import OutOfRange
from micropython import const

from .. import runs
from ..runs import find, take, take_aligned
from .requests import MOST, AllocationRequest, least_common_multiple

# In units of 4 KiB: what a 2 MiB and a 1 GiB page hold, and what no address space holds.
_HUGE_2M = const(1 << 9)
_HUGE_1G = const(1 << 18)
_TOO_MANY = const(1 << 52)

# Where an owner's list has its run (`owners.RUN`): a constant that the compiler knows is faster.
_RUN = const(0)

# How many runs that are long enough, but badly aligned, are tried from the lowest on.
ALIGNED_TRIES = 16
NO_LIMIT = 1 << 60


class Anywhere:
    """The part of `Allocator` that chooses a place."""

    def allocate(self, count):
        """Own `count` chunks of 4 KiB, wherever. Raises ValueError, TypeError, OutOfPages or OutOfFrames."""
        if count is True or count >= _HUGE_2M:
            return self._allocate_huge(count)
        forgotten, owner_class, new_state, pool, tree = self._for_allocate
        if forgotten():
            self._reclaim()
        owner = owner_class()
        owner._state = state = new_state(pool, count, 0)
        state[_RUN] = take(tree, count)
        if state[_RUN] < 0:
            return self._allocate_within(self._check_count(count), None, 1)
        return owner

    def _allocate_huge(self, count):
        """The same for 512 and more: on a 2 MiB or 1 GiB boundary, in the common case where a low run has one."""
        if count is True or count >= _TOO_MANY:
            self._check_count(count)
        forgotten, owner_class, new_state, pool, tree = self._for_allocate
        if forgotten():
            self._reclaim()
        owner = owner_class()
        owner._state = state = new_state(pool, count, 0)
        state[_RUN] = take_aligned(tree, count, _HUGE_2M if count < _HUGE_1G else _HUGE_1G, ALIGNED_TRIES)
        if state[_RUN] < 0:
            return self._allocate_within(self._check_count(count), None, 1)
        return owner

    def allocate_by_bytes(self, size_in_bytes):
        """Own as many chunks as hold `size_in_bytes` bytes."""
        return self.allocate(self._count_for(size_in_bytes, 0))

    def allocate_in_range(self, count, limits):
        """Own `count` chunks inside a range. Raises as `allocate`, and OutOfRange when it is not this allocator's."""
        self._check_count(count)
        return self._allocate_within(count, self._check_limits(limits), 1)

    def allocate_by_bytes_in_range(self, size_in_bytes, limits):
        return self.allocate_in_range(self._count_for(size_in_bytes, 0), limits)

    def _allocate_within(self, count, limits, alignment):
        arena = self._arena_for(limits)
        owner = self._owners._new(arena)
        if alignment == 1 and count < _HUGE_2M and limits is not None:
            # What `_find` would find first, without asking for what else it looks.
            first = find(arena.tree, limits._first, limits._last, count, 1, ALIGNED_TRIES)
            if first >= 0 and self._take_into(owner, arena, first, count):
                return owner
        while True:
            first = self._find(arena, limits, alignment, count)
            if first < 0:
                self._refuse_space(arena, count, AllocationRequest(None, alignment, limits))
            if self._take_into(owner, arena, first, count):
                return owner

    def _find(self, arena, limits, alignment, count):
        """The number to allocate at, or a negative number. Takes deferred left-overs back before giving up."""
        low, high = arena.low, arena.last_unasked
        if limits is not None:
            low, high = limits._first, limits._last
        while True:
            for wish in self._alignments(alignment, count):
                first = self._find_aligned(arena.tree, low, high, count, wish)
                if first >= 0:
                    return first
            if not self._settle_pending():
                return -1

    @staticmethod
    def _alignments(alignment, count):
        """The alignments to try, best first: none that no number can have."""
        wishes = [alignment]
        for chunks in _HUGE_2M, _HUGE_1G:
            both = least_common_multiple(alignment, chunks)
            if count >= chunks and alignment < both < MOST:
                wishes.insert(0, both)
        return wishes

    @staticmethod
    def _find_aligned(tree, low, high, count, alignment):
        """The lowest few runs first; then one so long that it must fit; then all that are long enough."""
        first = runs.find(tree, low, high, count, alignment, ALIGNED_TRIES)
        if first == runs.TOO_MANY:
            first = runs.find(tree, low, high, count + alignment - 1, 1, NO_LIMIT)
            if first >= 0:
                return (first + alignment - 1) // alignment * alignment
            first = runs.find(tree, low, high, count, alignment, NO_LIMIT)
        return first

    def _settle_pending(self):
        """Take back the left-overs of all deferred actions, or else what was forgotten. False: there was none."""
        pending = [action for action in self._pending if action._left_over]
        for action in pending:
            action._settle()
        return bool(pending) or self._collect() > 0

    def _arena_for(self, limits):
        """The arena that serves requests within `limits`, a range or None. Raises OutOfRange."""
        if limits is None:
            return self._pool
        for arena in self._arenas_for_ranges():
            if limits._first <= arena.high and limits._last >= arena.low:
                return arena
        raise OutOfRange(limits, "what %s hands out" % self.name)

    def _arenas_for_ranges(self):
        return self._arenas
