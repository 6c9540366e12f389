"""The allocators alone, for MicroPython on this machine: kernel/memory's own __init__ needs the kernel's natives.

The submodules are the kernel's files. Only the free functions are made anew here; that the kernel's do the same is a
test of its own.
"""

import sys

__path__ = [path for path in sys.path if path.endswith("/kernel")][0] + "/memory"

from memory_structs import *

from .allocators import (
    AllocatedFrames,
    AllocatedPages,
    AllocationRequest,
    DeferredAllocAction,
    FrameAllocator,
    MemorySystem,
    PageAllocator,
    UnmappedFrames,
)

_system = None


def install(system):
    global _system
    _system = system


def _free_function(allocator, method):
    return lambda *arguments: getattr(getattr(_system, allocator), method)(*arguments)


for _kind, _allocator in (("pages", "page_allocator"), ("frames", "frame_allocator")):
    for _suffix in ("", "_at", "_in_range", "_deferred"):
        for _by_bytes in ("", "_by_bytes"):
            globals()["allocate_" + _kind + _by_bytes + _suffix] = _free_function(
                _allocator, "allocate" + _by_bytes + _suffix
            )
