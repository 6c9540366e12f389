# What the paging tests share on the target: names, frames that nobody else has, and a region of virtual addresses.
from memory_structs import *
from paging import *
from paging.entries import page_in_window
from paging.natives import LAYOUT, boot, cpu, tables
from paging.techniques import root_entry, set_root_entry

P, W, U = PteFlagsX86_64.PRESENT, PteFlagsX86_64.WRITABLE, PteFlagsX86_64.USER_ACCESSIBLE
NX, G, HUGE = PteFlagsX86_64.NO_EXECUTE, PteFlagsX86_64.GLOBAL, PteFlagsX86_64.HUGE_PAGE
PW = P | W
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
