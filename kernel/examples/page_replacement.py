"""Page replacement: more pages than frames. Who has to go is decided by FIFO or by CLOCK; what was written is kept.

All of it is in kernel/replacement; here it has a store in RAM. A policy of your own is a class with one method:

    class Latest(Policy):
        name = "latest"
        def loaded(self, page): self.page = page
        def victim(self): return self.page
    pager.policy = Latest
"""

from replacement import Policy, Swapped
from replacement.policies import policy_of

__all__ = (
    "Pager",
    "Policy",
    "clock",
    "fifo",
)

fifo = policy_of("fifo")
clock = policy_of("clock")


class Pager(Swapped):
    """A PageRange on a fixed number of frames, and a backing store. `.resident`: the pages that have a frame."""

    def __init__(self, range, frames, choose=clock):
        super().__init__(range, frames, policy=choose)
