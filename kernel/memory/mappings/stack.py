"""`Stack`: mapped pages with a page below them that is never mapped, to run something on."""

import _stack
from memory_structs import KernelError, Page
from memory_structs.ending import drop_at_end
from memory_structs.instances import seal
from paging.flags import DATA_BSS_SECTION_FLAGS as STACK_FLAGS
from paging.protection import Protection

from ..ledger import guards
from ..refusals import UnderWay
from .mapped_pages import RECORD

LEAST_TO_RUN_ON = 16  # pages: room for a call of the kernel's, on top of what stays in reserve


class StackTooSmall(KernelError):
    """`stack` has fewer pages than it takes to run something on it."""

    def __init__(self, stack, least):
        self.stack = stack
        self.least = least
        super().__init__("%s has %d pages: to run on, a stack needs %d" % (stack, stack.size_in_pages, least))


@seal
class Stack:
    """A stack that grows down from `.top` to `.bottom`; what overruns it hits `.guard_page` and faults.

    Owns the mapping (`.mapped_pages`) and the guard page. `drop()` gives all of it back. `call(function)` runs on it.
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
        guards[self.guard_page.number] = size_in_pages

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

    def call(self, function, *arguments):
        """Call `function(*arguments)` with the stack pointer in here; return what it returns, raise what it raises.

        Any callable: a Python function (in a fault handler: `lambda fault: stack.call(answer, fault)`), or machine code
        from `LoadedSection.as_func`. Python's recursion ends in RuntimeError long before the bottom, three quarters of
        the pages less 16 KiB deep; machine code that hits the guard page, in StackOverflow. Until the call is over the
        pages can't be unmapped or changed (Busy, KernelInUse), nor can another call run here.

        Raises TypeError, StackTooSmall (fewer than 16 pages), Busy (something runs here already), UseAfterMove,
        StillBorrowed (a view of it lives), or PageFault (a page can't be written); then nothing has run.
        """
        if not callable(function):
            raise TypeError("a function expected, not %s" % type(function).__name__)
        mapped = self.mapped_pages
        record = mapped._check_free_for("Stack.call()")
        if record.count < LEAST_TO_RUN_ON:
            raise StackTooSmall(self, LEAST_TO_RUN_ON)
        first, count = record.first_page, record.count
        protection, state, busy = Protection.live, mapped._state, UnderWay("Stack.call()", record)
        areas = protection.areas
        with_this = lambda: tuple(areas()) + ((first - 1, count + 1),)  # noqa: E731 (shorter, and needed here only)
        state[RECORD] = busy
        try:
            protection.areas = with_this
            return _stack.call(first, count, function, arguments)
        finally:
            protection.areas = areas
            state[RECORD] = record

    def drop(self):
        """Unmap it and give everything back. Raises as MappedPages.drop; Busy while something runs on it."""
        guard = self.guard_page.number
        self.mapped_pages.drop()
        guards.pop(guard, None)
        self._parts[0].drop()

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        if self._parts[0]:
            drop_at_end(self, kind)
        return False

    def __repr__(self):
        return "Stack(%s, guard page %s)" % (self._parts[1], self._parts[0])

    __str__ = __repr__
