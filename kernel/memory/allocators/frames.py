"""`FrameAllocator`: the physical frames of the machine.

Every frame number belongs to exactly one of these:

    pool       usable RAM                  what requests are served from
    reserved   RAM that is not usable      ACPI, VGA, firmware: granted on an exact request, once
    devices    everything outside RAM      MMIO: granted on an exact request, once
    kernel     image, modules, boot information, bookkeeping: never granted

and every frame of RAM is in exactly one state (`statistics`).
"""

from memory_structs import PAGE_SHIFT, Frame, FrameRange, IllegalState, MemoryState, OutOfFrames

from .. import runs
from ..runs import lists
from .allocator import Allocator, no_guard
from .arenas import Arena, PythonMemory
from .boot_plan import BootPlan
from .flat import flat
from .owners import AllocatedFrames, UnmappedFrames
from .statistics import Statistics


@flat
class FrameAllocator(Allocator):
    """See `Allocator`; made once, from the machine's memory map."""

    _ranges = FrameRange
    _owners = AllocatedFrames
    _out = OutOfFrames
    name = "the frame allocator"

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
        allocator._ram = lists.count_of(plan.ram)
        allocator._memory = memory
        allocator._window = window
        allocator._devices = devices
        allocator.table_frames = TableFrames(pool)
        allocator._install([pool, reserved, devices])
        return allocator

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
        statistics = Statistics(pool, self._ram - pool.managed, largest, chunks)
        statistics.device = self._devices.managed - self._devices.free
        statistics.reclaimed = sum(arena.reclaimed for arena in self._arenas)
        return statistics

    def _unmapped_owner(self, arena):
        return UnmappedFrames._new(arena)

    def _count_unmapped(self, arena, count):
        arena.unmapped += count

    def _arenas_for_ranges(self):
        return self._arenas[:1]


class TableFrames:
    """The frame source for page tables: single frames, counted as `.tables`.

    `allocate_frame` and `deallocate_frame` are the protocol of the paging layer; the
    two below do the same by number.
    """

    def __init__(self, pool):
        self._pool = pool

    def allocate_number(self):
        """The number of a frame, or -1 when there is none. Its contents are anything."""
        pool = self._pool
        pool.enter()
        run = runs.take(pool.tree, 1)
        if run >= 0:
            pool.tables += 1
        pool.leave()
        return run >> 1 if run >= 0 else -1

    def deallocate_number(self, number):
        """Give a table's frame back. No entry and no TLB may lead to it any more.

        Raises IllegalState when it can't be a table's: not RAM of the pool, or free.
        """
        pool = self._pool
        code = runs.NOT_FREE
        pool.enter()
        if pool.tables and pool.holds(number, number):
            code = runs.give(pool.tree, number << 1, 1)
        if code == 0:
            pool.tables -= 1
        pool.leave()
        if code:
            raise IllegalState("frame number %s" % hex(number), "no page table", "be freed as one")

    def allocate_frame(self):
        """A `Frame`, or None."""
        number = self.allocate_number()
        return None if number < 0 else Frame(number)

    def deallocate_frame(self, frame):
        """Give a table's `Frame` back; see `deallocate_number`."""
        if frame.__class__ is not Frame or frame.last_number != frame.number:
            raise TypeError("a page table lies in one 4 KiB Frame, not in %s" % (frame,))
        self.deallocate_number(frame.number)
