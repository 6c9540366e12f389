"""Free runs of numbers: the engine under both allocators, and the number layer that users may call.

    tree      how a tree lies in memory, and how much it holds
    search    finding runs
    taking    numbers out of a tree
    giving    numbers back into it
    balance   what keeps it low
    lists     runs as Python lists, for boot

`runs.take(frame_allocator.pool.tree, 1)` takes a frame and `runs.give(...)` gives it back. Both trust their caller with
the counts and the states.
"""

from . import giving, taking
from .giving import give
from .search import clean_at, find, first_from, hand_out, length_at, runs_of
from .taking import take, take_aligned, take_at
from .tree import (
    NOT_FREE,
    REACH,
    REENTERED,
    TOO_MANY,
    add_owners,
    bytes_for,
    count_of,
    create,
    end_at,
    extend,
    largest_of,
    lift_limit,
    limit_owners,
    nodes_in,
    owners_of,
    total_of,
)


def set_room(to_take, to_give):
    """Have them call to_take() or to_give() before a change that others carry on: see balance.require_room."""
    taking.require_room, giving.require_room = to_take, to_give
