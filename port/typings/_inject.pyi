"""Trouble on demand, for tests: each comes once, at the n-th chance from now; 0 calls it off. All return what was
left."""

from collections.abc import Callable

def fail_allocation(n: int) -> int:
    """The n-th allocation on Python's heap finds no memory."""

def interrupt(n: int) -> int:
    """Ctrl-C is pressed at the n-th place where MicroPython looks for it (jumps and returns)."""

def call(n: int, function: Callable[[None], object] | None) -> int:
    """function(None) is scheduled at the n-th such place."""
