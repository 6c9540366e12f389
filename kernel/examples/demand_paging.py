"""Demand paging: a page gets a frame when somebody touches it, not before."""

from faults import on_fault

from .single_pages import drop_all, map_own

__all__ = ("DemandPaged",)


class DemandPaged:
    """A PageRange whose pages are mapped at their first touch. `.mapped` is {page number: MappedPages}."""

    def __init__(self, range):
        self.mapped = {}
        self.handler = on_fault(range, self.supply)

    def supply(self, fault):
        if fault.error_code.present:
            return False  # it is there already, and the access is not allowed
        self.mapped[fault.page.number] = map_own(fault.page)
        return True

    def drop(self):
        self.handler.cancel()
        drop_all(self.mapped)
