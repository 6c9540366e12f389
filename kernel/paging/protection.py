"""What the kernel itself runs on, and so can't be changed: known by the tables that hold it, whoever looks at them.

All roots share one kernel's half: their entries there lead to the same tables, the *shared tables*, one level below the
root. So whether a change concerns the kernel is not a question of the object, the technique or the root it is made
through, but of the table below the root on the way: is it a shared one?
"""

import struct

import micropython
from memory_structs.mode import (
    ENTRIES,
    FIRST_UPPER_INDEX,
    LARGEST_PAGE_LEVEL,
    LEVELS,
    PAGES_PER_ROOT_ENTRY,
    ROOT_SHIFT,
    UPPER_HALF_FIRST_PAGE,
    index_at,
    page_of_root_entry,
    pages_at,
)

from .access import Access
from .flags import ACCESSED, DIRTY, HUGE_PAGE
from .natives import LAYOUT, cpu, entries
from .refusals import KernelInUse

RECURSIVE = LAYOUT["RECURSIVE_ROOT_INDEX"]
OTHER_RECURSIVE = LAYOUT["OTHER_RECURSIVE_ROOT_INDEX"]
TECHNIQUE = LAYOUT["TECHNIQUE_ROOT_INDEX"]
KERNEL_PAGE = page_of_root_entry(LAYOUT["KERNEL_ROOT_INDEX"])
# Root entries that are no part of what all roots share: each root has its own there, or none.
OWN_ENTRIES = (OTHER_RECURSIVE, RECURSIVE)
FIRST_POOL_PAGE = page_of_root_entry(LAYOUT["POOL_ROOT_INDEX"])
NO_TABLES = 1, 0
MARKS = ACCESSED | DIRTY
WHOLE_ENTRIES = 4  # so many of the spans, the first, are whole root entries
# Where a technique puts tables of its own while it is in use.
BORROWED_ENTRIES = (TECHNIQUE, OTHER_RECURSIVE, RECURSIVE)


