"""Not recently used (A. S. Tanenbaum, "Modern Operating Systems", the chapter on memory)."""

from .fifo import Fifo


class Nru(Fifo):
    """A page of the lowest class: 2 if it was used since the last tick, and 1 more if it is dirty.

    Of a class it is the one that got its frame the longest time ago (the textbook takes any). A page was used if its
    accessed bit is set, or was when a victim was looked for after the last tick; a tick takes the bits of all pages.
    """

    name = "nru"

    def __init__(self, frames, bits):
        super().__init__(frames, bits)
        self.used = set()

    def victim(self):
        self.used.update([page for page in self.pages if self.bits.take_accessed(page)])
        return min(self.pages, key=lambda page: 2 * (page in self.used) + self.bits.is_dirty(page))

    def removed(self, page):
        super().removed(page)
        self.used.discard(page)

    def tick(self):
        self.used.clear()
        for page in self.pages:
            self.bits.take_accessed(page)
