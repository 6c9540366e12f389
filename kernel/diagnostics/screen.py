"""The machine's own display, VGA text or pixels: what it shows, and the picture of physical memory drawn on it.

Which of the two, and where, is the loader's word; through PVH there is none. The display's memory is mapped for the
time of drawing, as anybody would map a device.
"""

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
    ".": 0x08,
    "+": 0x0E,
    "T": 0x0D,
    "K": 0x09,
    "H": 0x01,
    "B": 0x03,
    "L": 0x03,
    "M": 0x03,
    "R": 0x04,
    " ": 0x00,
}
OWNER_ATTRIBUTES = (0x0A, 0x0B, 0x0E, 0x0C, 0x0F)
PIXELS = {
    ".": 0x303030,
    "+": 0xC0A000,
    "T": 0xC040C0,
    "K": 0x4060FF,
    "H": 0x80A0FF,
    "B": 0x008080,
    "L": 0x008080,
    "M": 0x008080,
}
PIXELS["R"] = 0xA02020
OWNER_PIXELS = (0x40D040, 0x40D0D0, 0xE0E040, 0xE06040, 0xFFFFFF)
CELL_PIXELS = 10


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


def pixel_of(letter):
    """Return the colour of a cell's letter."""
    if letter == " ":
        return 0
    return PIXELS.get(letter, OWNER_PIXELS[ord(letter) % len(OWNER_PIXELS)])


def draw_pixels(display, picture):
    """Draw a square for each cell."""
    cells = picture.cells
    mapping = memory.map_frame_range(display.start, display.size_in_bytes, MMIO_FLAGS)
    with mapping as mapped, mapped.as_slice_mut("B", 0, display.size_in_bytes) as pixels:
        for start in range(0, len(cells), COLUMNS):
            row = pixel_row(cells[start : start + COLUMNS], display.bits_per_pixel // 8)
            top = start // COLUMNS * CELL_PIXELS
            for line in range(top, min(top + CELL_PIXELS - 1, display.height)):
                pixels[line * display.pitch : line * display.pitch + len(row)] = row


def pixel_row(letters, pixel_bytes):
    """Return the bytes of one line of pixels through a row of cells, with a dark gap behind each."""
    gap = bytes(pixel_bytes)
    return b"".join([pixel_of(letter).to_bytes(pixel_bytes, "little") * (CELL_PIXELS - 1) + gap for letter in letters])
