"""Tests of the other processors begin with this: CPU 1 is `ap`; `Ground` has pages whose entries are set by hand."""

from time import sleep_ms, ticks_diff, ticks_ms

import _memory
import _processors
import memory
import micropython
import processors
from _cpu import invlpg, read_root_frame
from faults import PageFault, on_fault
from memory import *
from memory_structs.mode import LEVELS, PAGES_PER_ROOT_ENTRY, ROOT_SHIFT, UPPER_HALF_FIRST_PAGE, page_of_root_entry
from paging.guard import opens_guard
from paging.natives import LAYOUT
from processors import *

store64 = opens_guard(_memory.store64)  # into tables, which may lie behind the guard
RW = PteFlags().writable(True)
RX = PteFlags().executable(True)
ap = processor(1)
# QEMU's TLB has one place for pages whose numbers end alike, so a page of the test's must not end as the image's begin.
PAGE = page_of_root_entry(64) + 0x1D3
BASE = PAGE << 12
NX = 1 << 63


class Ground:
    """A level-1 table below BASE, in frames of its own; frame n holds the number n in its first word."""

    def __init__(self, frames=12):
        tables = LEVELS - 1
        self.owner = allocate_frames(tables + frames)
        self.first = self.owner.start.number + tables
        window = LAYOUT["WINDOW_PAGE"]
        _memory.zero_frames(self.owner.start.number, tables + frames)
        for n in range(frames):
            store64(window + self.first + n << 12, n)
        self.top = entry = (window + read_root_frame() << 12) + 8 * (PAGE >> ROOT_SHIFT & 511)
        for level in range(tables, 0, -1):
            table = self.first - level
            store64(entry, table << 12 | 7)
            entry = (window + table << 12) + 8 * (PAGE >> 9 * (level - 1) & 511)
        self.p1 = window + table << 12

    def set(self, page, n, bits=3):
        """Show frame n at a page, by hand; only this CPU is told. None: nothing is mapped there."""
        entry = 0 if n is None else (self.first + n) << 12 | bits | NX
        store64(self.at(page), entry)
        invlpg(PAGE + page)

    def entry(self, page):
        return _memory.load64(self.at(page))

    def at(self, page):
        """Where the entry of a page is."""
        return self.p1 + 8 * (PAGE + page & 511)

    def end(self):
        """Everybody forgets it."""
        store64(self.top, 0)
        ap.park()
        self.owner.drop()


def at(page):
    return BASE + page * 4096


def seen(page):
    """What CPU 1 reads at a page: the number of a frame, or the error code of its fault."""
    try:
        return ap.read(at(page))
    except PageFault as fault:
        return "fault %d" % fault.error_code.value


def written(page, value):
    try:
        ap.write(at(page), value)
        return "written"
    except PageFault as fault:
        return "fault %d" % fault.error_code.value


def raised(function, *arguments, **named):
    """The name of what a call raises, and its words."""
    try:
        return "returned", function(*arguments, **named)
    except BaseException as error:
        return type(error).__name__, str(error)


def code(bytes_):
    """Machine code in a mapping of its own."""
    m = create_mapping(4096, RW)
    with m.as_slice_mut("B") as view:
        view[: len(bytes_)] = bytes_
    m.remap(RX)
    return m


def function(bytes_, signature):
    return LoadedSection("test", code(bytes_)).as_func(signature)


def until(condition, limit_ms=5000):
    """Wait until a condition holds."""
    began = ticks_ms()
    while not condition():
        assert ticks_diff(ticks_ms(), began) < limit_ms, "it never came"
        sleep_ms(1)
