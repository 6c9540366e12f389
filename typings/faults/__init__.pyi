"""What `faults` has, for editors and for pyright: names, parameters, types."""

from collections.abc import Callable
from typing import Any, Self

import memory
import memory_structs

ACCESSED: int
DIRTY: int

class AlignmentFault(ProcessorFault):
    record: Any

class BreakpointTrap(ProcessorFault):
    record: Any

class DivideFault(ProcessorFault):
    record: Any

class FaultHandler:
    function: Any
    range: Any
    with_numbers: Any
    def __init__(self, range: Any, function: Callable[..., object], slot: Any) -> None: ...
    def answer(self, fault: Any) -> Any: ...
    def cancel(self) -> None: ...
    @property
    def is_active(self) -> bool: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...

class FloatingPointFault(ProcessorFault):
    record: Any

class GeneralProtectionFault(ProcessorFault):
    record: Any

class InvalidOpcode(ProcessorFault):
    record: Any

class PageFault(ProcessorFault):
    address: memory_structs.VirtualAddress
    error_code: PageFaultErrorCode
    page: memory_structs.Page
    level: int
    reason: str
    walk: Any
    mapping: Any
    record: Any

class PageFaultErrorCode:
    value: Any
    def __init__(self, value: Any) -> None: ...
    @property
    def access(self) -> bool: ...
    @property
    def fetch(self) -> bool: ...
    @property
    def hlat(self) -> bool: ...
    @property
    def present(self) -> bool: ...
    @property
    def protection_key(self) -> bool: ...
    @property
    def reserved(self) -> bool: ...
    @property
    def sgx(self) -> bool: ...
    @property
    def shadow_stack(self) -> bool: ...
    @property
    def user(self) -> bool: ...
    @property
    def write(self) -> bool: ...

class ProcessorFault(Exception):
    instruction_pointer: memory_structs.VirtualAddress
    place: Any
    record: Any

class StackOverflow(PageFault):
    record: Any

class TooManyHandlers(memory_structs.KernelError):
    most: Any
    def __init__(self, most: Any) -> None: ...

def on_fault(range: memory_structs.PageRange | memory.MappedPages, handler: Callable[..., object]) -> FaultHandler: ...
def on_fault_numbers(
    range: memory_structs.PageRange | memory.MappedPages, handler: Callable[..., object]
) -> FaultHandler: ...
def take_bits(page: Any, mask: Any, mapper: Any = ...) -> Any: ...
def working_set(range: Any, mapper: Any = ...) -> Any: ...
