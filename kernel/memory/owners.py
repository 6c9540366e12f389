"""`AllocatedPages`, `AllocatedFrames`, `UnmappedFrames`: what somebody owns.

Having an owner means: nobody else has its numbers, until it is dropped or consumed.
Owners can't be copied; only an allocator makes live ones.

An owner's whole state is `_run` and `_count`. While it lives, `_run` is the integer
first << 1 | clean; when it is dead, it is the name of the call that consumed it.
Every step prepares all objects first and then only stores into them.
"""

from memory_structs import (
    FrameRange,
    IllegalState,
    MemoryState,
    NotTouching,
    OutOfBookkeeping,
    OutOfRange,
    PageRange,
    UseAfterMove,
)
from . import run_tree

NEVER_OWNED = "nobody: only an allocator makes owners"


class Owner:
    """The interface that all owners share."""

    _ranges = None
    _state = MemoryState.ALLOCATED

    def __init__(self, arena):
        """Make a dead owner. An allocator or another owner brings it to life."""
        self._arena = arena
        self._run = NEVER_OWNED
        self._count = 0

    def _live(self):
        """first << 1 | clean. Raises UseAfterMove."""
        if type(self._run) is not int:
            raise UseAfterMove(type(self).__name__, self._run)
        return self._run

    @property
    def range(self):
        """What is owned, as a PageRange or FrameRange of 4 KiB chunks."""
        first = self._live() >> 1
        if self._count == 0:
            return self._ranges.empty()
        return self._ranges.from_numbers(first, first + self._count - 1)

    @property
    def state(self):
        """Its `MemoryState`; FREE when it is dead."""
        return self._state if type(self._run) is int else MemoryState.FREE

    @property
    def first_number(self):
        """The first number (4 KiB units)."""
        return self._live() >> 1

    @property
    def start(self):
        return self.range.start

    @property
    def end(self):
        """The last chunk, inclusive."""
        return self.range.end

    @property
    def start_address(self):
        return self.range.start_address

    @property
    def size_in_bytes(self):
        return len(self) * 4096

    def __len__(self):
        """How many 4 KiB chunks are owned."""
        self._live()
        return self._count

    def __bool__(self):
        return type(self._run) is int

    def contains_address(self, address):
        return self.range.contains_address(address)

    def contains(self, chunk):
        return self.range.contains(chunk)

    def contains_range(self, other):
        return self.range.contains_range(other)

    def overlap(self, other):
        return self.range.overlap(other)

    def offset_of_address(self, address):
        return self.range.offset_of_address(address)

    def address_at_offset(self, offset):
        return self.range.address_at_offset(offset)

    def merge(self, other):
        """Take over `other`, which must touch this one on either side; `other` is dead then.

        Raises TypeError, UseAfterMove or NotTouching; then both live on unchanged.
        """
        if type(other) is not type(self):
            raise TypeError("%s cannot merge with %s" % (type(self).__name__, type(other).__name__))
        run, second = self._live(), other._live()
        if self._arena is not other._arena:
            raise NotTouching(self, other, "they come from different memory")
        if self._count == 0 or other._count == 0:
            raise NotTouching(self, other, "an empty one touches nothing")
        count = self._count + other._count
        clean = run & second & 1
        if (run >> 1) + self._count == second >> 1:
            run = run & ~1 | clean
        elif (second >> 1) + other._count == run >> 1:
            run = second & ~1 | clean
        else:
            raise NotTouching(self, other)
        arena = self._arena
        arena.enter()
        self._run = run
        self._count = count
        other._run = "merge()"
        run_tree.add_owners(arena.tree, -1)
        arena.leave()

    def split(self, at):
        """Consume this owner and return two: the numbers below the chunk `at`, and the rest.

        `at` may be the start (the first is empty) or the chunk behind the end (the
        second is empty). Raises TypeError, UseAfterMove, OutOfRange (`at` is outside,
        or there is nothing to split) or OutOfBookkeeping; then the owner lives on.
        """
        first = self._live() >> 1
        self._ranges.empty()._check_chunk(at)
        if self._count == 0 or not first <= at.number <= first + self._count:
            raise OutOfRange(at, str(self))
        return tuple(self._divided((first, at.number, first + self._count), "split()"))

    def _divided(self, bounds, consumer):
        """Consume this owner; return one owner for each stretch between two of `bounds`."""
        parts = [type(self)(self._arena) for _ in range(len(bounds) - 1)]
        arena = self._arena
        clean = self._run & 1
        arena.enter()
        code = run_tree.add_owners(arena.tree, self._pieces(bounds) - 1)
        if code == 0:
            for index, part in enumerate(parts):
                part._run = bounds[index] << 1 | clean
                part._count = bounds[index + 1] - bounds[index]
            self._run = consumer
        arena.leave()
        if code:
            raise OutOfBookkeeping(arena.name, run_tree.owners_of(arena.tree))
        return parts

    @staticmethod
    def _pieces(bounds):
        """How many of the stretches are not empty."""
        return sum(bounds[index] < bounds[index + 1] for index in range(len(bounds) - 1))

    def drop(self):
        """Give everything back: it is free when this returns. Raises UseAfterMove."""
        run = self._run
        if type(run) is not int:
            raise UseAfterMove(type(self).__name__, run)
        arena = self._arena
        code = 0
        arena.enter()
        if self._count:
            code = run_tree.give(arena.tree, run, self._count)
        if code == 0:
            self._run = "drop()"
        arena.leave()
        if code:
            arena.allocator.refuse(code)

    def _consume(self, state, consumer):
        """Leave this owner dead, for whoever goes on to `state` with its numbers.

        Returns (first, count, clean). Raises UseAfterMove or IllegalState.
        """
        run = self._live()
        if not self._state.can_become(state):
            raise IllegalState(self, self._state, "become %s" % state)
        taken = run >> 1, self._count, run & 1
        self._run = consumer
        return taken

    def __enter__(self):
        self._live()
        return self

    def __exit__(self, kind, value, traceback):
        """Drop, unless that was done inside."""
        if type(self._run) is int:
            self.drop()
        return False

    def __repr__(self):
        name = type(self).__name__
        if type(self._run) is not int:
            return "%s(consumed by %s)" % (name, self._run)
        if self._count == 0:
            return name + "(empty)"
        return name + str(self.range)[len(self._ranges.__name__) :]

    __str__ = __repr__


