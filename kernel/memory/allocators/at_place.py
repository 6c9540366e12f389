"""Allocating at one place: exactly these chunks, or none."""

from memory_structs import PAGE_SHIFT, PAGE_SIZE, OutOfRange
from micropython import const

from ..runs import TOO_MANY, take_at

# Where things stand in an owner's list (`owners.RUN`, `owners.COUNT`): constants that the compiler knows are faster.
_RUN = const(0)
_COUNT = const(1)
_TOO_MANY = const(1 << 52)
_OFFSET_MASK = const(0xFFF)


class AtPlace:
    """The part of `Allocator` that is told a place."""

    def allocate_at(self, address, count):
        """Own exactly the `count` chunks from the one that contains `address` on.

        Raises TypeError, ValueError, OutOfRange or AddressInUse.
        """
        # Mostly the pool has them. Its tree has nothing but numbers that exist, so it needs no other check.
        address_class, owner_class, new_state, pool, tree = self._for_allocate_at
        if address.__class__ is address_class and count.__class__ is int and 0 < count < _TOO_MANY:
            value = address._value
            if not value & _OFFSET_MASK:
                owner = owner_class()
                owner._state = state = new_state(pool, count, 0)
                state[_RUN] = take_at(tree, value >> PAGE_SHIFT, count)
                if state[_RUN] >= 0:
                    return owner
        return self._allocate_elsewhere(address, count)

    def _allocate_elsewhere(self, address, count):
        """The same for all arenas, and for arguments that may be wrong."""
        self._check_count(count)
        self._check_address(address)
        return self._allocate_at(address._value >> PAGE_SHIFT, count)

    def allocate_by_bytes_at(self, address, size_in_bytes):
        """Own exactly the chunks that hold the `size_in_bytes` bytes from `address` on."""
        self._check_address(address)
        value = address._value
        return self._allocate_at(value >> PAGE_SHIFT, self._count_for(size_in_bytes, value & (PAGE_SIZE - 1)))

    def _allocate_at(self, first, count):
        """Own exactly `count` chunks from number `first` on."""
        last = first + count - 1
        space = self._ranges._chunk._address._space
        if not space.has_number(last) or not space.is_one_piece(first, last):
            raise OutOfRange(last, "the numbers that exist behind %s" % hex(first))
        while True:
            for arena in self._arenas:
                if arena.low <= first <= arena.high:
                    owner = self._owners._new(arena)
                    if self._take_into(owner, arena, first, count):
                        return owner
            if not self._settle_pending():
                break
        self._refuse_address(first, last)

    def _take_into(self, owner, arena, first, count):
        """Take the run out of the arena's tree and bring `owner` to life. False when it is not free."""
        state = owner._state
        state[_COUNT] = count
        run = state[_RUN] = take_at(arena.tree, first, count)
        if run == TOO_MANY and arena.grow():
            run = state[_RUN] = take_at(arena.tree, first, count)
        if run < -1:
            self.refuse(run)
        return run >= 0

    def _arena_of(self, first, last):
        """The arena that the whole run belongs to, or None."""
        for arena in self._arenas:
            if arena.holds(first, last):
                return arena
        return None
