# What the ownership tests begin with, in the kernel's __main__.
import gc

import memory
from memory import (
    AllocatedFrames,
    AllocatedPages,
    Frame,
    FrameRange,
    KernelError,
    MappedPages,
    Page,
    PageRange,
    PageTable,
    PhysicalAddress,
    PteFlags,
    PteFlagsX86_64,
    SharedFrames,
    Stack,
    VirtualAddress,
)

mmi = memory.get_kernel_mmi_ref()
table = mmi.page_table
READ = PteFlags()
WRITE = PteFlags().writable(True)
RUN = PteFlags().executable(True)


def state():
    """What the allocators count, as comparable numbers."""
    gc.collect()
    table.reclaim()
    found = []
    for allocator in memory.frame_allocator, memory.page_allocator:
        counts = allocator.statistics()
        found += [
            counts.free,
            counts.allocated,
            counts.mapped,
            counts.unmapped,
            counts.tables,
            counts.reserved,
            counts.device,
        ]
        found += [counts.largest_run, counts.chunks]
    return found


def refused(call):
    """The name of what the call raises."""
    try:
        result = call()
    except BaseException as error:
        return type(error).__name__
    return "nothing, it returned %r" % (result,)


def write(mapping, offset, data):
    with mapping.as_slice_mut("B") as view:
        view[offset : offset + len(data)] = data


def read(mapping, offset, length):
    with mapping.as_slice("B") as view:
        return bytes(view[offset : offset + length])
