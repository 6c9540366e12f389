"""`Allocator`: one algorithm for pages and frames.

The subclasses say which arenas there are, which error means that nothing is left,
and what an exact request means that no arena can serve. Everything else is here.

Placement: the lowest address that fits. A request of 512 (262,144) chunks or more
begins on a 2 MiB (1 GiB) boundary if it can, so that huge pages get used.
"""

from memory_structs import (
    PAGE_SHIFT,
    PAGE_SIZE,
    AddressInUse,
    IllegalState,
    MemoryState,
    Misaligned,
    OutOfBookkeeping,
    OutOfRange,
    Reentered,
)
from micropython import const

from . import run_tree
from .owners import ARENA, DeferredAllocAction
from .requests import AllocationRequest, least_common_multiple
from .run_tree import take, take_aligned, take_at

# In units of 4 KiB: what a 2 MiB and a 1 GiB page hold, and what no address space holds.
_HUGE_2M = const(1 << 9)
_HUGE_1G = const(1 << 18)
_TOO_MANY = const(1 << 52)

# Where things stand in an owner's list (`owners.RUN`, `owners.COUNT`): constants that the compiler knows are faster.
_DEAD = const(-1)
_RUN = const(0)
_COUNT = const(1)

# How many runs that are long enough, but badly aligned, are tried from the lowest on.
ALIGNED_TRIES = 16
NO_LIMIT = 1 << 60


def no_guard():
    """Stands for the guard's enter and leave where nothing can interrupt."""


def nothing_forgotten():
    """Stands for the collector's finds where owners have no finaliser."""
    return 0