class Protection:
    """The kernel's half of all tables. `Protection.live` is the one of this machine, once memory.init has made it.

    .kernel_root       frame number of the kernel's own root
    .shared_tables     (first, last) frame numbers of those, in order of their root entries
    .window_pages      how many frames the physical window shows
    .spans             (first page, last page, name) of what is never changed; .areas() gives more, as (first, count)
    .window_tables     frame numbers of the tables that pages of the window were divided into (memory/mappings/aliases)
    .image_frames      (first, last) of the kernel's image, the static boot tables included
    .heap_frames       the same of the first area of Python's heap
    """

    live = None

    def __init__(self, window_pages, sections, image_frames, heap_frames):
        self.indexes = [index for index in range(FIRST_UPPER_INDEX, 512) if index not in OWN_ENTRIES]
        self.kernel_root, self.shared_tables = None, NO_TABLES
        self.window_pages = window_pages
        self.image_frames = image_frames
        self.heap_frames = heap_frames
        self.image_words = struct.pack("<II", *image_frames)
        self.areas = no_areas
        self.window_tables = set()
        self.spans = [
            root_entries("the physical window", LAYOUT["WINDOW_ROOT_INDEX"], LAYOUT["WINDOW_ROOT_ENTRIES"]),
            root_entries("the technique windows", TECHNIQUE, 1),
            root_entries("the recursive slot of inactive tables", OTHER_RECURSIVE, 1),
            root_entries("the recursive slot", RECURSIVE, 1),
        ]
        for section in sections:
            self.spans.append((section.first_page, section.last_page, "the kernel's %s" % section.name))
        pairs = [struct.pack("<QQ", first, last) for first, last, _ in self.spans]
        self._span_words = b"".join(pairs) + struct.pack("<QQ", 0, 0)

    def begin(self, kernel_root, first_shared_table):
        """Take note of the kernel's own tables, which are there now."""
        self.kernel_root = kernel_root
        self.shared_tables = first_shared_table, first_shared_table + len(self.indexes) - 1

    def refuse_entry(self, frame, index, level):
        """Raise KernelInUse for an entry, of the table at `level` in a frame, that what the kernel runs on needs."""
        covered = pages_at(level)
        if level == LEVELS:
            if index >= FIRST_UPPER_INDEX and self.is_root(frame):
                raise KernelInUse(page_of_root_entry(index), "the kernel's half, which all tables share")
        elif level == LEVELS - 1:
            if self.shared_tables[0] <= frame <= self.shared_tables[1]:
                first = page_of_root_entry(self.indexes[frame - self.shared_tables[0]])
                self.refuse(first + index * covered, covered)
        elif frame in self.window_tables:
            page = LAYOUT["WINDOW_PAGE"] + entries.frame(address_in_window(frame) + 8 * index)
            raise KernelInUse(page, "the physical window")
        else:
            for first, last in self.ranges_in_small_tables(level):
                page = first & -covered * ENTRIES
                while page <= last:
                    if self.table_of(page, level) == frame:
                        self.refuse(page + index * covered, covered)
                    page += covered * ENTRIES

    def frame_at(self, page):
        """The frame that a page number leads to under the active root; negative if to none."""
        return Access(cpu.read_root_frame(), address_in_window(0), None, self.window_pages).translate(page)

    def ranges_in_small_tables(self, level):
        """Yield (first page, last page) of what tables at a level, below the shared ones, show of what the kernel runs
        on: its image, where it is linked and where the window's huge pages end because of it, Python's heap, stacks in
        use; and the window itself where its largest pages are below the shared tables."""
        if level == LARGEST_PAGE_LEVEL:
            yield LAYOUT["WINDOW_PAGE"], LAYOUT["WINDOW_PAGE"] + self.window_pages - 1
        for first, last, _ in self.spans[WHOLE_ENTRIES:]:
            yield first, last
        for first, count in self.areas():
            yield first, first + count - 1
        for frames in self.image_frames, self.heap_frames:
            yield [LAYOUT["WINDOW_PAGE"] + frame for frame in frames]

    def table_of(self, page, level):
        """The frame of the table at `level` on the way of a page of the kernel's half, or None."""
        table = self.kernel_root
        for above in range(LEVELS, level, -1):
            at = address_in_window(table) + 8 * index_at(page, above)
            word = entries.word(at)
            if not word & 1 or (above < LEVELS and word & HUGE_PAGE):
                return None
            table = entries.frame(at)
        return table

    def is_root(self, frame):
        """True when the kernel could go on with the table in a frame as its root: it has the kernel's half."""
        if not 0 <= frame < self.window_pages:
            return False
        table, own = address_in_window(frame), address_in_window(self.kernel_root)
        for place, index in enumerate(self.indexes, self.shared_tables[0]):
            at = 8 * index
            if entries.frame(table + at) != place:
                return False
            if (entries.word(table + at) ^ entries.word(own + at)) & ~MARKS:
                return False
        return True

    def require_root(self, frame):
        """Raise KernelInUse for a frame that holds no such table: the machine would end without a word."""
        if not self.is_root(frame):
            raise KernelInUse(
                KERNEL_PAGE, "the kernel's half, which the table at p%s does not have:" % hex(frame << 12)
            )

    def shared_table_of(self, index):
        """The frame of the shared table that a root entry of the kernel's half leads to."""
        return self.shared_tables[0] + index - FIRST_UPPER_INDEX - sum([own < index for own in OWN_ENTRIES])

    def refuse_through(self, access, page, count):
        """Raise KernelInUse if one of `count` pages from number `page` on, as seen by a root, is one that the kernel
        runs on: whatever the page's number, it is where the shared table on its way says."""
        while count > 0:
            done = min(count, PAGES_PER_ROOT_ENTRY - (page & PAGES_PER_ROOT_ENTRY - 1))
            table = access.shared_table(page)
            if table:
                in_kernel = self.page_in_kernel(page, table)
                self.refuse(in_kernel, done, None if in_kernel == page else page)
            elif is_own_entry(page) and access.shared_table(KERNEL_PAGE):
                self.refuse(page, done)
            page += done
            count -= done

    def page_in_kernel(self, page, table):
        """The page of the kernel's half that a page is whose way leads through the shared table in a frame."""
        index = self.indexes[table - self.shared_tables[0]]
        return page_of_root_entry(index) | page & PAGES_PER_ROOT_ENTRY - 1

    def refuse(self, page, count, seen_at=None):
        """Raise KernelInUse if a page of the kernel's half from number `page` on is one that it runs on. `seen_at`: the
        number under which the root at hand shows `page`, if it is another one."""
        last = page + count - 1
        hit = first_hit(self._span_words, page, last)
        if hit >= 0:
            first, _, name = self.spans[hit]
            if seen_at is not None:
                raise KernelInUse(seen_at, "the identity mapping (%s)" % name)
            raise KernelInUse(max(page, first), name)
        if last < FIRST_POOL_PAGE:
            return
        for first, pages in self.areas():
            if page < first + pages and first <= last:
                raise KernelInUse(max(page, first), "Python's heap, or a stack that something runs on")


@micropython.viper
def first_hit(spans: ptr32, page: int, last: int) -> int:
    """The index of the first span of pages, (first, last) in 64 bits each, that touches the pages `page` to `last`; -1:
    none does. A span that ends with page 0 ends the list."""
    at = 0
    while True:
        end = spans[at + 2] | spans[at + 3] << 32
        if end == 0:
            return -1
        if page <= end and last >= (spans[at] | spans[at + 1] << 32):
            return at >> 2
        at += 4


def root_entries(name, index, count):
    """The span of some root entries."""
    first = page_of_root_entry(index)
    return first, first + count * PAGES_PER_ROOT_ENTRY - 1, name


def address_in_window(frame):
    """Where the physical window shows a frame, as a small int: negative."""
    return LAYOUT["WINDOW_PAGE"] + frame - (1 << 52) << 12


def no_areas():
    """Stands for Python's heap while it has not grown."""
    return ()


def is_own_entry(page):
    """True for a page below a root entry that is each root's own, or a technique's."""
    return page >= UPPER_HALF_FIRST_PAGE and page >> ROOT_SHIFT & 511 in BORROWED_ENTRIES
