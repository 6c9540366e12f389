"""Zero-fill: what is only read is one and the same frame of zeros; a page that is written gets a frame of its own."""

import memory
from faults import on_fault

from .single_pages import drop_all, map_own, map_shared

__all__ = ("ZeroFilled",)


class ZeroFilled:
    """A PageRange that reads as zeros: it costs one frame, and one more for each page that was written."""

    def __init__(self, range):
        self.zeros = memory.SharedFrames(memory.allocate_frames(1))
        self.mapped = {}
        self.handler = on_fault(range, self.answer)

    def answer(self, fault):
        number, code = fault.page.number, fault.error_code
        if code.present and code.write:
            self.mapped.pop(number).drop()  # the zeros
        elif code.present:
            return False
        self.mapped[number] = map_own(fault.page) if code.write else map_shared(fault.page, self.zeros)
        return True

    def drop(self):
        self.handler.cancel()
        drop_all(self.mapped)
        self.zeros.drop()
