"""Python's own heap, where it grows: mapped areas that the collector takes when its first area is full, which has
8 MiB, or less on a small machine (port/boot/tables.c).

An allocation can't wait for Python, so one area is always kept in reserve, mapped; `tend` sees to that, at safe points:
between two bytecodes after an area was taken. Each area is as large as the heap so far, so that there are few.

Of an area nothing but the number of its record is kept: an object would lie in the area before it, which then could not
be given back while this one lives.

What does not fit in the reserve in one piece raises MemoryError: such data belongs into `create_mapping`.
"""

from _heap import AREAS_MAX, first_area_pages, is_taken, largest, offer, reserved_pages, taken_pages, withdraw
from memory_structs.instances import seal
from micropython import const
from paging.flags import HEAP_FLAGS, word_for

from .ledger import adopt, disown, field

_RESERVE_PAGES = const(2304)  # 9 MiB, so that 8 MiB fit in one piece
_SMALLEST_PAGES = const(256)


@seal
class PythonHeap:
    """Areas of Python's heap in mappings of `table`, at most three quarters of the RAM that is free at boot."""

    def __init__(self, table, frame_allocator):
        self._table = table
        self._frames = frame_allocator.pool
        self._limit = frame_allocator.pool.free // 4 * 3
        self._areas = [None] * AREAS_MAX

    @property
    def size_in_bytes(self):
        """What the collector has, its own tables included."""
        return (first_area_pages() + taken_pages()) << 12

    @property
    def reserve_in_bytes(self):
        return reserved_pages() << 12

    @property
    def largest_object_in_bytes(self):
        """The largest object for which growing makes room."""
        return largest()

    def areas(self):
        """Return (first page number, pages) of every area that was mapped for the heap, in use or in reserve."""
        return [(field(index, "first_page"), field(index, "count")) for index in self._areas if index is not None]

    def tend(self):
        """Fill the reserve; give back what is too much. Returns nothing and asks for nothing that is not there."""
        reserved, taken = reserved_pages(), taken_pages()
        if reserved == 0:
            self._add(min(max(first_area_pages() + taken, _RESERVE_PAGES), self._limit - taken, self._frames.free // 2))
        else:
            self.shrink()

    def _add(self, pages):
        """Map an area of that many pages and put it into the reserve. The collector clears what it gives away."""
        if pages >= _SMALLEST_PAGES and None in self._areas:
            record = self._table._create_uncleared(pages, word_for(HEAP_FLAGS))
            number = offer(record.first_page, pages)
            self._areas[number] = disown(record)

    def shrink(self):
        """Unmap reserved areas, as long as enough is left. Returns how many."""
        reserved, count = reserved_pages(), 0
        if reserved > _RESERVE_PAGES:
            for number, index in enumerate(self._areas):
                pages = 0 if index is None else field(index, "count")
                if pages and reserved - pages >= _RESERVE_PAGES and withdraw(number):
                    reserved -= pages
                    count += 1
                    self._areas[number] = None
                    self._table._unmap_record(adopt(index))
        return count

    def __repr__(self):
        areas = sum(1 for number in range(AREAS_MAX) if self._areas[number] is not None and is_taken(number))
        return "PythonHeap(%d KiB, %d areas beside the first, %d KiB in reserve)" % (
            self.size_in_bytes >> 10,
            areas,
            self.reserve_in_bytes >> 10,
        )
