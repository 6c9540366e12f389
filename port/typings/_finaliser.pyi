"""Guards: how the collector tells that an owner was forgotten. Imported by one module of the kernel.

An owner's state is a list, [run, count, arena, ...]; run is a small int, not negative while something is owned. The list
holds its guard, so that both die in one collection. What was owned then is put down, and nothing else happens: safe
points take it out. A soft reset forgets guards and what was put down.
"""

class Guard:
    """Having a Guard in an owner's list means: if the list is lost while it owns something, take() tells, once."""

    def __init__(self, state: list, kind: int) -> None:
        """Guard a list of three items at least; `kind` (0 to 255) comes back from take(). TypeError, ValueError."""

def take() -> tuple[object, int, int, int] | None:
    """Return (arena, run, count, kind) of one lost owner, each once, in any order; None if there is none."""

def pending() -> int:
    """Return how many lost owners wait to be taken. Allocates nothing."""
