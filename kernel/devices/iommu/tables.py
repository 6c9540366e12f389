"""The tables that a device's addresses are looked up in. Intel VT-d Specification, "Root Entry", "Context Entry",
"Second-Level Paging Entries".

Those of the second level nest as the CPU's do, and so they are the engine's: an Access of `paging` sees them, with a
root shift of their own, a Mapper plans, makes tables, writes runs of entries, and refuses what is in use. What differs:
PRESENT means "may be read" and WRITABLE "may be written", and who may write may read; all else of an entry stays 0.
Nobody but the unit remembers entries, and INVLPG does not reach it. They are written as if the unit saw the processor's
caches.
"""

import uctypes
from memory import PAGE_SIZE, allocate_frames
from memory_structs import PAGE_SHIFT
from memory_structs.mode import ENTRIES, INDEX_BITS
from micropython import const
from paging import Mapper, PageTableEntry, PteFlagsX86_64
from paging.access import NO_MARKS, Access
from paging.guard import opens_guard
from paging.leaves import clear_leaves
from paging.natives import entries, memory
from paging.protection import address_in_window
from paging.sessions import Left, tables_end

READ = PteFlagsX86_64.PRESENT
READ_AND_WRITE = READ | PteFlagsX86_64.WRITABLE
LEVEL = const(7)
PRESENT, BYTES_OF_AN_ENTRY = const(1), const(16)  # of root and context tables
PAGES = (1 << 64 - PAGE_SHIFT) - 1
store64 = opens_guard(memory.store64)


class TableFrames:
    """Frames for tables: a frame allocator of the engine's, which owns what it hands out."""

    keeps_frames = True

    def __init__(self):
        self._owners = {}

    def allocate_frame(self):
        """A Frame. Raises OutOfFrames."""
        owner = allocate_frames(1)
        self._owners[owner.start.number] = owner
        return owner.start

    def empty_table(self):
        """The number of a frame that holds empty entries, a page of them. Raises OutOfFrames."""
        number = self.allocate_frame().number
        entries.clear(address_in_window(number), PAGE_SIZE // 8)
        return number

    def deallocate_frame(self, frame):
        """Take one back, which nothing refers to."""
        self._owners.pop(frame.number).drop()

    def drop(self):
        """Give all of them back: nothing refers to them any more."""
        while self._owners:
            self._owners.popitem()[1].drop()


class Contexts:
    """The root table, whose frame number is `.root`, and the context tables below: who is translated, and how."""

    def __init__(self):
        """Raises OutOfFrames."""
        self._frames = TableFrames()
        self.root = self._frames.empty_table()
        self._tables = {}  # frame numbers of context tables, by bus

    def make_room(self, function):
        """See to it that there is an entry for a function's number. Raises OutOfFrames."""
        bus = function >> 8
        if bus not in self._tables:
            frame = self._frames.empty_table()
            entries.write(address_in_window(self.root) + BYTES_OF_AN_ENTRY * bus, frame, PRESENT)
            self._tables[bus] = frame

    def _at(self, function):
        return address_in_window(self._tables[function >> 8]) + BYTES_OF_AN_ENTRY * (function & 0xFF)

    def set(self, function, root, high):
        """Have a function translated by the tables below a root, the entry's high word being `high`. There is room."""
        at = self._at(function)
        store64(at + 8, high)
        entries.write(at, root, PRESENT)

    def clear(self, function):
        """Have a function refused, whatever it says."""
        entries.clear(self._at(function), BYTES_OF_AN_ENTRY // 8)

    def drop(self):
        """Give the frames back, which no unit refers to any more."""
        self._frames.drop()


class DeviceAccess(Access):
    """How such tables are seen: through the physical window. They are none of the CPU's, which marks its own."""

    marks = uctypes.addressof(NO_MARKS)

    def __init__(self, root, levels):
        self.root_shift = INDEX_BITS * (levels - 1)
        super().__init__(root, address_in_window(0), None, tables_end())


class DeviceTables:
    """Tables of so many levels, empty at first: `.root` is the frame number of the root. Addresses are multiples of a
    page, and below what the tables reach; nobody is told to forget."""

    def __init__(self, levels):
        """Raises OutOfFrames."""
        self._frames = TableFrames()
        self.root = self._frames.empty_table()
        self._mapper = Mapper(DeviceAccess(self.root, levels))

    def map(self, iova, address, length, writable):
        """Map so many bytes to successive frames from a physical address on. Raises OutOfFrames, or as
        `Mapper.map_numbers` does; then nothing has changed."""
        flags = READ_AND_WRITE if writable else READ
        page, frame = iova >> PAGE_SHIFT, address >> PAGE_SHIFT
        self._mapper.map_numbers(page, frame, length >> PAGE_SHIFT, flags, self._frames)

    def clear(self, iova, length):
        """Empty the entries of so many bytes, which were mapped here; some may be empty already."""
        access = self._mapper.access
        clear_leaves(access.facts, access.see, iova >> PAGE_SHIFT, length >> PAGE_SHIFT)

    def entry(self, iova):
        """The PageTableEntry that maps an address, live; or the one where its walk ends."""
        at = self._mapper.access.walk(iova >> PAGE_SHIFT, 1)
        return PageTableEntry(at >> PAGE_SHIFT & PAGES, at >> 3 & ENTRIES - 1, at & LEVEL)

    def drop(self, name):
        """Give the frames back, which no unit refers to any more; used after that, the tables refuse by that name."""
        self._mapper.access = Left(name)
        self._frames.drop()
