"""Maps of memory made of characters: one cell for a frame, or for a run of frames when there are many.

`Picture` is physical memory, `PoolPicture` the part of the kernel's page pool that is in use. Letters mean the same in
both, and in `owners`.
"""

from memory_structs import PAGE_SHIFT
from memory_structs.mode import page_of_root_entry
from paging.natives import LAYOUT

from diagnostics.census import FREE, LEGEND, LETTERS, NO_RAM, Stretch, frame_census, owners
from diagnostics.text import View, hexadecimal, size, wrapped

COLUMNS = 64
ROWS = 24
# What colour a terminal gives a cell: SGR numbers.
COLOURS = {FREE: "90", "+": "33", "T": "35", "K": "34", "H": "94", "B": "36", "L": "36", "M": "36", "R": "31"}
OWNER_COLOURS = ("92", "93", "94", "95", "96", "91")
RESET = "\x1b[0m"


class CellMap(View):
    """A map of numbers (frames or pages) as rows of cells. `.cells` is one letter for each cell."""

    def __init__(self, title, first, last, stretches):
        self.title = title
        self.first = first
        count = last - first + 1
        self.step = 1
        while (count + self.step - 1) // self.step > COLUMNS * ROWS:
            self.step *= 2
        self._cells = bytearray(ord(NO_RAM) for _ in range((count + self.step - 1) // self.step))
        for stretch in stretches:
            self._paint(stretch, last)

    def _paint(self, stretch, last):
        start = (max(stretch.first, self.first) - self.first) // self.step
        end = (min(stretch.last, last) - self.first) // self.step
        letter = ord(stretch.letter)
        for cell in range(start, end + 1):
            self._cells[cell] = letter

    @property
    def cells(self):
        return bytes(self._cells).decode()

    def lines(self):
        return self._lines(lambda row: row)

    def coloured_lines(self):
        """Return the lines with a terminal's colours."""
        return self._lines(coloured)

    def _lines(self, paint):
        yield "%s, one cell is %s" % (self.title, size(self.step << PAGE_SHIFT))
        cells = self.cells
        for start in range(0, len(cells), COLUMNS):
            address = self.first + start * self.step << PAGE_SHIFT
            yield "%*s %s" % (self.width, self.prefix + hexadecimal(address), paint(cells[start : start + COLUMNS]))
        yield from legend(cells)


class Picture(CellMap):
    """All of RAM."""

    prefix = "p"
    width = 14  # so that a row fits 80 columns

    def __init__(self):
        stretches = list(frame_census())
        last = max(stretch.last for stretch in stretches if stretch.letter != "R")
        super().__init__("physical memory", 0, last, stretches)


class PoolPicture(CellMap):
    """The kernel's page pool, as far as it is in use."""

    prefix = "v"
    width = 19

    def __init__(self):
        first = page_of_root_entry(LAYOUT["POOL_P4_INDEX"])
        inside = [owner for owner in owners() if owner.first_page >= first]
        stretches = [
            Stretch(owner.first_page, owner.first_page + owner.count - 1, owner.letter, "") for owner in inside
        ]
        last = max([stretch.last for stretch in stretches] + [first + COLUMNS - 1])
        super().__init__("the kernel's page pool", first, last, [Stretch(first, last, FREE, "free")] + stretches)


def legend(cells):
    """Return lines that say what the letters in these cells mean."""
    words = ["%s %s" % (letter, meaning) for letter, meaning in LEGEND if letter in cells]
    if any([letter in cells for letter in LETTERS]):
        words.append("0-9 a-z an owner (see `owners`)")
    return wrapped(words)


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
