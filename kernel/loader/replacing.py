"""`Replacing`: one call of `replace`: a new object in the place of an old one, while others go on using it.

First everything is computed: the new object, as if the old one were not there; for each relocation of others that led
to the old one, what it would store now; which bytes of state are carried over. Then, in one stretch that nothing
interrupts, all of it is stored. Code of others is changed through the physical window, with write protection off: no
entry lets anybody write it.
"""

import micropython
import uctypes
from memory.ledger import undisturbed
from memory.mappings.aliases import unprotected

from .carrying import carried
from .errors import MissingSymbol, SizeDiffers
from .linking import GOT, Linking, raise_overflow, write_bytes
from .namespaces import LOADED
from .places import WINDOW
from .relocations import encoded, unsigned, value_of
from .sections import Dependency

PAGE_BYTES = 4096


class Replacing(Linking):
    """`.old` and `.new` are LoadedObjects. `compute`, `map` and `drop` are those of Linking; then comes `switch`."""

    def __init__(self, namespace, old, file):
        Linking.__init__(self, namespace, [file], old)
        self.old = old
        self.new = self.parts[0].object
        self.patches = []  # (address in the window, bytes)
        self.relocated = []  # (writable section, offset, bytes, frames)
        self.rewired = {}  # {user: [Dependency]}, as they are from then on

    @micropython.native
    def compute(self):
        Linking.compute(self)
        for user, dependencies in self.old.used_by.items():
            frames = {}
            self.rewired[user] = [self._redirect(each, frames) for each in dependencies]

    @micropython.native
    def _redirect(self, each, frames):
        """Compute what a relocation of another object's section stores from now on; returns the new Dependency."""
        user, name = each.user, each.symbol
        now = self.new.symbols.get(name)
        if now is None or now.section is None:
            text = "%%s, which %s uses, is not defined" % user
            raise MissingSymbol(self.new.name, user.name, name, text)
        then = self.old.symbols[name]
        if now.size != then.size and "text" not in (now.section.group, each.used.group):
            text = "%s has %%s bytes, and %s knows it with %#x" % (name, user, then.size)
            raise SizeDiffers(self.new.name, now.section.name, now.size, text)
        kind, offset, addend = each.relocation
        got = user.object.sections.get(GOT)
        table = got.address if got else user.object.start
        value = value_of(kind, now.address, addend, user.address + offset, 0, table)
        stored = encoded(kind, value)
        if stored is None:
            raise_overflow(user.object.name, user, offset, kind, name, value)
        if user in user.object.relocated:
            self.relocated.append((user, offset, stored, frames))
        else:
            self.patches += pieces(user, offset, stored, frames)
        return Dependency(user, now.section, name, each.relocation)

    @undisturbed
    def switch(self, carries_state):
        """Carry the state over, let others use the new object, and keep the old one for those who hold it."""
        state = carried(self.old, self.new) if carries_state else []
        stores = self._stores()
        patches = self.patches + self._patches_of_data()
        for view, contents in state:
            view[:] = contents
        # From here on nothing fails and nothing allocates: no call of Python's, no new attribute.
        self.is_committed = True
        unprotected(write_bytes, patches)
        for user, offset, data, _ in self.relocated:
            user.object.relocated[user][offset] = data
        for holder, attribute, value in stores:
            setattr(holder, attribute, value)

    @micropython.native
    def _patches_of_data(self):
        """The patches of writable sections, but for places where the program has stored something else by now."""
        patches = []
        for user, offset, data, frames in self.relocated:
            now = uctypes.bytearray_at(unsigned(user.address + offset), len(data))
            if now == user.object.relocated[user][offset]:
                patches += pieces(user, offset, data, frames)
        return patches

    @micropython.native
    def _stores(self):
        """What `switch` stores: the new object in the place of the old one, and every Dependency as it is now."""
        stores = self.changes()
        for user, dependencies in self.rewired.items():
            uses = user.uses.copy()
            del uses[self.old]
            uses[self.new] = dependencies
            stores.append((user, "uses", uses))
        stores.append((self.new, "used_by", self.rewired))
        stores.append((self.old, "used_by", {}))
        stores.append((self.old, "is_replaced", True))
        stores.append((LOADED, "held", LOADED.held + [self.old]))
        return stores


@micropython.native
def pieces(section, offset, data, frames):
    """[(address in the physical window, bytes)] of bytes that go to an offset of a section: one for each page."""
    if section.group not in frames:
        runs = section.mapped_pages.frames()
        frames[section.group] = [number for run in runs for number in range(run.first_number, run.last_number + 1)]
    found, at = [], section.offset + offset
    while data:
        room = PAGE_BYTES - at % PAGE_BYTES
        found.append((WINDOW + (frames[section.group][at // PAGE_BYTES] << 12) + at % PAGE_BYTES, data[:room]))
        data, at = data[room:], at + room
    return found
