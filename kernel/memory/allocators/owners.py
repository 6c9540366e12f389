"""`AllocatedPages`, `AllocatedFrames`, `UnmappedFrames`: what somebody owns.

Having an owner means: nobody else has its numbers, until it is dropped or consumed. Owners can't be copied; only an
allocator makes live ones.

An owner is one list: what it owns (`RUN`: first << 1 | clean, or DEAD), how many (`COUNT`), where they belong
(`ARENA`), who consumed it (`CONSUMER`), and a guard that outlives it if it is forgotten. A list, because storing into
one costs a seventh of storing an attribute, and never allocates.

While it is lent (`AllocatedFrames.lend_to`), `RUN` is LENT - run and `CONSUMER` the borrower. So a call that consumes
finds a negative number, as of a dead owner, and asks `_live()`, which asks the borrower.

All or nothing: each call prepares first, then commits in statements that neither allocate nor jump. MicroPython looks
for Ctrl-C and scheduled callbacks at jumps only, so nothing comes in between; where a commit has to jump, the guard is
around it.
"""

from memory_structs import (
    FrameRange,
    IllegalState,
    MemoryState,
    NotTouching,
    OutOfBookkeeping,
    OutOfRange,
    PageRange,
    Reentered,
    UseAfterMove,
)
from memory_structs.ending import drop_at_end
from memory_structs.instances import seal
from memory_structs.like_ranges import LikeItsRange
from micropython import const

from .. import runs
from ..runs import add_owners, give
from .flat import flat

DEAD = const(-1)
LENT = const(-16)  # below what `runs` says where it takes nothing, which may stand there: nothing is owned

RUN = const(0)
COUNT = const(1)
ARENA = const(2)
CONSUMER = const(3)

DROP = "drop()"  # in a new owner's list from the start: so most of them end
# Stands there in place of it while frames hold what their owner wrote: mapped again, they are not cleared.
KEPT = "drop(), with what was in them"

# What an owner is, for whoever finds that it was forgotten (see reclaim.py).
ALLOCATED = const(0)
UNMAPPED = const(1)
SHAREABLE = const(2)  # SharedFrames, mapped or not
NEVER_OWNED = "nobody, for only an allocator makes owners"


def plain_state(arena, count, kind):
    """A dead owner's list. On the machine, `_finaliser.new_state` takes its place: with a guard, so that a forgotten
    owner is found.
    """
    return [DEAD, count, arena, DROP, None]


# Functions and not methods: two more names in the owners' classes would make every look-up of `drop` slower.


def returned(owner):
    """first << 1 | clean of what is dead or lent: a loan of which nothing is out ends here.

    Raises UseAfterMove, or IllegalState.
    """
    state = owner._state
    if state[RUN] == DEAD:
        raise UseAfterMove(owner.__class__.__name__, state[CONSUMER])
    borrower = state[CONSUMER]
    if not borrower.end_loan():
        raise IllegalState(owner, "lent to %s" % (borrower,), "change hands before all of it is back")
    owner.take_back(borrower)
    return state[RUN]


def known(owner):
    """first << 1 | clean, for a question, which what is lent answers, too. Raises UseAfterMove."""
    run = owner._state[RUN]
    if run >= 0:
        return run
    if run == DEAD:
        raise UseAfterMove(owner.__class__.__name__, owner._state[CONSUMER])
    return LENT - run


def is_back(owner):
    """True when what was lent is back."""
    try:
        return returned(owner) >= 0
    except IllegalState:
        return False


