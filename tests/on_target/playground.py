"""A piece of address space for tests, built by hand in the kernel: frames of its own, entries stored one by one.

It stands on the natives alone, so that what a test sees is the MMU's and not a mapper's.
"""

from harness import depth

BASE = depth.root_entry(64)
"""Address of the first page; its entry of the root belongs to nobody."""

PRESENT, WRITABLE, USER, ACCESSED, DIRTY, HUGE, GLOBAL = (1 << bit for bit in (0, 1, 2, 5, 6, 7, 8))
NX = 1 << 23
TABLE = PRESENT | WRITABLE | USER
DATA = PRESENT | WRITABLE | NX

CODE = f"""
import _memory, _cpu, _boot, uctypes, gc, memory
from memory_structs.mode import ENTRIES, LEVELS, ROOT_SHIFT
from faults import probe
from paging.guard import opens_guard
store64 = opens_guard(_memory.store64)
BASE, DATA, TABLE = {BASE:#x}, {DATA:#x}, {TABLE:#x}
PAGE = BASE >> 12
WINDOW_PAGE = _boot.layout()['WINDOW_PAGE']
class Playground:
    '''A table for each level below the root and 20 frames; frames[n] holds its own number in its first word. p4 is the
    root, whatever its level.'''
    def __init__(self):
        self.owner = memory.allocate_frames(25)
        first = WINDOW_PAGE + self.owner.start.number
        _memory.zero_frames(self.owner.start.number, 25)
        self.p3, self.p2, self.p1 = first, first + 1, first + 2
        self.pages = [first + 3 + n for n in range(20)]
        self.frames = [page - WINDOW_PAGE for page in self.pages]
        for n, page in enumerate(self.pages):
            store64(page << 12, 0x7e57cc00000000b8 | n << 8)
        self.p4 = WINDOW_PAGE + _cpu.read_root_frame()
        self.index = PAGE >> ROOT_SHIFT & ENTRIES - 1
        self.set(self.p3, 0, self.p2 - WINDOW_PAGE, TABLE)
        self.set(self.p2, 0, self.p1 - WINDOW_PAGE, TABLE)
        top = self.p3
        for level in range(4, LEVELS):
            top = self.between = first + 23 + level - 3
            self.set(top, 0, self.p3 - WINDOW_PAGE, TABLE)
        self.set(self.p4, self.index, top - WINDOW_PAGE, TABLE)
    def set(self, table, index, frame, flags):
        store64((table << 12) + index * 8, frame << 12 | flags & 0xfff | flags >> 12 << 52)
    def get(self, table, index):
        value = _memory.load64((table << 12) + index * 8)
        return value & 0xfff | value >> 52 << 12
    def map(self, page, n, flags=DATA):
        self.set(self.p1, page, self.frames[n], flags)
        _cpu.invlpg(PAGE + page)
    def unmap(self, page):
        self.set(self.p1, page, 0, 0)
        _cpu.invlpg(PAGE + page)
    def entry(self, page, n, flags=DATA):
        return probe.step_entry(self.p1, page, self.frames[n] if flags else 0, flags)
    def read(self, page, user=False):
        return probe.step_access(BASE + page * 4096, probe.READ, user)
    def write(self, page, user=False):
        return probe.step_access(BASE + page * 4096, probe.WRITE, user, 0x5a5a)
    def execute(self, page, user=False):
        return probe.step_access(BASE + page * 4096, probe.EXECUTE, user)
def outcomes(steps):
    '''Which frame each read found, or the error code of its page fault.'''
    return [(o.value >> 8 & 0xff) if o.ok else 'fault %d' % o.error_code for o in probe.sequence(steps)]
def ok(steps):
    return [o.ok or o.error_code for o in probe.sequence(steps)]
p = Playground()
"""

SUPPLY = """
import faults
from memory_structs import PageRange
pages = PageRange.from_numbers(PAGE, PAGE + 19)
asked = []
def supply(fault):
    asked.append(fault.page.number - PAGE)
    p.map(asked[-1], asked[-1])
    return True
"""
"""For a playground: a handler that maps what is missing, and which pages it was asked for."""
