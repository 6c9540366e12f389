"""Exceptions of the processor, on purpose. For tests only; nothing of the kernel imports it."""

def exception(vector: int) -> None:
    """Provoke the exception of a vector: 0, 3, 6, 13 raise, 12 runs off the stack (RuntimeError), 8 and 14 panic."""

def uncaught() -> None:
    """Provoke an invalid opcode when nothing could catch an exception: a panic."""

def while_raising() -> None:
    """Provoke a breakpoint, and a debug exception when that is about to be raised: a panic."""

def typed_ahead(bytes: int) -> None:
    """Keep so many typed bytes at most, and have the host wait with the rest; 0: as many as there is room for (1 MiB).

    Raises ValueError. A soft reset does not undo it.
    """
