"""`BootPlan`: which frames are whose, worked out once from what the loader says; and memory for the bookkeeping."""

from memory_structs import PAGE_SHIFT
from memory_structs.spaces import PHYSICAL

from ..runs import REACH, bytes_for, lists
from .table_frames import bytes_at_boot

# The kinds of a memory map's regions, as E820 and multiboot2 number them.
USABLE = 1
RESERVED = 2
ACPI_RECLAIMABLE = 3
ACPI_NVS = 4
DEFECTIVE = 5
# A region of kind RESERVED, or of a kind not listed here, may be a device: it is not counted as RAM.
RAM_KINDS = USABLE, ACPI_RECLAIMABLE, ACPI_NVS, DEFECTIVE

FIRST_MEBIBYTE = (0, (1 << 20 >> PAGE_SHIFT) - 1)

# How many free runs the pool can follow from the beginning: all that 128 MiB of RAM can have.
RUNS_AT_BOOT = 20_000

# How many device regions and how many regions of reserved RAM can be granted at once, at least.
GRANTS = 1000


class BootPlan:
    """The frames of the machine, sorted into lists of runs of numbers."""

    def __init__(self, memory_map, kernel_ranges, early_record):
        usable_bytes, other, ram, held = [], [FIRST_MEBIBYTE], [FIRST_MEBIBYTE], []
        lists.check_rows("memory_map", memory_map, 3)
        lists.check_rows("kernel_ranges", kernel_ranges, 3)
        lists.check_rows("early_record", early_record, 3)
        for start, end, kind in memory_map:
            touched = _inside(lists.touched_chunks(start, end, PAGE_SHIFT))
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
        joined = lists.normal(usable_bytes)
        usable = [_inside(lists.whole_chunks(first, last + 1, PAGE_SHIFT)) for first, last in joined]
        usable = lists.without(usable, other + held)
        self.early = {"tables": [], "heap": []}
        for start, end, use in early_record:
            run = self._hold(start, end, "the kernel's early %s" % use)
            if use in self.early:
                self.early[use].append(run)
            else:
                held.append(run)
        usable = lists.without(usable, held)
        self.early["tables"] = lists.common(self.early["tables"], usable)
        self.early["heap"] = lists.without(lists.common(self.early["heap"], usable), self.early["tables"])
        self.usable = usable
        self.free = lists.without(usable, self.early["tables"] + self.early["heap"])
        self.ram = lists.normal(ram)
        self.reserved = lists.without(self.ram, usable + held)
        self.devices = lists.without([(0, PHYSICAL.last)], self.ram + held)

    def _hold(self, start, end, name):
        run = _inside(lists.touched_chunks(start, end, PAGE_SHIFT))
        if run[0] <= run[1]:
            self.holders.append(run + (name,))
        return run

    def most_runs(self):
        """How many free runs there can be: with every second frame free."""
        return lists.count_of(self.usable) // 2 + len(self.usable) + 1

    def pool_bytes(self):
        """For the tree of the pool, at first."""
        return bytes_for(min(self.most_runs(), RUNS_AT_BOOT + len(self.usable)))

    def grant_bytes(self):
        """Enough for the regions of reserved RAM, or of devices, with GRANTS of them in use."""
        return bytes_for(GRANTS + len(self.reserved) + len(self.devices))

    def end_of_usable(self):
        """The frame number behind the last that can ever be free."""
        return self.usable[-1][1] + 1

    def place_bookkeeping(self, window):
        """Reserve frames for all of it, in one run; return their memory.

        At the top of the smallest run that can hold it, if the pool's tree need never grow. Otherwise with room behind
        it, in the largest: what lies high is handed out last, so frames are free there when it has to grow.
        """
        table_bits = bytes_at_boot(self.end_of_usable())
        count = (self.pool_bytes() + 2 * self.grant_bytes() + table_bits >> PAGE_SHIFT) + 5
        fitting = [run for run in self.free if run[1] + 1 - run[0] > count]
        if not fitting:
            raise ValueError("no run of %d usable frames for the allocator's bookkeeping" % count)
        room = min(bytes_for(self.most_runs()) - self.pool_bytes(), REACH) >> PAGE_SHIFT
        if room:
            first, last = max(fitting, key=lambda run: run[1] - run[0])
            last = max(first + count - 1, last - room)
        else:
            last = min(fitting, key=lambda run: run[1] - run[0])[1]
        taken = (last + 1 - count, last)
        self.holders.append(taken + ("the kernel's bookkeeping",))
        self.free = lists.without(self.free, [taken])
        self.usable = lists.without(self.usable, [taken])
        return WindowMemory(window + (taken[0] << PAGE_SHIFT), count << PAGE_SHIFT)


class WindowMemory:
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
