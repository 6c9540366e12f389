"""A split virtqueue: what a virtio device is to do, and what it has done, in memory that both see.

    descriptors   16 bytes each: address, length, flags, and which one goes on; several are a chain, one request
    available     the driver's ring: which chains the device may take
    used          the device's ring: which chains it is done with, and how many bytes it wrote

Virtual I/O Device (VIRTIO) Version 1.1, "Split Virtqueues".
"""

import micropython
from memory.ledger import undisturbed
from micropython import const
from paging.guard import opens_guard
from paging.protection import address_in_window

from .dma import new_buffer
from .errors import DeviceFailed, QueueFull

MOST = const(128)  # descriptors of a queue: with its rings it has room in one page
NEXT = const(1)  # in a descriptor's last word, and where the number of the next one is
NEXT_SHIFT = const(16)
DEVICE_WRITES = const(2)
NO_INTERRUPT = const(1)
LENGTH_END = const(1 << 32)
LOST = const(-1)
HEAD = const(0xFFFF)
WRITTEN_SHIFT = const(16)
QUICK_LOOKS = const(20000)


class Chain:
    """Some descriptors, one request, called `.what`; `.head` is the first.

    .written    how many bytes the device wrote; None while it has them
    """

    def __init__(self, descriptors, what):
        self.descriptors, self.head, self.what = descriptors, descriptors[0], what
        self.is_kept, self.written = True, None
        self.links = [NEXT | following << NEXT_SHIFT for following in descriptors[1:]] + [0]


class Queue:
    """Queue `number` of a VirtioDevice, which makes it. Having one means: its memory is lent to the device.

    .size         how many descriptors it has, a power of two
    .free         which of them are in no chain
    .addresses    physical: of the descriptors, of the available and of the used ring
    """

    def __init__(self, device, number, size, doorbell):
        self.device, self.number, self.size = device, number, size
        self._doorbell = doorbell
        available = 16 * size
        used = available + 2 * size + 8 & ~7
        self.free = list(range(size))
        self._given = [None] * size  # Chains that the device has, by their first descriptors
        self.buffer = self.addresses = self._table = self._available = self._used = None  # a new name takes memory
        self.buffer = new_buffer(device, used + 8 * size + 8)
        try:
            start = self.buffer.runs[0][0]
            self.addresses = start, start + available, start + used
            seen_at = address_in_window(start >> 12)  # one page, in which nothing but stores of these widths happens
            self._table, self._available, self._used = seen_at, seen_at + available, seen_at + used
            self.forget()
            return
        except BaseException:  # nobody would have what ends the loan
            self.drop()
            raise

    @undisturbed
    def forget(self):
        """Begin anew: the device was reset, and has none of the chains any more."""
        for chain in self._given:
            if chain is not None:
                self._given[chain.head], chain.written = None, LOST
                if not chain.is_kept:
                    self.free.extend(chain.descriptors)
        clear(self._available, self._used, self.size)

    def prepare(self, pieces, what="a request"):
        """A Chain of descriptors: [(physical address, bytes, whether the device writes there), ...], and what it writes
        comes last. It is kept, to be given again and again.

        Raises ValueError (no bytes, or 4 GiB) or QueueFull.
        """
        count = len(pieces)
        if not 0 < count <= len(self.free):
            if count:
                raise QueueFull(self.device, self.number, count, len(self.free))
            raise ValueError("a chain has a descriptor at least")
        chain = Chain(self.free[-count:], what)
        for at in range(count):
            address, length, is_written = pieces[at]
            if not 0 < length < LENGTH_END:
                raise ValueError("a descriptor has from 1 byte to 4 GiB - 1, not %s" % length)
            self.aim(chain, at, address, length, is_written)
        del self.free[-count:]
        return chain

    def aim(self, chain, at, address, length, is_written):
        """Have a descriptor of a chain that is not given lead elsewhere. Nothing is checked."""
        flags = chain.links[at] | DEVICE_WRITES if is_written else chain.links[at]
        describe(self.place(chain, at), address, length, flags)

    def place(self, chain, at):
        """Where a descriptor of a Chain is, for `describe`, as an address in the physical window."""
        return self._table + 16 * chain.descriptors[at]

    def give(self, chain):
        """Give a Chain to a device that runs. Its memory is the device's until it is done, or reset."""
        head = chain.head
        chain.written = None
        self._given[head] = chain
        publish(self._available, self.size, head, self._doorbell, self.number)

    def finished(self, chain):
        """How many bytes the device wrote for a Chain; None while it is not done.

        Raises DeviceFailed when the device was reset meanwhile, or is done with what it was not given.
        """
        while chain.written is None and self._note(take(self._available, self._used, self.size, 1)):
            pass
        if chain.written == LOST:
            raise DeviceFailed(self.device, "it was reset before it was done with this chain")
        return chain.written

    def _note(self, done):
        """Note that a chain is done, as take() says. False: none is."""
        if done < 0:
            return False
        head = done & HEAD
        chain = self._given[head] if head < self.size else None
        if chain is None:
            raise DeviceFailed(self.device, "it is done with chain %d, which it does not have" % head)
        self._given[head] = None
        chain.written = done >> WRITTEN_SHIFT
        if not chain.is_kept:
            self.free.extend(chain.descriptors)
        return True

    def submit(self, pieces):
        """Give pieces as prepare() takes them to the device; returns the Chain, for finished(), and keeps it no longer.

        Raises as prepare(); then nothing was given. Whatever else comes, Ctrl-C too, the device may have it.
        """
        if not self.device.is_running:
            self.device.start()
        chain = self.prepare(pieces)
        chain.is_kept = False
        self.give(chain)
        return chain

    def run(self, pieces, what="a request"):
        """Give pieces to the device, and wait until it is done with them; returns how many bytes it wrote.

        Raises as prepare(), finished() and VirtioDevice.wait(). If it is not for the pieces, or when Ctrl-C comes, the
        device has no chain of any queue any more.
        """
        try:
            return self.device.wait(self.finished, self.submit(pieces), what)
        except (QueueFull, ValueError):  # nothing was given
            raise
        except BaseException:
            self.device.reset()
            raise

    def run_again(self, chain):
        """As run(), with a Chain that was prepared."""
        device = self.device
        try:
            if not device.is_running:
                device.start()
            head = chain.head  # as give()
            chain.written = None
            self._given[head] = chain
            publish(self._available, self.size, head, self._doorbell, self.number)
            done = take(self._available, self._used, self.size, QUICK_LOOKS)
            if done & HEAD == head and done >= 0:
                self._given[head] = None
                return done >> WRITTEN_SHIFT
            self._note(done)
            written = chain.written
            return device.wait(self.finished, chain, chain.what) if written is None or written < 0 else written
        except BaseException:
            device.reset()
            raise

    def drop(self):
        """Give its memory back: the device was reset."""
        self.buffer.end()
        self.buffer.mapping.drop()


