"""The areas that Python's heap may grow by. Imported by one module of the kernel.

An area in the reserve is mapped memory that nobody uses; allocations and collections take it into the heap, in C, and
a collection that finds areas empty puts them back. A soft reset forgets all areas.
"""

AREAS_MAX: int
"""How many areas there may be besides the first."""

def first_area_pages() -> int:
    """Return how many pages the area has that the heap always has: PYTHON_HEAP_BYTES in boot/layout.h, or less on a
    small machine."""

def offer(page: int, pages: int) -> int:
    """Put `pages` mapped and writable pages from page number `page` on into the reserve; return the area's number.

    ValueError for fewer than 16 pages; MemoryError when there are 32 areas.
    """

def withdraw(number: int) -> bool:
    """Take an area out of the reserve, so that it can be unmapped; False when the heap has it. Allocates nothing."""

def is_taken(number: int) -> bool:
    """Answer whether the heap has an area. Allocates nothing."""

def reserved_pages() -> int:
    """Return how many pages are in the reserve. Allocates nothing."""

def taken_pages() -> int:
    """Return how many pages the heap has beyond its first area. Allocates nothing."""

def largest() -> int:
    """Return how many bytes the largest object may have for the reserve to hold it. Allocates nothing."""
