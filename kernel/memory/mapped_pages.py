"""`MappedPages`: having one means that these pages are mapped, and that nobody else may unmap them.

    _state[...]     what (a list: storing into one costs a seventh of storing an attribute, and never allocates)
    -----------     ----
    RECORD          while it lives: the native record (port/modules/_records.c), which survives when the collector
                    finds the MappedPages unreachable. When it is dead: the name of the call that consumed it
    TABLE           the PageTable that the mapping lives in (`.root`: frame number of its root). A mapping in the
                    kernel's half is in every table, and bound to the kernel's own
    SHARED_FRAMES   the SharedFrames of a shared mapping, else None
    LEASE           None until the first view is made (`views.Viewable`). Calls that change the mapping begin with
                    `lease.end(call)`, which refuses while a borrow lives (StillBorrowed), and forgets the lease

    of the record   what
    -------------   ----
    first_page, count, flags, kind, root    numbers; flags without ACCESSED and DIRTY; kind: table_steps.KIND_NAMES
    exported    a raw buffer was handed out (C: record_mark_exported(), Python: record.mark_exported()):
                the pages are not used again until the soft reset

The record's finaliser marks it LOST; `Mapper.reclaim()` (every mapper call begins with it when something is lost)
unmaps what is lost: entries cleared, TLB flushed, frames freed.
"""

from memory_structs import (
    PAGE_SHIFT,
    FrameRange,
    IllegalState,
    NotTouching,
    OutOfBookkeeping,
    OutOfRange,
    Page,
    PageRange,
    UseAfterMove,
)
from micropython import const
from paging.flags import PteFlags

from .allocators.owners import ARENA, COUNT, DROP, RUN, AllocatedFrames, AllocatedPages
from .refusals import SystemMapping
from .runs import TOO_MANY, add_owners, give, owners_of
from .table_steps import (
    DEVICE,
    EXCLUSIVE_BIT,
    KIND_NAMES,
    NO_EXECUTE,
    SHARED,
    SYSTEM,
    WRITABLE,
    Record,
    change,
    count_runs,
    detach,
    divide,
    enter,
    finish,
    frame_at,
    leave,
    next_run,
    plan_divide,
    prune,
    run_length,
    undisturbed,
    unmap_simple,
)
from .views import Viewable

RECORD = const(0)
TABLE = const(1)
SHARED_FRAMES = const(2)
LEASE = const(3)