class Allocator:
    """What a page allocator and a frame allocator share.

    `_arenas[0]` is the pool: what is handed out unless somebody asks for a place.
    """

    _ranges = None
    _owners = None
    _out = None
    name = ""

    def _install(self, arenas):
        """Take over the arenas. The first is the pool."""
        self._arenas = arenas
        pool = arenas[0]
        self._pool = pool
        self._tree = pool.tree
        self._pending = []
        self.find_forgotten(pool.new_state, nothing_forgotten, nothing_forgotten, nothing_forgotten)

    def find_forgotten(self, new_state, forgotten, reclaim, collect):
        """Make owners whose loss is noticed, from here on: `new_state` makes their lists.

        `forgotten()` counts what was lost; `reclaim()` gives it back, and is called when a call begins; `collect()`
        looks for more, gives that back, and returns how many, and is called before a call fails for want of space.
        """
        # What `allocate` needs: unpacking one tuple costs half of loading five attributes.
        self._for_allocate = forgotten, self._owners, new_state, self._pool, self._tree
        self._forgotten = forgotten
        self._reclaim = reclaim
        self._collect = collect
        for arena in self._arenas:
            arena.new_state = new_state

    @property
    def pool(self):
        """The arena that unasked requests are served from."""
        return self._pool

    @property
    def reservations(self):
        """What is never handed out unasked: a list of (first number, last number, name)."""
        return list(self._reserved)

    # Allocating anywhere.

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

    # Allocating at one place.

    def allocate_at(self, address, count):
        """Own exactly the `count` chunks from `address` on.

        Raises TypeError, ValueError, Misaligned, OutOfRange or AddressInUse.
        """
        self._check_count(count)
        self._check_address(address)
        if address._value & (PAGE_SIZE - 1):
            raise Misaligned(address, PAGE_SIZE, address.align_down(PAGE_SIZE))
        return self._allocate_at(address._value >> PAGE_SHIFT, count)

    def allocate_by_bytes_at(self, address, size_in_bytes):
        """Own exactly the chunks that hold the `size_in_bytes` bytes from `address` on."""
        self._check_address(address)
        value = address._value
        return self._allocate_at(value >> PAGE_SHIFT, self._count_for(size_in_bytes, value & (PAGE_SIZE - 1)))

    # Allocating by request.

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

    # Steps of the state machine, for the mapper.

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
        owner._state[_COUNT] = count
        owner._state[_RUN] = first << 1 | clean
        arena.leave()
        return owner

    def count_owners(self, first, more):
        """Say that the chunks around number `first` have `more` owners now (a mapping was split, or merged: -1)."""
        arena = self._arena_of(first, first)
        if run_tree.add_owners(arena.tree, more):
            raise OutOfBookkeeping(self.name, run_tree.owners_of(arena.tree))

    def _unmapped_owner(self, arena):
        return self._owners._new(arena)

    def _count_unmapped(self, arena, count):
        """Pages go straight back to ALLOCATED; frames wait in UNMAPPED."""

    # Insides.

    def _allocate_within(self, count, limits, alignment):
        arena = self._arena_for(limits)
        owner = self._owners._new(arena)
        while True:
            first = self._find(arena, limits, alignment, count)
            if first < 0:
                self._refuse_space(arena, count, AllocationRequest(None, alignment, limits))
            if self._take_into(owner, arena, first, count):
                return owner

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
        state[_RUN] = take_at(arena.tree, first, count)
        run = state[_RUN]
        if run < -1:
            self.refuse(run)
        return run >= 0

    def _find(self, arena, limits, alignment, count):
        """The number to allocate at, or a negative number. Takes deferred left-overs back before giving up."""
        low, high = arena.low, arena.high
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
        """The alignments to try, best first."""
        wishes = [alignment]
        for chunks in _HUGE_2M, _HUGE_1G:
            if count >= chunks and alignment % chunks:
                wishes.insert(0, least_common_multiple(alignment, chunks))
        return wishes

    @staticmethod
    def _find_aligned(tree, low, high, count, alignment):
        """The lowest few runs first; then one so long that it must fit; then all that are long enough."""
        first = run_tree.find(tree, low, high, count, alignment, ALIGNED_TRIES)
        if first == run_tree.TOO_MANY:
            first = run_tree.find(tree, low, high, count + alignment - 1, 1, NO_LIMIT)
            if first >= 0:
                return (first + alignment - 1) // alignment * alignment
            first = run_tree.find(tree, low, high, count, alignment, NO_LIMIT)
        return first

    def _cut_out(self, arena, first, count):
        """Take the whole free run around `first` out; return the owner of a part and the action with the rest."""
        owner = self._owners._new(arena)
        action = DeferredAllocAction(arena)
        self._pending.append(action)
        start, length = arena.free_from(first)
        before, after = first - start, start + length - first - count
        clean = run_tree.clean_at(arena.tree, start)
        left_over = [(run << 1 | clean, size) for run, size in ((start, before), (first + count, after)) if size]
        arena.enter()
        run = run_tree.take_at(arena.tree, start, length)
        if run >= 0 and run_tree.add_owners(arena.tree, len(left_over)):
            run_tree.give(arena.tree, run, length)
            run = run_tree.TOO_MANY
        if run >= 0:
            owner._state[_COUNT] = count
            owner._state[_RUN] = first << 1 | clean
            action._left_over = left_over
            arena.postponed += before + after
        else:
            self._pending.remove(action)
        arena.leave()
        if run < 0:
            self.refuse(run)
        return owner, action

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

    def _arena_of(self, first, last):
        """The arena that the whole run belongs to, or None."""
        for arena in self._arenas:
            if arena.holds(first, last):
                return arena
        return None

    # Refusals.

    def refuse(self, code):
        """Raise what a negative number from `run_tree` means."""
        if code == run_tree.TOO_MANY:
            raise OutOfBookkeeping(self.name, run_tree.owners_of(self._tree))
        if code == run_tree.REENTERED:
            raise Reentered(self.name)
        raise IllegalState("a run", "free already", "be freed again")

    def _refuse_space(self, arena, count, request):
        raise self._out(count, request, run_tree.largest_of(arena.tree))

    def _refuse_address(self, first, last):
        """Raise AddressInUse or OutOfRange for a run that no arena could give."""
        requested = self._ranges.from_numbers(first, last)
        taken = first
        while taken <= last:
            end = self._end_of_free(taken)
            if end is None:
                break
            taken = end
        if taken > last:
            raise OutOfRange(requested, "one kind of memory; it lies across a border")
        until = min(arena.taken_in(taken, last)[1] for arena in self._arenas)
        holder, until = self._holder_of(taken, until)
        raise AddressInUse(requested, self._ranges.from_numbers(taken, until), holder)

    def _end_of_free(self, number):
        """The number behind the free run that holds `number`, in whatever arena; None when it is not free."""
        for arena in self._arenas:
            run = arena.free_from(number)
            if run and run[0] <= number:
                return sum(run)
        return None

    def _holder_of(self, first, last):
        """Who holds number `first`, and up to which number not above `last`."""
        for start, end, name in self._reserved:
            if start <= first <= end:
                return name, min(end, last)
            if first < start <= last:
                last = start - 1
        return "another owner", last

    # Checks.

    def _check_count(self, count):
        if count.__class__ is not int:
            raise TypeError("a count must be an int, not %s" % type(count).__name__)
        if count < 1:
            raise ValueError("a count of chunks must be 1 or more, not %d" % count)
        if count >= _TOO_MANY:
            raise self._out(count)
        return count

    def _count_for(self, size_in_bytes, offset):
        """How many chunks hold `size_in_bytes` bytes that begin `offset` bytes into the first."""
        if size_in_bytes.__class__ is not int:
            raise TypeError("a size must be an int, not %s" % type(size_in_bytes).__name__)
        if size_in_bytes < 1:
            raise ValueError("a size in bytes must be 1 or more, not %d" % size_in_bytes)
        return (offset + size_in_bytes + PAGE_SIZE - 1) >> PAGE_SHIFT

    def _check_address(self, address):
        wanted = self._ranges._chunk._address
        if address.__class__ is not wanted:
            raise TypeError("%s needs a %s, not %s" % (self.name, wanted.__name__, type(address).__name__))

    def _check_limits(self, limits):
        if limits.__class__ is not self._ranges:
            raise TypeError("%s needs a %s, not %s" % (self.name, self._ranges.__name__, type(limits).__name__))
        if limits.is_empty():
            raise ValueError("nothing fits within an empty range")
        return limits

    def _check_request(self, request):
        if request.__class__ is not AllocationRequest:
            raise TypeError("a request must be an AllocationRequest, not %s" % type(request).__name__)
        if request._limits is not None:
            self._check_limits(request._limits)
        if request._address is not None:
            self._check_address(request._address)

    @staticmethod
    def _check_end(request, count):
        limits = request._limits
        if limits is not None and request._address.number + count - 1 > limits._last:
            raise OutOfRange(request._address + (count * PAGE_SIZE - 1), str(limits))

    def __repr__(self):
        return self.name
