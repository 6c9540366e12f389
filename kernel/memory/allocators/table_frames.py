"""`TableFrames`: where the frames of page tables come from, and the only place that takes them back."""

import micropython
from memory_structs import Frame, IllegalState, OutOfFrames, Page4K, commits
from memory_structs.instances import make
from memory_structs.marks import check_run, frames_text
from memory_structs.sparse_marks import (
    NO_BLOCK,
    add_block,
    are_marked,
    block_bytes,
    bytes_for,
    create,
    mark,
    marked,
    regions_of,
    unmark,
    without_block,
)
from micropython import const

from ..runs import TOO_MANY, add_owners, give, largest_of, take
from .arenas import zeros

_NOT_FREE = const(-1)
_NO_BLOCK = const(-8)
_NOT_OUT = const(-9)
_NO_ROOM = const(-2)
_NONE_YET = const(-2)  # sparse_marks.NO_BLOCK
assert NO_BLOCK == _NONE_YET
# For the lowest frames there are blocks of marks from the beginning, for others when they are needed.
REGIONS_AT_BOOT = 1

add_block, create = commits.opens_guard(add_block), commits.opens_guard(create)


def bytes_at_boot(size):
    """How much memory the TableFrames of `size` frames asks for at once, in pieces aligned to 64 bytes."""
    blocks = [block_bytes(size, region) for region in range(min(REGIONS_AT_BOOT, regions_of(size)))]
    pieces = [bytes_for(size)] + blocks
    return 2 * sum([piece + 63 & ~63 for piece in pieces])


class TableFrames:
    """A frame source of the paging layer: frames of the pool, counted as `.tables` while they are out.

    It knows which ones it has handed out, by a bit for each, and takes no others back: not a root or a mapping's frame,
    not somebody's AllocatedFrames, not what another TableFrames handed out; nor, as long as it is in use, a table. Each
    call is one step that Ctrl-C can't split; those by number take nothing from Python's heap.
    """

    # Knows which frames hold tables that are in use: `paging.linked.LinkedTables`, where there is hardware.
    linked = None
    keeps_frames = 2  # PREPARED, of paging.frame_allocators: marks of links are there for all that it hands out

    def __init__(self, pool, memory, size):
        """`memory(bytes)` returns (address, size) for the marks of the frames with numbers below `size`."""
        self._pool = pool
        self._tree = pool.tree
        self._size = size
        self._marks = self._new_marks(memory, size)
        self._link_marks = self._new_marks(memory, size)
        pool.count_tables(self.out)

    @staticmethod
    def _new_marks(memory, size):
        marks, _ = zeros(memory, bytes_for(size))
        create(marks, size)
        for region in range(min(REGIONS_AT_BOOT, regions_of(size))):
            add_block(marks, region, memory(block_bytes(size, region))[0])
        return marks

    @property
    def link_marks(self):
        """Where the bits lie that mark the frames of linked tables: sparse marks (memory_structs)."""
        return self._link_marks

    def prepare_links(self, first, count):
        """Have blocks of `link_marks` for frames that are going to be linked. Raises OutOfFrames."""
        for marks in self._link_marks, self._marks:
            while True:
                region = without_block(marks, first, count)
                if region < 0:
                    break
                add_block(marks, region, self._pool.allocator.reserve_memory(block_bytes(self._size, region))[0])

    def out(self):
        """How many frames are out."""
        return marked(self._marks)

    def has_out(self, first, count=1):
        """True when all of `count` frames from number `first` on are out from here."""
        check_run(first, count)
        return bool(are_marked(self._marks, first, count))

    def allocate_number(self):
        """The number of a frame, or a negative one when there is none. Its contents are anything."""
        number = _take(self._tree, self._marks, 1)
        return number if number >= _NOT_FREE else self._take_in_steps(1, number)

    def _take_in_steps(self, count, code):
        """What `_take` does, where its code says that bookkeeping is missing. Returns as it."""
        pool, tree, marks = self._pool, self._tree, self._marks
        if code == TOO_MANY:
            return _take(tree, marks, count) if pool.grow() else _NOT_FREE
        if code != _NO_BLOCK:
            return code
        run = take(tree, count)
        if run < 0:
            return run
        try:
            self.prepare_links(run >> 1, count)
        except OutOfFrames:
            return _NOT_FREE
        finally:
            give(tree, run, count)
        return _take(tree, marks, count)

    def deallocate_number(self, number):
        """Give a table's frame back. No entry and no TLB may lead to it any more. Raises as `deallocate_run`."""
        self.deallocate_run(number, 1)

    def allocate_run(self, count):
        """(first number, how many, at most `count`) of frames that touch, or None when there is none."""
        check_run(0, count)
        tree, marks = self._tree, self._marks
        first = -1
        try:
            first = _take(tree, marks, count)
            if first == _NOT_FREE:
                count = min(count, largest_of(tree))
                first = _take(tree, marks, count)
            if first < _NOT_FREE:
                first = self._take_in_steps(count, first)
            return None if first < 0 else (first, count)
        except BaseException:
            if first >= 0:
                _give(tree, marks, first, count)
            raise

    def deallocate_run(self, first, count):
        """Give `count` tables' frames back, all or none; see `deallocate_number`.

        Raises TypeError, ValueError, or IllegalState when not all of them are out from here, or one is in use.
        """
        check_run(first, count)
        if self.linked is not None and self.linked.holds(first, count):
            raise IllegalState(frames_text(first, count), "a page table in use", "be freed before its end")
        code = _give(self._tree, self._marks, first, count)
        if code == _NOT_OUT:
            raise IllegalState(frames_text(first, count), "no page table that came from here", "be freed as one")
        if code:
            self._pool.allocator.refuse(code)

    def allocate_frame(self):
        """A `Frame`, or None."""
        number = -1
        try:
            number = _take(self._tree, self._marks, 1)
            if number < _NOT_FREE:
                number = self._take_in_steps(1, number)
            return None if number < 0 else make(Frame, "_number", number, "_size", Page4K)
        except BaseException:
            if number >= 0:
                _give(self._tree, self._marks, number, 1)
            raise

    def deallocate_frame(self, frame):
        """Give a table's `Frame` back; see `deallocate_number`."""
        if frame.__class__ is not Frame or frame.size is not Page4K:
            raise TypeError("a page table lies in one 4 KiB Frame, not in %r" % (frame,))
        self.deallocate_run(frame.number, 1)


@commits.opens_guard
@micropython.viper
def _take(tree: int, marks: int, count: int) -> int:
    """Take a run out of the pool and mark it. Returns its first number, or what `take` says."""
    run = int(take(tree, count))
    if run < 0:
        return run
    code = int(mark(marks, run >> 1, count))
    if code:
        give(tree, run, count)
        return _NO_BLOCK if code == _NONE_YET else _NOT_FREE
    if count > 1 and int(add_owners(tree, count - 1)):  # each may come back on its own
        unmark(marks, run >> 1, count)
        give(tree, run, count)
        return _NO_ROOM
    return run >> 1


@commits.opens_guard
@micropython.viper
def _give(tree: int, marks: int, first: int, count: int) -> int:
    """Give a run that is marked back to the pool. Returns 0, _NOT_OUT or what `give` says; then nothing has changed."""
    if not int(are_marked(marks, first, count)):
        return _NOT_OUT
    code = int(give(tree, first << 1, count))
    if code == 0:
        unmark(marks, first, count)
        if count > 1:
            add_owners(tree, 1 - count)
    return code
