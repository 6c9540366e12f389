"""Five ways to reach a table frame, each a Mapper. What they answer and what they leave in tables is the same.

    technique             a table in frame f is seen at      what it needs in live tables
    OffsetPageTable       offset + f                         the physical window (always there)
    IdentityPageTable     f                                  root entry 0, lent from the window: its first table
    MappedPageTable       frame_to_page(f)                   whatever the function relies on
    TemporaryPageTable    a slot, for the time of a call     tables of its own in the kernel's technique slot
    RecursivePageTable    n times through the same slot      one root entry that leads to the root itself

A sixth is a class with `_open`, which answers with a SessionAccess whose `see(frame, level, page)` says at which
address a table is seen. Used with `with`, or `leave()`: what was put into live tables is taken out again.
"""

from memory_structs import Page
from memory_structs.mode import (
    FIRST_UPPER_INDEX,
    LEVELS,
    PAGE_SHIFT,
    PAGES_PER_ROOT_ENTRY,
    canonical_page,
    page_of_root_entry,
    pages_at,
)

from .access import ANYWHERE, Access, is_canonical
from .boot_info import BootInfo
from .entries import address_of_page
from .frame_allocators import give_back, lend_tables, next_run
from .installations import Installation, Use, entry_in_window, installation_for, read_entry
from .linked import LinkedTables
from .natives import LAYOUT, cpu, critical, entries
from .numbers import check_frame
from .protection import OWN_ENTRIES, Protection
from .refusals import FrameAllocationFailed, TechniqueUnavailable
from .sessions import WINDOW_WORD, SessionAccess, SessionTechnique, TechniqueMapper, install, tables_end, undisturbed

WRITE_PROTECT = 1 << 16  # CR0
TECHNIQUE_PAGE = page_of_root_entry(LAYOUT["TECHNIQUE_ROOT_INDEX"])
FIRST_ENTRY = "%d GiB" % (PAGES_PER_ROOT_ENTRY >> 30 - PAGE_SHIFT)  # what root entry 0 covers


class OffsetPageTable(TechniqueMapper):
    """All of physical memory at an offset: by default the physical window's. The default technique.

    As in the crate: `OffsetPageTable(active_level_4_table(offset), offset)`, where the VirtualAddress `offset` shows
    physical address 0. Raises TypeError, Misaligned, or TechniqueUnavailable when the root is not seen there.
    """

    name = "offset"

    def __init__(self, root=None, offset=None, ledger=None):
        super().__init__(root, ledger)
        page, end = LAYOUT["WINDOW_PAGE"], tables_end()
        if offset is not None:
            page = Page.from_start_address(offset).number
            if page != LAYOUT["WINDOW_PAGE"]:
                end = ANYWHERE
                check_shown_at(page, self.root_frame, self.name)
        self.access = Access(self.root_frame, address_of_page(page), None, end)


def check_shown_at(page, frame, name):
    """Raise TechniqueUnavailable unless physical memory seen from page number `page` on shows a frame."""
    if not is_canonical(page + frame) or Protection.live.frame_at(page + frame) != frame:
        raise TechniqueUnavailable(
            name, "the root table, frame %s, is not seen at v%s plus its address" % (hex(frame), hex(page << 12))
        )


class IdentityPageTable(SessionTechnique):
    """Tables at their physical addresses. Root entry 0 is lent the window's first table, without execute."""

    name = "identity"

    @undisturbed
    def __init__(self, root=None, ledger=None):
        if max([region._end for region in BootInfo().memory_map if region.is_usable]) >> 12 > PAGES_PER_ROOT_ENTRY:
            raise TechniqueUnavailable(self.name, "there is RAM above the first %s" % FIRST_ENTRY)
        super().__init__(root, ledger)
        active = cpu.read_root_frame()
        self._key = "identity", active
        installation = installation_for(self._key)
        if installation is None:
            if read_entry(active, 0) != (0, 0):
                raise TechniqueUnavailable(self.name, "the first %s of the lower half are in use" % FIRST_ENTRY)
            window = read_entry(active, LAYOUT["WINDOW_ROOT_INDEX"])[0]
            links = ((active, 0, window),)
            self._use = install(Installation(self._key), links)
        else:
            self._use = Use(installation)

    def _open(self, writes):
        self._check_in_use()
        if self._key[1] != cpu.read_root_frame():
            raise TechniqueUnavailable(self.name, "the table that it was chosen under is not active")
        return SessionAccess(self.root_frame, 0)


