"""`PageTable`: a top-level table, and everything that hangs below it in the lower half.

The kernel's half of all tables is one and the same: every entry of the upper half leads to a table that was
made at boot and is never freed, so what one table maps there, all map. Only the recursive entry differs: it leads
to the table itself.
"""

from memory_structs import OutOfFrames, PageRange, PhysicalAddress, UseAfterMove
from memory_structs.ending import drop_at_end
from memory_structs.instances import seal
from memory_structs.mode import ENTRIES, FIRST_UPPER_INDEX
from paging import Cr3, FlushLedger, installations
from paging.access import largest_page_level
from paging.cleaning import count_of_freed
from paging.installations import entry_in_window
from paging.natives import LAYOUT, cpu, entries, memory
from paging.protection import OTHER_RECURSIVE, Protection
from paging.shootdown import OBSERVERS, roots, waits

from ..ledger import TABLE, adopt, enter, field, find_table, leave, live_with_root, owner_of, prepare
from ..refusals import TableInUse
from ..runs import TOO_MANY, give, take
from . import copying, reclaiming
from .mapper import Mapper
from .reclaiming import gc_and_reclaim
from .table_frames import dismantle, give_dismantled

RECURSIVE_WORD = 0b11 | 1 << 23  # PRESENT, WRITABLE, NO_EXECUTE
EXECUTABLE_ENTRIES = ("POOL_ROOT_INDEX", LAYOUT["POOL_ROOT_ENTRIES"]), ("KERNEL_ROOT_INDEX", 1)


def is_executable_entry(index):
    """True for a root entry below which something may ever be executed: the pool and the image."""
    return any([LAYOUT[name] <= index < LAYOUT[name] + count for name, count in EXECUTABLE_ENTRIES])


def share_kernel_half(root):
    """Give a root, cleared, the kernel's half: its shared tables; and the entry that leads to itself."""
    protection = Protection.live
    if root == protection.kernel_root:
        for index in protection.indexes:
            word = 0b11 if is_executable_entry(index) else RECURSIVE_WORD
            entries.write(entry_in_window(root, index), protection.shared_table_of(index), word)
    else:
        upper = ENTRIES - FIRST_UPPER_INDEX
        kernels = entry_in_window(protection.kernel_root, FIRST_UPPER_INDEX)
        entries.copy(entry_in_window(root, FIRST_UPPER_INDEX), kernels, upper)
        entries.clear(entry_in_window(root, OTHER_RECURSIVE), 1)
    entries.write(entry_in_window(root, LAYOUT["RECURSIVE_ROOT_INDEX"]), root, RECURSIVE_WORD)


@seal
class PageTable(Mapper):
    """Having one means that its root frame, and every table below the lower half of it, is yours.

    `_record` is its native record, or the name of the call that consumed it; the kernel's own table has None: it is
    never dropped, and no soft reset finds it.
    """

    def __init__(self, *_):
        raise TypeError("a PageTable is made by PageTable.new_table(current)")

    def _set_up(self, root, system, kernel):
        Mapper.__init__(self, root, system, kernel)

    @classmethod
    def new_table(cls, current):
        """A table with the kernel's half of `current`, and nothing else. Raises TypeError, OutOfFrames."""
        if not isinstance(current, PageTable):
            raise TypeError("a PageTable expected, not %s" % type(current).__name__)
        kernel = current._kernel
        kernel.reclaim()
        enter()
        try:
            run = take(kernel._frame_tree, 1)
            if run < 0 and (gc_and_reclaim(kernel) or (run == TOO_MANY and kernel._frame_pool.grow())):
                run = take(kernel._frame_tree, 1)
            if run < 0:
                raise OutOfFrames(1, "the root of a page table", 0)
            root = run >> 1
            try:
                memory.zero_frames(root, 1)
                made = object.__new__(cls)
                made._set_up(root, kernel._system, kernel)
                made._record = record = prepare(root, 0, 0, 0, TABLE, 0)
                share_kernel_half(root)
            except BaseException:
                give(kernel._frame_tree, root << 1, 1)
                raise
            kernel._frame_pool.tables += 1
            record.set_owner(made)
            record.arm()
        finally:
            leave()
        return made

    @staticmethod
    def from_current():
        """The PageTable whose root the processor uses now, however it got there."""
        from ..system import installed  # noqa: PLC0415 (it stands on this)

        return installed().page_table.active_table

    @property
    def active_table(self):
        """The PageTable that is active, seen from any table.

        One that was forgotten while it is active is found again: it lives on as long as somebody holds it.
        """
        self._live()
        kernel, root = self._kernel, cpu.read_root_frame()
        if root == kernel.root:
            return kernel
        index = find_table(root)
        if index < 0:
            raise TableInUse(self, "the active root, frame %s, is no PageTable's" % hex(root))
        return owner_of(index) or kernel._find_again(index)

    @property
    def physical_address(self):
        """Where the root is."""
        self._live()
        return PhysicalAddress(self.root << 12)

    def is_active(self):
        return cpu.read_root_frame() == self.root

    def _live(self):
        record = self._record
        if record.__class__ is str:
            raise UseAfterMove("PageTable", record)
        return record

    def switch_to(self):
        """Make this the active table. What the lower half of another one maps can't be accessed from then on."""
        self._live()
        Cr3.write(self._view.root)

    def with_(self, other, function):
        """Call `function(other, self)`, with mappers of both tables, and return what it returns.

        Nothing is switched and no entry is borrowed: both are reached through the physical window. Raises TypeError,
        UseAfterMove, or whatever `function` raises.
        """
        if not isinstance(other, PageTable):
            raise TypeError("a PageTable expected, not %s" % type(other).__name__)
        self._live()
        other._live()
        return function(other, self)

    def drop(self):
        """Free the root and every table below its lower half. Raises TableInUse, UseAfterMove; then nothing changes."""
        record = self._live()
        kernel = self._kernel
        if self is kernel:
            raise TableInUse(self, "it is the kernel's own")
        if self.is_active():
            raise TableInUse(self, "it is active; switch_to() another one first")
        for number, root in roots.items():
            if root == self.root:
                raise TableInUse(self, "CPU %d is on it; park() it first, or attach() it to another one" % number)
        kernel.reclaim()
        if live_with_root(self.root) and not (gc_and_reclaim(self) and not live_with_root(self.root)):
            raise TableInUse(self, "%d mappings live in it; drop them first" % live_with_root(self.root))
        enter()
        try:
            kernel._free_table(self.root, self.access)
            record.end()
            self._record = "drop()"
        finally:
            leave()

    def __enter__(self):
        self._live()
        return self

    def __exit__(self, kind, value, traceback):
        if type(self._record) is not str and self is not self._kernel:
            drop_at_end(self, kind)
        return False

    def __repr__(self):
        if type(self._record) is str:
            return "PageTable(consumed by %s)" % self._record
        return "PageTable(p%s)" % hex(self.root << 12)

    __str__ = __repr__


