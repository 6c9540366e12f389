"""OPT, also called MIN (L. A. Belady, "A Study of Replacement Algorithms for a Virtual-Storage Computer", 1966)."""

from ..refusals import OffTrace
from .fifo import Fifo

NEVER = 1 << 60


class Opt(Fifo):
    """The page whose next reference is farthest away, or never comes; of these, the one that got its frame the longest
    time ago. It looks at no bits, but at the future: `trace` are the page numbers of all references to come.

    `reference(page)` tells of each reference, before it is made. Raises OffTrace if it is another one than the trace's.
    """

    name = "opt"
    knows_future = True

    def __init__(self, frames, bits, trace):
        super().__init__(frames, bits)
        self.now, self.to_come = 0, {}
        for place in range(len(trace) - 1, -1, -1):
            self.to_come.setdefault(trace[place], []).append(place)

    def reference(self, page):
        if self.next_of(page) != self.now:
            raise OffTrace(self.now, page)
        self.to_come[page].pop()
        self.now += 1

    def next_of(self, page):
        places = self.to_come.get(page)
        return places[-1] if places else NEVER

    def victim(self):
        return max(self.pages, key=self.next_of)