class AllocatedPages(Owner):
    """Virtual pages that are yours, and mapped nowhere."""

    _ranges = PageRange

    @property
    def size_in_pages(self):
        return len(self)


class AllocatedFrames(Owner):
    """Physical frames that are yours, and mapped nowhere (but in the physical window)."""

    _ranges = FrameRange

    @property
    def size_in_frames(self):
        return len(self)

    @property
    def is_clean(self):
        """True when the memory is known to be zero."""
        return bool(self._live() & 1)

    def mark_clean(self, clean=True):
        """Say what is known of the memory: True after zeroing it, False after writing to it."""
        self._run = self._live() & ~1 | bool(clean)

    def split_range(self, extracted):
        """Consume this owner and return three: the frames below `extracted`, those in it, those above.

        The outer two may be empty. Raises TypeError, UseAfterMove, OutOfRange (not
        contained, or empty) or OutOfBookkeeping; then the owner lives on.
        """
        if not self.range.contains_range(extracted):
            raise OutOfRange(extracted, str(self))
        first = self._run >> 1
        bounds = first, extracted.first_number, extracted.last_number + 1, first + self._count
        return tuple(self._divided(bounds, "split_range()"))


class UnmappedFrames(Owner):
    """Frames that an unmap has just brought back; nothing reaches them any more."""

    _ranges = FrameRange
    _state = MemoryState.UNMAPPED

    @property
    def size_in_frames(self):
        return len(self)

    def into_allocated_frames(self):
        """Consume this owner and return AllocatedFrames for the same frames."""
        self._live()
        allocated = AllocatedFrames(self._arena)
        arena = self._arena
        arena.enter()
        first, count, clean = self._consume(MemoryState.ALLOCATED, "into_allocated_frames()")
        allocated._count = count
        allocated._run = first << 1 | clean
        arena.unmapped -= count
        arena.leave()
        return allocated

    def drop(self):
        """Give the frames back: they are free when this returns. Raises UseAfterMove."""
        count = self._count
        arena = self._arena
        arena.enter()
        try:
            Owner.drop(self)
            arena.unmapped -= count
        finally:
            arena.leave()


class DeferredAllocAction:
    """The left-over ends of a run that a deferred allocation cut up.

    Until this is dropped nobody can allocate them, unless an allocation would fail
    otherwise: then the allocator takes them back. So they are postponed, never lost.
    """

    def __init__(self, arena):
        self._arena = arena
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
        pending = arena.allocator._pending
        arena.enter()
        for run, count in self._left_over:
            run_tree.give(arena.tree, run, count)
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