class Late:
    """What is loaded when it is first used: a name in an import statement is looked up in four steps each time."""

    aliases = None


class KernelPageTable(PageTable):
    """The kernel's own table: the one that is always there, and that keeps what all tables share."""

    def __init__(self, root, system):
        self.ledger = FlushLedger()
        self.largest_level = largest_page_level()
        self.shared_users = {}
        self._reclaiming = 0  # how many calls are just giving back what was forgotten
        self._stuck = 0
        self.unfinished = []  # what `faulted` keeps
        self._set_up(root, system, None)

    # Repeated: a method is found faster in its own class.
    create_mapping = Mapper.create_mapping
    _create_record = Mapper._create_record
    _unmap_record = Mapper._unmap_record
    _create_executable = Mapper._create_executable
    _with_room = Mapper._with_room

    def set_shootdown(self, callback):
        """See `memory.set_broadcast_tlb_shootdown_cb`."""
        if callback is not None and not callable(callback):
            raise TypeError("a function or None expected, not %s" % type(callback).__name__)
        self.ledger.broadcast = (
            None if callback is None else lambda page, count: callback(PageRange.from_numbers(page, page + count - 1))
        )
        waits[OBSERVERS] = callback is not None

    def aliases(self):
        """The module of W^X over the window: loaded when somebody first maps what may be executed."""
        if Late.aliases is None:
            from . import aliases  # noqa: PLC0415 (not at boot)

            Late.aliases = aliases
        return Late.aliases

    def _table_of_root(self, root):
        """A table to act on the root of a mapping with, whoever has its PageTable, if anybody has."""
        if root == self.root:
            return self
        index = find_table(root)
        owner = owner_of(index) if index >= 0 else None
        if owner is None:
            owner = object.__new__(PageTable)
            owner._set_up(root, self._system, self)
        return owner

    def _find_again(self, index):
        """A PageTable for the record of one whose object was forgotten while it was active."""
        made = object.__new__(PageTable)
        made._set_up(field(index, "root"), self._system, self)
        made._record = record = adopt(index)
        record.set_owner(made)
        return made

    def _free_table(self, root, access):
        """Free a root and the tables below its lower half, but for those in frames that somebody else lent.

        What a technique has put there, or what leads to it, ends.
        """
        installations.end_for_root(root)
        pool = self._frame_pool
        room = bytearray(8 * dismantle(access))
        try:
            dismantle(access, room)
        finally:  # a fault leaves some, with the root
            give_dismantled(pool, self._frames.table_frames, room, count_of_freed(room))
        memory.zero_frames(root, 1)  # it is no root any more: Cr3.write sees that
        give(pool.tree, root << 1 | 1, 1)
        pool.tables -= 1

    def reclaim(self):
        """Unmap what the collector found forgotten. Returns how many mappings that were."""
        return reclaiming.reclaim(self)

    def copy_of(self, mapped, record, flags):
        """See `MappedPages.deep_copy`."""
        return copying.copy_of(self, mapped, record, flags)
