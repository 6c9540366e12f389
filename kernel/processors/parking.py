"""The root that other processors are parked on: made once, changed by nobody, and still there after a soft reset.

    what                        where                      rights
    ------------------------    -----------------------    ------
    the kernel's image          where it is linked         as the static boot tables have it
    all of physical memory      the physical window        r--: tables are read there when something goes wrong
    the processors' blocks      the physical window        rw-
    their interrupt controller  the physical window        rw-

So whatever Python's roots let anybody execute, a processor that is parked can't write it.
"""

from devices.lapic import ADDRESS_MASK, APIC_BASE
from memory.mappings.aliases import WRITABLE_AGAIN
from memory_structs import PAGE_SHIFT
from memory_structs.mode import LEVELS, pages_at
from paging.access import Access, largest_page_level
from paging.flags import EXCLUSIVE, NO_EXECUTE, PRESENT, WRITABLE
from paging.installations import entry_in_window, read_entry
from paging.leaves import change_leaves
from paging.mapping import Job, commit
from paging.protection import Protection, address_in_window

from .natives import LAYOUT, boot, cpu, entries
from .natives import memory as native_memory

ENDS = 6  # of runs in the window: so many tables of a level may be needed because of them


def frames_needed():
    """How many frames the root and its tables take, at most."""
    window, needed = Protection.live.window_pages, 1
    for level in range(1, LEVELS):
        needed += ENDS if level < largest_page_level() else -(-window // pages_at(level + 1))
    return needed


def make_root(first, frames, blocks, count):
    """Make it in `frames` frames from number `first` on, for `count` frames of blocks from number `blocks` on."""
    native_memory.zero_frames(first, frames)
    image = LAYOUT["KERNEL_ROOT_INDEX"]
    entries.write(entry_in_window(first, image), *read_entry(boot.root_frame(), image))
    window, page = Protection.live.window_pages, LAYOUT["WINDOW_PAGE"]
    access = Access(first, address_in_window(0), None, window)
    job = Job(PRESENT | NO_EXECUTE, PRESENT | WRITABLE | EXCLUSIVE, largest_page_level())
    job.supply(first + 1, frames - 1)
    written = sorted([(blocks, count), ((cpu.read_msr(APIC_BASE) & ADDRESS_MASK) >> PAGE_SHIFT, 1)])
    at = 0
    for frame, length in written:
        commit(access.facts, None, None, job, page + at, at, frame - at)
        commit(access.facts, None, None, job, page + frame, frame, length)
        at = frame + length
    commit(access.facts, None, None, job, page + at, at, window - at)
    for frame, length in written:
        change_leaves(access.facts, None, page + frame, length, WRITABLE_AGAIN)
