"""Who has what: every owner of mapped pages, every page table, and what every frame of RAM is used for."""

import memory
from loader.handover import USABLE, memory_regions
from memory import ledger
from memory_structs import PAGE_SHIFT
from memory_structs.mode import LEVELS, pages_at
from paging import MalformedEntry, OffsetPageTable, active_level_4_table
from paging.natives import LAYOUT

from diagnostics.regions import region_of
from diagnostics.rights import rights_of
from diagnostics.text import WIDTH, View, columns, hexadecimal, size

# One letter for each owner, in the order of their records; what is the kernel's own has capitals.
LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"
FREE, TAKEN, TABLE, HEAP, NO_RAM = ".", "+", "T", "H", "-"
LEGEND = (
    (FREE, "free"),
    (TAKEN, "allocated, not mapped"),
    (TABLE, "page table"),
    ("K", "kernel image"),
    (HEAP, "Python's heap"),
    ("B", "the kernel's bookkeeping"),
    ("L", "loader's information"),
    ("M", "boot module"),
    ("R", "firmware and devices"),
    (NO_RAM, "no RAM"),
)
RECURSIVE = ("RECURSIVE_ROOT_INDEX", "OTHER_RECURSIVE_ROOT_INDEX")
FIRST_MIB_LAST = 255


class OwnedPages:
    """A live mapping with an owner: page numbers, kind and rights."""

    def __init__(self, letter, first_page, count, kind, flags, root):
        self.letter = letter
        self.first_page = first_page
        self.count = count
        self.kind = kind
        self.flags = flags
        self.root = root

    def frames(self):
        """Yield (first frame, count) of what the pages lead to; where reserved bits are set, that is nothing."""
        mapper, page, end = OffsetPageTable(), self.first_page, self.first_page + self.count
        while page < end:
            try:
                found, after = mapper.runs(page, end - page), end
            except MalformedEntry as error:
                wrong = error.page
                found = mapper.runs(page, wrong - page) if wrong > page else ()
                after = (wrong | pages_at(error.level) - 1) + 1
            for run in found:
                if run.is_mapped:
                    yield run.frame, run.count
            page = after

    def row(self):
        """Return letter, place, size, kind, rights and region, as texts."""
        place = "v%s +%d" % (hexadecimal(self.first_page << PAGE_SHIFT), self.count)
        where = "Python's heap" if self.letter == HEAP else region_of(self.first_page).name
        kind = ledger.KIND_NAMES[self.kind]
        return (self.letter, place, size(self.count << PAGE_SHIFT), kind, rights_of(self.flags), where)


def owners():
    """Return an OwnedPages for every mapping but the kernel's own, in the order in which they came to be."""
    found, taken = [], 0
    heap_pages = [first for first, _ in memory.get_kernel_mmi_ref().heap.areas()]
    index = ledger.next_record(0)
    while index >= 0:
        first, count, kind, flags, root = [
            ledger.field(index, name) for name in ("first_page", "count", "kind", "flags", "root")
        ]
        if kind not in (ledger.SYSTEM, ledger.TABLE):
            letter = HEAP if first in heap_pages else LETTERS[taken % len(LETTERS)]
            taken += letter != HEAP
            found.append(OwnedPages(letter, first, count, kind, flags, root))
        index = ledger.next_record(index + 1)
    return found


class Owners(View):
    """Every mapping that somebody owns. `.owners` are OwnedPages."""

    def __init__(self):
        self.owners = owners()

    def lines(self, width=WIDTH):
        if not self.owners:
            return ("nobody owns a mapping; the kernel's own are in `dump`",)
        rows = [("", "pages", "size", "kind", "rights", "where")]
        return columns(rows + [owner.row() for owner in self.owners], (2,), width)


def table_frames(root=None):
    """Yield (frame number, level) of every table that the active root leads to, the root first."""
    yield from _tables_below(active_level_4_table() if root is None else root)


def _tables_below(table):
    yield table.page - LAYOUT["WINDOW_PAGE"], table.level
    if table.level == 1:
        return
    skipped = [LAYOUT[key] for key in RECURSIVE] if table.level == LEVELS else ()
    for entry in table.used():
        below = None if entry.index in skipped else table.next_table(entry.index)
        if below is not None:
            yield from _tables_below(below)


class Stretch:
    """Frames from `.first` to `.last`, used for one thing: `.letter`, and `.name` in words."""

    def __init__(self, first, last, letter, name):
        self.first = first
        self.last = last
        self.letter = letter
        self.name = name


def frame_census():
    """Yield a Stretch for everything known of RAM; later ones overrule earlier ones."""
    allocator = memory.frame_allocator
    pool = allocator.pool
    yield Stretch(0, pool.high, NO_RAM, "no RAM")
    for first, last in allocator.ram:
        yield Stretch(first, last, TAKEN, "allocated")
    for start, end, kind in memory_regions():
        if kind != USABLE and start >> PAGE_SHIFT <= pool.high:
            yield Stretch(start >> PAGE_SHIFT, end - 1 >> PAGE_SHIFT, "R", "firmware")
    yield Stretch(0, FIRST_MIB_LAST, "R", "the first MiB")
    for first, count, _ in pool.runs():
        yield Stretch(first, first + count - 1, FREE, "free")
    for first, last, name in list(allocator.read_only) + allocator.reservations:
        yield Stretch(first, last, letter_of_reservation(name), name)
    for frame, level in table_frames():
        yield Stretch(frame, frame, TABLE, "P%d table" % level)
    for owner in owners():
        for first, count in owner.frames():
            yield Stretch(first, first + count - 1, owner.letter, "an owner")


def letter_of_reservation(name):
    """Return the letter of what is reserved under a name."""
    words = ("image", "K"), ("heap", HEAP), ("boot", "B"), ("bookkeeping", "B"), ("loader", "L"), ("module", "M")
    for word, letter in words:
        if word in name:
            return letter
    return "R"


class Frames(View):
    """The states of RAM, and its largest free runs. `.statistics` is the allocator's."""

    def __init__(self, most=8):
        self.statistics = memory.frame_allocator.statistics()
        runs = sorted(memory.frame_allocator.pool.runs(), key=lambda run: -run[1])
        self.largest = runs[:most]

    def lines(self, width=WIDTH):
        yield from state_lines(self.statistics)
        yield "largest free runs"
        rows = [(first << PAGE_SHIFT, count << PAGE_SHIFT) for first, count, _ in self.largest]
        yield from columns([("  p" + hexadecimal(start), size(length)) for start, length in rows], (1,))


class Pages(View):
    """The states of the address space that can be had. `.statistics` is the allocator's."""

    def __init__(self):
        self.statistics = memory.page_allocator.statistics()

    def lines(self, width=WIDTH):
        return state_lines(self.statistics)


def state_lines(statistics):
    """Return a table of an allocator's states."""
    rows = []
    for name in statistics.names + ("device", "quarantine"):
        count = getattr(statistics, name)
        if count or name == "free":
            rows.append((name, str(count), size(count << PAGE_SHIFT)))
    rows.append(("in all", str(statistics.total), size(statistics.total << PAGE_SHIFT)))
    return columns(rows, (1, 2))
