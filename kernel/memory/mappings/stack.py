"""`Stack`: mapped pages with a page below them that is never mapped."""

from memory_structs import Page
from memory_structs.ending import drop_at_end
from memory_structs.instances import seal
from paging.flags import DATA_BSS_SECTION_FLAGS as STACK_FLAGS


@seal
class Stack:
    """A stack that grows down from `.top` to `.bottom`; what overruns it hits `.guard_page` and faults.

    Owns the mapping (`.mapped_pages`) and the guard page. `drop()` gives all of it back.
    """

    def __init__(self, size_in_pages, table=None):
        """Map `size_in_pages` pages of the kernel's pool. Raises TypeError, ValueError, OutOfPages or OutOfFrames."""
        if type(size_in_pages) is not int:
            raise TypeError("a count must be an int, not %s" % type(size_in_pages).__name__)
        if size_in_pages < 1:
            raise ValueError("a stack has at least one page, not %d" % size_in_pages)
        if table is None:
            from ..system import installed  # noqa: PLC0415 (the package is complete only later)

            table = installed().page_table
        self._parts = parts = [None, None]
        pages = table._pages.allocate(size_in_pages + 1)
        rest = None
        try:
            parts[0], rest = pages.split(Page(pages.start.number + 1))
            parts[1] = table.map_allocated_pages(rest, STACK_FLAGS)
        except BaseException:
            for owner in (parts[1], rest, parts[0], pages):
                if owner:
                    owner.drop()
            raise

    @property
    def mapped_pages(self):
        """The mapping."""
        return self._parts[1]

    @property
    def guard_page(self):
        """The Page below the stack: never mapped while this lives."""
        return self._parts[0].start

    @property
    def bottom(self):
        """The lowest usable VirtualAddress."""
        return self.mapped_pages.start_address

    @property
    def top(self):
        """The VirtualAddress behind the highest usable byte, where a stack pointer begins."""
        return self.mapped_pages.start_address + len(self.mapped_pages) * 4096

    @property
    def size_in_pages(self):
        return len(self.mapped_pages)

    def drop(self):
        """Unmap it and give everything back. Raises as MappedPages.drop."""
        self.mapped_pages.drop()
        self._parts[0].drop()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        if self.mapped_pages:
            drop_at_end(self, kind)
        return False

    def __repr__(self):
        return "Stack(%s, guard page %s)" % (self._parts[1], self._parts[0])

    __str__ = __repr__
