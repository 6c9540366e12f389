"""Stretches of Python that nothing may interrupt. Imported by one module of the kernel.

Between enter() and the last leave(), Ctrl-C and scheduled callbacks wait. Interrupts of the processor stay on, faults
are raised as ever, and so is MemoryError. A soft reset leaves all stretches.
"""

from collections.abc import Callable

def enter() -> None:
    """Begin a stretch, or a stretch within one. Allocates nothing.

    RuntimeError (recursion) when the outermost stretch would begin with too little stack left for what it calls.
    """

def require_room() -> None:
    """RuntimeError (recursion) as of enter(), for a step that nothing interrupts anyway, before it begins. Allocates
    nothing.
    """

def require_room_to_undo() -> None:
    """The same for a sixth of the room: what was done can be undone where the next step found too little."""

def leave() -> None:
    """End a stretch. At the last one a Ctrl-C that waited is raised at the next bytecode. Allocates nothing.

    RuntimeError if there is none.
    """

def depth() -> int:
    """Return how many stretches are open. Allocates nothing."""

def take_interrupt() -> bool:
    """Say whether a Ctrl-C waits for the end of the stretch, and take it: who is told True raises KeyboardInterrupt."""

def set_safe_point(function: Callable[[], object]) -> None:
    """Let function() run at safe points: between two bytecodes, or while the prompt waits, as if between enter() and
    leave().

    The collector asks for one when something was forgotten or Python's heap needs tending. What function raises is
    dropped. A soft reset forgets it. Raises TypeError, or ValueError when there is one already.
    """
