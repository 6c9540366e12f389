"""The processor's faults: typed exceptions that explain themselves, handlers in Python, and probes of the MMU.

    ProcessorFault
    ├── PageFault               .address .error_code .page .walk .level .reason .mapping .instruction_pointer
    ├── GeneralProtectionFault  .address is the non-canonical one that the instruction named, if it did
    ├── DivideFault
    ├── InvalidOpcode
    ├── AlignmentFault
    ├── BreakpointTrap
    └── FloatingPointFault

Running off the stack is MicroPython's RuntimeError ("maximum recursion depth exceeded"). `.record` is the raw truth
behind the typed attributes. What is raised and what is a panic: the table at the top of port/traps.c.
"""

from . import views
from .error_code import PageFaultErrorCode
from .handlers import FaultHandler, TooManyHandlers, on_fault, on_fault_numbers
from .natives import traps
from .working_set import working_set

AlignmentFault = traps.AlignmentFault
BreakpointTrap = traps.BreakpointTrap
DivideFault = traps.DivideFault
FloatingPointFault = traps.FloatingPointFault
GeneralProtectionFault = traps.GeneralProtectionFault
InvalidOpcode = traps.InvalidOpcode
PageFault = traps.PageFault
ProcessorFault = traps.ProcessorFault

# The one slot: finds the owner of a page's mapping.
_owner_of = None


def init(owner_of=None):
    """Have faults explain themselves. owner_of(page number) returns whoever owns the mapping of a page, or None."""
    global _owner_of
    _owner_of = owner_of
    views.install(_find_owner)


def _find_owner(page_number):
    return None if _owner_of is None else _owner_of(page_number)
