"""The paging mode: how many levels of tables there are. Everything else that depends on it is computed here, once.

port/hardware/paging.c reads it from CR4.LA57 at power-on. That can't change while paging is on (Intel SDM, volume 3,
"4-Level Paging and 5-Level Paging"), so what is read when this is imported stays true.
"""

from .natives import cpu

PAGE_SHIFT = 12
INDEX_BITS = 9
ENTRIES = 1 << INDEX_BITS

LEVELS = 4 if cpu is None else cpu.paging_levels()  # on a host there is no machine to ask
VIRTUAL_BITS = PAGE_SHIFT + INDEX_BITS * LEVELS
LARGEST_PAGE_LEVEL = 3  # 1 GiB, in either mode

# Page numbers are addresses >> 12, sign bits included.
LAST_PAGE = (1 << 64 - PAGE_SHIFT) - 1
ROOT_SHIFT = INDEX_BITS * (LEVELS - 1)
PAGES_PER_ROOT_ENTRY = 1 << ROOT_SHIFT
LOWER_HALF_PAGES = PAGES_PER_ROOT_ENTRY * (ENTRIES // 2)
LOWER_HALF_LAST_PAGE = LOWER_HALF_PAGES - 1
UPPER_HALF_FIRST_PAGE = LAST_PAGE + 1 - LOWER_HALF_PAGES
TRANSLATED_PAGES = LOWER_HALF_PAGES * 2  # what the tables see of a page number, both halves in one piece
FIRST_UPPER_INDEX = ENTRIES // 2


def pages_at(level):
    """How many 4 KiB pages one entry of a table at `level` covers."""
    return 1 << INDEX_BITS * (level - 1)


def index_at(page, level):
    """Which entry of a table at `level` the way to a page number goes through."""
    return page >> INDEX_BITS * (level - 1) & ENTRIES - 1


def canonical_page(page):
    """A page number of which only the translated bits are right, with its sign bits."""
    page &= TRANSLATED_PAGES - 1
    return page | UPPER_HALF_FIRST_PAGE if page >= LOWER_HALF_PAGES else page


def page_of_root_entry(index):
    """The number of the first page that a root entry covers."""
    return canonical_page(index << ROOT_SHIFT)
