"""Where frames for tables come from: a protocol of two calls, and two allocators that the post needs.

`allocate_frame()` returns a Frame or None, `deallocate_frame(frame)` takes it back. An allocator may also have
`allocate_run(count)`, which returns (first frame number, how many, at most `count`) or None, and
`deallocate_run(first frame number, count)`: mappers use them for long ranges. One with `keeps_frames = True` sees to it
itself that what it has handed out stays its own; for others the owners of the frames are asked (`Keeper`).
"""

import gc

import uctypes
from memory_structs import PAGE_SHIFT, IllegalState, NotInitialized, Page4K
from memory_structs.marks import (
    are_marked,
    bytes_for,
    check_run,
    create,
    frames_text,
    mark,
    mark_lowest,
    marked,
    unmark,
)

from .linked import LinkedTables
from .numbers import check_frame, frame_of

PREPARED = 2  # what `keeps_frames` is of those that have called `prepare_tables` themselves
FRAMES_OF_INIT = 64  # enough for the posts: tables of a few mappings, and a heap of 25 pages


class Keeper:
    """Who knows the owners of frames: `Keeper.live`, once `memory` has put the kernel's there.

    .allocate(count)            an owner of so many frames, for `lender_of`. Raises OutOfFrames
    .lender_of(owned)           what to call `lend_to(borrower)` and `take_back(borrower)` of, or raises
    .prepare_tables(first, count)  from here on these frames can be marked as tables that are linked. Raises
    .lend_tables(first, count)  these frames are going to be tables: their owner keeps them until that is over. Raises
    .take_table(number)         give a table's frame back to whom it came from. False: to nobody
    .enter_root(number)         CR3 is going to name this frame. Raises
    .leave_root()               CR3 names another one now
    """

    live = None


def next_run(frame_allocator, most):
    """(first frame number, how many, at most `most`) from a frame allocator, or None when it has no more."""
    try:
        allocate_run = frame_allocator.allocate_run
    except AttributeError:
        return one_frame(frame_allocator)
    return allocate_run(most)


def prepare_tables(runs):
    """Have room to note that frames, (first number, count) each, are tables in use. Raises OutOfFrames."""
    if Keeper.live is not None:
        for first, count in runs:
            Keeper.live.prepare_tables(first, count)


def lend_tables(runs):
    """Have the owners of frames, (first number, count) each, keep them: they are going to be tables.

    Raises IllegalState for frames that nobody can have lent for that, that are tables in use, or that came twice.
    """
    end = 0
    for first, count in sorted(runs):
        if first < end:
            raise IllegalState(frames_text(first, 1), "handed out twice", "hold two page tables")
        end = first + count
    if Keeper.live is not None:
        for first, count in runs:
            Keeper.live.lend_tables(first, count)


def one_frame(frame_allocator):
    """(frame number, 1) from an allocator that knows no runs, or None. With no room for that, the frame goes back."""
    frame = frame_allocator.allocate_frame()
    if frame is None:
        return None
    try:
        return check_frame(frame).number, 1
    except MemoryError:
        frame_allocator.deallocate_frame(frame)
        raise


def check_deallocator(frame_deallocator):
    """Refuse what takes no frames back, before anything is taken away for it (TypeError)."""
    if not (hasattr(frame_deallocator, "deallocate_run") or hasattr(frame_deallocator, "deallocate_frame")):
        raise TypeError("%r takes no frames back: it has no deallocate_frame(frame)" % (frame_deallocator,))


def give_back(frame_allocator, first, count):
    """Hand frames back, one by one where the allocator knows no runs. When the heap is full: once more after a
    collection, so that no frame is lost for want of a few bytes."""
    if hasattr(frame_allocator, "deallocate_run"):
        try:
            frame_allocator.deallocate_run(first, count)
        except MemoryError:
            gc.collect()
            frame_allocator.deallocate_run(first, count)
        return
    for number in range(first, first + count):
        again_if_full(give_frame, frame_allocator, number)


def give_frame(frame_allocator, number):
    """Hand one frame back."""
    frame_allocator.deallocate_frame(frame_of(number))


def again_if_full(call, *arguments):
    """Call; if that raises MemoryError, collect and call again."""
    try:
        call(*arguments)
    except MemoryError:
        gc.collect()
        call(*arguments)


class EmptyFrameAllocator:
    """Never has a frame: enough wherever the tables exist already.

    The post maps page 0 with it, to which its boot loader left tables. Here the lower half is empty, without tables
    (the identity technique needs that): a neighbour of page 0, mapped with another allocator first, brings them.
    """

    def allocate_frame(self):
        return None

    def deallocate_frame(self, frame):
        """Refuse: nothing can have come from here (ValueError)."""
        raise ValueError("%r does not come from this allocator, which never had any frame" % (frame,))


