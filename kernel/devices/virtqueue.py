"""A split virtqueue: what a virtio device is to do, and what it has done, in memory that both see.

    descriptors   16 bytes each: address, length, flags, and which one goes on; several are a chain, one request
    available     the driver's ring: which chains the device may take
    used          the device's ring: which chains it is done with, and how many bytes it wrote

Virtual I/O Device (VIRTIO) Version 1.1, "Split Virtqueues".
"""

from memory.ledger import undisturbed
from micropython import const
from uctypes import ARRAY, UINT16, UINT32, UINT64

from .dma import new_buffer
from .errors import DeviceFailed, QueueFull

MOST = const(128)  # descriptors of a queue: with its rings it has room in one page
NEXT, DEVICE_WRITES = const(1 << 32), const(2 << 32)  # flags, where they are in a descriptor's second word
NEXT_SHIFT = const(48)
NO_INTERRUPT = const(1)
LENGTH_END = const(1 << 32)


class Queue:
    """Queue `number` of a VirtioDevice, which makes it. Having one means: its memory is lent to the device.

    .size       how many descriptors it has, a power of two
    .free       which of them are in no chain
    """

    def __init__(self, device, number, size, doorbell):
        self.device, self.number, self.size = device, number, size
        self._doorbell = doorbell
        available = 16 * size
        used = available + 2 * size + 8 & ~7
        self.buffer = new_buffer(device, used + 8 * size + 8)
        start = self.buffer.address(0, self.buffer.size_in_bytes)
        self.addresses = start, start + available, start + used
        self._memory = self.buffer.mapping.as_type_mut(
            {
                "descriptors": (0 | ARRAY, 2 * size | UINT64),
                "available": (available | ARRAY, 2 + size | UINT16),  # flags, index, ring
                "used_index": used + 2 | UINT16,
                "used": (used + 4 | ARRAY, 2 * size | UINT32),  # pairs: a chain's first descriptor, bytes written
            }
        )
        self._descriptors, self._available = self._memory.descriptors, self._memory.available
        self._used = self._memory.used
        self.forget()

    def forget(self):
        """Begin anew: the device was reset, and has none of the chains any more."""
        self._memory.used_index = 0
        self._available[0], self._available[1] = NO_INTERRUPT, 0
        self._given = self._seen = 0
        self.free = list(range(self.size))
        self._chains, self._done = {}, {}

    def submit(self, chain):
        """Give a chain to the device: [(physical address, bytes, whether the device writes there), ...], in which what
        it writes comes last. Returns what finished() is asked about; the memory is the device's until then.

        Raises ValueError (no bytes, or 4 GiB) or QueueFull; then nothing was given.
        """
        device = self.device
        if not device.is_running:
            device.start()
        at, link, descriptors = len(chain), 0, self._descriptors
        if not 0 < at <= len(self.free):
            raise QueueFull(device, self.number, at, len(self.free)) if at else ValueError("a chain has a descriptor")
        given = self.free[-at:]
        while at:
            at -= 1
            address, length, is_written = chain[at]
            if not 0 < length < LENGTH_END:
                raise ValueError("a descriptor has from 1 byte to 4 GiB - 1, not %s" % length)
            index = given[at]
            descriptors[2 * index] = address
            descriptors[2 * index + 1] = length | link | (DEVICE_WRITES if is_written else 0)
            link = NEXT | index << NEXT_SHIFT
        self._give(given)
        return given

    @undisturbed
    def _give(self, given):
        del self.free[-len(given) :]
        self._chains[given[0]] = given
        self._available[2 + self._given % self.size] = given[0]
        self._given = self._given + 1 & 0xFFFF
        self._available[1] = self._given
        self._doorbell.number = self.number

    def finished(self, given):
        """How many bytes the device wrote for a chain, by what submit() returned; None while it is not done.

        Raises DeviceFailed when this was answered before, when the device was reset meanwhile, or when it is done with
        what it does not have.
        """
        head = given[0]
        if self._chains.get(head) is not given:
            raise DeviceFailed(self.device, "it does not have this chain any more, or was reset meanwhile")
        if head not in self._done:
            self._collect()
        written = self._done.pop(head, None)
        if written is not None:
            del self._chains[head]
            self.free.extend(given)
        return written

    def _collect(self):
        while self._memory.used_index != self._seen:
            at = 2 * (self._seen % self.size)
            head, written = self._used[at], self._used[at + 1]
            self._seen = self._seen + 1 & 0xFFFF
            if head not in self._chains or head in self._done:
                raise DeviceFailed(self.device, "it is done with chain %d, which it does not have" % head)
            self._done[head] = written

    def run(self, chain, what="a request"):
        """Give a chain to the device, and wait until it is done; returns how many bytes it wrote.

        Raises as submit(), finished() and VirtioDevice.wait(). Then, or when Ctrl-C comes, the device has no chain of
        any queue any more.
        """
        try:
            given = self.submit(chain)
            written = self.finished(given)
            return self.device.wait(lambda: self.finished(given), what) if written is None else written
        except (QueueFull, ValueError):  # nothing was given
            raise
        except BaseException:
            self.device.reset()
            raise

    def drop(self):
        """Give its memory back: the device was reset."""
        self._memory.release()
        self.buffer.end()
        self.buffer.mapping.drop()