class Owner(LikeItsRange):
    """The interface that all owners share."""

    _kind = ALLOCATED

    _ranges = None
    _memory_state = MemoryState.ALLOCATED

    # Every owner that an allocator makes has a list of its own; one that a user makes is dead for ever. (A class
    # without __init__ makes its objects in two thirds of the time.)
    _state = [DEAD, 0, None, NEVER_OWNED, None]

    @classmethod
    def _new(cls, arena):
        """Make a dead owner that is to live in `arena`."""
        owner = cls()
        owner._state = arena.new_state(arena, 0, cls._kind)
        return owner

    def _live(self):
        """first << 1 | clean, for whoever is about to consume it. Raises UseAfterMove, or IllegalState (lent)."""
        run = self._state[RUN]
        return run if run >= 0 else returned(self)

    def __getattr__(self, name):
        """`.range`, `.state`, and everything that the range can be asked: `start_address`, `contains(...)`, ...

        Answered here and not by properties, for in a class with properties each store
        into an object costs a thousand instructions. Raises UseAfterMove, AttributeError.
        """
        if name == "state":
            return MemoryState.FREE if self._state[RUN] == DEAD else self._memory_state
        if name[0] != "_":
            owned = self._range()
            if name == "range":
                return owned
            with_name = getattr(owned, name, owned)
            if with_name is not owned:
                return with_name
        raise AttributeError("'%s' object has no attribute '%s'" % (self.__class__.__name__, name))

    def _range(self):
        """What is owned, as a PageRange or FrameRange of 4 KiB chunks."""
        first = known(self) >> 1
        count = self._state[COUNT]
        if count == 0:
            return self._ranges.empty()
        return self._ranges._of(first, first + count - 1)

    def __len__(self):
        """How many 4 KiB chunks are owned."""
        known(self)
        return self._state[COUNT]

    def __bool__(self):
        """True while it lives and is not lent."""
        run = self._state[RUN]
        return run >= 0 or (run != DEAD and is_back(self))

    def merge(self, other):
        """Take over `other`, which must touch this one on either side; `other` is dead then.

        Raises TypeError, UseAfterMove, IllegalState (lent) or NotTouching; then both live on unchanged.
        """
        if other.__class__ is not self.__class__:
            raise TypeError("%s cannot merge with %s" % (type(self).__name__, type(other).__name__))
        state, others = self._state, other._state
        arena = state[ARENA]
        if state[RUN] < 0 or others[RUN] < 0:
            self._live()
            other._live()
        if arena is not others[ARENA]:
            raise NotTouching(self, other, "they come from different memory")
        arena.enter()
        run, second, own, more = state[RUN], others[RUN], state[COUNT], others[COUNT]
        low = DEAD
        if own and more and run >= 0 and second >= 0:
            if (run >> 1) + own == second >> 1:
                low = run
            elif (second >> 1) + more == run >> 1:
                low = second
        if low >= 0:
            if others[CONSUMER] is not KEPT:
                state[CONSUMER] = DROP
            others[CONSUMER] = "merge()"
            others[RUN] = DEAD
            state[COUNT] = own + more
            state[RUN] = low & ~1 | run & second & 1
            add_owners(arena.tree, -1)
        arena.leave()
        if low < 0:
            self._live()
            other._live()
            if not own or not more:
                raise NotTouching(self, other, "an empty one touches nothing")
            raise NotTouching(self, other)

    def split(self, at):
        """Consume this owner and return two: the numbers below the chunk `at`, and the rest.

        `at` may be the start (the first is empty) or the chunk behind the end (the
        second is empty). Raises TypeError, UseAfterMove, OutOfRange (`at` is outside,
        or there is nothing to split) or OutOfBookkeeping; then the owner lives on.
        """
        first, count = self._live() >> 1, self._state[COUNT]
        if at.__class__ is not self._ranges._chunk:
            self._ranges._check_chunk(at)
        number = at._number
        if count == 0 or not first <= number <= first + count:
            raise OutOfRange(at, str(self))
        return self._divided((first, number, first + count), "split()")

    def _divided(self, bounds, consumer):
        """Consume this owner; return one owner for each stretch between two of `bounds`."""
        state = self._state
        arena = state[ARENA]
        owner_class, new_state, kind = self.__class__, arena.new_state, self._kind
        is_kept = state[CONSUMER] is KEPT
        made = []
        more = -1
        low = bounds[0]
        for high in bounds[1:]:
            part = owner_class()
            part._state = new_state(arena, high - low, kind)
            made.append(part)
            if high > low:
                more += 1
            low = high
        parts = tuple(made)
        arena.enter()
        run = state[RUN]
        if run >> 1 != bounds[0] or state[COUNT] != low - bounds[0]:
            arena.leave()
            raise Reentered(self.__class__.__name__ + "." + consumer)
        code = add_owners(arena.tree, more)
        if code == 0:
            for part in parts:
                part = part._state
                part[RUN] = run
                run += part[COUNT] << 1
            state[CONSUMER] = consumer
            state[RUN] = DEAD
        arena.leave()
        if code:
            if not arena.grow():
                raise OutOfBookkeeping(arena.name, runs.owners_of(arena.tree))
            return self._divided(bounds, consumer)
        if is_kept:
            for part in parts:
                part._state[CONSUMER] = KEPT
        return parts

    def _die(self, consumer):
        self._state[CONSUMER] = consumer
        self._state[RUN] = DEAD

    def drop(self):
        """Give everything back: it is free when this returns. Raises UseAfterMove, or IllegalState while it is lent."""
        state = self._state
        if state[RUN] < 0:
            returned(self)
        run = state[RUN]  # not before that jump, where somebody else may drop it; then `give` refuses
        state[RUN] = DEAD
        try:
            code = give(state[ARENA].tree, run, state[COUNT])
        except BaseException:  # it has not begun
            state[RUN] = run
            raise
        if code:
            state[RUN] = run
            self._live()
            state[ARENA].allocator.refuse(code)

    def _consume(self, state, consumer):
        """Leave this owner dead, for whoever goes on to `state` with its numbers.

        Returns (first, count, clean). Raises UseAfterMove or IllegalState.
        """
        run = self._live()
        if not self._memory_state.can_become(state):
            raise IllegalState(self, self._memory_state, "become %s" % state)
        taken = run >> 1, self._state[COUNT], run & 1
        self._die(consumer)
        return taken

    def __enter__(self):
        self._live()
        return self

    def __exit__(self, kind, value, traceback):
        """Drop, unless that was done inside."""
        if self._state[RUN] != DEAD:
            drop_at_end(self, kind)
        return False

    def __repr__(self):
        name = self.__class__.__name__
        if self._state[RUN] == DEAD:
            return "%s(consumed by %s)" % (name, self._state[CONSUMER])
        if self._state[COUNT] == 0:
            return name + "(empty)"
        return name + str(self.range)[len(self._ranges.__name__) :]

    __str__ = __repr__


