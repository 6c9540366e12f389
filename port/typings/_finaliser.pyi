"""Guards: how the collector tells that an owner was forgotten. Imported by one module of the kernel.

When the collector finds an armed Guard unreachable, its number is put down; nothing else happens then. Safe points
take the numbers out. A soft reset forgets guards and numbers.
"""

class Guard:
    """Having an armed Guard means: if you lose it, its number comes out of take() once."""

    number: int
    armed: bool
    def __init__(self, number: int) -> None:
        """Arm a guard with a number from 0 to 2**62 - 1. MemoryError when 65536 are alive."""

    def disarm(self) -> None:
        """Make losing it mean nothing. Allocates nothing; again and again does no harm."""

def take() -> int:
    """Return the number of a lost guard, each once, in any order; -1 if there is none. Allocates nothing."""

def pending() -> int:
    """Return how many lost guards wait to be taken. Allocates nothing."""
