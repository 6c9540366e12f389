"""`DeferredAllocAction`: what a deferred allocation left over."""

from memory_structs import UseAfterMove

from .. import runs


class DeferredAllocAction:
    """The left-over ends of a run that a deferred allocation cut up.

    Until this is dropped nobody can allocate them, unless an allocation would fail
    otherwise: then the allocator takes them back. So they are postponed, never lost.
    """

    def __init__(self, arena):
        self._arena = arena
        self._pending = arena.allocator._pending
        self._left_over = ()
        self._consumer = None

    @property
    def size_in_4k(self):
        """How many chunks of 4 KiB are postponed."""
        return sum(count for run, count in self._left_over)

    def drop(self):
        """Do the postponed bookkeeping now. Raises UseAfterMove when it was dropped before."""
        if self._consumer is not None:
            raise UseAfterMove("DeferredAllocAction", self._consumer)
        self._settle()
        self._consumer = "drop()"

    def _settle(self):
        """Give the left-over runs back. Does nothing the second time."""
        arena = self._arena
        pending = self._pending
        arena.enter()
        for run, count in self._left_over:
            runs.give(arena.tree, run, count)
            arena.postponed -= count
        self._left_over = ()
        if self in pending:
            pending.remove(self)
        arena.leave()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        if self._consumer is None:
            self.drop()
        return False

    def __repr__(self):
        return "DeferredAllocAction(%d chunks of 4 KiB postponed)" % self.size_in_4k
