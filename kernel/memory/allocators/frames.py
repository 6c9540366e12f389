"""`FrameAllocator`: the physical frames of the machine.

Every frame number belongs to exactly one of these:

    pool       usable RAM                  what requests are served from
    reserved   RAM that is not usable      ACPI, modules, VGA, firmware: granted on an exact request, once
    devices    everything outside RAM      MMIO: granted on an exact request, once
    kernel     image, boot information, bookkeeping: never granted

and every frame of RAM is in exactly one state (`statistics`).
"""

from memory_structs import PAGE_SHIFT, FrameRange, MemoryState, OutOfFrames

from .. import runs
from ..runs import lists
from .allocator import Allocator, no_guard
from .arenas import Arena, PythonMemory
from .boot_plan import BootPlan
from .flat import flat
from .owners import AllocatedFrames, UnmappedFrames
from .statistics import Statistics
from .table_frames import TableFrames


@flat
class FrameAllocator(Allocator):
    """See `Allocator`; made once, from the machine's memory map."""

    _ranges = FrameRange
    _owners = AllocatedFrames
    _out = OutOfFrames
    name = "the frame allocator"
    # (first, last, name) of what is granted for reading only.
    read_only = ()

    @classmethod
    def from_boot(cls, memory_map, kernel_ranges, early_record=(), window=None, enter=no_guard, leave=no_guard):
        """Start from the loader's map, whatever it is: unsorted, overlapping, misaligned.

        `memory_map` lists (start, end, kind), `kernel_ranges` lists (start, end, name),
        `early_record` lists (start, end, use) of what was handed out before this
        existed, with use "tables", "heap" or any other name (reserved for ever). All
        are byte addresses, end exclusive. Reserved wins over usable; usable RAM is
        rounded inwards, everything else outwards.

        `window` is the address at which all of physical memory can be written; the
        bookkeeping is placed there, in frames of its own. None: on the Python heap.
        `enter` and `leave` are the critical-section guard (nested).

        Raises ValueError when no RAM is usable.
        """
        plan = BootPlan(memory_map, kernel_ranges, early_record)
        if not plan.free:
            raise ValueError("the memory map has no usable RAM outside the kernel and the first MiB")
        memory = PythonMemory() if window is None else plan.place_bookkeeping(window)
        allocator = cls()
        pool = Arena(allocator, "usable RAM", plan.free, memory(plan.pool_bytes()), enter, leave)
        pool.add_taken(plan.early["tables"], plan.early["heap"])
        grants = plan.grant_bytes()
        reserved = Arena(allocator, "reserved RAM", plan.reserved, memory(grants), enter, leave)
        devices = Arena(allocator, "devices", plan.devices, memory(grants), enter, leave)
        for arena in reserved, devices:
            runs.limit_owners(arena.tree)
        allocator._reserved = plan.holders
        allocator._ram = plan.ram
        allocator._memory = memory
        allocator._window = window
        allocator._devices = devices
        allocator._table_frames = TableFrames(pool, memory, plan.end_of_usable())
        allocator._install([pool, reserved, devices])
        return allocator

    @property
    def ram(self):
        """All of RAM, usable or not: (first frame, last frame) of each stretch, upwards."""
        return list(self._ram)

    def is_ram(self, first, last):
        """True when all of the frames are RAM, and not a device's or nobody's."""
        return any([low <= first and last <= high for low, high in self._ram])

    @property
    def table_frames(self):
        """The source of frames for page tables: a TableFrames over the pool."""
        return self._table_frames

    def reserve_memory(self, size_in_bytes):
        """Take frames out of the pool for ever, for bookkeeping. Returns (address, size in bytes).

        Raises OutOfFrames. Without a window the memory comes from the Python heap.
        """
        if self._window is None:
            return self._memory(size_in_bytes)
        frames = self.allocate_by_bytes(size_in_bytes)
        first, count, _ = frames._consume(MemoryState.FREE, "reserve_memory()")
        self._pool.give_up(first, first + count - 1)
        self._reserved.append((first, first + count - 1, "the kernel's bookkeeping"))
        return self._window + (first << PAGE_SHIFT), count << PAGE_SHIFT

    def statistics(self):
        """The states of all of RAM, in frames; see `Statistics`."""
        pool = self._pool
        largest, chunks = runs.largest_of(pool.tree), runs.count_of(pool.tree)
        statistics = Statistics(pool, lists.count_of(self._ram) - pool.managed, largest, chunks)
        statistics.device = self._devices.managed - self._devices.free
        statistics.reclaimed = sum(arena.reclaimed for arena in self._arenas)
        return statistics

    def _unmapped_owner(self, arena):
        return UnmappedFrames._new(arena)

    def _count_unmapped(self, arena, count):
        arena.unmapped += count

    def _arenas_for_ranges(self):
        return self._arenas[:1]
