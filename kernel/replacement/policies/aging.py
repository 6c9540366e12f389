"""Least recently used, approximated by aging (A. S. Tanenbaum, "Modern Operating Systems", the chapter on memory)."""

from .fifo import Fifo

HIGHEST = 0x80


class Aging(Fifo):
    """The page with the lowest counter; of those with the same, the one that got its frame the longest time ago.

    A counter has eight bits. At a tick it is shifted right by one, and the accessed bit, which is taken, becomes its
    highest bit. It begins with the highest bit alone. Bits are looked at by ticks only.
    """

    name = "aging"

    def __init__(self, frames, bits):
        super().__init__(frames, bits)
        self.counters = {}

    def loaded(self, page):
        super().loaded(page)
        self.counters[page] = HIGHEST

    def victim(self):
        return min(self.pages, key=self.counters.get)

    def removed(self, page):
        super().removed(page)
        del self.counters[page]

    def tick(self):
        for page in self.pages:
            self.counters[page] = self.counters[page] >> 1 | (HIGHEST if self.bits.take_accessed(page) else 0)
