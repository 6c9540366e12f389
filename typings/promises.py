"""What an editor has to know of the kernel: pyright checks it (`make types`). Nothing here is ever run."""

from typing import assert_type

from devices import Function, find
from faults import FaultHandler, PageFault, PageFaultErrorCode, on_fault
from memory import (
    AllocatedFrames,
    AllocatedPages,
    MappedPages,
    PageRange,
    PhysicalAddress,
    PteFlags,
    VirtualAddress,
    allocate_frames,
    allocate_pages,
    create_contiguous_mapping,
    create_mapping,
    get_kernel_mmi_ref,
)
from paging import MapperFlush, OffsetPageTable, PteFlagsX86_64
from replacement import MappedFile, map_file

flags = PteFlags().writable(True)
assert_type(flags, PteFlags)
mapping = create_mapping(4096, flags)
assert_type(mapping, MappedPages)
assert_type(mapping.range, PageRange)
assert_type(mapping.start_address, VirtualAddress)
assert_type(mapping.start_address + 8, VirtualAddress)
assert_type(mapping.start_address - mapping.start_address, int)
assert_type(mapping.split(mapping.start), tuple[MappedPages, MappedPages])
assert_type(create_contiguous_mapping(4096, flags), tuple[MappedPages, PhysicalAddress])
pages, frames = allocate_pages(1), allocate_frames(1)
assert_type((pages, frames), tuple[AllocatedPages, AllocatedFrames])
assert_type(get_kernel_mmi_ref().page_table.map_allocated_pages_to(pages, frames, flags), MappedPages)
mapper = OffsetPageTable()
assert_type(mapper.translate_addr(mapping.start_address), PhysicalAddress | None)
assert_type(mapper.update_flags(mapping.start, PteFlagsX86_64.PRESENT), MapperFlush)
assert_type(map_file("digits"), MappedFile)
assert_type(find(0x1234, 0x11E8), Function)


def answer(fault: PageFault) -> bool:
    """A handler that says what it is told."""
    assert_type(fault.address, VirtualAddress)
    assert_type(fault.error_code, PageFaultErrorCode)
    return fault.error_code.write


assert_type(on_fault(mapping.range, answer), FaultHandler)
