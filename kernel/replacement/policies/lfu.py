"""Least frequently used, with aging (A. Silberschatz, P. B. Galvin, G. Gagne, "Operating System Concepts", on
counting-based page replacement)."""

from .fifo import Fifo

TICKS = 8


class Lfu(Fifo):
    """The page with the lowest count; of those with the same, the one that got its frame the longest time ago.

    At a tick the pages whose accessed bit is set (it is taken) count one more; at every eighth tick all counts are
    halved after that, rounded down. A count begins with 1. Bits are looked at by ticks only.
    """

    name = "lfu"

    def __init__(self, frames, bits):
        super().__init__(frames, bits)
        self.counts, self.ticks = {}, 0

    def loaded(self, page):
        super().loaded(page)
        self.counts[page] = 1

    def victim(self):
        return min(self.pages, key=self.counts.get)

    def removed(self, page):
        super().removed(page)
        del self.counts[page]

    def tick(self):
        self.ticks += 1
        halved = self.ticks % TICKS == 0
        for page in self.pages:
            count = self.counts[page] + self.bits.take_accessed(page)
            self.counts[page] = count >> 1 if halved else count
