"""Five ways to reach a table frame, each a Mapper. What they answer and what they leave in tables is the same.

    technique             a table in frame f is seen at      what it needs in the active tables
    OffsetPageTable       window + f                         the physical window (always there)
    IdentityPageTable     f                                  root entry 0, lent from the window: its level-3 table
    MappedPageTable       frame_to_page(f)                   whatever the function relies on
    TemporaryPageTable    a slot, for the time of a call     three tables in the technique slot
    RecursivePageTable    n times through the same slot      one root entry that leads to the root itself

Used with `with`, or `leave()`: what was put into the active tables is taken out again.
"""

from .boot_info import BootInfo
from .entries import page_in_window
from .mapper import Mapper
from .natives import LAYOUT, LEVELS, cpu, tables
from .numbers import check_frame
from .refusals import FrameAllocationFailed, TechniqueUnavailable
from .tlb import FlushLedger, flush_all
from .translation import Translation

TABLE_WORD = 0b11  # PRESENT | WRITABLE
NO_EXECUTE_WORD = 1 << 23
PAGES_PER_ROOT_ENTRY = 1 << 9 * (LEVELS - 1)
SHARED_FROM = LAYOUT["WINDOW_P4_INDEX"]


def page_of_root_entry(index):
    """The number of the first page that a root entry covers."""
    page = index * PAGES_PER_ROOT_ENTRY
    return page | 0xFFFF000000000 if index >= 256 else page


class TechniqueMapper(Mapper):
    """What the five have in common. `root` is the Frame of a level-4 table, or None for the active one."""

    def __init__(self, kind, reach, root, frame_to_page=None, ledger=None):
        is_live = root is None
        root_frame = cpu.read_root_frame() if is_live else check_frame(root).number
        self.is_live = is_live or root_frame == cpu.read_root_frame()
        if ledger is None and self.is_live:
            ledger = FlushLedger.live
        super().__init__(tables.Access(kind, reach, root_frame, frame_to_page, Translation), ledger)
        if self.is_live:
            protect_system(self)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.leave()

    def leave(self):
        """Take out of the active tables what choosing this technique put there."""


def protect_system(mapper, boot_information=None):
    """Have a mapper of the live tables refuse what the kernel runs on: window, technique slots, its own image."""
    for name, index, count in (
        ("the physical window", LAYOUT["WINDOW_P4_INDEX"], LAYOUT["WINDOW_P4_ENTRIES"]),
        ("the technique windows", LAYOUT["TECHNIQUE_P4_INDEX"], 1),
        ("the recursive slot of inactive tables", LAYOUT["OTHER_RECURSIVE_P4_INDEX"], 1),
        ("the recursive slot", LAYOUT["RECURSIVE_P4_INDEX"], 1),
    ):
        first = page_of_root_entry(index)
        mapper.protect(first, first + count * PAGES_PER_ROOT_ENTRY - 1, name)
    for section in (boot_information or BootInfo()).sections:
        mapper.protect(section.first_page, section.last_page, "the kernel's %s" % section.name)
    mapper.share_from(SHARED_FROM)


def root_entry(index):
    """(frame number, raw flag word) of an entry of the active root."""
    page = page_in_window(cpu.read_root_frame())
    return tables.entry_frame(page, index), tables.entry_flags(page, index)


def set_root_entry(index, frame, word):
    """Write an entry of the active root and forget what the CPU knew of it."""
    tables.set_entry(page_in_window(cpu.read_root_frame()), index, frame, word)
    flush_all(keep_global=True)


class OffsetPageTable(TechniqueMapper):
    """All of physical memory at an offset: the physical window. The default."""

    def __init__(self, root=None, window_page=LAYOUT["WINDOW_PAGE"], ledger=None):
        super().__init__(tables.OFFSET, window_page, root, None, ledger)


class IdentityPageTable(TechniqueMapper):
    """Tables at their physical addresses. Root entry 0 is lent the window's first level-3 table, without execute."""

    def __init__(self, root=None, ledger=None):
        if max([region._end for region in BootInfo().memory_map if region.is_usable]) >> 12 > PAGES_PER_ROOT_ENTRY:
            raise TechniqueUnavailable("identity", "there is RAM above the first 512 GiB")
        self._kept = root_entry(0)
        shared = root_entry(LAYOUT["WINDOW_P4_INDEX"])
        self._installed = self._kept == (0, 0)
        if not self._installed and self._kept[0] != shared[0]:
            raise TechniqueUnavailable("identity", "the first 512 GiB of the lower half are in use")
        super().__init__(tables.OFFSET, 0, root, None, ledger)
        if self.is_live:
            self.protect(0, PAGES_PER_ROOT_ENTRY - 1, "the identity mapping")
        if self._installed:
            set_root_entry(0, shared[0], TABLE_WORD | NO_EXECUTE_WORD)

    def leave(self):
        if self._installed:
            self._installed = False
            set_root_entry(0, 0, 0)


