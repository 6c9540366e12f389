"""Frames that page tables lie in: their owners lend them, and have them back when no live root leads there any more.

The paging layer asks (`paging.frame_allocators.Keeper`), because tables lie in frames that its users bring along: of
`TableFrames`, or of AllocatedFrames, through whatever frame allocator. An owner that is lent can be asked, but does not
change hands. One that was forgotten meanwhile is kept here until its tables come to their end.
"""

from memory_structs import AddressInUse, FrameRange, IllegalState
from memory_structs.marks import frames_text
from memory_structs.sparse_marks import any_marked
from paging.linked import LinkedTables
from paging.natives import finaliser
from paging.protection import Protection

from .allocators.owners import ALLOCATED, CONSUMER, COUNT, DEAD, LENT, RUN, AllocatedFrames
from .ledger import TABLE, enter, field, find_table, leave, next_record


class Loan:
    """Who borrows an owner's frames for tables, while any is in use: by the owner's `state`."""

    def __init__(self, linked, state):
        self._linked = linked
        self._state = state

    def end_loan(self):
        """True when no table that is in use lies in the frames."""
        return not self._linked.holds(LENT - self._state[RUN] >> 1, self._state[COUNT])

    def deallocate_run(self, first, count):
        """They are the owner's again, who has them all the time."""

    def __repr__(self):
        return "the page tables in them"


class Lending:
    """The Keeper of the kernel's own frames."""

    def __init__(self, table):
        self._kernel_root = table.root
        self._allocator = allocator = table._frames
        self._pool = allocator.pool
        self._tables = tables = allocator.table_frames
        window = Protection.live.window_pages
        tables.linked = LinkedTables.live = self._linked = LinkedTables(
            tables.link_marks, self._roots, self._pool.managed, window
        )
        self._kept = []  # AllocatedFrames for what was forgotten; dead ones have room for the next
        self._room = None

    def _roots(self):
        """The roots that live, but perhaps for the active one."""
        yield self._kernel_root
        index = next_record(0)
        while index >= 0:
            if field(index, "kind") == TABLE:
                yield field(index, "root")
            index = next_record(index + 1)

    def allocate(self, count):
        """AllocatedFrames to lend. Raises OutOfFrames."""
        return self._allocator.allocate(count)

    def lender_of(self, owned):
        """Who lends the frames `owned`, which is that owner: for frame allocators that hand out what others own.

        Raises TypeError, UseAfterMove, IllegalState (lent, and not all back) or AddressInUse: a range owns nothing.
        """
        if owned.__class__ is AllocatedFrames:
            owned._live()
            return owned
        if owned.__class__ is not FrameRange:
            raise TypeError("AllocatedFrames are lent, not %s" % type(owned).__name__)
        for first, last, name in self._allocator.reservations:
            overlap = owned.overlap(FrameRange.from_numbers(first, last))
            if overlap is not None:
                raise AddressInUse(owned, overlap, name)
        raise AddressInUse(owned, owned, "%s, which lends what is allocated: an owner" % self._allocator.name)

    def lend_tables(self, first, count):
        """Have whoever has these frames keep them, as long as tables lie in them.

        Raises IllegalState when nobody can have lent them for that, or when one is a table already.
        """
        if self._linked.holds(first, count):
            raise IllegalState(frames_text(first, count), "a page table in use", "become another one")
        self.prepare_tables(first, count)
        self._lend(first, count)

    def prepare_tables(self, first, count):
        """Have marks for frames that are going to be tables. Raises OutOfFrames or OutOfBookkeeping."""
        self._tables.prepare_links(first, count)

    def _lend(self, first, count):
        end = first + count
        while first < end:
            if self._tables.has_out(first):
                first += 1
                continue
            state = finaliser.state_of(self._pool, first, ALLOCATED)
            if state is None:
                raise IllegalState(frames_text(first, 1), "no AllocatedFrames'", "hold a page table")
            run = state[RUN]
            lent = run < 0
            if lent:
                run = LENT - run
            behind = min(end, (run >> 1) + state[COUNT])
            if not lent:
                state[CONSUMER] = Loan(self._linked, state)
                state[RUN] = LENT - (run & ~1)
            elif getattr(state[CONSUMER], "keeps_frames", False) and not state[CONSUMER].has_out(first, behind - first):
                raise IllegalState(frames_text(first, 1), "lent to %s" % state[CONSUMER], "come from elsewhere")
            first = behind

    def take_table(self, number):
        """Take the frame of a table that is in use no more, for whoever gave it. False: nobody did."""
        if self._tables.has_out(number):
            self._tables.deallocate_number(number)
            return True
        state = finaliser.state_of(self._pool, number, ALLOCATED)
        if state is None:
            return False
        if state[RUN] < 0:
            state[CONSUMER].deallocate_run(number, 1)
            self.let_go()
        return True

    def enter_root(self, number):
        """A frame is going to be the root: whoever has it keeps it meanwhile. Raises IllegalState if nobody can."""
        if number != self._kernel_root and find_table(number) < 0:
            self.prepare_tables(number, 1)
            self._lend(number, 1)
            self._linked.add(number)

    def leave_root(self):
        """Another frame is the root now."""
        self.let_go()

    # Owners that were forgotten.

    def make_room(self):
        """Prepare for one more owner that was forgotten; after that `keep` allocates nothing. Raises MemoryError."""
        if self._room is not None and self._room[0]._state[RUN] == DEAD:
            return
        for owner in self._kept:
            if owner._state[RUN] == DEAD:
                break
        else:
            owner = AllocatedFrames._new(self._pool)
            self._kept.append(owner)
        self._room = owner, Loan(self._linked, owner._state)

    def keep(self, arena, run, count):
        """Keep frames of a forgotten owner, if there may be tables in them: True. Else False."""
        if arena is not self._pool or not any_marked(self._linked.marks, run >> 1, count):
            return False
        state = self._room[0]._state
        state[COUNT] = count
        state[CONSUMER] = self._room[1]
        state[RUN] = LENT - (run & ~1)
        return True

    def let_go(self):
        """Give back what was kept, and has no tables any more. Returns how many owners that were."""
        count = 0
        for owner in self._kept:
            enter()
            try:
                if owner:
                    owner.drop()
                    self._pool.reclaimed += 1
                    count += 1
            finally:
                leave()
        return count
