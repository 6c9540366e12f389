"""The parts of the address space, by the names of boot/layout.h."""

from memory_structs.mode import LAST_PAGE, LOWER_HALF_LAST_PAGE, PAGES_PER_ROOT_ENTRY, page_of_root_entry
from paging.natives import LAYOUT, boot


class Region:
    """A part of the address space: page numbers from `.first_page` to `.last_page`, inclusive."""

    def __init__(self, name, first_page, last_page, is_recursive=False):
        self.name = name
        self.first_page = first_page
        self.last_page = last_page
        self.is_recursive = is_recursive

    def __repr__(self):
        return "%s: v0x%x to v0x%x" % (self.name, self.first_page << 12, (self.last_page << 12) + 0xFFF)


def regions():
    """Return every Region in ascending order; together they are all canonical addresses."""
    objects, emitted = LAYOUT["OBJECTS_PAGE"], LAYOUT["EMITTED_CODE_PAGE"]
    return (
        Region("lower half", 0, LOWER_HALF_LAST_PAGE),
        slots("physical window", "WINDOW_ROOT_INDEX", LAYOUT["WINDOW_ROOT_ENTRIES"]),
        slots("page pool", "POOL_ROOT_INDEX", LAYOUT["POOL_ROOT_ENTRIES"]),
        slots("technique windows", "TECHNIQUE_ROOT_INDEX"),
        slots("recursive slot of inactive tables", "OTHER_RECURSIVE_ROOT_INDEX", is_recursive=True),
        slots("recursive slot", "RECURSIVE_ROOT_INDEX", is_recursive=True),
        Region("kernel image", slots("", "KERNEL_ROOT_INDEX").first_page, objects - 1),
        Region("loaded objects", objects, emitted - 1),
        Region("emitted code", emitted, LAST_PAGE),
    )


def slots(name, key, count=1, is_recursive=False):
    """Return the Region of root entries from LAYOUT's `key` on."""
    first = page_of_root_entry(LAYOUT[key])
    return Region(name, first, first + count * PAGES_PER_ROOT_ENTRY - 1, is_recursive)


def region_of(page):
    """Return the Region of a page number."""
    for region in regions():
        if region.first_page <= page <= region.last_page:
            return region
    return None


def image_sections():
    """Return (name, first page, first frame, pages, rights) of the kernel image's parts."""
    return boot.sections()
