"""The Theseus layer: who owns which pages and frames. This file is its face: `__all__` is what a user wants.

    runs          free runs of numbers
    allocators    owners of pages and frames, and who makes them
    views         typed access to what is mapped
    ledger        who has which mapping, also when Python has forgotten it
    mappings      what is mapped has an owner: mapper, MappedPages, PageTable, SharedFrames, Stack
    audit         `verify`, which believes nobody
    init, heap, reclaim    boot, Python's own memory, what was forgotten
    lending       who keeps the frames that page tables lie in
    system        the functions that a user types

`frame_allocator` and `page_allocator` are the two allocators of the machine, once `init_post_heap` has run. The number
layer underneath is `runs`: `runs.take(frame_allocator.pool.tree, 1)` and `runs.give(...)`. It trusts its caller with
the counts and the states.
"""

import sys as _sys

from memory_structs import (
    PAGE_SIZE,
    AcrossTheHole,
    AddressInUse,
    EmptyRange,
    Frame,
    FrameRange,
    IllegalState,
    KernelError,
    MemChunkSize,
    MemoryState,
    Misaligned,
    NonCanonicalAddress,
    NotInitialized,
    NotTouching,
    OutOfBookkeeping,
    OutOfFrames,
    OutOfPages,
    OutOfRange,
    Page,
    Page1G,
    Page2M,
    Page4K,
    PageRange,
    PageSize,
    PhysicalAddress,
    PhysicalAddressTooWide,
    Reentered,
    ReversedRange,
    UseAfterMove,
    VirtualAddress,
)
from paging import (
    DMA_FLAGS,
    HEAP_FLAGS,
    MMIO_FLAGS,
    PTE_FRAME_MASK,
    BootInfo,
    PageAlreadyMapped,
    PageNotMapped,
    ParentEntryHugePage,
    PteFlags,
    PteFlagsArch,
    PteFlagsX86_64,
)

from .allocators import (
    AllocatedFrames,
    AllocatedPages,
    AllocationRequest,
    DeferredAllocAction,
    FrameAllocator,
    PageAllocator,
    Statistics,
    UnmappedFrames,
)
from .init import EarlyIdentityMappedPages, InitialMemoryMappings, MemoryManagementInfo
from .mappings.mapped_pages import MappedPages
from .mappings.mapper import Mapper
from .mappings.page_table import PageTable
from .mappings.shared import SharedFrames
from .mappings.stack import Stack
from .refusals import AlreadyInitialized, CountMismatch, MappingDamaged, SystemMapping, TableInUse, WritableExecutable
from .system import (
    allocate_frames,
    allocate_frames_at,
    allocate_frames_by_bytes,
    allocate_frames_by_bytes_at,
    allocate_frames_by_bytes_deferred,
    allocate_frames_by_bytes_in_range,
    allocate_frames_deferred,
    allocate_frames_in_range,
    allocate_pages,
    allocate_pages_at,
    allocate_pages_by_bytes,
    allocate_pages_by_bytes_at,
    allocate_pages_by_bytes_deferred,
    allocate_pages_by_bytes_in_range,
    allocate_pages_deferred,
    allocate_pages_in_range,
    create_contiguous_mapping,
    create_identity_mapping,
    create_mapping,
    create_mapping_at,
    get_kernel_mmi_ref,
    init,
    init_post_heap,
    map_frame_range,
    set_broadcast_tlb_shootdown_cb,
    translate,
    verify,
)
from .system import installed as _installed
from .views import (
    AlreadyBorrowed,
    BorrowedMappedPages,
    BorrowedSliceMappedPages,
    Immutable,
    LoadedSection,
    Mutability,
    Mutable,
    NotActive,
    NotExecutable,
    NotExportable,
    NotWritable,
    OutOfBounds,
    StillBorrowed,
    StillRunning,
    UseAfterRelease,
    UseAfterUnmap,
)

__all__ = (
    "DMA_FLAGS",
    "HEAP_FLAGS",
    "MMIO_FLAGS",
    "PAGE_SIZE",
    "PTE_FRAME_MASK",
    "AcrossTheHole",
    "AddressInUse",
    "AllocatedFrames",
    "AllocatedPages",
    "AllocationRequest",
    "AlreadyBorrowed",
    "AlreadyInitialized",
    "BootInfo",
    "BorrowedMappedPages",
    "BorrowedSliceMappedPages",
    "CountMismatch",
    "DeferredAllocAction",
    "EarlyIdentityMappedPages",
    "EmptyRange",
    "Frame",
    "FrameAllocator",
    "FrameRange",
    "IllegalState",
    "Immutable",
    "InitialMemoryMappings",
    "KernelError",
    "LoadedSection",
    "MappedPages",
    "Mapper",
    "MappingDamaged",
    "MemChunkSize",
    "MemoryManagementInfo",
    "MemoryState",
    "Misaligned",
    "Mutability",
    "Mutable",
    "NonCanonicalAddress",
    "NotActive",
    "NotExecutable",
    "NotExportable",
    "NotInitialized",
    "NotTouching",
    "NotWritable",
    "OutOfBookkeeping",
    "OutOfBounds",
    "OutOfFrames",
    "OutOfPages",
    "OutOfRange",
    "Page",
    "Page1G",
    "Page2M",
    "Page4K",
    "PageAllocator",
    "PageAlreadyMapped",
    "PageNotMapped",
    "PageRange",
    "PageSize",
    "PageTable",
    "ParentEntryHugePage",
    "PhysicalAddress",
    "PhysicalAddressTooWide",
    "PteFlags",
    "PteFlagsArch",
    "PteFlagsX86_64",
    "Reentered",
    "ReversedRange",
    "SharedFrames",
    "Stack",
    "Statistics",
    "StillBorrowed",
    "StillRunning",
    "SystemMapping",
    "TableInUse",
    "UnmappedFrames",
    "UseAfterMove",
    "UseAfterRelease",
    "UseAfterUnmap",
    "VirtualAddress",
    "WritableExecutable",
    "allocate_frames",
    "allocate_frames_at",
    "allocate_frames_by_bytes",
    "allocate_frames_by_bytes_at",
    "allocate_frames_by_bytes_deferred",
    "allocate_frames_by_bytes_in_range",
    "allocate_frames_deferred",
    "allocate_frames_in_range",
    "allocate_pages",
    "allocate_pages_at",
    "allocate_pages_by_bytes",
    "allocate_pages_by_bytes_at",
    "allocate_pages_by_bytes_deferred",
    "allocate_pages_by_bytes_in_range",
    "allocate_pages_deferred",
    "allocate_pages_in_range",
    "create_contiguous_mapping",
    "create_identity_mapping",
    "create_mapping",
    "create_mapping_at",
    "get_kernel_mmi_ref",
    "init",
    "init_post_heap",
    "map_frame_range",
    "set_broadcast_tlb_shootdown_cb",
    "translate",
    "verify",
)


def __getattr__(name):
    """`memory.frame_allocator` and `memory.page_allocator`, once there are any; and the rooms."""
    if name in ("frame_allocator", "page_allocator"):
        return getattr(_installed(), name)
    room = _sys.modules.get("memory." + name)
    if room is None:
        raise AttributeError("module 'memory' has no attribute '%s'" % name)
    return room


# What is here is what a user wants: the rooms, which importing left here, leave.
_wanted = set(__all__)
for _name in [name for name in globals() if name[0] != "_" and name not in _wanted]:
    del globals()[_name]
