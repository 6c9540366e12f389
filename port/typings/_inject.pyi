"""Trouble on demand, for tests: each comes once, at the n-th chance from now; 0 calls it off. All return what was
left."""

from collections.abc import Buffer, Callable

def fail_allocation(n: int) -> int:
    """The n-th allocation on Python's heap finds no memory."""

def interrupt(n: int) -> int:
    """Ctrl-C is pressed at the n-th place where MicroPython looks for it (jumps and returns)."""

def call(n: int, function: Callable[[None], object] | None) -> int:
    """function(None) is scheduled at the n-th such place."""

def refuse(n: int, spared: Buffer, every: bool, whole: bool) -> int:
    """The n-th access to the physical window is refused by the MMU: a page fault, at a read or a write.

    The window's pages must be user pages, for SMAP refuses it; so CR4.SMAP must not be in use otherwise. Not counted
    are frames whose byte in `spared` is not 0 (the caller keeps the buffer), and the second half of an entry whose
    first half went well; nor, but for `every`, an access that goes on, in its table, where the last one ended. `whole`:
    from then on every access to that frame is refused, until this is called off.
    """
