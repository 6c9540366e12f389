"""The processor's faults: typed exceptions that explain themselves, handlers in Python, and probes of the MMU.

    ProcessorFault              .place .instruction_pointer
    ├── PageFault               .address .error_code .page .walk .level .reason .mapping
    │   └── StackOverflow       the stack pointer came to the guard page of the stack in use
    ├── GeneralProtectionFault  .address is the non-canonical one that the instruction named, if it did
    ├── DivideFault
    ├── InvalidOpcode
    ├── AlignmentFault
    ├── BreakpointTrap
    └── FloatingPointFault

Python's own recursion ends in MicroPython's RuntimeError ("maximum recursion depth exceeded") long before a guard page;
StackOverflow is for machine code. `.record` is the raw truth behind the typed attributes. What is raised and what is a
panic: the table at the top of port/faults/traps.c. `.place` is the object, section, symbol and offset of an instruction
of loaded code, else None.
"""

from . import views
from .error_code import PageFaultErrorCode
from .handlers import FaultHandler, TooManyHandlers, on_fault, on_fault_numbers
from .natives import traps
from .working_set import ACCESSED, DIRTY, take_bits, working_set

__all__ = (
    "ACCESSED",
    "DIRTY",
    "AlignmentFault",
    "BreakpointTrap",
    "DivideFault",
    "FaultHandler",
    "FloatingPointFault",
    "GeneralProtectionFault",
    "InvalidOpcode",
    "PageFault",
    "PageFaultErrorCode",
    "ProcessorFault",
    "StackOverflow",
    "TooManyHandlers",
    "on_fault",
    "on_fault_numbers",
    "take_bits",
    "working_set",
)

AlignmentFault = traps.AlignmentFault
BreakpointTrap = traps.BreakpointTrap
DivideFault = traps.DivideFault
FloatingPointFault = traps.FloatingPointFault
GeneralProtectionFault = traps.GeneralProtectionFault
InvalidOpcode = traps.InvalidOpcode
PageFault = traps.PageFault
ProcessorFault = traps.ProcessorFault
StackOverflow = traps.StackOverflow


def init():
    """Have faults explain themselves, from here to the next soft reset."""
    views.install()
