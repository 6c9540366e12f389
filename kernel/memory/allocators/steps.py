"""Steps of the state machine FREE, ALLOCATED, MAPPED, UNMAPPED, for the mapper."""

from memory_structs import IllegalState, MemoryState, OutOfBookkeeping

from .. import runs
from .owners import ARENA, COUNT, RUN


class Steps:
    """The part of `Allocator` that knows what is mapped."""

    def into_mapped(self, owner, consumer):
        """Consume an owner of this allocator: its chunks are mapped now. Returns (first, count, clean).

        Raises TypeError, UseAfterMove or IllegalState; then nothing has changed.
        """
        if owner.__class__ is not self._owners:
            if hasattr(owner, "_memory_state"):
                raise IllegalState(owner, owner.state, "become %s" % MemoryState.MAPPED)
            raise TypeError("%s maps %s, not %s" % (self.name, self._owners.__name__, type(owner).__name__))
        arena = owner._state[ARENA]
        if arena.allocator is not self:
            raise ValueError("%s comes from another allocator than %s" % (owner, self.name))
        arena.enter()
        try:
            taken = owner._consume(MemoryState.MAPPED, consumer)
            arena.mapped += taken[1]
        finally:
            arena.leave()
        return taken

    def from_mapped(self, first, count, clean=0):
        """Bring `count` mapped chunks from number `first` on back to an owner. For the mapper only.

        Call it when no entry leads to them and no TLB remembers one. Returns
        AllocatedPages, or UnmappedFrames. Raises IllegalState when so many are not mapped.
        """
        arena = self._arena_of(first, first + count - 1)
        if arena is None or count < 1 or count > arena.mapped:
            raise IllegalState("the run of %d from number %s" % (count, hex(first)), "not mapped", "be unmapped")
        owner = self._unmapped_owner(arena)
        arena.enter()
        arena.mapped -= count
        self._count_unmapped(arena, count)
        owner._state[COUNT] = count
        owner._state[RUN] = first << 1 | clean
        arena.leave()
        return owner

    def count_owners(self, first, more):
        """Say that the chunks around number `first` have `more` owners now (a mapping was split, or merged: -1)."""
        arena = self._arena_of(first, first)
        if runs.add_owners(arena.tree, more):
            raise OutOfBookkeeping(self.name, runs.owners_of(arena.tree))

    def _unmapped_owner(self, arena):
        return self._owners._new(arena)

    def _count_unmapped(self, arena, count):
        """Pages go straight back to ALLOCATED; frames wait in UNMAPPED."""
