"""What was forgotten comes back.

MicroPython calls no finalisers of Python classes. Every owner's list holds a native guard, every mapping a native
record; when the collector finds them unreachable, they put down what was owned, in numbers, and ask for a safe point.
There, or at the beginning of the next call of an allocator or mapper, it is given back:

    mappings first      entries cleared, TLB flushed, frames and pages freed (Mapper.reclaim)
    then page tables    their records come behind those of the mappings in them
    then owners         pages and frames that were mapped nowhere; what page tables lie in, when they have come to
                        their end
"""

import gc
from array import array

from paging.frame_allocators import Keeper
from paging.installations import FORGOTTEN
from paging.natives import finaliser

from .allocators.owners import ALLOCATED, ARENA, CONSUMER, COUNT, RUN, UNMAPPED
from .ledger import enter, leave, lost
from .runs import give

assert finaliser.STATE_ORDER == (RUN, COUNT, ARENA, CONSUMER), "the native's idea of an owner's state is another"

OWNER_WORDS = 4  # id of the arena, run, count, kind
ID_BITS = (1 << 60) - 1  # of an id, what is told


def find_forgotten(system, table, lending):
    """Let both allocators notice the loss of their owners, and reclaim through `table`, the kernel's own.

    `system` has both, and Python's heap, which gives back what it has too much before an allocation fails. `lending`, a
    Lending, keeps what page tables lie in.
    """

    def reclaim():
        return (table.reclaim() if lost() or table.unfinished else 0) + reclaim_owners(lending)

    def collect():
        enter()  # or a safe point would be quicker, and this find nothing
        try:
            gc.collect()
            return reclaim() + system.heap.shrink()
        finally:
            leave()

    for allocator in system.frame_allocator, system.page_allocator:
        allocator._find_forgotten(finaliser.new_state, finaliser.pending, reclaim, collect)
    return reclaim


def reclaim_owners(lending):
    """Give back what forgotten owners had. Returns how many that were."""
    count = lending.let_go()
    while True:
        enter()
        try:
            lending.make_room()
            found = finaliser.take()
            if found is None:
                return count
            arena, run, size, kind = found
            if kind == FORGOTTEN:
                arena.forgotten()
                continue
            if kind == UNMAPPED:
                arena.unmapped -= size
            elif kind == ALLOCATED and lending.keep(arena, run, size):
                continue
            give(arena.tree, run, size)
            arena.reclaimed += 1
        finally:
            leave()
        count += 1


def living_owners():
    """(OWNER_WORDS numbers for each owner that has something, how many owners that are).

    The owners that were forgotten have given back what they had. Raises MemoryError.
    """
    words, room = array("l"), 0
    while True:
        while finaliser.pending() > lost():
            reclaim_owners(Keeper.live)
        # Nothing is allocated from here on, so nobody is found forgotten before this is done.
        found = finaliser.owned(words)
        if found <= room:
            return words, found
        room = found + 64
        words = array("l", bytes(8 * OWNER_WORDS * room))
