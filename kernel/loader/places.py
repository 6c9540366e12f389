"""Where objects go: the region of boot/layout.h, as pages, and as numbers that have a sign."""

from memory import PageRange
from paging.natives import LAYOUT

from .relocations import signed

FIRST_PAGE, PAGES = LAYOUT["OBJECTS_PAGE"], LAYOUT["OBJECTS_PAGES"]
REGION = PageRange.from_numbers(FIRST_PAGE, FIRST_PAGE + PAGES - 1)
REGION_START = signed(FIRST_PAGE << 12)
REGION_END = REGION_START + (PAGES << 12)
# Where the physical window shows frame 0.
WINDOW = signed(LAYOUT["WINDOW_PAGE"] << 12)