class FunctionAccess(SessionAccess):
    """What `frame_to_page` has answered in one call. It is asked once for each table, before anything changes."""

    def __init__(self, root, function, writes):
        super().__init__(root)
        self._function = function
        self._writes = writes
        self._seen = {}

    def table_at(self, frame, level, page):
        address = self._seen.get(frame)
        if address is None:
            number = self._function(frame)
            if number.__class__ is not int:
                raise TypeError("frame_to_page must return a page number, not %s" % type(number).__name__)
            if not is_canonical(number):
                raise ValueError("frame_to_page must return a page number, not %s" % hex(number))
            address = address_of_page(number)
            if self._writes:
                entries.prove_writable(address)
            else:
                entries.word(address)
            self._seen[frame] = address
        return address

    def foresee(self, job):
        asked = len(self._seen)
        frames = [0] * job.count
        job.copy_spare(frames)
        for frame in frames:
            self.table_at(frame, 0, 0)
        return len(self._seen) == asked


class MappedPageTable(SessionTechnique):
    """Tables where `frame_to_page(frame number)` says: a page number. It is asked before anything changes."""

    name = "mapped"

    def __init__(self, frame_to_page, root=None, ledger=None):
        super().__init__(root, ledger)
        self._function = frame_to_page

    def _open(self, writes):
        self._check_in_use()
        return FunctionAccess(self.root_frame, self._function, writes)


class RecursiveAccess(SessionAccess):
    """A table of level n is what the CPU finds when it goes through the recursive slot n times: n indexes of the page
    fall out on the right, the slot comes in n times on the left."""

    def __init__(self, root, slot, writes):
        super().__init__(root)
        self._slot = slot
        self._before = None
        if writes:
            # The rights of the tables above count for the tables below, seen so. A supervisor that may ignore them:
            critical.enter()
            self._before = cpu.read_cr0()
            cpu.write_cr0(self._before & ~WRITE_PROTECT)

    def close(self):
        if self._before is not None:
            cpu.write_cr0(self._before)
            self._before = None
            critical.leave()

    def table_at(self, frame, level, page):
        return recursive_address(self._slot, level, page)

    def link(self, at, frame, level, page, word):
        """A recursive slot shows a table only when it is linked, but it must be clear before: so it is shown as a plain
        page for a moment, through the root entry of the other recursive slot, and cleared there."""
        other = OWN_ENTRIES[0] if self._slot == OWN_ENTRIES[1] else OWN_ENTRIES[1]
        root = recursive_address(self._slot, LEVELS, 0)
        entry = root + 8 * other
        shown = (root & ~(511 << 12)) | other << 12
        kept = entries.frame(entry), entries.word(entry)
        entries.write(entry, frame, WINDOW_WORD)
        cpu.invlpg(page_of_address(shown))
        try:
            entries.clear(shown, 512)
        finally:
            entries.write(entry, *kept)
            cpu.invlpg(page_of_address(shown))
        entries.write(at, frame, word)
        cpu.invlpg(page_of_address(recursive_address(self._slot, level, page)))


def recursive_address(slot, level, page):
    """Where the table at `level` on the way of a page is seen through a recursive slot."""
    number = (page & (1 << 9 * LEVELS) - 1) >> 9 * level
    for step in range(level):
        number |= slot << 9 * (LEVELS - 1 - step)
    return address_of_page(canonical_page(number))


def page_of_address(address):
    """The page number of an address that may be negative, as addresses of the upper half are here."""
    return address >> 12 & (1 << 52) - 1


class RecursivePageTable(SessionTechnique):
    """Tables through a root entry that leads to the root itself.

    For a root that is not active the second slot is used: in the active root it leads to the other root, and there to
    itself; so the walk goes through the other tables. One at a time.
    """

    name = "recursive"

    @undisturbed
    def __init__(self, root=None, ledger=None):
        super().__init__(root, ledger)
        number, active = self.root_frame, cpu.read_root_frame()
        self._active = active
        self._slot = LAYOUT["RECURSIVE_ROOT_INDEX" if number == active else "OTHER_RECURSIVE_ROOT_INDEX"]
        key = "recursive", active, number
        installation = installation_for(key)
        if installation is None and not self._leads_to_root():
            if read_entry(active, self._slot) != (0, 0):
                raise TechniqueUnavailable(self.name, "slot %d of the active root is in use" % self._slot)
            tables = (active,) if number == active else (number, active)
            links = [(table, self._slot, number) for table in tables]
            self._use = install(Installation(key), links)
        elif installation is not None:
            self._use = Use(installation)

    def _leads_to_root(self):
        """True when the slot of the active root, and that of the table, lead to the table."""
        for table in (cpu.read_root_frame(), self.root_frame):
            frame, word = read_entry(table, self._slot)
            if frame != self.root_frame or not word & 1:
                return False
        return True

    def _open(self, writes):
        self._check_in_use()
        if self._active != cpu.read_root_frame() or not self._leads_to_root():
            raise TechniqueUnavailable(self.name, "the recursive slot does not lead to this table")
        return RecursiveAccess(self.root_frame, self._slot, writes)


