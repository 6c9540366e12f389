"""WSClock, working sets on a clock (R. W. Carr, J. L. Hennessy, "WSCLOCK: A Simple and Effective Algorithm for Virtual
Memory Management", 1981)."""

from .fifo import Fifo

WINDOW = 4


class WsClock(Fifo):
    """The first clean page from the hand on that is out of the working set: unused for more than four ticks.

    The hand takes the accessed bit of each page that it looks at: if it was set, the page was used at the tick that
    is now. It goes round once at most. Where it finds none, the victim is the first dirty page out of the working set,
    else the first clean page, else the one at the hand. The hand stays behind the victim. A page that is loaded is used
    then. (The paper has dirty pages written meanwhile; here a dirty victim is written when it goes.)
    """

    name = "wsclock"

    def __init__(self, frames, bits):
        super().__init__(frames, bits)
        self.now, self.used_at = 0, {}

    def loaded(self, page):
        super().loaded(page)
        self.used_at[page] = self.now

    def victim(self):
        found = [None, None, self.pages[0]]  # an old dirty page, a clean one, and the one at the hand
        for page in self.pages:
            if self.bits.take_accessed(page):
                self.used_at[page] = self.now
            is_old, is_dirty = self.now - self.used_at[page] > WINDOW, self.bits.is_dirty(page)
            if is_old and not is_dirty:
                found = [page]
                break
            if (is_old or not is_dirty) and found[not is_dirty] is None:
                found[not is_dirty] = page
        page = next(each for each in found if each is not None)
        place = self.pages.index(page)
        self.pages = self.pages[place:] + self.pages[:place]
        return page

    def removed(self, page):
        super().removed(page)
        del self.used_at[page]

    def tick(self):
        self.now += 1
