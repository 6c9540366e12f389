"""The interrupt vectors that devices have. Imported by one module of the kernel."""

from collections.abc import Callable

FIRST: int
END: int  # behind the last

def set_handler(vector: int, function: Callable[[int], None] | None) -> None:
    """Have function(count) called, where Python is at a place for that, after interrupts of a vector; None: nobody.

    The count is how many there were since the last call: none is lost. What the function raises is printed. Interrupts
    that came before are not told to it. ValueError for a vector that is not from FIRST to END - 1. A soft reset forgets
    it.
    """
