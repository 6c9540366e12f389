"""Bench rows of faults: from the access that faults to where Python goes on. A handler's rows include the page it maps.

`LIMITS` are what a row may cost at most, in instructions; a test holds the rows to them.
"""

import micropython
from faults import DIRTY, PageFault, on_fault, on_fault_numbers, probe, take_bits, working_set
from memory import (
    HEAP_FLAGS,
    PAGE_SIZE,
    PageRange,
    VirtualAddress,
    allocate_frames,
    create_mapping,
    create_mapping_at,
)
from paging import OffsetPageTable, PteFlagsX86_64

from diagnostics.bench import undo
from diagnostics.bench_paging import clear_away, table_frames

ACTS = 8  # warm-ups, samples and the one that counts heap
TIMES = 32
AREA = VirtualAddress(0x2000_0000_0000)
FLAGS = PteFlagsX86_64.PRESENT | PteFlagsX86_64.WRITABLE | PteFlagsX86_64.NO_EXECUTE
CASES_AT_ONCE = 1024

LIMITS = {
    "faults: fault to except": 2500,
    "faults: a fault's line": 40000,
    "faults: handler by numbers maps a page, retry": 3500,
    "faults: typed handler maps a page, retry": 10000,
    "faults: handler maps an owned page, retry": 23000,
    "faults: take the bits of a page": 6000,
}
PEERS = {name: "limit %d" % limit for name, limit in LIMITS.items()}


@micropython.viper
def touch(address: uint, pages: int) -> uint:
    """Read one byte of each of some pages."""
    total = uint(0)
    for page in range(pages):
        total += uint(ptr8(address)[page << 12])
    return total


@micropython.viper
def peek(address: uint) -> uint:
    return uint(ptr8(address)[0])


class Area:
    """Pages that nobody has touched yet, TIMES for each act; their tables exist, their frames are taken beforehand."""

    def __init__(self, handle):
        count = ACTS * TIMES
        self.frames = allocate_frames(count + 8)
        undo(self.frames.drop)
        self.next_frame = self.frames.start.number
        self.tables = table_frames(8)
        self.mapper = OffsetPageTable()
        self.pages = PageRange.from_virt_addr(AREA, count * PAGE_SIZE)
        first = self.pages.first_number
        undo(clear_away, self.mapper, first, count, self.tables)
        self.mapper.map_numbers(first, self.next_frame, count, FLAGS, self.tables, largest=1)
        _, flush = self.mapper.unmap_numbers(first, count)
        flush.flush()
        self.next_address = AREA.value
        self.handler = handle(self)
        undo(self.handler.cancel)

    def act(self):
        touch(self.next_address, TIMES)
        self.next_address += TIMES * PAGE_SIZE


def _by_numbers(area):
    map, word = area.mapper.access.map, FLAGS.word
    frame = area.next_frame

    def handler(page, code):
        nonlocal frame
        frame += 1
        return map(page, frame, word) == 0

    return on_fault_numbers(area.pages, handler)


def _typed(area):
    frames = list(area.frames.range)

    def handler(fault):
        area.mapper.map_to(fault.page, frames.pop(), FLAGS, area.tables)
        return True

    return on_fault(area.pages, handler)


def drop_all(mapped):
    while mapped:
        mapped.pop().drop()


def _owned(area):
    mapped = []
    undo(drop_all, mapped)

    def handler(fault):
        mapped.append(create_mapping_at(fault.page.start_address, PAGE_SIZE, HEAP_FLAGS))
        return True

    return on_fault(area.pages, handler)


def _fault_to_except():
    def act():
        for _ in range(TIMES):
            try:
                peek(0x2000_0000_0000)
            except PageFault:
                pass

    return act


def _describe():
    try:
        peek(0x2000_0000_0000)
    except PageFault as fault:
        caught = fault

    def act():
        for _ in range(TIMES):
            str(caught)

    return act


def _working_set():
    mapped = create_mapping(TIMES * PAGE_SIZE, HEAP_FLAGS)
    address = mapped.start_address.value

    def act():
        touch(address, TIMES)
        working_set(mapped)

    return act


def _take_bits():
    mapped = create_mapping(TIMES * PAGE_SIZE, HEAP_FLAGS)
    first = mapped.start.number

    def act():
        for number in range(first, first + TIMES):
            take_bits(number, DIRTY)

    return act


def _matrix():
    """All combinations of ten bits of a leaf and of the entry above it, read by a supervisor."""
    toggles = [(level, bit) for level in (1, 2) for bit in (0, 1, 2, 5, 6)]
    packed = probe.block((2, 2, 7, 7), toggles, (probe.READ,), 3, 0, 0, (64, 1, 0), 0xCC00000000B8)

    def act():
        probe.results(packed, 0, CASES_AT_ONCE)

    return act


ROWS = (
    ("faults: fault to except", _fault_to_except, TIMES),
    ("faults: a fault's line", _describe, TIMES),
    ("faults: handler by numbers maps a page, retry", lambda: Area(_by_numbers).act, TIMES),
    ("faults: typed handler maps a page, retry", lambda: Area(_typed).act, TIMES),
    ("faults: handler maps an owned page, retry", lambda: Area(_owned).act, TIMES),
    ("faults: sample the working set, a page", _working_set, TIMES),
    ("faults: take the bits of a page", _take_bits, TIMES),
    ("faults: a case of the permission matrix", _matrix, CASES_AT_ONCE),
)
