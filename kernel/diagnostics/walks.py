"""One address: the way through the tables, level by level, and where it leads."""

from memory_structs import PAGE_SHIFT, VirtualAddress
from memory_structs.mode import ENTRIES, LEVELS, canonical_page, pages_at
from paging import OffsetPageTable

from diagnostics.rights import EVERYTHING, PAGE_SIZES, combined, raw_names, rights_of
from diagnostics.text import WIDTH, View, columns, hexadecimal

BYTES_IN_AN_ENTRY = 8
# On a narrow screen, where an entry leads goes below what it is.
FOLD = 4


def active_tables():
    """Return a mapper of the active tables, to look with."""
    return OffsetPageTable()


class WalkView(View):
    """The way of a virtual address. `.walk` has the entries, `.physical` a number or None, `.rights` what is left."""

    def __init__(self, address):
        self.address = address
        self.walk = active_tables().walk(address)
        self.rights = EVERYTHING
        self.steps = []
        for entry in self.walk:
            word = entry.flags.word
            if entry.is_present:
                self.rights = combined(self.rights, word)
            self.steps.append((entry, word, self.rights))
        last = self.walk[len(self.walk) - 1]
        self.physical = physical_of(address.value, last) if last.is_present and not last.malformed else None

    def lines(self, width=WIDTH):
        yield str(self.address)
        rows = [self._row(*step) for step in self.steps]
        yield from ("  " + line for line in columns(rows, (), width - 2, FOLD))
        yield "= " + self.verdict()

    def _row(self, entry, word, rights):
        at = (entry.table.number << PAGE_SHIFT) + entry.index * BYTES_IN_AN_ENTRY
        left = ("%s[%d]" % ("P%d" % entry.level, entry.index), "p" + hexadecimal(at), hexadecimal(entry.value, 16))
        if not entry.is_present:
            return left + ("not present", "", "")
        return left + (raw_names(word, entry.level), "-> " + leads_to(entry), rights_of(rights))

    def verdict(self):
        """Return in words where the address leads, or why it leads nowhere."""
        last = self.walk[len(self.walk) - 1]
        if not last.is_present:
            return "not mapped: the P%d entry is not present, so every access faults" % last.level
        if last.malformed:
            return "the P%d entry has a reserved bit set, so every access faults" % last.level
        size = PAGE_SIZES[last.level]
        return "p%s in a %s page; %s over all levels" % (hexadecimal(self.physical), size, rights_of(self.rights))


class Translation(View):
    """Where a virtual address leads, in one line. `.physical` is a number or None."""

    def __init__(self, address):
        self.address = address
        view = WalkView(address)
        self.physical = view.physical
        self._verdict = view.verdict()

    def lines(self, width=WIDTH):
        return ("%s = %s" % (self.address, self._verdict),)


class Entries(View):
    """The entries in use in the table at `level` on the way of an address. `.entries` are WalkEntry objects.

    Of entries that lead to one page or table after the other, with the same flags, the first and the last are shown.
    """

    def __init__(self, address, level):
        mapper = active_tables()
        self.level = level
        self.entries = []
        self._first_page = address.number & -pages_at(level + 1)
        walk = mapper.walk(address)
        place = LEVELS - level
        self.table = walk[place].table if len(walk) > place else None
        if self.table is None:
            return
        for index in range(ENTRIES):
            entry = mapper.walk(VirtualAddress(self._page_of(index) << PAGE_SHIFT))[place]
            if entry.value:
                self.entries.append(entry)

    def _page_of(self, index):
        """Return the number of the first page that an entry stands for."""
        return canonical_page(self._first_page + index * pages_at(self.level))

    def lines(self, width=WIDTH):
        if self.table is None:
            yield "there is no P%d table on the way of this address" % self.level
            return
        yield "P%d table in frame %s, %d of 512 entries in use" % (
            self.level,
            hexadecimal(self.table.number),
            len(self.entries),
        )
        rows = []
        for run in runs_of(self.entries):
            rows.append(self._row("[%d]", run[0]))
            if len(run) > 1:
                rows.append(self._row("[%d]" if len(run) == 2 else "..[%d]", run[-1]))
        yield from columns(rows, (), width, FOLD)

    def _row(self, place, entry):
        start = hexadecimal(self._page_of(entry.index) << PAGE_SHIFT)
        row = (place % entry.index, "v" + start, hexadecimal(entry.value, 16))
        if not entry.is_present:
            return row + ("not present", "")
        return row + (raw_names(entry.flags.word, entry.level), leads_to(entry))


def runs_of(entries):
    """Yield lists of entries, each of which has the same flags as the one before, and leads to what lies behind."""
    run = []
    for entry in entries:
        if run and not goes_on(run[-1], entry):
            yield run
            run = []
        run.append(entry)
    if run:
        yield run


def goes_on(before, entry):
    """Answer whether an entry goes on where the one before it ends."""
    frames = pages_at(entry.level) if entry.is_leaf else 1
    follows = entry.index == before.index + 1 and entry.value - before.value == frames << PAGE_SHIFT
    return follows and entry.is_present and before.is_present


def leads_to(entry):
    """Return what a present entry names: a page by its size, or a table by its level, and where that begins."""
    kind = PAGE_SIZES[entry.level] if entry.is_leaf else "P%d" % (entry.level - 1)
    return "%s p%s" % (kind, hexadecimal(entry.frame.number << PAGE_SHIFT))


def physical_of(address, leaf):
    """Return the physical address that a virtual one is, by its leaf."""
    mask = (pages_at(leaf.level) << PAGE_SHIFT) - 1
    return leaf.frame.number << PAGE_SHIFT | address & mask
