"""One address: the way through the tables, level by level, and where it leads."""

from memory_structs import PAGE_SHIFT, VirtualAddress
from paging import OffsetPageTable

from diagnostics.rights import EVERYTHING, PAGE_SIZES, combined, raw_names, rights_of
from diagnostics.text import View, columns, hexadecimal

BYTES_IN_AN_ENTRY = 8


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

    def lines(self):
        yield str(self.address)
        rows = [self._row(*step) for step in self.steps]
        yield from ("  " + line for line in columns(rows))
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

    def lines(self):
        return ("%s = %s" % (self.address, self._verdict),)


class Entries(View):
    """The entries in use in the table at `level` on the way of an address. `.entries` are WalkEntry objects."""

    def __init__(self, address, level):
        mapper = active_tables()
        self.level = level
        self.entries = []
        table_page = address.number >> 9 * level << 9 * level
        walk = mapper.walk(address)
        self.table = walk[4 - level].table if len(walk) > 4 - level else None
        if self.table is None:
            return
        for index in range(512):
            entry = mapper.walk(VirtualAddress(canonical(table_page | index << 9 * (level - 1)) << PAGE_SHIFT))[
                4 - level
            ]
            if entry.value:
                self.entries.append(entry)
        self._first_page = table_page

    def lines(self):
        if self.table is None:
            yield "there is no P%d table on the way of this address" % self.level
            return
        yield "P%d table in frame %s, %d of 512 entries in use" % (
            self.level,
            hexadecimal(self.table.number),
            len(self.entries),
        )
        rows = [self._row(entry) for entry in self.entries]
        yield from ("  " + line for line in columns(rows))

    def _row(self, entry):
        page = canonical(self._first_page | entry.index << 9 * (self.level - 1))
        row = ("[%d]" % entry.index, "v" + hexadecimal(page << PAGE_SHIFT), hexadecimal(entry.value, 16))
        if not entry.is_present:
            return row + ("not present", "")
        return row + (raw_names(entry.flags.word, entry.level), "-> " + leads_to(entry))


def canonical(page):
    """Return a page number with its upper bits made copies of the highest that is translated."""
    page &= (1 << 36) - 1
    return page | 0xFFFF000000000 if page >> 35 else page


def leads_to(entry):
    """Return what a present entry names: a page or a table."""
    if entry.is_leaf:
        return "%s page p%s" % (PAGE_SIZES[entry.level], hexadecimal(entry.frame.number << PAGE_SHIFT))
    return "P%d in frame %s" % (entry.level - 1, hexadecimal(entry.frame.number))


def physical_of(address, leaf):
    """Return the physical address that a virtual one is, by its leaf."""
    mask = (1 << PAGE_SHIFT + 9 * (leaf.level - 1)) - 1
    return leaf.frame.number << PAGE_SHIFT | address & mask
