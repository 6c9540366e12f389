"""How often page replacement faults, by policy and by the number of frames: counted on real page faults, and drawn.

Write a policy of your own: a subclass of Policy, as `chance` here, whose victim() returns the number of the page that
has to go; kernel/replacement/policy.py says what else it is told.
"""

import random

import uctypes
from memory import PAGE_SIZE, PageRange, VirtualAddress

from .page_replacement import Pager, clock, fifo

__all__ = (
    "BELADY",
    "Chart",
    "Pager",
    "belady",
    "chance",
    "clock",
    "faults_of",
    "fifo",
    "mostly_few",
)

SOMEWHERE = VirtualAddress(0x20_0000_0000)
"""In the lower half, where nobody gets pages without asking for just these."""
BELADY = (1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5)
"""References for which first-in-first-out faults more often with 4 frames than with 3 (Belady and others, 1969)."""
BAR = 40


class chance(fifo):  # noqa: N801 (a word at the prompt, as fifo and clock are)
    """Any page."""

    name = "chance"

    def victim(self):
        return random.choice(self.pages)


def faults_of(policy, frames, references):
    """Return how often a reference string (page numbers from 0 on) faults with that many frames, empty at first."""
    size_in_bytes = (max(references) + 1) * PAGE_SIZE
    pager = Pager(PageRange.from_virt_addr(SOMEWHERE, size_in_bytes), frames, policy)
    try:
        memory = uctypes.bytearray_at(SOMEWHERE.value, size_in_bytes)
        for number in references:
            memory[number * PAGE_SIZE]
        return pager.faults
    finally:
        pager.drop()


def belady():
    """Return FIFO's faults with 3 and with 4 frames on Belady's references: more memory, more faults."""
    return faults_of(fifo, 3, BELADY), faults_of(fifo, 4, BELADY)


def mostly_few(count, pages=16, favourites=4, seed=1):
    """Return page numbers of which four in five are among the first few."""
    random.seed(seed)
    few, all_pages = range(favourites), range(pages)
    return [random.choice(few if random.random() < 0.8 else all_pages) for _ in range(count)]


class Chart:
    """Faults of each policy by the number of frames; its repr draws bars. `.rows`: (frames, policy's name, faults)."""

    def __init__(self, references, frames=(2, 4, 6, 8), policies=(fifo, clock, chance)):
        self.references = references
        self.rows = [(n, each.name, faults_of(each, n, references)) for n in frames for each in policies]

    def __repr__(self):
        lines, before = ["faults of %d accesses" % len(self.references)], None
        for frames, name, faults in self.rows:
            label = "" if frames == before else "%2d frames" % frames
            lines.append("%-9s  %-6s %3d %s" % (label, name, faults, "#" * (faults * BAR // len(self.references))))
            before = frames
        return "\n".join(lines)
