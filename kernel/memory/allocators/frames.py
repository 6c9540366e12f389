"""`FrameAllocator`: the physical frames of the machine.

Every frame number belongs to exactly one of these:

    pool       usable RAM                  what requests are served from
    reserved   RAM that is not usable      ACPI, modules, VGA, firmware: granted on an exact request, once
    devices    everything outside RAM      MMIO: granted on an exact request, once
    kernel     image, boot information, bookkeeping: never granted

and every frame of RAM is in exactly one state (`statistics`).
"""

from memory_structs import PAGE_SHIFT, FrameRange, MemoryState, OutOfFrames
from micropython import const

from .. import runs
from ..runs import lists
from .allocator import Allocator, no_guard
from .anywhere import ALIGNED_TRIES
from .arenas import Arena, PythonMemory
from .boot_plan import BootPlan
from .flat import flat
from .owners import AllocatedFrames, UnmappedFrames
from .statistics import Statistics
from .table_frames import TableFrames

# Owners of the pool that don't exist, but count: so that one run can be taken when no other owner has room.
_KEPT = const(1)


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
        pool.follow_owners(plan.most_runs())
        runs.add_owners(pool.tree, _KEPT)
        for arena in reserved, devices:
            arena.follow_owners()
            arena.add_room = allocator.add_room
        pool.add_room = allocator.add_room
        allocator._reserved = plan.holders
        allocator._ram = plan.ram
        allocator._memory = memory
        allocator._window = window
        allocator._devices = devices
        allocator._for_table_frames = memory, plan.end_of_usable()
        allocator._table_frames = TableFrames(pool, *allocator._for_table_frames) if window is not None else None
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
        if self._table_frames is None:  # on the Python heap, which need not hold what a huge simulated machine wants
            self._table_frames = TableFrames(self._pool, *self._for_table_frames)
        return self._table_frames

    def reserve_memory(self, size_in_bytes):
        """Take frames out of the pool for ever, for bookkeeping. Returns (address, size in bytes).

        Raises OutOfFrames. Without a window the memory comes from the Python heap.
        """
        if self._window is None:
            return self._memory(size_in_bytes)
        frames = self.allocate_by_bytes(size_in_bytes)
        first, count, _ = frames._consume(MemoryState.FREE, "reserve_memory()")
        return self._keep(first, count)

    def _keep(self, first, count):
        """Have frames that were just taken out of the pool for bookkeeping; without room to note that, they go back."""
        try:
            self._reserved.append((first, first + count - 1, "the kernel's bookkeeping"))
            self._pool.give_up(first, first + count - 1)
        except BaseException:
            if self._reserved[-1][0] == first:
                self._reserved.pop()
            runs.give(self._tree, first << 1, count)
            raise
        return self._window + (first << PAGE_SHIFT), count << PAGE_SHIFT

    def add_room(self, arena, size_in_bytes):
        """Put frames of the pool under the tree of an arena, for ever: within its reach, at most so many bytes.

        Returns how many nodes that are; 0 if no such frame is free.
        """
        if self._window is None:
            return 0
        pool = self._tree
        kept = _KEPT if arena.tree == pool else 0
        runs.add_owners(pool, -kept)
        try:
            run = self._take_near(arena.tree, size_in_bytes >> PAGE_SHIFT)
            if run is None and not kept and self._pool.grow():
                run = self._take_near(arena.tree, size_in_bytes >> PAGE_SHIFT)
            if run is None:
                return 0
            return runs.extend(arena.tree, *self._keep(*run))
        finally:
            runs.add_owners(pool, kept)

    def _take_near(self, tree, count):
        """Take (first, how many, at most `count`) frames behind a tree, and within its reach; None if none is free."""
        first = (tree - self._window >> PAGE_SHIFT) + 1
        last = first + (runs.REACH >> PAGE_SHIFT) - 2
        while count:
            start = runs.find(self._tree, first, last, count, 1, ALIGNED_TRIES)
            if start >= 0 and runs.take_at(self._tree, start, count) >= 0:
                return start, count
            count //= 2
        return None

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