class TemporaryAccess(SessionAccess):
    """Slots of the window, one for each level, for one call. Calls inside calls use the slots behind."""

    def __init__(self, root, technique):
        super().__init__(root)
        self._technique = technique
        self._first_slot = 1 + technique.depth * (LEVELS + 1)
        if self._first_slot + LEVELS >= 512:
            raise TechniqueUnavailable("temporary", "%d calls inside calls use all slots" % technique.depth)
        self._shown = [-1] * (LEVELS + 1)
        technique.depth += 1

    def table_at(self, frame, level, page):
        slot = self._first_slot + level
        address = self._technique.window + (slot << 12)
        if self._shown[level] != frame:
            entries.write(self._technique.window + 8 * slot, frame, WINDOW_WORD)
            if self._shown[level] >= 0:
                cpu.invlpg(page_of_address(address))
            self._shown[level] = frame
        return address

    def close(self):
        """Temporary mappings don't outlive the call that made them."""
        self._technique.depth -= 1
        for level in range(LEVELS + 1):
            if self._shown[level] >= 0:
                slot = self._first_slot + level
                entries.clear(self._technique.window + 8 * slot, 1)
                cpu.invlpg(page_of_address(self._technique.window + (slot << 12)))


class TemporaryPageTable(SessionTechnique):
    """Tables in a window of slots that are mapped for the time of one call.

    The window's own level-1 table is seen through its first slot. It, and the tables on the way to it, are from
    `frame_allocator`, below the kernel's table of the technique slot, which all roots share.
    """

    name = "temporary"

    @undisturbed
    def __init__(self, frame_allocator, root=None, ledger=None):
        super().__init__(root, ledger)
        if Protection.live is None:
            raise TechniqueUnavailable(self.name, "the kernel's own tables are not there yet")
        above = Protection.live.shared_table_of(LAYOUT["TECHNIQUE_ROOT_INDEX"])
        index = first_unused(above)
        frames = take_frames(frame_allocator, LEVELS - 2)  # one for each level below that of `above`
        try:
            for place, frame in enumerate(frames, 1):
                LinkedTables.live.add(frame)
                entries.clear(entry_in_window(frame, 0), 512)
                entries.write(entry_in_window(frame, 0), frames[place] if place < len(frames) else frame, WINDOW_WORD)
            links = ((above, index, frames[0]),)
            installation = Installation(("temporary", index), frames, lambda: give_frames(frame_allocator, frames))
        except BaseException:
            give_frames(frame_allocator, frames)
            raise
        self._use = install(installation, links)
        self.window = address_of_page(TECHNIQUE_PAGE + index * pages_at(LEVELS - 1))
        self.depth = 0

    def _open(self, writes):
        self._check_in_use()
        return TemporaryAccess(self.root_frame, self)


def first_unused(table_frame):
    """The index of the first entry of a table that is zero. Raises TechniqueUnavailable when there is none."""
    for index in range(512):
        if read_entry(table_frame, index) == (0, 0):
            return index
    raise TechniqueUnavailable("temporary", "512 of them are in use")


def take_frames(frame_allocator, needed):
    """A list of frame numbers. Raises FrameAllocationFailed, and gives back what came."""
    frames, taken = [0] * needed, 0  # room for all is made before any is taken
    try:
        while taken < needed:
            run = next_run(frame_allocator, needed - taken)
            if run is None:
                raise FrameAllocationFailed(TECHNIQUE_PAGE, needed, taken)
            for number in range(run[0], run[0] + run[1]):
                frames[taken] = number
                taken += 1
        lend_tables([(frame, 1) for frame in frames])
    except BaseException:
        while taken:
            taken -= 1
            give_back(frame_allocator, frames[taken], 1)
        raise
    return frames


def give_frames(frame_allocator, frames):
    """Hand frames back."""
    while frames:
        LinkedTables.live.forget(frames[-1], 1)
        give_back(frame_allocator, frames.pop(), 1)


def new_root(frame, shared_with=None):
    """Make a 4 KiB Frame an empty root table, through the window; with the upper half of `shared_with`, a Frame."""
    number = check_frame(frame).number
    entries.clear(entry_in_window(number, 0), 512)
    if shared_with is not None:
        source = check_frame(shared_with).number
        count = OWN_ENTRIES[0] - FIRST_UPPER_INDEX
        entries.copy(entry_in_window(number, FIRST_UPPER_INDEX), entry_in_window(source, FIRST_UPPER_INDEX), count)
        kernel = LAYOUT["KERNEL_ROOT_INDEX"]
        entries.copy(entry_in_window(number, kernel), entry_in_window(source, kernel), 1)
    return frame
