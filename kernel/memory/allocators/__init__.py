"""Who may use which pages and frames: two allocators, one algorithm, and the owners that they hand out.

allocator     what both do alike, in parts: anywhere, at_place, by_request, steps, checks
arenas        a tree of free runs with its counts; an allocator has one for each kind of memory
pages         `PageAllocator`
frames        `FrameAllocator`, and what boot_plan makes of the loader's map
table_frames  `TableFrames`, where the frames of page tables come from and go back to
owners        `AllocatedPages`, `AllocatedFrames`, `UnmappedFrames`
requests      `AllocationRequest`; what `deferred` left over
statistics    what the numbers add up to
pair          both, made at boot
"""

from . import behind_guard  # first: the others take its functions from `runs`
from .deferred import DeferredAllocAction
from .frames import FrameAllocator
from .owners import AllocatedFrames, AllocatedPages, UnmappedFrames
from .pages import PageAllocator
from .pair import MemorySystem, create_allocators
from .requests import AllocationRequest
from .statistics import Statistics
