"""`MappedPages`: having one means that these pages are mapped, and that nobody else may unmap them.

    _state[...]     what (a list: storing into one costs a seventh of storing an attribute, and never allocates)
    -----------     ----
    RECORD          while it lives: the native record (port/ledger/_records.c), which survives when the collector
                    finds the MappedPages unreachable. When it is dead: the name of the call that consumed it. While a
                    call changes it: UnderWay, so that whoever runs meanwhile is told that it is busy
    TABLE           the PageTable that the mapping lives in (`.root`: frame number of its root). A mapping in the
                    kernel's half is in every table, and bound to the kernel's own
    SHARED_FRAMES   the SharedFrames of a shared mapping, else None
    LEASE           None until the first view is made (`views.Viewable`). Calls that change the mapping begin with
                    `lease.end(call)`, which refuses while a borrow lives (StillBorrowed), and forgets the lease

    of the record   what
    -------------   ----
    first_page, count, flags, kind, root    numbers; flags without ACCESSED and DIRTY; kind: ledger.KIND_NAMES
    exported    a raw buffer was handed out (`ledger.mark_exported`): its pages stay unused until the soft reset

The record's finaliser marks it LOST; `Mapper.reclaim()` (every mapper call begins with it when something is lost)
unmaps what is lost: entries cleared, TLB flushed, frames freed.
"""

from memory_structs import (
    PAGE_SHIFT,
    FrameRange,
    IllegalState,
    OutOfBookkeeping,
    OutOfRange,
    Page,
    PageRange,
    UseAfterMove,
)
from memory_structs.ending import drop_at_end
from memory_structs.instances import make, seal
from memory_structs.mode import UPPER_HALF_FIRST_PAGE
from micropython import const
from paging.dividing import tables_to_divide
from paging.flags import KEY_SHIFT, NO_EXECUTE, WRITABLE, PteFlags

from .. import ledger
from ..allocators.owners import ARENA, CONSUMER, COUNT, DROP, KEPT, RUN, AllocatedFrames, AllocatedPages
from ..ledger import DEVICE, EXCLUSIVE, KIND_NAMES, SHARED, SYSTEM, Record, enter, finish, leave, undisturbed
from ..refusals import Busy, SystemMapping, UnderWay
from ..runs import give, owners_of
from ..views import Viewable
from . import unmapping
from .faulted import undo_unmapping
from .few import NOT_SIMPLE, unmap_few
from .merging import Divider, count_owners, lower_of
from .rights import refuse_for_kind, word_of
from .run_lists import when_cut, when_joined

RECORD = const(0)
TABLE = const(1)
SHARED_FRAMES = const(2)
LEASE = const(3)


