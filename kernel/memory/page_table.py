"""`PageTable`: a top-level table, and everything that hangs below it in the lower half.

The kernel's half of all tables is one and the same: every entry of the upper half leads to a level-3 table that was
made at boot and is never freed, so what one table maps there, all map. Only the recursive entry differs: it leads
to the table itself.
"""

from memory_structs import OutOfFrames, PhysicalAddress, UseAfterMove
from paging import FlushLedger

from .mapped_pages import RECORD
from .mapper import Mapper, gc_and_reclaim
from .refusals import TableInUse
from .runs import give, take
from .table_steps import (
    TABLE,
    Record,
    activate,
    active_root,
    copy_pages,
    dismantle,
    enter,
    field,
    largest_level,
    leave,
    link_root,
    live_with_root,
    pop_table,
    share_upper_half,
    zero_frames,
)
from .wished_address import create_mapping_at


class PageTable(Mapper):
    """Having one means that its root frame, and every table below the lower half of it, is yours.

    `_record` is its native record, or the name of the call that consumed it; the kernel's own table has None: it is
    never dropped, and no soft reset finds it.
    """

    _record = None

    create_mapping_at = create_mapping_at

    @classmethod
    def new_table(cls, current):
        """A table with the kernel's half of `current`, and nothing else. Raises OutOfFrames."""
        kernel = current._kernel
        kernel.reclaim()
        enter()
        try:
            run = take(kernel._frame_tree, 1)
            if run < 0 and gc_and_reclaim(kernel):
                run = take(kernel._frame_tree, 1)
            if run < 0:
                raise OutOfFrames(1, "the root of a page table", 0)
            try:
                made = cls(run >> 1, kernel._system, kernel)
                made._record = Record(run >> 1, 0, 0, 0, TABLE)
            except BaseException:
                give(kernel._frame_tree, run, 1)
                raise
            kernel._frame_pool.tables += 1
            zero_frames(made.root, 1)
            share_upper_half(made.root, kernel.root)
            link_root(made.root)
            made._record.arm()
        finally:
            leave()
        return made

    @staticmethod
    def from_current():
        """The PageTable whose root the processor uses now."""
        from .system import installed  # noqa: PLC0415 (the package is complete only later)

        return installed().page_table.active_table

    @property
    def active_table(self):
        """The PageTable that is active, seen from any table."""
        self._live()
        return self._kernel._active

    @property
    def physical_address(self):
        """Where the root is."""
        self._live()
        return PhysicalAddress(self.root << 12)

    def is_active(self):
        return active_root() == self.root

    def _live(self):
        if type(self._record) is str:
            raise UseAfterMove("PageTable", self._record)
        return self._record

    def switch_to(self):
        """Make this the active table. What the lower half of another one maps can't be accessed from then on."""
        self._live()
        enter()
        activate(self.root)
        self._kernel._active = self
        leave()

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
        self.reclaim()
        if live_with_root(self.root) and not (gc_and_reclaim(self) and not live_with_root(self.root)):
            raise TableInUse(self, "%d mappings live in it; drop them first" % live_with_root(self.root))
        enter()
        try:
            kernel.free_table(self.root)
            record.end()
            self._record = "drop()"
        finally:
            leave()

    def __enter__(self):
        self._live()
        return self

    def __exit__(self, kind, value, traceback):
        if type(self._record) is not str and self is not self._kernel:
            self.drop()
        return False

    def __repr__(self):
        if type(self._record) is str:
            return "PageTable(consumed by %s)" % self._record
        return "PageTable(p%s)" % hex(self.root << 12)

    __str__ = __repr__


class KernelPageTable(PageTable):
    """The kernel's own table: the one that is always there, and that keeps what all tables share."""

    def __init__(self, root, system):
        super().__init__(root, system, None)
        self.largest_level = largest_level()
        self.shootdown = None
        self.ledger = FlushLedger()
        self.shared_users = {}
        self.reclaimed = 0
        self.stuck = 0
        self._active = self

    # Repeated: a method is found faster in its own class.
    create_mapping = Mapper.create_mapping
    create_mapping_at = create_mapping_at
    create_record = Mapper.create_record
    unmap_record = Mapper.unmap_record

    def free_table(self, root):
        """Free a root and what hangs below its lower half."""
        dismantle(root)
        tree, pool = self._frame_tree, self._frame_pool
        frame = pop_table()
        while frame >= 0:
            give(tree, frame << 1, 1)
            frame = pop_table()
        give(tree, root << 1, 1)
        pool.tables -= 1

    def reclaim_record(self, index):
        """Unmap a lost mapping, or drop a lost table."""
        if field(index, "kind") != TABLE:
            return Mapper.reclaim_record(self, index)
        self.free_table(field(index, "root"))
        return True

    def copy_of(self, mapped, record, flags):
        """See `MappedPages.deep_copy`."""
        count = record.count
        word = record.flags if flags is None else self._word(flags, record.first_page, count, None)
        copy = self.create(count, word, self.largest_level)
        made = copy._state[RECORD]
        missing = copy_pages(self.root, made.first_page, mapped._state[1].root, record.first_page, count)
        if missing >= 0:
            copy.drop()
            self._refuse_unmap(mapped, record.first_page + missing, "deep_copy()")
        return copy
