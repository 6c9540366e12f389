"""The protection keys of supervisor pages, as the prompt shows them."""

from paging.guard import GUARD_KEY, Guard
from paging.keys import key

from diagnostics.text import WIDTH, View, columns

NOT_HERE = "the guard of the physical window is off: make run GUARD=1 has it"


class KeyView(View):
    """One key: `.rights`, which can be assigned, and `.writable()`, `.readable()`, `.closed()` for `with`."""

    def __init__(self, number):
        self._key = key(number)

    @property
    def rights(self):
        return self._key.rights

    @rights.setter
    def rights(self, name):
        self._key.rights = name

    def __getattr__(self, name):
        return getattr(self._key, name)

    def lines(self, width=WIDTH):
        return (repr(self._key),)


class Keys(View):
    """The keys that are limited or in use by the kernel, and what holds for the others. Raises NoProtectionKeys."""

    def __init__(self):
        self.keys = [key(number) for number in range(16)]

    def lines(self, width=WIDTH):
        shown = [each for each in self.keys if each.use() or each.rights != "writable"]
        rows = [("key", "rights", "what for")] + [(str(each.number), each.rights, each.use()) for each in shown]
        yield from columns(rows, (0,), width)
        yield "the others: writable"
        if not Guard.is_on:
            yield "key %d: %s" % (GUARD_KEY, NOT_HERE)
