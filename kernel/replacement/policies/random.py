"""Any page."""

from ..numbers import Numbers
from .fifo import Fifo


class Random(Fifo):
    """Of n pages, in the order in which they got their frames, the one at place x mod n. It looks at no bits.

    x is the next of the Numbers (kernel/replacement/numbers.py) of `seed`, 1; another seed is a subclass's.
    """

    name = "random"
    seed = 1

    def __init__(self, frames, bits):
        super().__init__(frames, bits)
        self.numbers = Numbers(self.seed)

    def victim(self):
        return self.pages[self.numbers.below(len(self.pages))]
