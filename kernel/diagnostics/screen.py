"""The machine's own display, VGA text or pixels: what it shows, and the picture of physical memory drawn on it.

Which of the two, and where, is the loader's word; through PVH there is none. Pixels show what text would, as large as
they have room for. The display's memory is mapped for the time of drawing, as anybody would map a device.
"""

import framebuf
import memory
from memory import MMIO_FLAGS
from memory_structs import KernelError
from paging import BootInfo

from diagnostics.memory_access import HexDump
from diagnostics.picture import COLUMNS, Picture
from diagnostics.text import WIDTH, Lines, View

TEXT_KIND = 2
TEXT_COLUMNS, TEXT_ROWS = 80, 25
# How wide the addresses in front of a row are, in picture.py.
ADDRESS_COLUMNS = 15
PLAIN = 0x07
# Attribute bytes of VGA text, and colours of pixels (0xRRGGBB), by letter; owners take turns.
ATTRIBUTES = {
    ".": 0x07,
    "-": 0x07,
    "+": 0x0E,
    "T": 0x0D,
    "K": 0x70,
    "H": 0x1F,
    "B": 0x03,
    "L": 0x03,
    "M": 0x03,
    "R": 0x4F,
    " ": 0x00,
}
OWNER_ATTRIBUTES = (0x0A, 0x0B, 0x0E, 0x0C, 0x0F)
PIXELS = {
    ".": 0x7D858F,
    "+": 0xC0A000,
    "T": 0xD060D0,
    "K": 0x5A78FF,
    "H": 0x80A0FF,
    "B": 0x009090,
    "L": 0x009090,
    "M": 0x009090,
    "R": 0xE05050,
}
OWNER_PIXELS = (0x40D040, 0x40D0D0, 0xE0E040, 0xE06040, 0xFFFFFF)
INK, GROUND = 0xE0E0E0, 0x101216
# A letter's pixels, and those of a line of text: one below and one above.
LETTER, LINE = 8, 10


class NoDisplay(KernelError):
    """There is nothing to draw on, or it is of a kind that this kernel does not know."""


def display_of_boot(info):
    """The Framebuffer that the loader found. Raises NoDisplay."""
    if info.framebuffer is None:
        raise NoDisplay(
            "the loader found no display: boot through the ISO (make run BOOT=iso), with a VGA card;"
            " until then what is written to p0xb8000 is nowhere to be seen"
        )
    return info.framebuffer


class Screen(View):
    """The rows of letters on a display in VGA text mode, read once: `.rows`, texts. Raises NoDisplay."""

    def __init__(self):
        info = BootInfo()
        display = display_of_boot(info)
        if display.kind != TEXT_KIND:
            raise NoDisplay("%r shows pixels, not letters" % display)
        start = info.physical_memory_offset.value + display.start.value
        cells = HexDump(start, TEXT_COLUMNS * TEXT_ROWS * 2).data
        codes = [cells[place] for place in range(0, len(cells), 2)]
        letters = "".join([chr(code) if 32 <= code < 127 else " " for code in codes])
        self.rows = [letters[first : first + TEXT_COLUMNS].rstrip() for first in range(0, len(letters), TEXT_COLUMNS)]

    def lines(self, width=WIDTH):
        for number, row in enumerate(self.rows):
            if row:
                yield "%2d  %s" % (number, row)


def draw():
    """Draw physical memory on the display; return what was done, in words. Raises NoDisplay."""
    display = display_of_boot(BootInfo())
    picture = Picture()
    if display.kind == TEXT_KIND:
        draw_text(display, picture)
    elif display.bits_per_pixel in (24, 32):
        draw_pixels(display, picture)
    else:
        raise NoDisplay("a display of %d bits per pixel is not supported" % display.bits_per_pixel)
    return Lines(("drawn on %r" % display,))


