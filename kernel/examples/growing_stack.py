"""A stack that grows: its pages are mapped from the top down, as deep as it is used."""

from faults import on_fault
from memory import Page

from .single_pages import drop_all, map_own

__all__ = ("GrowingStack",)


class GrowingStack:
    """A PageRange used from its end downwards. Its lowest page is a guard: it is never mapped."""

    def __init__(self, range):
        self.range = range
        self.mapped = {}
        self.handler = on_fault(range, self.grow)

    def grow(self, fault):
        if fault.error_code.present or fault.page == self.range.start:
            return False
        lowest = self.range.last_number + 1 - len(self.mapped)
        for number in range(lowest - 1, fault.page.number - 1, -1):
            self.mapped[number] = map_own(Page(number))
        return True

    def drop(self):
        self.handler.cancel()
        drop_all(self.mapped)
