"""CLOCK (F. J. Corbató, "A Paging Experiment with the Multics System", 1968), also called second chance."""

from .fifo import Fifo


class Clock(Fifo):
    """The first page from the hand on whose accessed bit is clear; the bits that the hand passes are cleared.

    A new page is put just behind the hand, so the hand meets it last. Bits are cleared at no other time.
    """

    name = "clock"

    def victim(self):
        while self.bits.take_accessed(self.pages[0]):
            self.pages.append(self.pages.pop(0))
        return self.pages[0]
