"""What a virtio disk is asked, one chain a request: which sectors, the memory that they come from or go to, a status.

Virtual I/O Device (VIRTIO) Version 1.1, "Block Device".
"""

import micropython
from memory.ledger import undisturbed
from micropython import const
from paging.guard import opens_guard
from paging.protection import address_in_window

from .dma import new_buffer
from .errors import DeviceError
from .virtio import VirtioDevice

BLOCK = const(2)  # the type of device
HINT = "make run DISK=FILE starts a machine that has one"
SECTOR = const(512)
# Features: how many pieces a request may have, whether it refuses to be written, and whether it has something to flush.
PIECES, READ_ONLY, HAS_CACHE = const(1 << 2), const(1 << 5), const(1 << 9)
READ = const(0)
WRITE = const(1)
FLUSH = const(4)
REQUESTS = {READ: "a read", WRITE: "a write", FLUSH: "a flush"}
DONE_TO = {READ: "read", WRITE: "written", FLUSH: "flushed"}
STATUSES = {1: "an I/O error (IOERR)", 2: "that it does not do this (UNSUPP)", 255: "nothing"}
NOTHING = const(255)  # where the status comes
SLOTS, SLOT_BYTES = const(8), const(32)
STATUS_AT = const(16)
DESCRIPTORS_OF_A_SLOT = const(8)  # of a queue: six are in chains of its own


class DiskError(DeviceError):
    """The disk has answered with a `status` that is not 0. `operation` is "read", "written" or "flushed", of `count`
    sectors from `sector` on; what was to be read is undefined, what was to be written is there or not."""

    def __init__(self, disk, operation, sector, count, status):
        self.operation, self.sector, self.count, self.status = operation, sector, count, status
        what = "sectors %d to %d" % (sector, sector + count - 1) if count else "it"
        text = "%s can't be %s: the device says %s" % (what, operation, STATUSES.get(status, "status %d" % status))
        super().__init__(disk, text)


class Slot:
    """What goes along with a request: its type and sector, which the device reads, and the status that it writes.

    .address              in the physical window
    .question, .answer    both as pieces of a Chain
    .read, .write         Chains in which one piece, to be aimed by `ask` at `.second`, is between them
    """

    def __init__(self, address, queue):
        """`queue`: where the Chains are to be, or None."""
        self.address = address_in_window(address >> 12) + (address & 0xFFF)
        self.question, self.answer = (address, STATUS_AT, False), (address + STATUS_AT, 1, True)
        if queue is not None:
            self.read = queue.prepare([self.question, (address, SECTOR, True), self.answer], REQUESTS[READ])
            self.write = queue.prepare([self.question, (address, SECTOR, False), self.answer], REQUESTS[WRITE])
            self.read.second, self.write.second = queue.place(self.read, 1), queue.place(self.write, 1)


class Requests:
    """Having one means that nobody else drives the disk.

    .device         its VirtioDevice
    .on_error       called before a DiskError is raised
    .most_pieces    how many pieces of memory there is room for in one request, as far as the queue goes
    """

    def __init__(self, index):
        """The `index`-th disk. Raises as VirtioDevice."""
        self._lent = None
        self._free = []
        self.device = VirtioDevice("disk", BLOCK, index, PIECES | READ_ONLY | HAS_CACHE, hint=HINT)
        self._queue = self.device.queues[0]
        self._run_again = self._queue.run_again
        try:
            self._lend()
            for _ in "12":  # a Ctrl-C that waited comes here
                pass
            return  # in here: it also comes where a `try` ends
        except BaseException:
            self.drop()
            raise

    @undisturbed
    def _lend(self):
        self._lent = new_buffer(self.device, SLOTS * SLOT_BYTES)
        start = self._lent.runs[0][0]
        self._is_quick = self._queue.size >= SLOTS * DESCRIPTORS_OF_A_SLOT
        for address in range(start, start + SLOTS * SLOT_BYTES, SLOT_BYTES):
            self._free.append(Slot(address, self._queue if self._is_quick else None))
        self.most_pieces = len(self._queue.free) - 2

    def run(self, kind, sector, pieces):
        """Have sectors read or written, or the disk flushed, and wait for it.

        pieces: [(physical address, bytes), ...] of the memory. Raises DiskError, DeviceTimeout or DeviceFailed.
        """
        slot = self._free.pop()
        try:
            ask(slot.address, kind, sector, slot.address, 0, 0)
            chain = [slot.question]
            for where, length in pieces:
                chain.append((where, length, kind == READ))
            chain.append(slot.answer)
            self._queue.run(chain, REQUESTS[kind])
            status = answer(slot.address)
        finally:
            self._free.append(slot)
        if status:
            self._fail(kind, sector, sum([length for _, length in pieces]), status)

    def run_one(self, kind, sector, where, length):
        """As run(), with one piece, and in a third of the time."""
        if not self._is_quick:
            return self.run(kind, sector, [(where, length)])
        slot = self._free.pop()
        try:
            chain = slot.write if kind else slot.read
            ask(slot.address, kind, sector, chain.second, where, length)
            self._run_again(chain)
            status = answer(slot.address)
        finally:
            self._free.append(slot)
        if status:
            self._fail(kind, sector, length, status)

    def _fail(self, kind, sector, length, status):
        self.on_error()
        raise DiskError(self.device, DONE_TO[kind], sector, length // SECTOR, status)

    @undisturbed
    def drop(self):
        """Stop the device, and give it back. Raises UseAfterUnmap when that was done."""
        self.device.drop()
        give_back(self._lent, None)


class Transit:
    """A buffer of Python's as memory that a device reaches: `with Transit(device, data, True) as pieces`; True: it is
    filled with what the device has written there, if nothing is raised."""

    def __init__(self, device, data, is_filled):
        """`data` has a byte at least. Raises OutOfFrames or OutOfPages."""
        self._device, self._data, self._is_filled = device, data, is_filled

    @undisturbed
    def __enter__(self):
        length = len(self._data)
        self._lent, self._view = new_buffer(self._device, length), None
        self._view = self._lent.mapping.as_slice_mut("B", 0, length)
        if not self._is_filled:
            self._view.copy_from(self._data)
        return self._lent.pieces(0, length)

    @undisturbed
    def __exit__(self, kind, *_):
        try:
            if kind is None and self._is_filled:
                self._view.copy_to(self._data)
        finally:
            give_back(self._lent, self._view)


def give_back(lent, view):
    """End a loan and drop its mapping, whose only view that is; each may be None."""
    if view is not None:
        view.release()
    if lent is not None:
        lent.end()
        lent.mapping.drop()


# A slot, by its address.


@opens_guard
@micropython.viper
def ask(slot: ptr32, kind: int, sector: int, descriptor: ptr32, address: int, length: int):
    """Write what is wanted, that there is no answer yet, and of a descriptor where the memory is."""
    descriptor[0] = address
    descriptor[1] = address >> 32
    descriptor[2] = length
    slot[0] = kind
    slot[1] = 0
    slot[2] = sector
    slot[3] = sector >> 32
    slot[4] = NOTHING


@micropython.viper
def answer(slot: ptr8) -> int:
    """The status."""
    return int(slot[STATUS_AT])
