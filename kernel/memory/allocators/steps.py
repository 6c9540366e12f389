"""Steps of the state machine FREE, ALLOCATED, MAPPED, UNMAPPED, for a mapper of one's own.

The kernel's own mapper counts by its records; it doesn't come here.
"""

from memory_structs import IllegalState, MemoryState, OutOfBookkeeping
from memory_structs.marks import check_run
from uctypes import addressof

from .. import runs
from .owners import ARENA, COUNT, RUN

# How many runs can be mapped by hand at once, at least.
MAPPED_BY_HAND = 250


class Steps:
    """The part of `Allocator` that knows what is mapped."""

    def into_mapped(self, owner, consumer):
        """Consume an owner of this allocator: its chunks are mapped now. Returns (first, count, clean).

        Raises TypeError, UseAfterMove, IllegalState or OutOfBookkeeping; then nothing has changed.
        """
        if owner.__class__ is not self._owners:
            if hasattr(owner, "_memory_state"):
                raise IllegalState(owner, owner.state, "become %s" % MemoryState.MAPPED)
            raise TypeError("%s maps %s, not %s" % (self.name, self._owners.__name__, type(owner).__name__))
        arena = owner._state[ARENA]
        if arena.allocator is not self:
            raise ValueError("%s comes from another allocator than %s" % (owner, self.name))
        run, count = owner._live(), owner._state[COUNT]
        taken = run >> 1, count, run & 1
        tree = mapped_by_hand(self)
        arena.enter()
        try:
            if runs.give(tree, run, count):
                raise OutOfBookkeeping(self.name, MAPPED_BY_HAND)
            owner._die(consumer)
            arena.mapped += count
        finally:
            arena.leave()
        return taken

    def from_mapped(self, first, count, clean=0):
        """Bring `count` chunks from number `first` on, all from `into_mapped`, back to an owner.

        Call it when no entry leads to them and no TLB remembers one. Returns AllocatedPages, or UnmappedFrames. Raises
        TypeError, ValueError, IllegalState when not all are mapped so, or OutOfBookkeeping; then nothing has changed.
        """
        check_run(first, count)
        arena = self._arena_of(first, first + count - 1)
        if arena is None:
            raise not_mapped(first, count)
        owner = self._unmapped_owner(arena)
        tree = mapped_by_hand(self)
        run = first << 1 | bool(clean)
        arena.enter()
        try:
            code = runs.take_at(tree, first, count)
            if code == runs.TOO_MANY:
                raise OutOfBookkeeping(self.name, MAPPED_BY_HAND)
            if code < 0:
                raise not_mapped(first, count)
            arena.mapped -= count
            self._count_unmapped(arena, count)
            owner._state[COUNT] = count
            owner._state[RUN] = run
        finally:
            arena.leave()
        return owner

    def _unmapped_owner(self, arena):
        return self._owners._new(arena)

    def _count_unmapped(self, arena, count):
        """Pages go straight back to ALLOCATED; frames wait in UNMAPPED."""


def mapped_by_hand(allocator):
    """The tree of what `into_mapped` has taken and `from_mapped` not brought back."""
    if allocator._by_hand is None:
        memory = bytearray(runs.bytes_for(MAPPED_BY_HAND))
        runs.create(addressof(memory), len(memory))
        allocator._by_hand = memory
    return addressof(allocator._by_hand)


def not_mapped(first, count):
    return IllegalState("the run of %d from number %s" % (count, hex(first)), "not mapped", "be unmapped")