@seal
class MappedPages(Viewable):
    """Having one means that these pages are mapped, and that nobody else may unmap them.

    Made by a Mapper; can't be copied, and every consuming call leaves it dead.

    .flags         the rights it was mapped with, as PteFlags; .protection_key is their key, 0 to 15
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
        return make(cls, "_state", [record, table, None, None])

    def _live(self):
        """The record. Raises UseAfterMove."""
        record = self._state[RECORD]
        if type(record) is not Record:
            if type(record) is UnderWay:
                raise Busy("MappedPages", record.step)
            raise UseAfterMove("MappedPages", record)
        return record

    def __getattr__(self, name):
        """The attributes above, and those of the range (no properties: they slow down every store into the object)."""
        if name[0] != "_":
            record = self._state[RECORD]
            if record.__class__ is not Record:
                self._live()
            reader = READERS.get(name)
            if reader is not None:
                return reader(self, record)
            first = record.first_page
            pages = PageRange._of(first, first + record.count - 1)
            found = getattr(pages, name, pages)
            if found is not pages:
                return found
        elif name == "_table":
            return self._state[TABLE]
        raise AttributeError("'MappedPages' object has no attribute '%s'" % name)

    def __len__(self):
        """Pages of 4 KiB."""
        return self._live().count

    def __bool__(self):
        return type(self._state[RECORD]) is Record

    def frames(self):
        """The FrameRanges that the pages lead to, in order of the pages; read from the tables.

        Raises UseAfterMove, or MappingDamaged where they do not lead to what the owner was given.
        """
        record = self._live()
        found = unmapping.runs_of_record(self._state[TABLE], record, self, "list its frames")
        return [FrameRange.from_numbers(first, first + count - 1) for first, count in found]

    # What can be done with it.

    def drop(self):
        """Unmap, and give pages and frames back: they are free when this returns.

        Raises UseAfterMove, SystemMapping, StillBorrowed or MappingDamaged; then the mapping lives on.
        """
        state = self._state
        record = state[RECORD]
        if record.__class__ is Record and state[LEASE] is None:
            table = state[TABLE]
            enter()
            try:
                run = unmap_few(table._facts, record)
            except BaseException:
                undo_unmapping(table, record)
                raise
            if run >= 0:
                state[RECORD] = DROP
                if run & 1:
                    unmapping.finish_few(table, record, run)
                    return
                # As finish_few, in line: this is the hottest call of all.
                count = record.count
                give(table._frame_tree, run, count)
                page = record.first_page
                give(table._page_tree if page >= UPPER_HALF_FIRST_PAGE else table._lower_tree, page << 1, count)
                finish(record)
                return
            if run != NOT_SIMPLE:
                state[RECORD] = DROP
                unmapping.finish_few(table, record, run)
                return
            leave()
        self._drop_in_steps()

    unmap = drop

    @undisturbed
    def _drop_in_steps(self):
        self._go(DROP, "be dropped")

    def _go(self, step, words, pages=None, take=None):
        """Unmap, as `step`; in between this object is busy.

        Raises as `drop`, and what the shootdown callback raised.
        """
        record = self._check_free_for(step)
        state = self._state
        state[RECORD] = UnderWay(step, record)
        try:
            failure = unmapping.unmap(state[TABLE], record, self, words, pages, take)
        except BaseException:
            state[RECORD] = record
            raise
        state[RECORD] = step
        record.end()
        if failure is not None:
            raise failure

    def __enter__(self):
        self._live()
        return self

    def __exit__(self, kind, value, traceback):
        """Drop, unless that was done inside. Here the mapping's life ends; its views are stale then."""
        if type(self._state[RECORD]) is Record:
            self._revoke_views("the end of its `with`")
            drop_at_end(self, kind)
        return False

    @undisturbed
    def remap(self, flags, override=None):
        """Give the pages other rights; ACCESSED, DIRTY and EXCLUSIVE stay as they are. No-op for equal flags.

        Raises as `drop`, WritableExecutable unless `override` says why that must be, and OutOfFrames: what becomes
        executable is read-only in the physical window from then on, which may take tables. Then nothing has changed.
        """
        record = self._check_free_for("remap()")
        table = self._state[TABLE]
        page, count, old, kind = record.first_page, record.count, record.flags, record.kind
        word = word_of(flags, page, count, override)
        state = self._state
        if kind != EXCLUSIVE:
            refuse_for_kind(flags, kind, state[TABLE]._frames, record.frames, count)
        if word == old:
            return
        shared = state[SHARED_FRAMES]
        if shared is not None:
            shared._check_change(old, word, override)
        runs = unmapping.runs_of_record(table, record, self, "remap()")
        state[RECORD] = UnderWay("remap()", record)
        try:
            failure = unmapping.change_rights(table, record, word, runs, override is not None, unmapping.invalidate)
        finally:
            state[RECORD] = record
        if failure is not None:
            raise failure

    @undisturbed
    def merge(self, other):
        """Take over `other`, which must touch this one on either side, in the same table, with the same flags.

        `other` is dead then. Raises TypeError, UseAfterMove, SystemMapping, StillBorrowed or NotTouching; then both
        live on.
        """
        if other.__class__ is not MappedPages:
            raise TypeError("MappedPages expected, not %s" % type(other).__name__)
        record, second = self._check_free_for("merge()"), other._check_free_for("merge()")
        first = lower_of(self, other, record, second)
        upper = second if first is record else record
        page, count = first.first_page, record.count + second.count
        table = self._state[TABLE]
        lower_runs = unmapping.runs_of_record(table, first, self, "merge()")
        signature, frame = when_joined(lower_runs, unmapping.runs_of_record(table, upper, self, "merge()"))
        count_owners(table, record.kind, upper.first_page, frame, -1)
        ledger.change(record, page, count, record.flags, signature)
        if second.exported:
            ledger.mark_exported(record)
        if second.overridden:
            ledger.mark_overridden(record, True)
        other._state[RECORD] = "merge()"
        second.end()

    @undisturbed
    def split(self, at):
        """Consume this mapping and return two: the pages below the Page `at`, and the rest.

        A huge page that `at` lies inside of is divided. Raises TypeError, UseAfterMove, SystemMapping, StillBorrowed,
        OutOfRange (`at` is not inside, or is the first page), OutOfFrames or OutOfBookkeeping; then it lives on.
        """
        record = self._check_free_for("split()")
        if at.__class__ is not Page:
            raise TypeError("a Page expected, not %s" % type(at).__name__)
        page, count, kind, word = record.first_page, record.count, record.kind, record.flags
        number = at._number
        if not page < number < page + count or kind == SHARED:
            raise OutOfRange(at, "the inside of %s" % self if kind != SHARED else "what can be split: it is shared")
        state, everything = self._state, record.frames
        table = state[TABLE]
        runs = unmapping.runs_of_record(table, record, self, "split()")
        lower_signature, upper_signature, frame = when_cut(runs, number - page)
        upper_record = ledger.prepare(record.root, number, page + count - number, word, kind, upper_signature)
        parts = MappedPages._new(table, record), MappedPages._new(table, upper_record)
        busy = UnderWay("split()", record)
        is_divided = not word & NO_EXECUTE or tables_to_divide(table._facts, number, number)
        divider = Divider(table, record, number, frame) if is_divided else None
        if not count_owners(table, kind, number, frame, 1):
            if is_divided:
                divider.give_unused()
            raise OutOfBookkeeping(table._pages.name, owners_of(table.page_tree(page)))
        failure = None
        state[RECORD] = busy
        if is_divided and divider.is_needed:
            try:
                divider.divide()
            except BaseException:
                divider.give_unused()
                count_owners(table, kind, number, frame, -1)
                unmapping.invalidate(table, page, count, word)
                state[RECORD] = record
                raise
            failure = unmapping.invalidate(table, page, count, word)
        ledger.change(record, page, number - page, word, lower_signature)
        if record.exported:
            ledger.mark_exported(upper_record)
        ledger.mark_overridden(upper_record, record.overridden)
        upper_record.arm()
        state[RECORD] = "split()"
        if failure is not None:
            # The call fails, so this mapping lives on. (Its pages stay divided.)
            count_owners(table, kind, number, frame, -1)
            for part in parts:
                part._state[RECORD] = "split()"
            upper_record.end()
            ledger.change(record, page, count, word, everything)
            state[RECORD] = record
            raise failure
        return parts

    @undisturbed
    def unmap_into_parts(self, keep_contents=False):
        """Unmap, and return (AllocatedPages, [AllocatedFrames, ...]): all frames, by runs, in order of the pages.

        With `keep_contents` these frames, mapped again, hold what was written to them; else they are cleared then. The
        frames of a shared mapping stay with their SharedFrames: the list is empty. Raises as `drop`.
        """
        record = self._check_free_for("unmap_into_parts()")
        if record.exported:
            raise IllegalState(
                self, "one whose memory was handed out as a raw buffer", "give its pages back: drop() it"
            )
        table, kind = self._state[TABLE], record.kind
        pages = AllocatedPages._new(table.page_arena(record.first_page))
        frames = []
        if kind != SHARED:
            for _ in unmapping.runs_of_record(table, record, self, "unmap_into_parts()"):
                frames.append(AllocatedFrames._new(table._frame_pool))

        def take(runs):
            for index in range(len(frames)):
                first, length = runs[index]
                state = frames[index]._state
                if kind == DEVICE:
                    state[ARENA] = table._frames._arena_of(first, first)
                    state[ARENA].mapped -= length
                state[COUNT] = length
                if keep_contents:
                    state[CONSUMER] = KEPT
                state[RUN] = first << 1

        parts = pages, frames
        self._go("unmap_into_parts()", "unmap_into_parts()", pages._state, take)
        return parts

    def deep_copy(self, flags=None):
        """A new mapping of as many pages with the same contents, and the same flags unless others are given.

        Raises UseAfterMove, IllegalState for device memory, and what `create_mapping` raises; this one is unchanged.
        """
        record, shared = self._live(), self._state[SHARED_FRAMES]
        if record.kind == DEVICE or (shared is not None and shared._device):
            raise IllegalState(self, "device memory", "be copied: reading a device may change it")
        return self._state[TABLE]._kernel.copy_of(self, record, flags)

    # Insides.

    def _check_free_for(self, step):
        """The record of a mapping that may be changed now. Raises UseAfterMove, SystemMapping or StillBorrowed."""
        state = self._state
        record = state[RECORD]
        if record.__class__ is not Record:
            self._live()
        if record.kind == SYSTEM:
            raise SystemMapping(self, step)
        if state[LEASE] is not None:
            state[LEASE].end(step)
            state[LEASE] = None
        return record

    def __repr__(self):
        record = self._state[RECORD]
        if type(record) is UnderWay:
            record = record.record
        if type(record) is not Record:
            return "MappedPages(consumed by %s)" % record
        rights = ("rw" if record.flags & WRITABLE else "r-") + ("-" if record.flags & NO_EXECUTE else "x")
        return "MappedPages(v%s, %d pages, %s)" % (hex(record.first_page << PAGE_SHIFT), record.count, rights)

    __str__ = __repr__


READERS = {
    "page_table": lambda mapped, record: mapped._state[TABLE],
    "flags": lambda mapped, record: PteFlags.of_word(record.flags),
    "protection_key": lambda mapped, record: record.flags >> KEY_SHIFT & 15,
    "kind": lambda mapped, record: KIND_NAMES[record.kind],
    "range": lambda mapped, record: PageRange._of(record.first_page, record.first_page + record.count - 1),
}
