"""Bench rows of the paging layer, on the active tables: per 4 KiB page unless a row says otherwise, flush not counted.

Each act works on a region of its own, so that what is timed is one kind of call and nothing is undone in between.
`PEERS` are figures of others for the same thing, in instructions, measured with callgrind on a host.
"""

from memory import allocate_frames
from memory_structs import Frame, FrameRange, Page, PageRange
from memory_structs.mode import page_of_root_entry
from paging import BootInfo, BootInfoFrameAllocator, OffsetPageTable, PteFlagsX86_64
from paging.keys import key

from diagnostics.bench import undo

ACTS = 8  # warm-ups, samples and the one that counts heap
FIRST = page_of_root_entry(2)
GIB = 1 << 18
FRAME = 1 << 22  # where nothing is: mapped, never touched
TIMES = 64
TABLES_IN_ALL = 5000
FLAGS = PteFlagsX86_64.PRESENT | PteFlagsX86_64.WRITABLE
READ_ONLY = PteFlagsX86_64.PRESENT | PteFlagsX86_64.NO_EXECUTE

PEERS = {
    "paging: map a range of 262,144": "crate x86_64 -O3 151.5; blog_os 2,870; C range mapper 10.2; one store 2.3 to 7",
    "paging: unmap a range of 262,144": "crate 60; blog_os 2,188",
    "paging: change the flags of 262,144": "crate 57; blog_os 2,036; C 7.0",
    "paging: translate a range of 262,144": "crate 62 (one by one); blog_os 1,832",
    "paging: map a page by numbers": "crate 151 (tables exist); blog_os 2,870",
    "paging: translate a page by numbers": "crate 62; blog_os 1,832",
    "paging: map a page, typed": "crate 151; a naive version 5,672",
    "paging: translate an address, typed": "crate 62; a naive version 3,784",
    "paging: unmap a page, typed": "crate 60; blog_os 2,188",
    "paging: map 1 GiB by 2 MiB pages, in all": "crate 113 a page: 58,000",
    "paging: clean_up, per freed table": "crate 1,476",
}


def table_frames(count=TABLES_IN_ALL):
    """A frame allocator with frames that nobody else has."""
    owner = allocate_frames(count)
    undo(owner.drop)
    return BootInfoFrameAllocator(BootInfo().memory_map, owner)


def clear_away(mapper, first, count, frames):
    """Unmap what is mapped of some pages from number `first` on, and give its tables back."""
    for run in mapper.runs(first, count):
        if run.is_mapped:
            mapper.unmap_numbers(run.page, run.count)[1].flush()
    mapper.clean_up_numbers(first, first + count - 1, frames)


class Regions:
    """A mapper of the live tables, and one gibibyte of addresses for each act; mapped beforehand if asked for."""

    def __init__(self, mapped):
        self.frames = table_frames()
        self.mapper = OffsetPageTable()
        self.next = FIRST
        undo(clear_away, self.mapper, FIRST, GIB << 9, self.frames)
        if mapped:
            for act in range(ACTS):
                self.mapper.map_numbers(FIRST + act * GIB, FRAME, GIB, FLAGS, self.frames, largest=1)

    def take(self):
        self.next += GIB
        return self.next - GIB


def _map_range():
    regions = Regions(False)

    def act():
        regions.mapper.map_numbers(regions.take(), FRAME, GIB, FLAGS, regions.frames, largest=1)

    return act


def _map_range_typed():
    regions = Regions(False)
    frames = FrameRange.from_numbers(FRAME, FRAME + GIB - 1)
    ranges = [PageRange.from_numbers(FIRST + act * GIB, FIRST + act * GIB + GIB - 1) for act in range(ACTS)]

    def act():
        regions.mapper.map_range(ranges.pop(), frames, FLAGS, regions.frames)

    return act


def _map_huge():
    regions = Regions(False)

    def act():
        regions.mapper.map_numbers(regions.take(), FRAME + 512, GIB, FLAGS, regions.frames)

    return act


def _map_huge_by_numbers():
    regions = Regions(False)
    regions.mapper.map_numbers(FIRST + 511 * GIB, FRAME, 1, FLAGS, regions.frames)

    def act():
        regions.mapper.map_numbers(regions.take(), FRAME + 512, GIB, FLAGS, regions.frames)

    return act


