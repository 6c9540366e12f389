"""First in, first out (L. A. Belady, "A Study of Replacement Algorithms for a Virtual-Storage Computer", 1966)."""

from ..policy import Policy


class Fifo(Policy):
    """The page that got its frame the longest time ago. It looks at no bits.

    `.pages`: the resident pages, in the order in which they got their frames; policies with a hand have it at 0.
    """

    name = "fifo"

    def __init__(self, frames, bits):
        super().__init__(frames, bits)
        self.pages = []

    def loaded(self, page):
        self.pages.append(page)

    def victim(self):
        return self.pages[0]

    def removed(self, page):
        self.pages.remove(page)
