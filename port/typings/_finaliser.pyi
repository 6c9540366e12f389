"""How the collector tells that an owner was forgotten. Imported by one module of the kernel.

An owner's state is a list, [run, count, arena, consumer, guard]; it owns something while run is not -1, for instance
first << 1 | clean; where that is lent, run is -2 minus it. When the
collector finds the list unreachable while it owns something, run and count are put down, and a safe point is asked for;
nothing else happens then. Safe points take them out. A soft reset forgets everything.
"""

from collections.abc import Buffer

STATE_ORDER: tuple[int, int, int, int]
"""Where run, count, arena and consumer stand in the list."""

def new_state(arena: object, count: int, kind: int) -> list:
    """Return the state of an owner that owns nothing yet: [-1, count, arena, "drop()", its guard].

    arena and kind (0 to 255) come back from take() as they are. Takes about 250 bytes. MemoryError.
    """

def take() -> tuple[object, int, int, int] | None:
    """Return (arena, run, count, kind) of one owner that was forgotten, each once, in any order; None if there is
    none."""

def owned(words: Buffer) -> int:
    """Write what every living owner has into 64-bit words, four each: the low 60 bits of
    id(arena), run, count, kind. Allocates nothing.

    Returns how many owners have something; what did not fit was left out.
    """

def state_of(arena: object, number: int, kind: int) -> list | None:
    """Return the state of the living owner of this kind, lent or not, that has this number of the arena; None if nobody
    has. Allocates nothing."""

def pending() -> int:
    """Return how many forgotten owners wait to be taken, and mappings to be unmapped. Allocates nothing."""
