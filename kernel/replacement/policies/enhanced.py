"""Second chance with dirty preference: the clock of two bits (W. Stallings, "Operating Systems: Internals and Design
Principles", the chapter on virtual memory)."""

from .fifo import Fifo


class Enhanced(Fifo):
    """The hand goes round for a page that is neither used nor dirty, and changes nothing; if there is none, it goes
    round for one that is not used but dirty, and the pages that it passes are unused from then on; then both again.

    The victim is the first that a round finds; the hand stays behind it. A page is used if its accessed bit was set
    since it was loaded, or since a second round passed it. The bits themselves are taken when the hand looks.
    """

    name = "enhanced"

    def __init__(self, frames, bits):
        super().__init__(frames, bits)
        self.used = set()

    def victim(self):
        while True:
            for dirty in (False, True):
                for place, page in enumerate(self.pages):
                    if self.bits.take_accessed(page):
                        self.used.add(page)
                    if page not in self.used and self.bits.is_dirty(page) == dirty:
                        self.pages = self.pages[place:] + self.pages[:place]
                        return page
                    if dirty:
                        self.used.discard(page)

    def removed(self, page):
        super().removed(page)
        self.used.discard(page)