def draw_text(display, picture):
    """Draw letters with attributes."""
    size_in_cells = TEXT_COLUMNS * TEXT_ROWS
    mapping = memory.map_frame_range(display.start, size_in_cells * 2, MMIO_FLAGS)
    with mapping as mapped, mapped.as_slice_mut("H", 0, size_in_cells) as cells:
        for place in range(size_in_cells):
            cells[place] = PLAIN << 8 | 0x20
        rows = -(-len(picture.cells) // COLUMNS)
        for row, line in enumerate(list(picture.lines())[:TEXT_ROWS]):
            write_line(cells, row, line, is_map=0 < row <= rows)


def write_line(cells, row, line, is_map):
    """Write one line of text; the letters of the map have their colours."""
    for column, letter in enumerate(line[:TEXT_COLUMNS]):
        in_map = is_map and column >= ADDRESS_COLUMNS
        attribute = attribute_of(letter) if in_map else PLAIN
        cells[row * TEXT_COLUMNS + column] = attribute << 8 | ord(letter)


def attribute_of(letter):
    """Return the attribute byte of a cell's letter."""
    return ATTRIBUTES.get(letter, OWNER_ATTRIBUTES[ord(letter) % len(OWNER_ATTRIBUTES)])


def pixels_of(letter):
    """Return the colours of a cell's letter and of what it stands on: where no RAM is, there is no colour."""
    if letter in " -":
        return INK, GROUND
    return 0, PIXELS.get(letter, OWNER_PIXELS[ord(letter) % len(OWNER_PIXELS)])


class Painter:
    """Letters as pixels: `.scale` times as wide, and `.tall` times as high, as those of the font, which are 8 by 8."""

    def __init__(self, display):
        self.pixel_bytes = display.bits_per_pixel // 8
        high = display.height // (TEXT_ROWS * LINE)
        self.scale = max(min(display.width // (TEXT_COLUMNS * LETTER), high), 1)
        self.tall = max(min(high, 2 * self.scale), 1)
        self.columns = min(display.width // (LETTER * self.scale), TEXT_COLUMNS)
        self._rows = {}

    def colour(self, value, count=1):
        """Return so many pixels of a colour as bytes."""
        return value.to_bytes(self.pixel_bytes, "little") * count

    def rows_of(self, letter, ink, ground):
        """Return a letter's LINE rows of pixels, as bytes."""
        key = letter, ink, ground
        if key not in self._rows:
            bits = bytearray(LETTER)
            framebuf.FrameBuffer(bits, LETTER, LETTER, framebuf.MONO_HLSB).text(letter, 0, 0, 1)
            pixels = self.colour(ground, self.scale), self.colour(ink, self.scale)
            drawn = [b"".join([pixels[row >> bit & 1] for bit in range(LETTER - 1, -1, -1)]) for row in bits]
            blank = [pixels[0] * LETTER]
            self._rows[key] = blank + drawn + blank
        return self._rows[key]

    def rows_of_line(self, line, is_map):
        """Return the rows of pixels of a line of text; the letters of the map stand on their colours."""
        drawn = []
        for column, letter in enumerate(line[: self.columns]):
            in_map = is_map and column >= ADDRESS_COLUMNS
            drawn.append(self.rows_of(letter, *(pixels_of(letter) if in_map else (INK, GROUND))))
        return [b"".join([rows[number] for rows in drawn]) for number in range(LINE)]


def draw_pixels(display, picture):
    """Draw what `picture` prints, as large as the display has room for, on a display that is empty otherwise."""
    painter = Painter(display)
    lines = list(picture.lines())[:TEXT_ROWS]
    rows = -(-len(picture.cells) // COLUMNS)
    mapping = memory.map_frame_range(display.start, display.size_in_bytes, MMIO_FLAGS)
    with mapping as mapped, mapped.as_slice_mut("B", 0, display.size_in_bytes) as pixels:
        empty = painter.colour(GROUND, display.width)
        painted = []
        for number, line in enumerate(lines):
            for row in painter.rows_of_line(line, 0 < number <= rows):
                painted += [row + empty[len(row) :]] * painter.tall
        for height in range(display.height):
            row = painted[height] if height < len(painted) else empty
            pixels[height * display.pitch : height * display.pitch + len(row)] = row
