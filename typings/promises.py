"""What an editor has to know of the kernel: pyright checks it (`make types`), and a test has a kernel keep it."""

from typing import assert_type

from devices import Bar, Function, find
from faults import FaultHandler, PageFault, PageFaultErrorCode, on_fault, probe
from memory import (
    AllocatedFrames,
    AllocatedPages,
    BootInfo,
    Frame,
    MappedPages,
    Page,
    PageRange,
    PhysicalAddress,
    PteFlags,
    Stack,
    Statistics,
    VirtualAddress,
    allocate_frames,
    allocate_pages,
    create_contiguous_mapping,
    create_mapping,
    frame_allocator,
    get_kernel_mmi_ref,
)
from paging import (
    BootInfoFrameAllocator,
    Cr3,
    Mapped,
    MapperFlush,
    OffsetPageTable,
    PageTable512,
    PageTableEntry,
    PteFlagsX86_64,
    active_level_4_table,
)
from replacement import MappedFile, map_file

flags = PteFlags().writable(True)
assert_type(flags, PteFlags)
mapping = create_mapping(8192, flags)
assert_type(mapping, MappedPages)
assert_type(mapping.range, PageRange)
assert_type(mapping.start_address, VirtualAddress)
assert_type(mapping.start_address + 8, VirtualAddress)
assert_type(mapping.start_address - mapping.start_address, int)
assert_type(create_contiguous_mapping(4096, flags), tuple[MappedPages, PhysicalAddress])
pages, frames = allocate_pages(1), allocate_frames(1)
assert_type((pages, frames), tuple[AllocatedPages, AllocatedFrames])
assert_type(get_kernel_mmi_ref().page_table.map_allocated_pages_to(pages, frames, flags), MappedPages)
mapper = OffsetPageTable()
assert_type(mapper.translate_addr(mapping.start_address), PhysicalAddress | None)
entry = mapper.translate(mapping.start_address)
assert_type(entry, Mapped)
assert_type(entry.frame, Frame)
assert_type(entry.flags, PteFlagsX86_64)
assert_type(mapper.walk(mapping.start_address)[0].flags, PteFlagsX86_64)
assert_type(mapper.update_flags(mapping.start, entry.flags), MapperFlush)
table = active_level_4_table()
assert_type(table, PageTable512)
assert_type(table[256], PageTableEntry)
assert_type(table.next_table(256), PageTable512)
assert_type(Cr3.read()[0], Frame)
assert_type(BootInfo().physical_memory_offset, VirtualAddress)
assert_type(BootInfoFrameAllocator.init(BootInfo().memory_map), BootInfoFrameAllocator)
assert_type(Page.containing_address(mapping.start_address), Page)
assert_type(Page.containing_address(mapping.start_address).p4_index(), int)
assert_type(PageRange.from_virt_addr(mapping.start_address, 4096), PageRange)
assert_type(mapping.overlap(mapping.range), PageRange | None)
assert_type(mapping.contains_address(mapping.start_address), bool)
assert_type(frame_allocator.statistics(), Statistics)
assert_type(probe.access(0x1000, probe.READ), probe.Outcome)
assert_type(probe.sequence([probe.step_access(0x1000)]), list[probe.Outcome])
assert_type(Stack(2), Stack)
assert_type(map_file("digits"), MappedFile)
assert_type(find(0x8086, 0x2922), Function)
assert_type(find(0x8086, 0x2922).bar(5), Bar)


def answer(fault: PageFault) -> bool:
    """A handler that says what it is told."""
    assert_type(fault.address, VirtualAddress)
    assert_type(fault.error_code, PageFaultErrorCode)
    return fault.error_code.write


assert_type(on_fault(mapping.range, answer), FaultHandler)
assert_type(mapping.split(mapping.start + 1), tuple[MappedPages, MappedPages])