@seal
@flat
class AllocatedPages(Owner):
    """Virtual pages that are yours, and mapped nowhere."""

    _ranges = PageRange


@seal
@flat
class AllocatedFrames(Owner):
    """Physical frames that are yours, and mapped nowhere (but in the physical window)."""

    _ranges = FrameRange

    def is_clean(self):
        """True when the memory is known to be zero."""
        return bool(known(self) & 1)

    def mark_clean(self, clean=True):
        """Say what is known of the memory: True after zeroing it, False after writing to it."""
        self._state[RUN] = self._live() & ~1 | bool(clean)

    def lend_to(self, borrower):
        """Let `borrower` hand the frames out; it is then asked `end_loan()` before they change hands.

        They are not clean from here on. Once more to the same borrower does nothing. Raises UseAfterMove, or
        IllegalState while they are lent to another, or TypeError for what does not answer.
        """
        if not hasattr(borrower, "end_loan"):
            raise TypeError("a borrower has end_loan(); %s has not" % type(borrower).__name__)
        state = self._state
        if state[RUN] < DEAD and state[CONSUMER] is borrower:
            return
        run = self._live() & ~1
        state[CONSUMER] = borrower
        state[RUN] = LENT - run

    def take_back(self, borrower):
        """End the loan to `borrower`, which has nothing out any more. Does nothing when it is over."""
        state = self._state
        if state[RUN] < DEAD and state[CONSUMER] is borrower:
            state[RUN] = LENT - state[RUN]
            state[CONSUMER] = DROP

    def split_range(self, extracted):
        """Consume this owner and return three: the frames below `extracted`, those in it, those above.

        The outer two may be empty. Raises TypeError, UseAfterMove, OutOfRange (not
        contained, or empty) or OutOfBookkeeping; then the owner lives on.
        """
        if not self.range.contains_range(extracted):
            raise OutOfRange(extracted, str(self))
        first = self._live() >> 1
        bounds = first, extracted.first_number, extracted.last_number + 1, first + self._state[COUNT]
        return self._divided(bounds, "split_range()")


@seal
@flat
class UnmappedFrames(Owner):
    """Frames that an unmap has just brought back; nothing reaches them any more."""

    _kind = UNMAPPED
    _ranges = FrameRange
    _memory_state = MemoryState.UNMAPPED

    def into_allocated_frames(self):
        """Consume this owner and return AllocatedFrames for the same frames."""
        self._live()
        state = self._state
        arena = state[ARENA]
        allocated = AllocatedFrames._new(arena)
        made = allocated._state
        arena.enter()
        try:
            made[COUNT] = state[COUNT]
            made[RUN] = self._live()
            state[CONSUMER] = "into_allocated_frames()"
            state[RUN] = DEAD
            arena.unmapped -= made[COUNT]
        finally:
            arena.leave()
        return allocated

    def drop(self):
        """Give the frames back: they are free when this returns. Raises UseAfterMove."""
        self._live()
        arena, count = self._state[ARENA], self._state[COUNT]
        arena.enter()
        try:
            Owner.drop(self)
            arena.unmapped -= count
        finally:
            arena.leave()
