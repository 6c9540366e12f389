# What the paging tests share on the target: names, frames that nobody else has, and a region of virtual addresses.
from memory_structs import *
from memory_structs.mode import (
    LEVELS,
    LOWER_HALF_PAGES,
    PAGES_PER_ROOT_ENTRY,
    UPPER_HALF_FIRST_PAGE,
    page_of_root_entry,
)
from paging import *
from paging.entries import address_of_page, page_in_window
from paging.natives import LAYOUT, boot, cpu, entries

P, W, U = PteFlagsX86_64.PRESENT, PteFlagsX86_64.WRITABLE, PteFlagsX86_64.USER_ACCESSIBLE
NX, G, HUGE = PteFlagsX86_64.NO_EXECUTE, PteFlagsX86_64.GLOBAL, PteFlagsX86_64.HUGE_PAGE
PW = P | W


class tables:
    """Raw entries by the page where their table is seen, and an index: nothing is asked, nothing refused."""

    def at(page, index):
        return address_of_page(page) + 8 * index

    def entry_frame(page, index):
        return entries.frame(tables.at(page, index))

    def entry_flags(page, index):
        return entries.word(tables.at(page, index))

    def set_entry(page, index, frame, word):
        entries.write(tables.at(page, index), frame, word)

    def compare_and_set(page, index, old_frame, old_word, frame, word):
        return entries.compare_and_set(tables.at(page, index), old_frame, old_word, frame, word)

    def next_used(page, index):
        return index + entries.unused(tables.at(page, index), 512 - index)

    def clear_table(page):
        entries.clear(tables.at(page, 0), 512)

    def copy_entries(to_page, from_page, first, last):
        entries.copy(tables.at(to_page, first), tables.at(from_page, first), last + 1 - first)


def root_entry(index):
    """(frame number, raw word) of an entry of the active root."""
    page = page_in_window(cpu.read_root_frame())
    return tables.entry_frame(page, index), tables.entry_flags(page, index)


def set_root_entry(index, frame, word):
    tables.set_entry(page_in_window(cpu.read_root_frame()), index, frame, word)
    cpu.flush()


NONE = PteFlagsX86_64(0)


def own_frames(count):
    """An owner of `count` contiguous frames of RAM."""
    from memory import allocate_frames

    return allocate_frames(count)


def findings():
    """What the whole-system audit complains of."""
    import memory

    return memory.verify().violations


HEALTHY = findings()


def page_at(address, size=Page4K):
    return Page.from_start_address(VirtualAddress(address), size)


def frame_at(address, size=Page4K):
    return Frame.from_start_address(PhysicalAddress(address), size)


def refused(call, *arguments):
    """(class name, message) of what a call raises; None if it raises nothing."""
    try:
        call(*arguments)
    except Exception as error:
        return type(error).__name__, str(error.args[0]) if error.args else ""
    return None


class Frames:
    """A frame allocator over a run of frames that counts, and that can be told to run dry."""

    def __init__(self, owned, limit=None):
        self.owned = owned
        self.first = owned.start.number
        self.free = list(range(owned.end.number, self.first - 1, -1))
        self.limit = len(self.free) if limit is None else limit
        self.out = 0

    def allocate_frame(self):
        if self.out >= self.limit:
            return None
        self.out += 1
        return Frame(self.free.pop())

    def deallocate_frame(self, frame):
        self.out -= 1
        self.free.append(frame.number)
