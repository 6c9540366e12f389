"""virtio-balloon: the host says how many frames it would like to have, and adjust() gives them, or takes them back.

    make run QEMU_EXTRA="-device virtio-balloon-pci -mon chardev=console"
    b = Balloon()           # then Ctrl-] c, `balloon 64` (of the machine's MiB this one keeps 64), Ctrl-] c
    b.adjust()              # and QEMU's process has so much less of the host's memory

A frame that the host has is owned here, as others are elsewhere, so that nobody else gets it; what was in it is lost.
Only adjust() does that: done when the device interrupts, it would take frames from below what somebody just counts.
Virtual I/O Device (VIRTIO) Version 1.1, "Traditional Memory Balloon Device"; none of its features is asked for.
"""

import sys
from array import array

from memory import FrameRange, allocate_frames_in_range, get_kernel_mmi_ref
from memory.ledger import undisturbed
from micropython import const
from uctypes import UINT32

from .dma import new_buffer
from .errors import HostWantsMore
from .virtio import VirtioDevice

TYPE, GIVEN, TAKEN_BACK = const(5), const(0), const(1)  # the last two are queues
CONFIGURATION = {"wanted": 0 | UINT32, "held": 4 | UINT32}  # frames of 4 KiB, whatever the machine's pages are
AT_ONCE = const(1024)  # frames of a request: their numbers, of 32 bits each, have room in a page
RESERVE = const(4096)  # frames: 16 MiB, of which Python's heap may want 9


class Balloon:
    """Having one means: the host has the frames of `.frames` and nobody else uses them. Lives until drop().

    .device     the VirtioDevice
    .frames     [AllocatedFrames, ...]
    .reserve    how many frames stay free, whatever the host wants
    """

    def __init__(self, index=0, reserve=RESERVE):
        """Drive the `index`-th balloon of the machine. Raises ValueError (reserve), or as VirtioDevice and new_buffer;
        then nothing is claimed or lent."""
        if reserve.__class__ is not int or reserve < 0:
            raise ValueError("a reserve is a number of frames, 0 or more, not %r" % (reserve,))
        self.frames, self.reserve = [], reserve
        self.device = self._configuration = self._buffer = self._numbers = self._next = None  # a new name takes memory
        self.device = VirtioDevice("balloon", TYPE, index, queues=2)
        try:
            self._configuration = self.device.configuration(CONFIGURATION)
            self._configuration.held = 0
            self._buffer = new_buffer(self.device, 4 * AT_ONCE)
            self._numbers = self._buffer.mapping.as_slice_mut("I", 0, AT_ONCE)
            self._next = sys.atexit(self._leave)
            return  # in here: a Ctrl-C also comes where a `try` ends
        except BaseException:
            self._end()
            raise

    @property
    def wanted(self):
        """How many frames the host wants in all."""
        return self.device.steady(lambda: self._configuration.wanted)

    @property
    def held(self):
        """How many frames the host has."""
        return sum([len(frames) for frames in self.frames])

    def adjust(self):
        """Give the host the frames that it wants, or take back those that it wants no more; returns how many it has.

        Raises HostWantsMore when these are less, for want of free frames. When anything else is raised (DeviceTimeout,
        DeviceFailed, OutOfBookkeeping, KeyboardInterrupt), the device was reset, and all frames are free again.
        """
        try:
            wanted = self.wanted
            self._give(wanted - self.held)
            self._take_back(self.held - wanted)
            self._configuration.held = held = self.held
        except BaseException:
            self._empty()
            raise
        if held < wanted:
            raise HostWantsMore(self.device, wanted, held, self.reserve)
        return held

    def _give(self, count):
        """Give so many frames, or as many as can be spared."""
        allocator = get_kernel_mmi_ref().frame_allocator
        reach = FrameRange.from_numbers(allocator.pool.low, min(allocator.pool.high, 0xFFFFFFFF))
        while count > 0:
            statistics = allocator.statistics()
            run = min(count, statistics.free - self.reserve, statistics.largest_run)
            if run <= 0:
                return
            self.frames.append(allocate_frames_in_range(run, reach))
            self._say(GIVEN, self.frames[-1])
            count -= run

    def _take_back(self, count):
        while count > 0:
            surplus = len(self.frames[-1]) - count
            if surplus > 0:
                self.frames[-1:] = self.frames[-1].split(self.frames[-1].start + surplus)
            self._say(TAKEN_BACK, self.frames[-1])
            count -= len(self.frames[-1])
            self.frames.pop().drop()

    def _say(self, queue, frames):
        """Tell the device the numbers of frames, and wait until it knows them."""
        first, end = frames.start.number, frames.start.number + len(frames)
        for number in range(first, end, AT_ONCE):
            numbers = array("I", range(number, min(number + AT_ONCE, end)))
            self._numbers[: len(numbers)] = numbers
            chain = [(self._buffer.address(0, 4 * len(numbers)), 4 * len(numbers), False)]
            self.device.queues[queue].run(chain, "frames of a balloon")

    @undisturbed
    def _empty(self):
        """Have all frames, whatever the device says: it is reset, and knows of none."""
        self.device.reset()
        while self.frames:
            frames = self.frames.pop()
            if frames:  # nobody else has dropped them
                frames.drop()
        self._configuration.held = 0

    def _leave(self):
        """A soft reset comes: all frames will be free, and the host is to know."""
        if self._buffer:
            self._configuration.held = 0
            self.device.reset()
        if self._next:
            self._next()

    def drop(self):
        """Take all frames back, and give the device back. Raises as adjust(); then that is done all the same."""
        try:
            self._take_back(self.held)
        finally:
            self._empty()
            self._end()

    @undisturbed
    def _end(self):
        self.device.drop()
        if self._numbers:
            self._numbers.release()
        if self._buffer:
            self._buffer.end()
            self._buffer.mapping.drop()
            self._buffer = None
