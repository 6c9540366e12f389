"""The hardware layer: entries, tables, five ways to reach them, one mapper for all page sizes, and the TLB.

No ownership here: who maps a frame twice has it twice. `memory` stands on this and adds owners.
"""

from memory_structs import PAGE_SIZE

from .boot_info import BootInfo
from .entries import PageTable512, PageTableEntry, UnmapResult, active_level_4_table
from .flags import (
    DMA_FLAGS,
    HEAP_FLAGS,
    MMIO_FLAGS,
    PTE_FRAME_MASK,
    PteFlags,
    PteFlagsArch,
    PteFlagsX86_64,
)
from .frame_allocators import BootInfoFrameAllocator, EmptyFrameAllocator
from .mapper import Mapper
from .refusals import (
    ContradictoryFlags,
    FrameAllocationFailed,
    InvalidFrameAddress,
    KernelInUse,
    MalformedEntry,
    PageAlreadyMapped,
    PageNotMapped,
    PagingError,
    ParentEntryHugePage,
    SmallerPages,
    StaleEntry,
    StaleParentEntry,
    TableInTheWay,
    TechniqueUnavailable,
)
from .techniques import (
    IdentityPageTable,
    MappedPageTable,
    OffsetPageTable,
    RecursivePageTable,
    TemporaryPageTable,
    new_root,
)
from .tlb import Cr3, FlushLedger, MapperFlush, MapperFlushAll
from .translation import Mapped, NotMapped, Walk

__all__ = (
    "DMA_FLAGS",
    "HEAP_FLAGS",
    "MMIO_FLAGS",
    "PAGE_SIZE",
    "PTE_FRAME_MASK",
    "BootInfo",
    "BootInfoFrameAllocator",
    "ContradictoryFlags",
    "Cr3",
    "EmptyFrameAllocator",
    "FlushLedger",
    "FrameAllocationFailed",
    "IdentityPageTable",
    "InvalidFrameAddress",
    "KernelInUse",
    "MalformedEntry",
    "Mapped",
    "MappedPageTable",
    "Mapper",
    "MapperFlush",
    "MapperFlushAll",
    "NotMapped",
    "OffsetPageTable",
    "PageAlreadyMapped",
    "PageNotMapped",
    "PageTable512",
    "PageTableEntry",
    "PagingError",
    "ParentEntryHugePage",
    "PteFlags",
    "PteFlagsArch",
    "PteFlagsX86_64",
    "RecursivePageTable",
    "SmallerPages",
    "StaleEntry",
    "StaleParentEntry",
    "TableInTheWay",
    "TechniqueUnavailable",
    "TemporaryPageTable",
    "UnmapResult",
    "Walk",
    "active_level_4_table",
    "new_root",
)
