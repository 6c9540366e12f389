"""Which frames hold tables that are in use: `LinkedTables`.

Whoever maps through the paging layer brings the frames for its tables along, and is handed them back by `clean_up`. In
between they must not be anybody else's. So the engine marks the frame of every table that it links for somebody, one
bit each, and takes the mark away when the table is cut off and the CPU has forgotten it. (Tables of the kernel's own
mapper need no mark: their frames are nobody's to give away.)

A mark is what may be so. Tables are also unlinked by hand, or forgotten together with a root that nobody uses; so
where there is a mark, the tables of the live roots are asked.
"""

import micropython
from memory_structs.mode import LEVELS
from memory_structs.sparse_marks import any_marked, clear_marks, mark
from micropython import const

from .guard import opens_guard
from .natives import cpu, entries
from .protection import address_in_window

_PRESENT = const(1)
_TABLE = const(0x81)
_HIGH_FRAME = const(0xFFFFF)

absent = entries.absent
mark, clear_marks = opens_guard(mark), opens_guard(clear_marks)
WINDOW = address_in_window(0)


class LinkedTables:
    """Having one means: it can be asked which frames are in use as tables. `LinkedTables.live` is the machine's own.

    `marks`: the address of sparse marks (memory_structs) for the frames that may be tables; `TableFrames.prepare_links`
    gives them blocks. `roots()` yields the frames of all roots that live, but for the active one. There are at most
    `most` tables, and the window shows `window_pages` frames.
    """

    live = None

    def __init__(self, marks, roots, most, window_pages):
        self.marks = marks
        self._roots = roots
        self._most = most
        self._window_pages = window_pages

    def add(self, frame):
        """Mark a frame: it is about to be linked, or to be the root."""
        mark(self.marks, frame, 1)

    def forget(self, first, count):
        """The tables in these frames were cut off, and the CPU has forgotten them."""
        clear_marks(self.marks, first, count)

    def holds(self, first, count):
        """True when one of `count` frames from number `first` on holds a table that a live root leads to, or the active
        root. Allocates nothing, unless there is a mark."""
        if not any_marked(self.marks, first, count):
            return False
        active = cpu.read_root_frame()
        if first <= active < first + count:
            return True
        roots = [active]
        for root in self._roots():
            if root != active:
                roots.append(root)
        for root in roots:
            if leads_to(root, LEVELS, first, first + count - 1, self._window_pages, self._most) < 0:
                return True
        clear_marks(self.marks, first, count)
        return False


@micropython.viper
def leads_to(table: int, level: int, first: int, last: int, shown: int, room: int) -> int:
    """Look for an entry that leads to a table in the frames `first` to `last`, in a table at `level` and all below.

    Returns -1 when there is one, or when there are more than `room` tables, as only a loop has; else the room left.
    Frames that the window does not show, those from number `shown` on, are not followed.
    """
    at = int(WINDOW) + (table << 12)
    index = 0
    while room >= 0:
        index += int(absent(at + (index << 3), 512 - index))
        if index >= 512:
            break
        entry = ptr32(at + (index << 3))
        low = int(entry[0])
        if low & _TABLE == _PRESENT:
            frame = low >> 12 | (int(entry[1]) & _HIGH_FRAME) << 20
            if frame >= first and frame <= last:
                return -1
            if level > 2 and frame != table and frame < shown:
                room = int(leads_to(frame, level - 1, first, last, shown, room - 1))
        index += 1
    return room