def _unmap_range():
    regions = Regions(True)

    def act():
        regions.mapper.unmap_numbers(regions.take(), GIB)[1].ignore()

    return act


def _update_range():
    regions = Regions(True)

    def act():
        regions.mapper.update_numbers(regions.take(), GIB, READ_ONLY).ignore()

    return act


def _translate_range():
    regions = Regions(True)

    def act():
        regions.mapper.runs(regions.take(), GIB)

    return act


def _clean_up():
    regions = Regions(True)
    for act_number in range(ACTS):
        regions.mapper.unmap_numbers(FIRST + act_number * GIB, GIB)[1].ignore()

    def act():
        first = regions.take()
        regions.mapper.clean_up_numbers(first, first + GIB - 1, regions.frames)

    return act


def _one_table():
    """A mapper, and the first page of a level-1 table that exists and is empty but for its last page."""
    regions = Regions(False)
    regions.mapper.map_numbers(FIRST + 511, FRAME, 1, FLAGS, regions.frames)
    return regions


def _map_by_numbers():
    access = _one_table().mapper.access
    starts = [FIRST + act * 63 for act in range(ACTS)]
    quads = [[(page, page + 1, page + 2, page + 3) for page in range(start, start + 60, 4)] for start in starts]

    def act():
        map_page = access.map
        for a, b, c, d in quads.pop():
            map_page(a, FRAME, 3)
            map_page(b, FRAME, 3)
            map_page(c, FRAME, 3)
            map_page(d, FRAME, 3)

    return act


def _translate_by_numbers():
    access = _one_table().mapper.access
    page = FIRST + 511

    def act():
        translate = access.translate
        for _ in range(TIMES // 4):
            translate(page)
            translate(page)
            translate(page)
            translate(page)

    return act


def _pages():
    """Pages for every act, and one frame."""
    acts = [[Page(FIRST + act * 63 + n) for n in range(63)] for act in range(ACTS)]
    return acts, Frame(FRAME)


def _map_typed():
    regions = _one_table()
    acts, frame = _pages()

    def act():
        map_to = regions.mapper.map_to
        frames = regions.frames
        for page in acts.pop():
            map_to(page, frame, FLAGS, frames)

    return act


def _unmap_typed():
    regions = _one_table()
    acts, frame = _pages()
    for pages in acts:
        for page in pages:
            regions.mapper.map_to(page, frame, FLAGS, regions.frames)

    def act():
        unmap = regions.mapper.unmap
        for page in acts.pop():
            unmap(page)[2].ignore()

    return act


def _translate_typed():
    regions = _one_table()
    address = Page(FIRST + 511).start_address

    def act():
        translate = regions.mapper.translate
        for _ in range(TIMES):
            translate(address)

    return act


def _translate_addr_typed():
    regions = _one_table()
    address = Page(FIRST + 511).start_address

    def act():
        translate = regions.mapper.translate_addr
        for _ in range(TIMES):
            translate(address)

    return act


def _open_key():
    page_key = key(5)

    def act():
        for _ in range(TIMES // 4):
            with page_key.writable():
                pass
            with page_key.writable():
                pass
            with page_key.writable():
                pass
            with page_key.writable():
                pass

    return act


ROWS = (
    ("paging: map a range of 262,144", _map_range, GIB),
    ("paging: unmap a range of 262,144", _unmap_range, GIB),
    ("paging: change the flags of 262,144", _update_range, GIB),
    ("paging: translate a range of 262,144", _translate_range, GIB),
    ("paging: map a page by numbers", _map_by_numbers, 60),
    ("paging: translate a page by numbers", _translate_by_numbers, TIMES),
    ("paging: map a page, typed", _map_typed, 63),
    ("paging: unmap a page, typed", _unmap_typed, 63),
    ("paging: translate an address, typed", _translate_typed, TIMES),
    ("paging: translate_addr, typed", _translate_addr_typed, TIMES),
    ("paging: map 1 GiB by 2 MiB pages, in all", _map_huge, 1),
    ("paging: map 1 GiB by 2 MiB pages by numbers, in all", _map_huge_by_numbers, 1),
    ("paging: map 1 GiB by one page, typed, in all", _map_range_typed, 1),
    ("paging: open and close a protection key", _open_key, TIMES),
    ("paging: clean_up, per freed table", _clean_up, 513),
)
