"""A small machine's two allocators, installed, and short names: what the tests of the allocators start from.

RAM: 0 to 0x9f000, 1 MiB to 16 MiB, 4 GiB to 4 GiB + 16 MiB, with the kernel's image from 1 MiB to 2 MiB, ACPI tables
in the last 64 KiB below 16 MiB, and four frames of page tables and 16 of the heap that were handed out early.
"""

import memory
from memory import *
from memory import runs

V, P = VirtualAddress, PhysicalAddress
POOL = (0xFFFFC00000000, 0xFFFFC00000000 + (124 << 27) - 1)
LOWER = (0, (1 << 35) - 1)
RESERVED_PAGES = [
    (0, 0, "page 0, the null guard"),
    (0xFFFF800000000, 0xFFFF800000000 + (128 << 27) - 1, "the physical window"),
    (510 << 27 | 0xFFFF000000000, (510 << 27 | 0xFFFF000000000) + (1 << 27) - 1, "the recursive slot"),
]
MEMORY_MAP = [
    (0x100000000, 0x101000000, 1),
    (0, 0x9FC00, 1),
    (0x9FC00, 0xA0000, 2),
    (0xF0000, 0x100000, 2),
    (0x100000, 0xFF0000, 1),
    (0xFF0000, 0x1000000, 3),
    (0xFFFC0000, 0x100000000, 2),
]
KERNEL = [(0x100000, 0x200000, "the kernel's image")]
EARLY = [(0x300000, 0x304000, "tables"), (0x310000, 0x320000, "heap")]
IMAGE_FRAMES = 256


def start():
    """Make both allocators anew and install them; returns (frame allocator, page allocator)."""
    frames = FrameAllocator.from_boot(MEMORY_MAP, KERNEL, EARLY)
    pages = PageAllocator.from_layout(POOL, [LOWER], RESERVED_PAGES)
    memory.install(memory.MemorySystem(frames, pages))
    return frames, pages


fa, pa = start()


def digest():
    """Everything that a call could change: free runs, owners and states of both allocators."""
    return [
        (
            list(arena.runs()),
            runs.owners_of(arena.tree),
            arena.mapped,
            arena.unmapped,
            arena.tables,
            arena.postponed,
        )
        for allocator in (fa, pa)
        for arena in allocator._arenas
    ]


def page(address):
    return Page.containing_address(V(address))


def frame(address):
    return Frame.containing_address(P(address))


def pages(first, last):
    return PageRange(page(first), page(last))


def frames(first, last):
    return FrameRange(frame(first), frame(last))


def error_of(call, *arguments):
    """The exception that a call raises; AssertionError if it raises none."""
    try:
        result = call(*arguments)
    except Exception as error:
        return error
    raise AssertionError("no error, but %s" % (result,))


def dead_pages():
    owner = allocate_pages(1)
    owner.drop()
    return owner


def unmapped_frames(count):
    first, count, _ = fa.into_mapped(allocate_frames(count), "map()")
    return fa.from_mapped(first, count)
