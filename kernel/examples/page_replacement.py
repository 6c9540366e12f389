"""Page replacement: more pages than frames. Who has to go is decided by FIFO or by CLOCK; what was written is kept."""

from faults import ACCESSED, DIRTY, on_fault, take_bits

from .single_pages import drop_all, map_own

__all__ = (
    "Pager",
    "clock",
    "fifo",
)


def fifo(pager):
    """The page that has been there longest."""
    return pager.resident[0]


def clock(pager):
    """The first page, from the hand on, that was not accessed since the hand came by last."""
    while take_bits(pager.resident[0], ACCESSED):
        pager.resident.append(pager.resident.pop(0))
    return pager.resident[0]


class Pager:
    """A PageRange on a fixed number of frames, and a backing store. `.resident` are page numbers, the hand at 0."""

    def __init__(self, range, frames, choose=clock):
        self.frames, self.choose = frames, choose
        self.resident, self.mapped, self.store = [], {}, {}
        self.handler = on_fault(range, self.answer)

    def answer(self, fault):
        number = fault.page.number
        if fault.error_code.present:
            return False
        if len(self.resident) == self.frames:
            self.evict(self.choose(self))
        self.mapped[number] = pages = map_own(fault.page)
        self.resident.append(number)
        if number in self.store:
            with pages.as_slice_mut("B") as view:
                view[:] = self.store[number]
        take_bits(number, ACCESSED | DIRTY)  # what counts is what others do from here on
        return True

    def evict(self, number):
        pages = self.mapped[number]
        if take_bits(number, DIRTY):
            with pages.as_slice("B") as view:
                self.store[number] = view[:]
        self.resident.remove(number)
        self.mapped.pop(number).drop()

    def drop(self):
        self.handler.cancel()
        drop_all(self.mapped)
