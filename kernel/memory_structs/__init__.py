"""The vocabulary of the kernel: addresses, chunks, ranges and refusals.

                 virtual           physical
    address      VirtualAddress    PhysicalAddress     one byte
    chunk        Page              Frame               4 KiB, 2 MiB or 1 GiB, aligned
    range        PageRange         FrameRange          chunks, inclusive at both ends

Each row is one implementation (`Address`, `Chunk`, `ChunkRange`); what differs
between the columns is data (`spaces.VIRTUAL`, `spaces.PHYSICAL`). Equality across
the columns is False; order, arithmetic and containment raise TypeError.

Underneath lies the number layer: an address >> 12, always a small integer.
"""

from .addresses import PhysicalAddress, VirtualAddress
from .chunks import Frame, MemChunkSize, Page, Page1G, Page2M, Page4K, PageSize
from .errors import (
    AcrossTheHole,
    AddressInUse,
    EmptyRange,
    IllegalState,
    KernelError,
    Misaligned,
    NonCanonicalAddress,
    NotInitialized,
    NotTouching,
    OutOfBookkeeping,
    OutOfChunks,
    OutOfFrames,
    OutOfPages,
    OutOfRange,
    PhysicalAddressTooWide,
    Reentered,
    ReversedRange,
    UseAfterMove,
)
from .ranges import FrameRange, PageRange
from .spaces import PAGE_SHIFT, PAGE_SIZE, set_physical_address_bits
from .states import MemoryState

__all__ = (
    "PAGE_SHIFT",
    "PAGE_SIZE",
    "AcrossTheHole",
    "AddressInUse",
    "EmptyRange",
    "Frame",
    "FrameRange",
    "IllegalState",
    "KernelError",
    "MemChunkSize",
    "MemoryState",
    "Misaligned",
    "NonCanonicalAddress",
    "NotInitialized",
    "NotTouching",
    "OutOfBookkeeping",
    "OutOfChunks",
    "OutOfFrames",
    "OutOfPages",
    "OutOfRange",
    "Page",
    "Page1G",
    "Page2M",
    "Page4K",
    "PageRange",
    "PageSize",
    "PhysicalAddress",
    "PhysicalAddressTooWide",
    "Reentered",
    "ReversedRange",
    "UseAfterMove",
    "VirtualAddress",
    "set_physical_address_bits",
)
