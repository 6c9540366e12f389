# Eight pages on three frames, with a store that fails when it is told to. `expected` is what each page's first byte is.
import faults
import uctypes
from memory import HEAP_FLAGS, PAGE_SIZE, Page, PageRange, PteFlags, VirtualAddress, frame_allocator, verify
from memory_structs import KernelError
from memory_structs.mode import page_of_root_entry
from replacement import *
from replacement.policies import policy_of

AREA = page_of_root_entry(32) << 12
FIRST = AREA >> 12
PAGES = 8
area = PageRange.from_virt_addr(VirtualAddress(AREA), PAGES * PAGE_SIZE)
memory = uctypes.bytearray_at(AREA, PAGES * PAGE_SIZE)
at_power_on = frame_allocator.statistics()


class Failing(RamStore):
    """A store in RAM that raises at the n-th next call of a method: `store.fails = "write", 1, OSError(5)`."""

    fails = None

    def __init__(self, pages):
        super().__init__(pages)
        self.calls = []
        for page in range(pages):
            RamStore.write(self, page, bytes([page + 1]) * PAGE_SIZE)

    def count(self, method, offset=None, buffer=b""):
        self.calls.append((method, offset, len(buffer) // PAGE_SIZE))
        if self.fails and self.fails[0] == method:
            _, left, error = self.fails
            self.fails = (method, left - 1, error) if left > 1 else None
            if left == 1:
                raise error

    def read(self, offset, buffer):
        self.count("read", offset, buffer)
        RamStore.read(self, offset, buffer)

    def write(self, offset, buffer):
        self.count("write", offset, buffer)
        RamStore.write(self, offset, buffer)

    def flush(self):
        self.count("flush")

    def __repr__(self):
        return "Failing()"


def new(written=(), read=(), frames=3, **settings):
    """Make a Swapped over the area whose pages `written` were written and `read` were read, in this order."""
    global s, store, expected
    store = Failing(PAGES)
    expected = [page + 1 for page in range(PAGES)]
    s = Swapped(area, frames, store, **settings)
    for page in written:
        write(page)
    for page in read:
        memory[page * PAGE_SIZE]
    store.calls.clear()
    return s


def write(page, value=None):
    """Write a page; what it is expected to be changes when that is done."""
    value = expected[page] + 100 & 255 if value is None else value
    memory[page * PAGE_SIZE] = value
    expected[page] = value


def resident():
    return sorted([page - FIRST for page in s.resident])


def dirty():
    return [page - FIRST for page in s.dirty()]


def mapped():
    """The pages of the area that the tables lead somewhere."""
    return [page for page in range(PAGES) if s.bits._access.translate(FIRST + page) >= 0]


def faults_of_state():
    """What is wrong with `s` as it is, in words: nothing, whatever happened. Brings a page in, so it comes last."""
    wrong = []
    if s and mapped() != resident():
        wrong.append("mapped %r, resident %r" % (mapped(), resident()))
    if len(s.resident) > s.frames:
        wrong.append("%d pages are resident" % len(s.resident))
    if s._step is not None:
        wrong.append("busy with " + s._step)
    if s:
        known = sorted([page - FIRST for page in s.policy.pages])
        if known != resident():
            wrong.append("the policy knows %r, resident %r" % (known, resident()))
        away = [page for page in range(PAGES) if page not in known]
        for page in away:
            if not page_is(page, store.pages[page]):
                wrong.append("page %d is %r in the store" % (page, store.pages[page][0]))
        for page in known + away[-1:]:
            if not page_is(page, memory[page * PAGE_SIZE : (page + 1) * PAGE_SIZE]):
                wrong.append("page %d is %r" % (page, memory[page * PAGE_SIZE]))
    return wrong


def page_is(page, content):
    """Whether the content of a page is what was written last: its first byte, and behind that what the store had."""
    return content[0] == expected[page] and content[1] == content[-1] == page + 1


def end():
    """Drop what is left; returns what is wrong then with the store and with the machine."""
    store.fails = None
    if s:
        s.drop()
    wrong = ["stored page %d" % page for page in range(PAGES) if not page_is(page, store.pages[page])]
    if mapped():
        wrong.append("mapped %r" % mapped())
    return wrong
