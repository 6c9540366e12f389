"""2Q in its full version (T. Johnson, D. Shasha, "2Q: A Low Overhead High Performance Buffer Management Replacement
Algorithm", 1994), with a clock for its queue of the least recently used, which no MMU gives."""

from ..policy import Policy


class TwoQ(Policy):
    """New pages are in the queue `.new`, first in, first out; the numbers of those that went from it, in `.gone`.

    A page that comes back while it is there gets into the clock `.main`, at the end; the hand is at 0.

    The victim is the first new page if these are more than a quarter of the frames (rounded down), else the clock's:
    its first page whose accessed bit is clear; bits that the hand passes are cleared, and no others. `.gone` keeps half
    as many pages as there are frames, one at least; it is cut after the page that is loaded was looked for.
    """

    name = "2q"

    def __init__(self, frames, bits):
        super().__init__(frames, bits)
        self.new, self.gone, self.main = [], [], []

    def loaded(self, page):
        came_back = page in self.gone
        (self.main if came_back else self.new).append(page)
        self.gone = [each for each in self.gone if each != page][-max(1, self.frames // 2) :]

    def victim(self):
        if len(self.new) > self.frames // 4:
            return self.new[0]
        while self.bits.take_accessed(self.main[0]):
            self.main.append(self.main.pop(0))
        return self.main[0]

    def removed(self, page):
        if page in self.main:
            self.main.remove(page)
        else:
            self.new.remove(page)
            self.gone.append(page)
