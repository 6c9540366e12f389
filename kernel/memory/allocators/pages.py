"""`PageAllocator`: the virtual pages of the address space.

    pool     the kernel's upper-half pool      what unasked requests are served from
    named    the region for loaded objects     a part of the pool for exact requests and ranges only
    others   the lower half                    exact requests and ranges only

What lies in neither (page 0, the physical window, the recursive slots, the kernel's
image, the heap) is reserved: never handed out, and refused by name.
"""

from memory_structs import OutOfPages, PageRange

from ..runs import bytes_for, count_of, largest_of, lists
from .allocator import Allocator, no_guard
from .arenas import Arena, PythonMemory
from .flat import flat
from .owners import AllocatedPages
from .statistics import Statistics

MINIMUM_NODES = 16384  # at boot: the arenas grow


@flat
class PageAllocator(Allocator):
    """See `Allocator`; made once, from the layout of the address space."""

    _ranges = PageRange
    _owners = AllocatedPages
    _out = OutOfPages
    name = "the page allocator"
    # Pages whose raw buffer was handed out before they were unmapped: never used again before the soft reset.
    _quarantined = 0

    @classmethod
    def from_layout(
        cls, pool, others, reserved, memory=None, nodes=MINIMUM_NODES, enter=no_guard, leave=no_guard, named=()
    ):
        """Start with everything in the pool and the others free.

        `pool` is (first, last), `others` lists such runs, and `named` those that lie behind the pool; `reserved`
        lists (first, last, name): page numbers, inclusive. What is reserved wins. `memory(size)`
        returns (address, size) for the bookkeeping (default: the Python heap); each
        arena can follow about `nodes` owners. `enter` and `leave` are the guard.
        """
        lists.check_rows("pool", [pool], 2)
        lists.check_rows("others", others, 2)
        lists.check_rows("named", list(named), 2)
        lists.check_rows("reserved", reserved, 3)
        memory = PythonMemory() if memory is None else memory
        allocator = cls()
        arenas = []
        for name, runs in (("the kernel's pool", [pool] + list(named)), ("the lower half", others)):
            runs = lists.without(runs, [(first, last) for first, last, _ in reserved])
            arena = Arena(allocator, name, runs, memory(bytes_for(nodes + len(runs))), enter, leave)
            arena.follow_owners()
            arenas.append(arena)
        if named:
            arenas[0].end_unasked(pool[1])
        allocator._reserved = list(reserved)
        allocator._quarantined = 0
        allocator._memory = memory
        allocator._install(arenas)
        return allocator

    def statistics(self):
        """The states of all pages of the arenas; see `Statistics`. `.reserved` counts the named reservations."""
        trees = [arena.tree for arena in self._arenas]
        statistics = Statistics(
            _Sum(self._arenas),
            sum(last + 1 - first for first, last, _ in self._reserved),
            max(largest_of(tree) for tree in trees),
            sum(count_of(tree) for tree in trees),
        )
        statistics.quarantine = self._quarantined
        statistics.allocated -= self._quarantined
        return statistics


class _Sum:
    """The counts of several arenas together."""

    def __init__(self, arenas):
        for name in "free", "allocated", "all_mapped", "unmapped", "all_tables", "managed", "reclaimed":
            setattr(self, name, sum(getattr(arena, name) for arena in arenas))
