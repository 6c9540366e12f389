"""Where frames for tables come from: a protocol of two calls, and two allocators that the post needs.

`allocate_frame()` returns a Frame or None, `deallocate_frame(frame)` takes it back. An allocator may also have
`allocate_run(count)`, which returns (first frame number, how many, at most `count`) or None, and
`deallocate_run(first frame number, count)`: mappers use them for long ranges.
"""

import gc

from memory_structs import PAGE_SHIFT

from .numbers import check_frame, frame_of


def runs_from(frame_allocator, needed):
    """Yield (first frame number, count) from a frame allocator until `needed` frames have come, or it has no more."""
    allocate_run = getattr(frame_allocator, "allocate_run", None)
    while needed > 0:
        if allocate_run is not None:
            run = allocate_run(needed)
        else:
            run = one_frame(frame_allocator)
        if run is None:
            return
        yield run
        needed -= run[1]


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
    deallocate_run = getattr(frame_allocator, "deallocate_run", None)
    if deallocate_run is not None:
        again_if_full(deallocate_run, first, count)
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
    """Never has a frame: enough wherever the tables exist already."""

    def allocate_frame(self):
        return None

    def deallocate_frame(self, frame):
        """Refuse: nothing can have come from here (ValueError)."""
        raise ValueError("%r does not come from this allocator, which never had any frame" % (frame,))


class BootInfoFrameAllocator:
    """Hands out the usable frames of a memory map that also lie in `owned`, lowest first.

    `owned` is an owner of frames, or a FrameRange: anything with `.start` and `.end` frames. What the map calls usable
    belongs to the kernel's own frame allocator once that runs, so the caller takes frames from it and lends them here.
    Frames given back are handed out again before new ones.
    """

    def __init__(self, memory_map, owned):
        self._pieces = pieces_of(memory_map, owned.start.number, owned.end.last_number)
        self._next = self._end = 0  # the piece that frames are taken from
        self.allocated = 0

    def allocate_frame(self):
        """A Frame, or None when all are out."""
        run = self.allocate_run(1)
        return None if run is None else frame_of(run[0])

    def allocate_run(self, count):
        """(first frame number, how many, at most `count`), or None."""
        first = self._next
        if first + count <= self._end:
            self._next = first + count
            self.allocated += count
            return first, count
        return self._allocate_rest(count)

    def _allocate_rest(self, count):
        """The end of the current piece, or of what comes next."""
        while self._next == self._end:
            if not self._pieces:
                return None
            self._next, self._end = self._pieces.pop()
        first = self._next
        taken = min(count, self._end - first)
        self._next += taken
        self.allocated += taken
        return first, taken

    def deallocate_frame(self, frame):
        """Take a 4 KiB frame back."""
        self.deallocate_run(check_frame(frame).number, 1)

    def deallocate_run(self, frame, count):
        """Take `count` frames back, from a frame number on."""
        self.allocated -= count
        if frame + count == self._next:
            self._next = frame
            return
        if self._next != self._end:
            self._pieces.append((self._next, self._end))
        self._next, self._end = frame, frame + count

    def free(self):
        """How many frames are left."""
        return self._end - self._next + sum([end - first for first, end in self._pieces])


def pieces_of(memory_map, first, last):
    """Whole usable frames between two frame numbers: (first, the one behind the last) pieces, the lowest piece last."""
    taken = [(region._start, region._end) for region in memory_map if not region.is_usable]
    pieces = []
    for region in memory_map:
        if region.is_usable:
            start = max(first, region._start + 4095 >> PAGE_SHIFT)
            end = min(last + 1, region._end >> PAGE_SHIFT)
            pieces += without(taken, start, end)
    pieces.sort(key=lambda piece: -piece[0])
    return pieces


def without(taken, start, end):
    """The runs of frames from `start` to before `end` that no (first byte, byte after the last) of `taken` touches."""
    for low, high in taken:
        low, high = low >> PAGE_SHIFT, high + 4095 >> PAGE_SHIFT
        if low < end and start < high:
            return without(taken, start, min(end, low)) + without(taken, max(start, high), end)
    return [(start, end)] if start < end else []
