"""`FrameAllocator`: the physical frames of the machine.

Every frame number belongs to exactly one of these:

    pool       usable RAM                  what requests are served from
    reserved   RAM that is not usable      ACPI, VGA, firmware: granted on an exact request, once
    devices    everything outside RAM      MMIO: granted on an exact request, once
    kernel     image, modules, boot information, bookkeeping: never granted

and every frame of RAM is in exactly one state (`statistics`).
"""

from memory_structs import PAGE_SHIFT, Frame, FrameRange, IllegalState, MemoryState, OutOfFrames
from memory_structs.spaces import PHYSICAL

from . import run_lists, run_tree
from .allocator import Allocator, no_guard
from .arenas import Arena, PythonMemory
from .owners import AllocatedFrames, UnmappedFrames
from .statistics import Statistics

# The kinds of a memory map's regions, as E820 and multiboot2 number them.
USABLE = 1
RESERVED = 2
ACPI_RECLAIMABLE = 3
ACPI_NVS = 4
DEFECTIVE = 5
# A region of kind RESERVED, or of a kind not listed here, may be a device: it is not counted as RAM.
RAM_KINDS = USABLE, ACPI_RECLAIMABLE, ACPI_NVS, DEFECTIVE

FIRST_MEBIBYTE = (0, (1 << 20 >> PAGE_SHIFT) - 1)

# How many device regions and how many regions of reserved RAM can be granted at once, at least.
GRANTS = 1000


class FrameAllocator(Allocator):
    """See `Allocator`; made once, from the machine's memory map."""

    _ranges = FrameRange
    _owners = AllocatedFrames
    _out = OutOfFrames
    name = "the frame allocator"
    allocate = Allocator.allocate  # repeated: a method is found faster in its own class

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
        plan = _BootPlan(memory_map, kernel_ranges, early_record)
        if not plan.free:
            raise ValueError("the memory map has no usable RAM outside the kernel and the first MiB")
        memory = PythonMemory() if window is None else plan.place_bookkeeping(window)
        allocator = cls()
        pool = Arena(allocator, "usable RAM", plan.free, memory(plan.pool_bytes()), enter, leave)
        pool.add_taken(plan.early["tables"], plan.early["heap"])
        grants = run_tree.bytes_for(GRANTS + len(plan.reserved) + len(plan.devices))
        reserved = Arena(allocator, "reserved RAM", plan.reserved, memory(grants), enter, leave)
        devices = Arena(allocator, "devices", plan.devices, memory(grants), enter, leave)
        for arena in reserved, devices:
            run_tree.limit_owners(arena.tree)
        allocator._reserved = plan.holders
        allocator._ram = run_lists.count_of(plan.ram)
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
        largest, chunks = run_tree.largest_of(pool.tree), run_tree.count_of(pool.tree)
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
        run = run_tree.take(pool.tree, 1)
        if run >= 0:
            pool.tables += 1
        pool.leave()
        return run >> 1 if run >= 0 else -1

    def deallocate_number(self, number):
        """Give a table's frame back. No entry and no TLB may lead to it any more.

        Raises IllegalState when it can't be a table's: not RAM of the pool, or free.
        """
        pool = self._pool
        code = run_tree.NOT_FREE
        pool.enter()
        if pool.tables and pool.holds(number, number):
            code = run_tree.give(pool.tree, number << 1, 1)
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


class _BootPlan:
    """The frames of the machine, sorted into lists of runs of numbers."""

    def __init__(self, memory_map, kernel_ranges, early_record):
        usable_bytes, other, ram, held = [], [FIRST_MEBIBYTE], [FIRST_MEBIBYTE], []
        for start, end, kind in memory_map:
            touched = _inside(run_lists.touched_chunks(start, end, PAGE_SHIFT))
            if kind == USABLE:
                usable_bytes.append((start, end - 1))
            else:
                other.append(touched)
            if kind in RAM_KINDS:
                ram.append(touched)
        self.holders = []
        for start, end, name in kernel_ranges:
            held.append(self._hold(start, end, name))
        # Joined before they are rounded: a frame may lie half in one region and half in the next.
        joined = run_lists.normal(usable_bytes)
        usable = [_inside(run_lists.whole_chunks(first, last + 1, PAGE_SHIFT)) for first, last in joined]
        usable = run_lists.without(usable, other + held)
        self.early = {"tables": [], "heap": []}
        for start, end, use in early_record:
            run = self._hold(start, end, "the kernel's early %s" % use)
            if use in self.early:
                self.early[use].append(run)
            else:
                held.append(run)
        usable = run_lists.without(usable, held)
        self.early["tables"] = run_lists.common(self.early["tables"], usable)
        self.early["heap"] = run_lists.without(run_lists.common(self.early["heap"], usable), self.early["tables"])
        self.usable = usable
        self.free = run_lists.without(usable, self.early["tables"] + self.early["heap"])
        self.ram = run_lists.normal(ram)
        self.reserved = run_lists.without(self.ram, usable + held)
        self.devices = run_lists.without([(0, PHYSICAL.last)], self.ram + held)

    def _hold(self, start, end, name):
        run = _inside(run_lists.touched_chunks(start, end, PAGE_SHIFT))
        if run[0] <= run[1]:
            self.holders.append(run + (name,))
        return run

    def pool_bytes(self):
        """Enough for the worst case, every second frame free, so that the pool can't run out of nodes."""
        return run_tree.bytes_for(run_lists.count_of(self.usable) // 2 + len(self.usable) + 1)

    def place_bookkeeping(self, window):
        """Reserve frames at the top of the smallest run that can hold all trees; return their memory."""
        grants = run_tree.bytes_for(GRANTS + len(self.reserved) + len(self.devices))
        count = (self.pool_bytes() + 2 * grants >> PAGE_SHIFT) + 4
        fitting = [run for run in self.free if run[1] + 1 - run[0] > count]
        if not fitting:
            raise ValueError("no run of %d usable frames for the allocator's bookkeeping" % count)
        last = min(fitting, key=lambda run: run[1] - run[0])[1]
        taken = (last + 1 - count, last)
        self.holders.append(taken + ("the kernel's bookkeeping",))
        self.free = run_lists.without(self.free, [taken])
        self.usable = run_lists.without(self.usable, [taken])
        return _WindowMemory(window + (taken[0] << PAGE_SHIFT), count << PAGE_SHIFT)


class _WindowMemory:
    """Hands out consecutive pieces of one stretch of memory, aligned to 64 bytes."""

    def __init__(self, address, size_in_bytes):
        self._address = address
        self._end = address + size_in_bytes

    def __call__(self, size_in_bytes):
        address = self._address
        self._address += (size_in_bytes + 63) & ~63
        if self._address > self._end:
            raise ValueError("the bookkeeping does not fit into the frames that were reserved for it")
        return address, size_in_bytes


def _inside(run):
    """Cut a run off where the CPU's physical address space ends."""
    return run[0], min(run[1], PHYSICAL.last)
