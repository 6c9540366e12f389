"""Copy on write: frames are shared and mapped read-only; a page that is written becomes a copy of its own."""

from faults import on_fault

from .single_pages import drop_all, map_own, map_shared

__all__ = ("CopyOnWrite",)


class CopyOnWrite:
    """A PageRange that shows a list of SharedFrames, one a page. What it writes, nobody else sees."""

    def __init__(self, range, shared):
        self.mapped = {page.number: map_shared(page, frames) for page, frames in zip(range, shared)}  # noqa: B905
        self.handler = on_fault(range, self.copy)

    def copy(self, fault):
        if not (fault.error_code.write and fault.error_code.present):
            return False
        shared = self.mapped.pop(fault.page.number)
        with shared.as_slice("B") as view:
            content = view[:]
        shared.drop()
        self.mapped[fault.page.number] = own = map_own(fault.page)
        with own.as_slice_mut("B") as view:
            view[:] = content
        return True

    def drop(self):
        self.handler.cancel()
        drop_all(self.mapped)