class MappedPageTable(TechniqueMapper):
    """Tables where `frame_to_page(frame number)` says: a page number. It is asked before anything changes."""

    def __init__(self, frame_to_page, root=None, ledger=None):
        super().__init__(tables.FUNCTION, 0, root, frame_to_page, ledger)


class RecursivePageTable(TechniqueMapper):
    """Tables through a root entry that leads to the root itself.

    For a root that is not active the second slot is used: in the active root it leads to the other root, and there to
    itself; so the walk goes through the other tables. One at a time.
    """

    def __init__(self, root=None, ledger=None):
        number = cpu.read_root_frame() if root is None else check_frame(root).number
        is_active = number == cpu.read_root_frame()
        self._slot = LAYOUT["RECURSIVE_P4_INDEX" if is_active else "OTHER_RECURSIVE_P4_INDEX"]
        self._root_number = number
        self._installed = False
        self._is_other = not is_active
        word = TABLE_WORD | NO_EXECUTE_WORD
        if root_entry(self._slot)[0] != number or not root_entry(self._slot)[1] & 1:
            if root_entry(self._slot) != (0, 0):
                raise TechniqueUnavailable("recursive", "slot %d of the active root is in use" % self._slot)
            if self._is_other:
                tables.set_entry(page_in_window(number), self._slot, number, word)
            set_root_entry(self._slot, number, word)
            self._installed = True
        super().__init__(tables.RECURSIVE, self._slot, root, None, ledger)

    def leave(self):
        if self._installed:
            self._installed = False
            set_root_entry(self._slot, 0, 0)
            if self._is_other:
                tables.set_entry(page_in_window(self._root_number), self._slot, 0, 0)


class TemporaryPageTable(TechniqueMapper):
    """Tables in a window of slots that are mapped for the time of one call.

    The window's own level-1 table is seen through its first slot; the way to it takes three tables in the technique
    slot, from `frame_allocator`. They are linked while the technique is in use.
    """

    def __init__(self, frame_allocator, root=None, ledger=None):
        self._frame_allocator = frame_allocator
        self._frames = []
        self._kept = root_entry(LAYOUT["TECHNIQUE_P4_INDEX"])
        first = page_of_root_entry(LAYOUT["TECHNIQUE_P4_INDEX"])
        self._install()
        try:
            super().__init__(tables.TEMPORARY, first, root, None, ledger)
        except Exception:
            self.leave()
            raise

    def _take(self):
        while len(self._frames) < 3:
            frame = self._frame_allocator.allocate_frame()
            if frame is None:
                given = len(self._frames)
                self._give_back()
                raise FrameAllocationFailed(page_of_root_entry(LAYOUT["TECHNIQUE_P4_INDEX"]), 3, given)
            self._frames.append(frame)

    def _give_back(self):
        while self._frames:
            self._frame_allocator.deallocate_frame(self._frames.pop())

    def _install(self):
        """A chain of three tables under the technique slot's first page; what the slot led to is put back later."""
        self._take()
        p3, p2, p1 = [frame.number for frame in self._frames]
        for frame, below in ((p1, p1), (p2, p1), (p3, p2)):
            tables.clear_table(page_in_window(frame))
            tables.set_entry(page_in_window(frame), 0, below, TABLE_WORD | NO_EXECUTE_WORD)
        set_root_entry(LAYOUT["TECHNIQUE_P4_INDEX"], p3, TABLE_WORD | NO_EXECUTE_WORD)

    def leave(self):
        if self._frames:
            set_root_entry(LAYOUT["TECHNIQUE_P4_INDEX"], *self._kept)
            self._give_back()


def new_root(frame, shared_with=None):
    """Make a 4 KiB Frame an empty level-4 table, through the window; with the upper half of `shared_with`, a Frame."""
    page = page_in_window(check_frame(frame).number)
    tables.clear_table(page)
    if shared_with is not None:
        tables.copy_entries(page, page_in_window(check_frame(shared_with).number), SHARED_FROM, 511)
    return frame
