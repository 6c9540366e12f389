"""`Allocator`: one algorithm for pages and frames.

The subclasses say which arenas there are, which error means that nothing is left,
and what an exact request means that no arena can serve. Everything else is here:

    anywhere      the lowest address that fits
    at_place      exactly these
    by_request    wishes, combined; and left-overs postponed
    steps         to MAPPED and back
    checks        what is refused
"""

from .anywhere import Anywhere
from .at_place import AtPlace
from .by_request import ByRequest
from .checks import Checks
from .flat import flat
from .steps import Steps


def no_guard():
    """Stands for the guard's enter and leave where nothing can interrupt."""


def nothing_forgotten():
    """Stands for the collector's finds where owners have no finaliser."""
    return 0


@flat
class Allocator(Anywhere, AtPlace, ByRequest, Steps, Checks):
    """What a page allocator and a frame allocator share.

    `_arenas[0]` is the pool: what is handed out unless somebody asks for a place.
    """

    _ranges = None
    _owners = None
    _out = None
    name = ""

    def _install(self, arenas):
        """Take over the arenas. The first is the pool."""
        self._arenas = arenas
        pool = arenas[0]
        self._pool = pool
        self._tree = pool.tree
        self._pending = []
        self._by_hand = None
        self._find_forgotten(pool.new_state, nothing_forgotten, nothing_forgotten, nothing_forgotten)

    def _find_forgotten(self, new_state, forgotten, reclaim, collect):
        """Make owners whose loss is noticed, from here on: `new_state` makes their lists.

        `forgotten()` counts what was lost; `reclaim()` gives it back, and is called when a call begins; `collect()`
        looks for more, gives that back, and returns how many, and is called before a call fails for want of space.
        """
        # What `allocate` and `allocate_at` need: unpacking one tuple costs half of loading five attributes.
        self._for_allocate = forgotten, self._owners, new_state, self._pool, self._tree
        self._for_allocate_at = self._ranges._chunk._address, self._owners, new_state, self._pool, self._tree
        self._forgotten = forgotten
        self._reclaim = reclaim
        self._collect = collect
        for arena in self._arenas:
            arena.new_state = new_state

    @property
    def pool(self):
        """The arena that unasked requests are served from."""
        return self._pool

    @property
    def reservations(self):
        """What is never handed out unasked: a list of (first number, last number, name)."""
        return list(self._reserved)

    def __repr__(self):
        return self.name
