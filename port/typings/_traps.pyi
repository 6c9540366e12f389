"""The processor's exceptions as Python exceptions. Imported by one module of the kernel.

Which ones are raised, and when it is a panic instead, is the table at the top of port/traps.c.
"""

from collections.abc import Callable

class Record:
    """What was true when a trap was taken: raw, taken down by the trap handler itself."""

    vector: int
    name: str
    error_code: int
    address: int
    """CR2 for a page fault, else 0."""
    page: int
    """address >> 12."""
    instruction_pointer: int
    root_frame: int
    entries: list[tuple[int, int, int, int]]
    """(level, index, the entry's frame number, its flag word) from the root down to where the walk ended; empty for
    what is no page fault."""

class ProcessorFault(Exception):
    """Any trap. Has the attributes of its Record, and the Record itself as `.record`.

    Without memory for a Record those are missing, and the message is all there is.
    """

    record: Record

class PageFault(ProcessorFault): ...
class GeneralProtectionFault(ProcessorFault): ...
class DivideFault(ProcessorFault): ...
class InvalidOpcode(ProcessorFault): ...
class AlignmentFault(ProcessorFault): ...
class BreakpointTrap(ProcessorFault): ...
class FloatingPointFault(ProcessorFault): ...

def set_describer(function: Callable[[Record], object] | None) -> None:
    """Have a function make the text of a Record, when somebody reads it. A soft reset forgets it."""

def provoke(vector: int) -> None:
    """Provoke the exception of a vector: 0, 3, 6, 13 raise, 12 runs off the stack (RuntimeError), 8 and 14 panic."""
