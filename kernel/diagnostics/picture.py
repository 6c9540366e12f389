"""Maps of memory made of characters: one cell for a frame, or for a run of frames when there are many.

`Picture` is physical memory, `PoolPicture` the part of the kernel's page pool that is in use. Letters mean the same in
both, and in `owners`.
"""

from memory_structs import PAGE_SHIFT
from memory_structs.mode import PAGES_PER_ROOT_ENTRY, page_of_root_entry
from paging.natives import LAYOUT

from diagnostics.census import FREE, LEGEND, LETTERS, NO_RAM, Stretch, frame_census, owners
from diagnostics.text import WIDTH, View, hexadecimal, size, wrapped

COLUMNS = 64
# How many rows of cells there are at most: with title and legend they fit a screen of 24 rows.
ROWS = 18
# What colour a terminal gives a cell: SGR numbers.
COLOURS = {FREE: "90", "+": "33", "T": "35", "K": "34", "H": "94", "B": "36", "L": "36", "M": "36", "R": "31"}
OWNER_COLOURS = ("92", "93", "94", "95", "96", "91")
RESET = "\x1b[0m"


class CellMap(View):
    """A map of numbers (frames or pages) as rows of cells. `.cells` is one letter for each, with COLUMNS in a row."""

    def __init__(self, title, first, last, stretches):
        self.title = title
        self.first = first
        self.last = last
        self._stretches = stretches

    @property
    def cells(self):
        return self.drawn(COLUMNS)[1]

    def drawn(self, columns):
        """Return (how many numbers a cell stands for, the cells as text) with so many cells in a row."""
        count = self.last - self.first + 1
        step = 1
        while (count + step - 1) // step > columns * ROWS:
            step *= 2
        cells = bytearray(ord(NO_RAM) for _ in range((count + step - 1) // step))
        for stretch in self._stretches:
            start = (max(stretch.first, self.first) - self.first) // step
            end = (min(stretch.last, self.last) - self.first) // step
            letter = ord(stretch.letter)
            for cell in range(start, end + 1):
                cells[cell] = letter
        return step, bytes(cells).decode()

    def lines(self, width=WIDTH):
        return self._lines(width, lambda row: row)

    def coloured_lines(self, width=WIDTH):
        """Return the lines with a terminal's colours."""
        return self._lines(width, coloured)

    def _lines(self, width, paint):
        columns = max((width - self.address_columns - 1) // 16, 1) * 16
        step, cells = self.drawn(columns)
        yield "%s, one cell is %s" % (self.title, size(step << PAGE_SHIFT))
        for start in range(0, len(cells), columns):
            address = self.prefix + hexadecimal(self.first + start * step << PAGE_SHIFT)
            yield "%*s %s" % (self.address_columns, address, paint(cells[start : start + columns]))
        yield from legend(cells, width)


class Picture(CellMap):
    """All of RAM."""

    prefix = "p"
    address_columns = 14

    def __init__(self):
        stretches = list(frame_census())
        last = max(stretch.last for stretch in stretches if stretch.letter != "R")
        super().__init__("physical memory", 0, last, stretches)


class PoolPicture(CellMap):
    """The kernel's page pool, as far as it is in use."""

    prefix = "v"
    address_columns = 19

    def __init__(self):
        first = page_of_root_entry(LAYOUT["POOL_ROOT_INDEX"])
        end = first + LAYOUT["POOL_ROOT_ENTRIES"] * PAGES_PER_ROOT_ENTRY
        inside = [owner for owner in owners() if first <= owner.first_page < end]
        stretches = [
            Stretch(owner.first_page, owner.first_page + owner.count - 1, owner.letter, "") for owner in inside
        ]
        last = max([stretch.last for stretch in stretches] + [first + COLUMNS - 1])
        super().__init__("the kernel's page pool", first, last, [Stretch(first, last, FREE, "free")] + stretches)


def legend(cells, width=WIDTH):
    """Return lines that say what the letters in these cells mean."""
    words = ["%s %s" % (letter, meaning) for letter, meaning in LEGEND if letter in cells]
    if any([letter in cells for letter in LETTERS]):
        words.append("0-9 a-z an owner (see `owners`)")
    return wrapped(words, width=width)


def coloured(row):
    """Return a row of cells with a terminal's colours, one escape sequence for each run of equal cells."""
    parts, before = [], None
    for letter in row:
        if letter != before:
            parts.append("\x1b[%sm" % colour_of(letter))
            before = letter
        parts.append(letter)
    return "".join(parts) + RESET


def colour_of(letter):
    """Return the SGR number of a cell's colour."""
    if letter in LETTERS:
        return OWNER_COLOURS[LETTERS.index(letter) % len(OWNER_COLOURS)]
    return COLOURS.get(letter, "0")
