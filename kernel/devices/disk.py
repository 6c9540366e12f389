"""A disk of virtio's: sectors of 512 bytes, and a backing store of pages, which the device itself brings and takes.

disk = Disk()                               # make run DISK=file
disk.read_sectors(0, 2)                     # 1024 bytes
map_file(disk, frames=64).memory[5000]      # `replacement`: page faults bring its pages in, into their very frames
"""

from memory_structs import PAGE_SHIFT, PAGE_SIZE
from micropython import const
from paging.natives import memory
from uctypes import ARRAY, UINT32

from .disk_requests import FLUSH, HAS_CACHE, PIECES, READ, READ_ONLY, SECTOR, WRITE, Requests, Transit
from .dma import check_transfer
from .errors import DeviceError

CONFIGURATION = {"sectors": (0 | ARRAY, 2 | UINT32), "pieces": 12 | UINT32}
SECTORS_OF_A_PAGE = const(8)


class ReadOnlyDisk(DeviceError):
    """`device` is a disk that can't be written."""


class Disk:
    """Having one means that nobody else drives it; drop() gives it back.

    .size_in_sectors, .size_in_bytes, .size_in_pages    the last page may be a part of one
    .read_only, .device                                 whether it refuses to be written; its VirtioDevice

    It is a store, which `Swapped` and `map_file` take (replacement/store.py). After an error, a timeout or Ctrl-C the
    device has none of the memory any more, and what is asked next begins anew.
    """

    def __init__(self, index=0):
        """Drive the `index`-th disk. Raises as VirtioDevice."""
        self._requests = Requests(index)
        self._requests.on_error = self.measure  # it may have become smaller
        self._run_one = self._requests.run_one
        self.device = device = self._requests.device
        try:
            self._configuration = device.configuration(CONFIGURATION)
            self.measure()
            self.read_only = bool(device.features & READ_ONLY)
            self._most = self._requests.most_pieces
            if device.features & PIECES:
                self._most = min(self._most, self._configuration.pieces)
            for _ in "12":  # a Ctrl-C that waited comes here
                pass
        except BaseException:
            self.drop()
            raise

    def measure(self):
        """Ask the disk anew how large it is: the host can change that."""
        low, high = self.device.steady(lambda: self._configuration.sectors[:])
        self.size_in_sectors = low | high << 32
        self.size_in_bytes = self.size_in_sectors * SECTOR
        self._whole_pages = self.size_in_bytes >> PAGE_SHIFT
        self.size_in_pages = self.size_in_bytes + PAGE_SIZE - 1 >> PAGE_SHIFT

    # Sectors.

    def read_sectors(self, sector, count=1):
        """The bytes of `count` sectors. Raises PastTheEnd, DiskError, DeviceTimeout, DeviceFailed or OutOfFrames."""
        check_transfer(self.device, self, sector * SECTOR, count * SECTOR, self.size_in_bytes)
        data = bytearray(count * SECTOR)
        with Transit(self.device, data, True) as pieces:
            self.transfer(READ, sector, pieces)
        return bytes(data)

    def write_sectors(self, sector, data):
        """Write whole sectors. Raises as read_sectors, ReadOnlyDisk, and ValueError for a part of a sector."""
        with Transit(self.device, data, False) as pieces:
            self.transfer(WRITE, sector, pieces)

    def flush(self):
        """Return when what was written can't be lost any more. Raises DiskError, DeviceTimeout or DeviceFailed."""
        if self.device.features & HAS_CACHE:
            self._requests.run(FLUSH, 0, [])

    def transfer(self, kind, sector, pieces):
        """READ into memory, or WRITE from it: [(physical address, bytes), ...], which is lent or the caller's alone.

        Raises ValueError (parts of sectors), PastTheEnd, ReadOnlyDisk, DiskError, DeviceTimeout or DeviceFailed.
        """
        length = 0
        for _, size in pieces:
            if size % SECTOR:
                raise ValueError("%d bytes are no whole sectors of %d" % (size, SECTOR))
            length += size
        check_transfer(self.device, self, sector * SECTOR, length, self.size_in_bytes)
        if kind == WRITE:
            self._refuse_if_read_only()
        for at in range(0, len(pieces), self._most):
            part = pieces[at : at + self._most]
            self._requests.run(kind, sector, part)
            sector += sum([size for _, size in part]) // SECTOR

    # Pages: see replacement/store.py.

    def read_frames(self, offset, frames):
        """Read pages into frames, by their numbers. Raises as `transfer`."""
        if len(frames) == 1 and 0 <= offset < self._whole_pages:  # what a fault asks for
            self._run_one(READ, offset * SECTORS_OF_A_PAGE, frames[0] << PAGE_SHIFT, PAGE_SIZE)
        else:
            if 0 < self._behind(offset, len(frames)) < PAGE_SIZE:
                memory.zero_frames(frames[-1], 1)
            self._transfer_frames(READ, offset, frames)

    def write_frames(self, offset, frames):
        """Write frames as pages. Raises as `transfer`."""
        if len(frames) == 1 and 0 <= offset < self._whole_pages and not self.read_only:
            self._run_one(WRITE, offset * SECTORS_OF_A_PAGE, frames[0] << PAGE_SHIFT, PAGE_SIZE)
        else:
            self._transfer_frames(WRITE, offset, frames)

    def _behind(self, offset, count):
        """How many bytes of pages lie behind the end of the disk, whose last page may be a part of one."""
        return (offset + count << PAGE_SHIFT) - self.size_in_bytes

    def _transfer_frames(self, kind, offset, frames):
        pieces = [(frame << PAGE_SHIFT, PAGE_SIZE) for frame in frames]
        behind = self._behind(offset, len(frames))
        if 0 < behind < PAGE_SIZE:
            pieces[-1] = pieces[-1][0], PAGE_SIZE - behind
        self.transfer(kind, offset * SECTORS_OF_A_PAGE, pieces)

    def read(self, offset, buffer):
        """As read_frames, into a buffer of Python's: the bytes are copied."""
        inside = self._inside(offset, buffer)
        with Transit(self.device, inside, True) as pieces:
            self.transfer(READ, offset * SECTORS_OF_A_PAGE, pieces)
        if len(inside) < len(buffer):
            buffer[len(inside) :] = bytes(len(buffer) - len(inside))

    def write(self, offset, buffer):
        """As write_frames, from a buffer of Python's."""
        self.write_sectors(offset * SECTORS_OF_A_PAGE, self._inside(offset, buffer))

    def _inside(self, offset, buffer):
        behind = self._behind(offset, len(buffer) >> PAGE_SHIFT)
        return memoryview(buffer)[: len(buffer) - behind] if 0 < behind < PAGE_SIZE else memoryview(buffer)

    def _refuse_if_read_only(self):
        if self.read_only:
            raise ReadOnlyDisk(self.device, "it can only be read")

    def drop(self):
        """Stop the device, and give it back. Raises UseAfterUnmap when that was done."""
        self._requests.drop()

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.drop()

    def __repr__(self):
        kind = ", read-only" if self.read_only else ""
        return "Disk(%s, %d sectors%s)" % (self.device.function.place, self.size_in_sectors, kind)
