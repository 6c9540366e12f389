# What the attacks share on the target: public names, a look at raw entries, and frame allocators that count.
import gc

import _cpu
import _critical
import _inject
import _memory
import memory
from memory import (
    AllocationRequest,
    KernelError,
    MappedPages,
    PageTable,
    SharedFrames,
    create_mapping,
    create_mapping_at,
    get_kernel_mmi_ref,
)
from memory_structs import (
    Frame,
    FrameRange,
    Page,
    Page1G,
    Page2M,
    Page4K,
    PageRange,
    PhysicalAddress,
    VirtualAddress,
)
from memory_structs.mode import LEVELS, PAGES_PER_ROOT_ENTRY, ROOT_SHIFT, UPPER_HALF_FIRST_PAGE, page_of_root_entry
from paging import (
    BootInfo,
    BootInfoFrameAllocator,
    Cr3,
    EmptyFrameAllocator,
    IdentityPageTable,
    MappedPageTable,
    OffsetPageTable,
    PteFlags,
    PteFlagsX86_64,
    RecursivePageTable,
    TemporaryPageTable,
    active_level_4_table,
    new_root,
    tlb,
)
from paging.guard import opens_guard

P, W, U = PteFlagsX86_64.PRESENT, PteFlagsX86_64.WRITABLE, PteFlagsX86_64.USER_ACCESSIBLE
NX, G, PAT = PteFlagsX86_64.NO_EXECUTE, PteFlagsX86_64.GLOBAL, PteFlagsX86_64.PAT
EXCL = PteFlagsX86_64.EXCLUSIVE
DATA = P | W | NX
OWNED = DATA | EXCL
READ = PteFlags()
WRITE = PteFlags().writable(True)
RUN = PteFlags().executable(True)
WINDOW = BootInfo().physical_memory_offset.number
MMI = get_kernel_mmi_ref()
K = MMI.page_table
tf = memory.frame_allocator.table_frames
LOW = page_of_root_entry(40) << 12  # an address whose root entry belongs to nobody
TEXT = next(section.first_page for section in BootInfo().sections if section.name == "text")


def root_frame(table):
    """The Frame of a PageTable's root."""
    return Frame.containing_address(table.physical_address)


def active_root():
    """The number of the frame that CR3 names."""
    return Cr3.read()[0].number


def at(address):
    """The Page that begins at an address."""
    return Page.from_start_address(VirtualAddress(address))


def pages_from(page, count):
    return PageRange(page, page + (count - 1))


def shown(frame, index=0):
    """Where the window shows an entry of the table in a frame (by number)."""
    return (WINDOW + frame << 12) + 8 * index


def raw(frame, index):
    return _memory.load64(shown(frame, index))


store64 = opens_guard(_memory.store64)  # into tables, which may lie behind the guard


def poke(frame, index, value):
    """Write an entry behind everybody's back, and forget what the CPU knew."""
    store64(shown(frame, index), value)
    _cpu.flush_global()


def place(address, level, root=None):
    """(frame number of the table, index) of the entry of `level` on the way of an address."""
    frame = active_root() if root is None else root
    number = address >> 12
    for above in range(LEVELS, level, -1):
        frame = raw(frame, number >> 9 * (above - 1) & 511) >> 12 & (1 << 40) - 1
    return frame, number >> 9 * (level - 1) & 511


def set_entry(address, level, value, root=None):
    """Replace the raw entry of `level` on the way of an address; returns what was there."""
    where = place(address, level, root)
    old = raw(*where)
    poke(*where, value)
    return old


def refused(call, *arguments):
    """The class of what a call raises; "nothing" if it does not. `said` keeps the message."""
    global said
    said = ""
    try:
        call(*arguments)
    except Exception as error:
        said = str(error.args[0]) if error.args else ""
        return type(error).__name__
    return "nothing"


def collected():
    """Have the collector find what was forgotten, and the kernel give it back."""
    for _ in range(2):
        [[number] for number in range(500)]  # overwrites what the stack may still show
        gc.collect()
    memory.allocate_pages(1).drop()
    audited()


def counts():
    """What both allocators count, Python's heap apart."""
    gc.collect()
    memory.allocate_pages(1).drop()  # what was forgotten is given back first
    found = []
    grown = sum([count for _, count in MMI.heap.areas()])
    for allocator in memory.frame_allocator, memory.page_allocator:
        told = allocator.statistics()
        found.append((told.free, told.allocated, told.mapped - grown, told.unmapped, told.tables, told.device))
    return found


def whole_counts():
    """counts(), but that tables (one of the pool's comes with the first page in it, and goes with the last), what
    Python's heap has and what is in quarantine are taken for free."""
    grown = sum([count for _, count in MMI.heap.areas()])
    quarantine = memory.page_allocator.statistics().quarantine
    frames, pages = counts()
    return [
        (told[0] + told[4] + grown + more,) + told[1:4] + told[5:] for told, more in ((frames, 0), (pages, quarantine))
    ]


def violations():
    return memory.verify().violations


def audited():
    """What the audit says, or what it raised: it must never do that, but that is another test's business."""
    try:
        return violations()
    except Exception as error:
        return ["verify() raised %s" % type(error).__name__]


class Frames:
    """A frame allocator over an owner's frames that counts what is out."""

    def __init__(self, owned):
        self.free = list(range(owned.end.number, owned.start.number - 1, -1))
        self.out = 0

    def allocate_frame(self):
        if not self.free:
            return None
        self.out += 1
        return Frame(self.free.pop())

    def deallocate_frame(self, frame):
        self.out -= 1
        self.free.append(frame.number)


def window_page(frame):
    """frame_to_page through the physical window."""
    return WINDOW + frame


TECHNIQUES = ["offset", "mapped", "identity", "temporary", "recursive"]


def technique(name, root=None):
    """A mapper of a root (a Frame; None: the active one) by the technique of that name."""
    if name == "offset":
        return OffsetPageTable(root)
    if name == "mapped":
        return MappedPageTable(window_page, root)
    if name == "identity":
        return IdentityPageTable(root)
    if name == "temporary":
        return TemporaryPageTable(tf, root)
    return RecursivePageTable(root)
