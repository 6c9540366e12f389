"""Bench rows of page replacement: from the access that faults to the next instruction, with a store that costs nothing.

`LIMITS` are what a row may cost at most, in instructions; a test holds the rows to them.
"""

from memory import PAGE_SIZE, PageRange, VirtualAddress
from replacement import BackingStore, Swapped

from diagnostics.bench import undo
from diagnostics.bench_faults import ACTS, TIMES, touch

AREA = VirtualAddress(0x2100_0000_0000)
FRAMES = 64

LIMITS = {
    "replacement: a frame is free": 50000,
    "replacement: a clean page goes": 90000,
    "replacement: a dirty page goes": 105000,
    "replacement: a page that is read ahead": 30000,
}
PEERS = {name: "limit %d" % limit for name, limit in LIMITS.items()}


class Nowhere(BackingStore):
    """A store that does nothing."""

    def read(self, offset, buffer):
        pass

    def write(self, offset, buffer):
        pass


PAGES = ACTS * TIMES + FRAMES


def touching(frames, is_written, store, cluster=1):
    """An act that touches TIMES pages behind those that were touched before. Without a frame for each page, all frames
    are taken when it begins."""
    pages = PageRange.from_virt_addr(AREA, PAGES * PAGE_SIZE)
    swapped = Swapped(pages, frames, store, cluster=cluster)
    undo(swapped.drop)
    memory = swapped.memory
    first = 1 if frames == PAGES else frames
    touch(AREA.value, first)

    def act():
        nonlocal first
        if is_written:
            for number in range(first, first + TIMES):
                memory[number * PAGE_SIZE] = 1
        else:
            touch(AREA.value + first * PAGE_SIZE, TIMES)
        first += TIMES

    return act


ROWS = (
    ("replacement: a frame is free", lambda: touching(PAGES, False, Nowhere(PAGES)), TIMES),
    ("replacement: a clean page goes", lambda: touching(FRAMES, False, Nowhere(PAGES)), TIMES),
    ("replacement: a dirty page goes", lambda: touching(FRAMES, True, Nowhere(PAGES)), TIMES),
    ("replacement: a page that is read ahead", lambda: touching(PAGES, False, Nowhere(PAGES), 8), TIMES),
)
