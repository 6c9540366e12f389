"""Allocating as an `AllocationRequest` wishes, at once or with the bookkeeping postponed."""

from .. import runs
from .deferred import DeferredAllocAction
from .owners import COUNT, RUN


class ByRequest:
    """The part of `Allocator` that takes requests."""

    def allocate_request(self, request, count):
        """Own `count` chunks as an `AllocationRequest` wishes."""
        self._check_request(request)
        self._check_count(count)
        if request._address is not None:
            self._check_end(request, count)
            return self._allocate_at(request._address.number, count)
        return self._allocate_within(count, request._limits, request._alignment)

    def allocate_deferred(self, request, count):
        """As `allocate_request`, but return (owner, DeferredAllocAction).

        The free run is taken out as a whole; what is left over at its ends comes back
        when the action is dropped. An exact request leaves nothing over.
        """
        self._check_request(request)
        self._check_count(count)
        if request._address is not None:
            return self.allocate_request(request, count), DeferredAllocAction(self._pool)
        arena = self._arena_for(request._limits)
        first = self._find(arena, request._limits, request._alignment, count)
        if first < 0:
            self._refuse_space(arena, count, request)
        return self._cut_out(arena, first, count)

    def allocate_by_bytes_deferred(self, request, size_in_bytes):
        self._check_request(request)
        return self.allocate_deferred(request, self._count_for(size_in_bytes, 0))

    def _cut_out(self, arena, first, count):
        """Take the whole free run around `first` out; return the owner of a part and the action with the rest."""
        owner = self._owners._new(arena)
        action = DeferredAllocAction(arena)
        start, length = arena.free_from(first)
        before, after = first - start, start + length - first - count
        clean = runs.clean_at(arena.tree, start)
        left_over = [(run << 1 | clean, size) for run, size in ((start, before), (first + count, after)) if size]
        arena.enter()
        try:
            self._pending.append(action)  # the last that can want memory: what comes before leaves nothing there
            run = runs.take_at(arena.tree, start, length)
            if run == runs.TOO_MANY and arena.grow():
                run = runs.take_at(arena.tree, start, length)
            if run >= 0 and not arena.count_owners(len(left_over)):
                runs.give(arena.tree, run, length)
                run = runs.TOO_MANY
            if run >= 0:
                owner._state[COUNT] = count
                owner._state[RUN] = first << 1 | clean
                action._left_over = left_over
                arena.postponed += before + after
            else:
                self._pending.remove(action)
        finally:
            arena.leave()
        if run < 0:
            self.refuse(run)
        return owner, action
