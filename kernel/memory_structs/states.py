"""The life of a chunk: FREE -> ALLOCATED -> MAPPED -> UNMAPPED -> ALLOCATED -> FREE."""


class MemoryState:
    """One of four; `.can_become(state)` says which steps are legal."""

    def __init__(self, name, *successors):
        self._name = name
        self._successors = successors

    def can_become(self, state):
        if state.__class__ is not MemoryState:
            raise TypeError("a state must be a MemoryState, not %s" % type(state).__name__)
        return state._name in self._successors

    def __repr__(self):
        return self._name


MemoryState.FREE = MemoryState("FREE", "ALLOCATED")
MemoryState.ALLOCATED = MemoryState("ALLOCATED", "MAPPED", "FREE")
MemoryState.MAPPED = MemoryState("MAPPED", "UNMAPPED")
MemoryState.UNMAPPED = MemoryState("UNMAPPED", "ALLOCATED")