# What lies in the queue's memory, each part by its address.


@opens_guard
@micropython.viper
def describe(descriptor: ptr32, address: int, length: int, flags: int):
    """Write a descriptor."""
    descriptor[0] = address
    descriptor[1] = address >> 32
    descriptor[2] = length
    descriptor[3] = flags


@opens_guard
@micropython.viper
def publish(available: ptr16, size: int, head: int, doorbell: ptr16, number: int):
    """Put a chain into the available ring, have the device see it, and tell it."""
    place = int(available[1])
    available[2 + (place & size - 1)] = head
    available[1] = place + 1
    doorbell[0] = number


@opens_guard
@micropython.viper
def take(available: ptr16, used: ptr32, size: int, looks: int) -> int:
    """The next entry of the used ring: a chain's first descriptor | bytes that were written << WRITTEN_SHIFT; -1: none
    came while it was looked at so many times. How many were taken is noted behind the available ring."""
    indices = ptr16(used)
    seen = int(available[2 + size])
    while looks > 0:
        if int(indices[1]) != seen:
            at = 1 + ((seen & size - 1) << 1)
            available[2 + size] = seen + 1
            return int(used[at]) | int(used[at + 1]) << WRITTEN_SHIFT
        looks -= 1
    return -1


@opens_guard
@micropython.viper
def clear(available: ptr16, used: ptr16, size: int):
    """Empty both rings."""
    available[0] = NO_INTERRUPT
    available[1] = 0
    available[2 + size] = 0
    used[1] = 0