class BootInfoFrameAllocator:
    """Hands out the usable frames of a memory map that also lie in `owned`, lowest first.

    What the map calls usable belongs to the kernel's own frame allocator once that runs, so the caller takes frames
    from it and lends their owner here; `init(memory_map)`, the post's form, does both. It stays lent while any of its
    frames is out: until then it can be asked, but not dropped, split, merged or mapped. Raises AddressInUse for frames
    that nobody lends.

    Before `memory` runs, a FrameRange will do, too.
    """

    keeps_frames = PREPARED

    def __init__(self, memory_map, owned):
        self._owner = NOBODY if Keeper.live is None else Keeper.live.lender_of(owned)
        self._pieces = pieces = pieces_of(memory_map, check_frame(owned.start).number, owned.end.last_number)
        self._first = first = pieces[0][0] if pieces else 0
        self._size = size = pieces[-1][1] - first if pieces else 0
        prepare_tables([(first, size)])
        self._memory = bytearray(bytes_for(size))
        self._marks = uctypes.addressof(self._memory)
        create(self._marks, size)
        # Between two pieces: marked as if they were out, and never taken back.
        self._gaps = [(pieces[at][1], pieces[at + 1][0]) for at in range(len(pieces) - 1)]
        for start, end in self._gaps:
            mark(self._marks, start - first, end - start)
        self._in_gaps = marked(self._marks)
        # True only while the owner knows that frames are out; the other way round it need not be.
        self._is_lent = False

    @classmethod
    def init(cls, memory_map):
        """One over FRAMES_OF_INIT frames of its own, which the kernel's allocator lends. Raises OutOfFrames."""
        if Keeper.live is None:
            raise NotInitialized("memory")
        owned = Keeper.live.allocate(FRAMES_OF_INIT)
        try:
            return cls(memory_map, owned)
        except BaseException:
            owned.drop()
            raise

    def usable_frames(self):
        """Yield all the frames that it can hand out, also those that are out, upwards."""
        for first, end in self._pieces:
            for number in range(first, end):
                yield frame_of(number)

    def allocate_frame(self):
        """A Frame, or None when all are out. Raises UseAfterMove when their owner is gone."""
        number = -1
        try:
            run = self.allocate_run(1)
            if run is None:
                return None
            number = run[0]
            return frame_of(number)
        except BaseException:
            if number >= 0:
                self.deallocate_run(number, 1)
            raise

    def allocate_run(self, count):
        """(first frame number, how many, at most `count`), or None."""
        if not self._is_lent:
            self._owner.lend_to(self)
            self._is_lent = True
        run = -1
        try:
            run = mark_lowest(self._marks, count)
            return None if run < 0 else (self._first + (run >> 20), run & 0xFFFFF)
        except BaseException:
            if run >= 0:
                unmark(self._marks, run >> 20, run & 0xFFFFF)
            raise

    def deallocate_frame(self, frame):
        """Take a 4 KiB frame back. Raises IllegalState when it is not out."""
        if check_frame(frame).size is not Page4K:
            raise TypeError("a page table lies in one 4 KiB Frame, not in %r" % (frame,))
        self.deallocate_run(frame.number, 1)

    def deallocate_run(self, frame, count):
        """Take `count` frames back, from a frame number on.

        Raises IllegalState when not all of them are out, or when one is a table in use.
        """
        check_run(frame, count)
        if LinkedTables.live is not None and LinkedTables.live.holds(frame, count):
            raise IllegalState(frames_text(frame, count), "a page table in use", "be given back")
        if self._in_a_gap(frame, count):
            raise self._not_out(frame, count)
        left = unmark(self._marks, frame - self._first, count)
        if left < 0:
            raise self._not_out(frame, count)
        if left == self._in_gaps:
            self._is_lent = False
            self._owner.take_back(self)

    def has_out(self, first, count=1):
        """True when all of `count` frames from number `first` on are out from here."""
        return bool(are_marked(self._marks, first - self._first, count)) and not self._in_a_gap(first, count)

    def _in_a_gap(self, first, count):
        return any([first < end and start < first + count for start, end in self._gaps])

    def end_loan(self):
        """Let go of the owner if no frame is out, and return whether that is so. The owner asks before it goes."""
        if self.allocated:
            return False
        self._is_lent = False
        return True

    @property
    def allocated(self):
        """How many frames are out."""
        return marked(self._marks) - self._in_gaps

    def free(self):
        """How many frames are left."""
        return self._size - marked(self._marks)

    def __repr__(self):
        return "BootInfoFrameAllocator(%d of %d frames out)" % (self.allocated, self._size - self._in_gaps)

    @staticmethod
    def _not_out(first, count):
        return IllegalState(frames_text(first, count), "not all out from this allocator", "be given back to it")


class Nobody:
    """Lends frames that have no owner, for nobody knows any yet."""

    def lend_to(self, borrower):
        pass

    def take_back(self, borrower):
        pass


NOBODY = Nobody()


def pieces_of(memory_map, first, last):
    """Whole usable frames between two frame numbers: (first, the one behind the last) pieces upwards, none touching."""
    if type(memory_map) not in (list, tuple) or not all([hasattr(region, "is_usable") for region in memory_map]):
        raise TypeError("a memory map is a list of MemoryRegions, as BootInfo().memory_map is, not %r" % (memory_map,))
    taken = [(region._start, region._end) for region in memory_map if not region.is_usable]
    pieces = []
    for region in memory_map:
        if region.is_usable:
            start = max(first, region._start + 4095 >> PAGE_SHIFT)
            end = min(last + 1, region._end >> PAGE_SHIFT)
            pieces += without(taken, start, end)
    joined = []
    for start, end in sorted(pieces):
        if joined and start <= joined[-1][1]:
            start, end = joined[-1][0], max(end, joined.pop()[1])
        joined.append((start, end))
    return joined


def without(taken, start, end):
    """The runs of frames from `start` to before `end` that no (first byte, byte after the last) of `taken` touches."""
    for low, high in taken:
        low, high = low >> PAGE_SHIFT, high + 4095 >> PAGE_SHIFT
        if low < end and start < high:
            return without(taken, start, min(end, low)) + without(taken, max(start, high), end)
    return [(start, end)] if start < end else []