class MappedPages(Viewable):
    """See the head of this file. Made by a Mapper; can't be copied, and every consuming call leaves it dead.

    .flags         the rights it was mapped with, as PteFlags
    .page_table    the PageTable that it lives in, and that every operation on it acts on
    .kind          "exclusive", "shared", "system" or "device"
    .range         its PageRange; whatever that can be asked, can be asked here: start_address, size_in_pages, ...
    """

    # A mapping that a mapper made has a list of its own; one that a user makes is dead for ever.
    _state = ["nobody, for only a mapper makes mappings", None, None, None]

    # Repeated: a method is found faster in its own class.
    as_slice = Viewable.as_slice
    as_slice_mut = Viewable.as_slice_mut
    _lend = Viewable._lend

    @classmethod
    def _new(cls, table, record):
        """Make the object for a record; for mappers."""
        made = cls()
        made._state = [record, table, None, None]
        return made

    def _live(self):
        """The record. Raises UseAfterMove."""
        record = self._state[RECORD]
        if type(record) is not Record:
            raise UseAfterMove("MappedPages", record)
        return record

    def __getattr__(self, name):
        """The attributes above, and those of the range (no properties: they slow down every store into the object)."""
        if name[0] != "_":
            record = self._live()
            if name == "page_table":
                return self._state[TABLE]
            if name == "flags":
                return PteFlags.of_word(record.flags)
            if name == "kind":
                return KIND_NAMES[record.kind]
            pages = PageRange.from_numbers(record.first_page, record.first_page + record.count - 1)
            if name == "range":
                return pages
            if hasattr(pages, name):
                return getattr(pages, name)
        elif name == "_table":
            return self._state[TABLE]
        raise AttributeError("'MappedPages' object has no attribute '%s'" % name)

    def __len__(self):
        """Pages of 4 KiB."""
        return self._live().count

    def __bool__(self):
        return type(self._state[RECORD]) is Record

    def frames(self):
        """The FrameRanges that the pages lead to, in order of the pages; read from the tables."""
        record = self._live()
        table = self._state[TABLE]
        found = []
        for run in table.view.runs(record.first_page, record.count):
            if not run.is_mapped:
                table._refuse_unmap(self, run.page, "list its frames")
            if found and found[-1][1] + 1 == run.frame:
                found[-1][1] += run.count
            else:
                found.append([run.frame, run.frame + run.count - 1])
        return [FrameRange.from_numbers(first, last) for first, last in found]

    # What can be done with it.

    def drop(self):
        """Unmap, and give pages and frames back: they are free when this returns.

        Raises UseAfterMove, SystemMapping, StillBorrowed or MappingDamaged; then the mapping lives on.
        """
        state = self._state
        record = state[RECORD]
        table = state[TABLE]
        run = unmap_simple(record, state[LEASE])
        if run >= 0:
            # As Mapper.unmap_record, in line: this is the hottest call of all.
            count = record.count
            give(table._frame_tree, run & -2, count)
            if run & 1:
                table._give_popped()
            give(table._page_tree, record.first_page << 1, count)
            state[RECORD] = DROP
            finish(record)
            return
        self._drop_in_steps(table)

    unmap = drop

    @undisturbed
    def _drop_in_steps(self, table):
        record = self._check_free_for(DROP)
        table.unmap(self, record, DROP)

    def __enter__(self):
        self._live()
        return self

    def __exit__(self, kind, value, traceback):
        """Drop, unless that was done inside. Here the mapping's life ends; its views are stale then."""
        if type(self._state[RECORD]) is Record:
            self._revoke_views("the end of its `with`")
            self.drop()
        return False

    @undisturbed
    def remap(self, flags, override=None):
        """Give the pages other rights; ACCESSED, DIRTY and EXCLUSIVE stay as they are. No-op for equal flags.

        Raises as `drop`, and WritableExecutable unless `override` says why that must be.
        """
        record = self._check_free_for("remap()")
        table = self._state[TABLE]
        page, count, old, kind = record.first_page, record.count, record.flags, record.kind
        word = table._word(flags, page, count, override)
        if word == old:
            return
        shared = self._state[SHARED_FRAMES]
        if shared is not None:
            shared._check_change(old, word, override)
        enter()
        try:
            absent = change(table.root, page, count, word if kind == SHARED else word | EXCLUSIVE_BIT)
            if absent >= 0:
                table._refuse_unmap(self, page + absent, "remap()")
            record.set(page, count, word)
            record.mark_overridden(override is not None)
            if shared is not None:
                shared._remove_user(old)
                shared._add_user(word)
            failure = table._invalidate(page, count, old | word)
        finally:
            leave()
        if failure is not None:
            raise failure

    @undisturbed
    def merge(self, other):
        """Take over `other`, which must touch this one on either side, in the same table, with the same flags.

        `other` is dead then. Raises TypeError, UseAfterMove, SystemMapping, StillBorrowed or NotTouching; then both
        live on.
        """
        if type(other) is not MappedPages:
            raise TypeError("MappedPages expected, not %s" % type(other).__name__)
        record, second = self._check_free_for("merge()"), other._check_free_for("merge()")
        first = self._check_mergeable(other, record, second)
        upper = second if first is record else record
        page, count = first.first_page, record.count + second.count
        table = self._state[TABLE]
        enter()
        try:
            self._count_owners(table, upper.first_page, -1)
            record.set(page, count, record.flags)
            if second.exported:
                record.mark_exported()
            if second.overridden:
                record.mark_overridden(True)
            other._state[RECORD] = "merge()"
            second.end()
        finally:
            leave()

    def _check_mergeable(self, other, record, second):
        """The record that lies below. Raises NotTouching."""
        reason = None
        if other is self:
            reason = "they are the same"
        elif record.kind == DEVICE and self._frames_differ(record, second):
            reason = "their frames touch, but are of different memory"
        elif self._state[TABLE] is not other._state[TABLE]:
            reason = "they live in different page tables"
        elif record.flags != second.flags:
            reason = "their flags differ; remap one"
        elif record.kind != second.kind or record.kind == SHARED:
            reason = "one is %s, the other %s" % (self.kind, other.kind)
        elif record.first_page + record.count == second.first_page:
            return record
        elif second.first_page + second.count == record.first_page:
            return second
        else:
            reason = "they do not touch"
        raise NotTouching(self, other, reason)

    def _frames_differ(self, record, second):
        """True when the frames of two mappings touch but are of different arenas, so can't be given back as one."""
        table = self._state[TABLE]
        for lower, upper in (record, second), (second, record):
            frame = frame_at(table.root, upper.first_page)
            touching = frame_at(table.root, lower.first_page + lower.count - 1) + 1 == frame
            if touching and table._frames._arena_of(frame - 1, frame) is None:
                return True
        return False

    @undisturbed
    def split(self, at):
        """Consume this mapping and return two: the pages below the Page `at`, and the rest.

        A huge page that `at` lies inside of is divided. Raises TypeError, UseAfterMove, SystemMapping, StillBorrowed,
        OutOfRange (`at` is not inside, or is the first page), OutOfFrames or OutOfBookkeeping; then it lives on.
        """
        record = self._check_free_for("split()")
        if type(at) is not Page:
            raise TypeError("a Page expected, not %s" % type(at).__name__)
        page, count, kind, word = record.first_page, record.count, record.kind, record.flags
        if not page < at.number < page + count or kind == SHARED:
            raise OutOfRange(at, "the inside of %s" % self if kind != SHARED else "what can be split: it is shared")
        number, table = at.number, self._state[TABLE]
        root = table.root
        enter()
        try:
            upper_record = Record(root, number, page + count - number, word, kind)
            lower, upper = MappedPages._new(table, record), MappedPages._new(table, upper_record)
            parts = lower, upper
            needed = plan_divide(root, number)
            if needed:
                table._lend_tables(needed)
            if not self._count_owners(table, number, 1):
                table._take_tables_back()
                raise OutOfBookkeeping(table._pages.name, owners_of(table._page_arena(page).tree))
            if needed:
                divide(root, number)
                table._invalidate(page, count, word)
            record.set(page, number - page, word)
            if record.exported:
                upper_record.mark_exported()
            upper_record.mark_overridden(record.overridden)
            upper_record.arm()
            self._state[RECORD] = "split()"
        finally:
            leave()
        return parts

    def _count_owners(self, table, boundary, more):
        """Count owners of pages and frames when a mapping is cut (1) or joined (-1) at a page. False: no room."""
        tree = table._page_arena(boundary).tree
        if add_owners(tree, more) == TOO_MANY:
            return False
        frame = frame_at(table.root, boundary)
        if frame == frame_at(table.root, boundary - 1) + 1:
            arena = table._frames._arena_of(frame - 1, frame)
            if arena is not None and add_owners(arena.tree, more) == TOO_MANY:
                add_owners(tree, -more)
                return False
        return True

    @undisturbed
    def unmap_into_parts(self):
        """Unmap, and return (AllocatedPages, [AllocatedFrames, ...]): all frames, by runs, in order of the pages.

        The frames of a shared mapping stay with their SharedFrames: the list is empty. Raises as `drop`.
        """
        record = self._check_free_for("unmap_into_parts()")
        if record.exported:
            raise IllegalState(
                self, "one whose memory was handed out as a raw buffer", "give its pages back: drop() it"
            )
        table = self._state[TABLE]
        page, count, kind, word, root = record.first_page, record.count, record.kind, record.flags, table.root
        enter()
        try:
            runs = count_runs(root, page, count)
            if runs < 0:
                table._refuse_unmap(self, page - 1 - runs, "unmap_into_parts()")
            arena = table._page_arena(page)
            pages = AllocatedPages._new(arena)
            frames = []
            if kind != SHARED:
                for _ in range(runs):
                    frames.append(AllocatedFrames._new(table._frame_pool))
            parts = pages, frames
            absent = detach(root, page, count)
            if absent >= 0:
                table._refuse_unmap(self, page + absent, "unmap_into_parts()")
            failure = table._invalidate(page, count, word)
            if kind == SHARED:
                table._harvest(SHARED)
                table._forget_user(record.index, word)
            else:
                self._fill(table, frames, kind)
            prune(root, page, count)
            table._give_popped()
            pages._state[COUNT] = count
            pages._state[RUN] = page << 1
            self._state[RECORD] = "unmap_into_parts()"
            record.end()
        finally:
            leave()
        if failure is not None:
            raise failure
        return parts

    @staticmethod
    def _fill(table, frames, kind):
        """Bring the prepared owners to life with the runs that the detached entries name."""
        index = 0
        frame = next_run()
        while frame >= 0:
            state, count = frames[index]._state, run_length()
            if kind == DEVICE:
                state[ARENA] = table._frames._arena_of(frame, frame)
                state[ARENA].mapped -= count
            state[COUNT] = count
            state[RUN] = frame << 1
            index += 1
            frame = next_run()

    def deep_copy(self, flags=None):
        """A new mapping of as many pages with the same contents, and the same flags unless others are given.

        Raises UseAfterMove, IllegalState for device memory, and what `create_mapping` raises; this one is unchanged.
        """
        record = self._live()
        if record.kind == DEVICE:
            raise IllegalState(self, "device memory", "be copied: reading a device may change it")
        return self._state[TABLE]._kernel.copy_of(self, record, flags)

    # Insides.

    def _check_free_for(self, step):
        """The record of a mapping that may be changed now. Raises UseAfterMove, SystemMapping or StillBorrowed."""
        record = self._live()
        if record.kind == SYSTEM:
            raise SystemMapping(self, step)
        lease = self._state[LEASE]
        if lease is not None:
            lease.end(step)
            self._state[LEASE] = None
        return record

    def __repr__(self):
        record = self._state[RECORD]
        if type(record) is not Record:
            return "MappedPages(consumed by %s)" % record
        rights = "rw" if record.flags & WRITABLE else "r-"
        rights += "-" if record.flags & NO_EXECUTE else "x"
        return "MappedPages(v%s, %d pages, %s)" % (hex(record.first_page << PAGE_SHIFT), record.count, rights)

    __str__ = __repr__
