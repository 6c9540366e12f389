"""Which entry of a live table lies at an address: what it stood for, what it says now, and what the CPU must hear."""

from memory.ledger import TABLE, field, next_record
from memory_structs import PAGE_SHIFT, VirtualAddress
from memory_structs.mode import ENTRIES, INDEX_BITS, LEVELS, canonical_page, pages_at
from paging.flags import ACCESSED, DIRTY, HUGE_PAGE, flag_word
from paging.natives import cpu, entries
from paging.protection import BORROWED_ENTRIES, Protection, address_in_window
from paging.translation import WalkEntry

from diagnostics.rights import raw_names
from diagnostics.text import WIDTH, hexadecimal
from diagnostics.walks import leads_to

INDEX_MASK = ENTRIES - 1
MARKS = ACCESSED | DIRTY


def live_roots():
    """The frames of all root tables: the active one first, then those that somebody owns."""
    roots = [cpu.read_root_frame()]
    index = next_record(0)
    while index >= 0:
        if field(index, "kind") == TABLE and field(index, "root") not in roots:
            roots.append(field(index, "root"))
        index = next_record(index + 1)
    kernels = Protection.live.kernel_root
    return roots if kernels in roots else roots + [kernels]


def find_table(wanted, table, level=LEVELS, page=0):
    """(level, number of the first page below it) of the table in frame `wanted` below another one, itself included; or
    None. Entries that lead to roots are not followed."""
    if table == wanted:
        return level, page
    at, index = address_in_window(table), 0
    while level > 1:
        index += entries.absent(at + 8 * index, ENTRIES - index)
        if index >= ENTRIES:
            return None
        word, frame = entries.word(at + 8 * index), entries.frame(at + 8 * index)
        is_table = not word & HUGE_PAGE and not (level == LEVELS and index in BORROWED_ENTRIES)
        if is_table and frame < Protection.live.window_pages:
            found = find_table(wanted, frame, level - 1, page | index << INDEX_BITS * (level - 1))
            if found is not None:
                return found
        index += 1
    return None


class LiveEntry:
    """An entry of a table that a root leads to, as it was when this was made: before somebody writes to it.

    .level, .index, .table (a frame number), .page (the first page number that it stands for), .before (a WalkEntry)
    """

    def __init__(self, table, level, first_page, index, is_active):
        self.table = table
        self.level = level
        self.index = index
        self.page = canonical_page(first_page + index * pages_at(level))
        self.is_active = is_active
        self.before = self.now()

    def now(self):
        """What the entry says now, as a WalkEntry."""
        at = address_in_window(self.table) + 8 * self.index
        frame, raw = entries.frame(at), entries.word(at)
        word = flag_word(raw, frame, self.level, self.level == 1 or raw & HUGE_PAGE != 0)
        return WalkEntry(self.level, self.table, self.index, frame, word, False)

    def lines(self, width=WIDTH):
        """What was written to, what it said and says, and whether a flush is owed."""
        now = self.now()
        yield "P%d[%d] of the table in frame %s, for v%s" % (
            self.level,
            self.index,
            hexadecimal(self.table),
            hexadecimal(self.page << PAGE_SHIFT),
        )
        yield "was " + said_by(self.before)
        yield "is  " + said_by(now)
        yield self.owed(now)

    def owed(self, now):
        """In words whether a flush is owed, and how to do it. (SDM volume 3, "Invalidation of TLBs and Paging-Structure
        Caches")"""
        before = self.before
        if not before.is_present:
            return "no flush is owed: the TLB remembers only what was present"
        if now.value == before.value or now.value == before.value | now.flags.word & MARKS:
            return "no flush is owed: the entry takes nothing back"
        if not self.is_active:
            return "no flush is owed now: this root is not the active one, and switching forgets"
        if before.is_leaf:
            return "a flush is owed: flush v%s" % hexadecimal(self.page << PAGE_SHIFT)
        return "a flush is owed of everything below: flush"


def said_by(entry):
    """An entry in a line: its bits, their names, and where it leads."""
    raw = hexadecimal(entry.value, 16)
    if not entry.is_present:
        return raw + ", not present"
    return "%s, %s -> %s" % (raw, raw_names(entry.flags.word, entry.level), leads_to(entry))


def live_entry_at(address):
    """The LiveEntry that the byte at a virtual address belongs to, however the address leads there; or None."""
    mapped = address_of_frame(address)
    if mapped is None:
        return None
    table, offset = mapped
    for place, root in enumerate(live_roots()):
        found = find_table(table, root)
        if found is not None:
            level, first_page = found
            is_active = place == 0 or page_is_shared(first_page, level)
            return LiveEntry(table, level, first_page, offset >> 3 & INDEX_MASK, is_active)
    return None


def page_is_shared(page, level):
    """True for what lies below a table that all roots share."""
    return level < LEVELS and canonical_page(page) >> 51 != 0


def address_of_frame(address):
    """(frame number, byte in it) that a virtual address leads to under the active root, or None."""
    frame = Protection.live.frame_at(VirtualAddress(address).number)
    return None if frame < 0 else (frame, address & 0xFFF)
