"""Both allocators of one machine, and what boot makes them from."""

from .frames import FrameAllocator
from .pages import MINIMUM_NODES, PageAllocator


class MemorySystem:
    """The two allocators of one machine."""

    def __init__(self, frame_allocator, page_allocator):
        self.frame_allocator = frame_allocator
        self.page_allocator = page_allocator


def create_allocators(memory_map, kernel_ranges, early_record, page_layout, window, enter, leave):
    """Make both allocators from what boot knows, and return them as a MemorySystem.

    The first three are as in `FrameAllocator.from_boot`; `page_layout` is (pool, others,
    reserved, named) as in `PageAllocator.from_layout`; `window` is the signed address of the
    physical window. The bookkeeping of both lies in frames that are reserved for it.
    """
    frames = FrameAllocator.from_boot(memory_map, kernel_ranges, early_record, window, enter, leave)
    pool, others, reserved, named = page_layout
    nodes = min(MINIMUM_NODES, frames.pool.managed)
    pages = PageAllocator.from_layout(pool, others, reserved, frames.reserve_memory, nodes, enter, leave, named)
    for arena in pages._arenas:
        arena.add_room = frames.add_room
    return MemorySystem(frames, pages)
