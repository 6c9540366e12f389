"""What access techniques put into live tables, and how it is taken out again: in any order, under any active table, and
also when the technique was forgotten.

An `Installation` remembers the entries that it wrote, each by the frame of its table and its index, and what was there
before. It ends when the last technique that uses it leaves, when the collector finds that it was forgotten, or when the
table is dropped. An entry that says something else by then is somebody else's, and stays.
"""

import gc

from .flags import ACCESSED, DIRTY
from .natives import LAYOUT, entries, finaliser
from .shootdown import ALL_PAGES, EVERYBODY, forget_all

FORGOTTEN = 3  # for `memory.reclaim`: the kind of a guard whose arena is told, by its method forgotten()
MARKS = ACCESSED | DIRTY
_RUN = 0
NOBODY = -1

# All that are in place. Kept alive here: a technique that is forgotten must not take its installation along.
in_place = []


def entry_in_window(table_frame, index):
    """The address, in the physical window, of an entry of a table in a frame."""
    return (LAYOUT["WINDOW_PAGE"] + table_frame - (1 << 52) << 12) + 8 * index


def read_entry(table_frame, index):
    """(frame number, raw word) of an entry of a table in a frame."""
    at = entry_in_window(table_frame, index)
    return entries.frame(at), entries.word(at)


class Installation:
    """Entries of live tables that belong to a technique. `.key` says for what; `.users` how many techniques use it."""

    def __init__(self, key, frames=(), give_back=None):
        self.key = key
        self.users = 0
        self.written = []  # (table's frame, index, frame before, word before, frame, word)
        self.frames = frames
        self._give_back = give_back
        in_place.append(self)

    @property
    def is_in_place(self):
        return self in in_place

    def write(self, table_frame, index, frame, word):
        """Write an entry, and remember what was there."""
        before = read_entry(table_frame, index)
        self.written.append((table_frame, index) + before + (frame, word))
        entries.write(entry_in_window(table_frame, index), frame, word)

    def roots(self):
        """Frames of the tables that it wrote to, and of those that it leads to."""
        return [written[0] for written in self.written] + [written[4] for written in self.written]

    def end(self):
        """Put everything back as it was. Does nothing the second time."""
        if self not in in_place:
            return
        try:
            self._put_back()
        except MemoryError:
            gc.collect()
            self._put_back()
        in_place.remove(self)
        forget_all(EVERYBODY, *ALL_PAGES, True)
        if self._give_back is not None:
            self._give_back()

    undo = end

    def forgotten(self):
        """One user less."""
        self.users -= 1
        if self.users == 0:
            self.end()

    def _put_back(self):
        for table_frame, index, frame, word, new_frame, new_word in reversed(self.written):
            found = read_entry(table_frame, index)
            if found[0] == new_frame and (found[1] ^ new_word) & ~MARKS == 0:
                entries.write(entry_in_window(table_frame, index), frame, word)


def installation_for(key):
    """The Installation for a key that is in place, or None."""
    for installation in in_place:
        if installation.key == key:
            return installation
    return None


def end_for_root(root):
    """A root is about to be dropped: end whatever leads to it, or was written to it."""
    for installation in in_place[:]:
        if root in installation.roots():
            installation.end()


class Use:
    """Having one that is live means: this technique may use the installation. Forgotten, it is given up."""

    def __init__(self, installation):
        self.installation = installation
        self._state = finaliser.new_state(installation, 1, FORGOTTEN)
        installation.users += 1
        self._state[_RUN] = 0

    @property
    def is_live(self):
        return self._state[_RUN] == 0 and self.installation.is_in_place

    def give_up(self):
        """The technique leaves. Does nothing the second time."""
        if self._state[_RUN] == 0:
            self._state[_RUN] = NOBODY
            self.installation.forgotten()
