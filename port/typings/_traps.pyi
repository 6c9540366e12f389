"""The processor's exceptions as Python exceptions. Imported by one module of the kernel.

Which ones are raised, and when it is a panic instead, is the table at the top of port/faults/traps.c.
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
    mapping: tuple[int, int, int, int] | None
    """(first page number, pages, flag word, kind as in `_records`) of the owned mapping that a page fault's address was
    in; None when it was in none, or nobody owned it. A handler's fault has none where the last entry was 0."""
    flags: int
    """RFLAGS."""
    time: int
    """The time-stamp counter at the trap."""
    registers: tuple[int, ...]
    """The sixteen general registers, as instructions number them: RAX RCX RDX RBX RSP RBP RSI RDI R8 to R15. Empty
    for a page fault."""
    code: bytes
    """15 bytes from the instruction on; empty when that was not in the kernel's own text."""
    not_resolved: bool
    """A handler said "retry", but the access would have been refused again."""
    stack_overflow: bool
    """The stack pointer was at the guard page of the stack in use."""

FIRST_INTERRUPT: int
"""The vector at which the interrupt controllers' lines begin."""

class ProcessorFault(Exception):
    """Any trap. Has the attributes of set_views(), those of its Record, and the Record itself as `.record`.

    Without memory for a Record those are missing, and the message is all there is.
    """

    record: Record

class PageFault(ProcessorFault):
    """The MMU refused an access: `.address`, `.error_code`, `.page`, `.walk`, `.level`, `.reason`, `.mapping`."""

class StackOverflow(PageFault):
    """The stack pointer came to the guard page of the stack in use."""

class GeneralProtectionFault(ProcessorFault):
    """`.address` is the non-canonical one that the instruction named, if it did."""

class DivideFault(ProcessorFault):
    """Vector 0: a division by zero, or one whose quotient does not fit."""

class InvalidOpcode(ProcessorFault):
    """Vector 6: bytes that are no instruction here."""

class AlignmentFault(ProcessorFault):
    """Vector 17: an access that is not aligned, where that is checked."""

class BreakpointTrap(ProcessorFault):
    """Vector 3: INT3."""

class FloatingPointFault(ProcessorFault):
    """Vectors 16 and 19: an exception of the FPU or of SSE that is not masked."""

def set_views(views: dict[str, Callable[[Record], object]], describer: Callable[[Record], object]) -> None:
    """Have exceptions answer these attributes, and their text, by calling a function with their Record.

    That is when somebody reads them. A soft reset forgets it.
    """

HANDLERS_MAX: int
"""How many slots there are for handlers."""

def set_handler(
    slot: int, first_page: int, last_page: int, function: Callable[..., object] | None, with_numbers: bool
) -> None:
    """Have a function answer page faults from one page number to another, both included; None empties the slot.

    It is called on the interrupted stack: function(exception), or function(page number, error code) if with_numbers.
    True: the access is retried if it would succeed now. Else the fault, or what the function raised, is raised where
    it happened. A function may empty its own slot while it runs. That ranges don't overlap is the caller's business.
    A soft reset empties all.
    """

def recent() -> list[tuple[Record, bool]]:
    """Return the last 32 traps, the oldest first, with whether a handler answered. A soft reset forgets them."""

def taken() -> int:
    """Return how many traps there have been since the last soft reset. Allocates nothing."""
