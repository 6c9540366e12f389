"""Files that QEMU hands over by its firmware configuration device, whichever loader boots: `-fw_cfg name=opt/clew/...`.

QEMU, "QEMU Firmware Configuration (fw_cfg) Device". An item is selected by a number and then read byte by byte at a
port, or by DMA into physical memory; item 0 is a signature, item 0x19 the directory of the files. Numbers are
big-endian, but for those at the first two ports.
"""

import struct

import uctypes
from memory import KernelError, allocate_frames_by_bytes
from paging.guard import opens_guard
from paging.natives import cpu

from .handover import window_address

SELECTOR_PORT, DATA_PORT, DMA_PORT = 0x510, 0x511, 0x514  # the last takes an address: its high half, then its low one
SIGNATURE, FEATURES, DIRECTORY = 0x00, 0x01, 0x19
HAS_DMA = 1 << 1
ERROR, READ, SELECT = 1 << 0, 1 << 1, 1 << 3
ACCESS = ">IIQ"  # control (the number of the item in its high half), length, physical address
COUNT_BYTES = 4  # of the directory's entries, in front of them
ENTRY = ">IHH56s"  # size, number, 0, name
PREFIX = b"opt/clew/"
_kept = {}  # number of an item: the AllocatedFrames that it is in


class UnreadableFile(KernelError):
    """QEMU has not let `name` be read."""

    def __init__(self, name):
        self.name = name
        super().__init__("the file %s, which QEMU promised, can't be read" % name)


def _bytes_of(item, count):
    """The first bytes of a small item, by port."""
    cpu.port_write(SELECTOR_PORT, 16, item)
    return bytes([cpu.port_read(DATA_PORT, 8) for _ in range(count)])


def is_there():
    """True where the device answers, and knows DMA: in QEMU, on every machine of a PC's kind."""
    return _bytes_of(SIGNATURE, 4) == b"QEMU" and _bytes_of(FEATURES, 1)[0] & HAS_DMA != 0


@opens_guard
def _fill(frames, item, size, name):
    """Have the first `size` bytes of an item put into frames; returns their physical address. Raises UnreadableFile."""
    start, head = frames.start_address.value, struct.calcsize(ACCESS)
    request = uctypes.bytearray_at(window_address(start), head)
    struct.pack_into(ACCESS, request, 0, item << 16 | SELECT | READ, size, start + head)
    for half, value in (0, start >> 32), (4, start & 0xFFFFFFFF):
        cpu.port_write(DMA_PORT + half, 32, struct.unpack("<I", struct.pack(">I", value))[0])
    # QEMU is done before the instruction is over; what it leaves here then is 0, or the error.
    if struct.unpack_from(ACCESS, request)[0] != 0:
        raise UnreadableFile(name)
    return start + head


def read(item, size, name):
    """The first `size` bytes of an item. Raises UnreadableFile, OutOfFrames or MemoryError."""
    with allocate_frames_by_bytes(struct.calcsize(ACCESS) + size) as frames:
        return bytes(uctypes.bytearray_at(window_address(_fill(frames, item, size, name)), size))


def keep(item, size, name):
    """The physical address of an item's bytes, which are put into frames when this is first asked, and stay there.

    Raises UnreadableFile, OutOfFrames or MemoryError; then no frame is taken.
    """
    if item not in _kept:
        frames = allocate_frames_by_bytes(struct.calcsize(ACCESS) + size)
        try:
            _kept[item] = frames, _fill(frames, item, size, name)
        except BaseException:
            frames.drop()
            raise
    return _kept[item][1]


def files():
    """(name without the prefix, size in bytes, number of the item) of each file for the kernel; none elsewhere.

    A name that is none, or no UTF-8, is that of the item: file32. Raises as `read`.
    """
    if not is_there():
        return []
    count = struct.unpack(">I", _bytes_of(DIRECTORY, COUNT_BYTES))[0]
    directory = read(DIRECTORY, COUNT_BYTES + count * struct.calcsize(ENTRY), "directory")
    if PREFIX not in directory:
        return []
    found = []
    for index in range(count):
        size, item, _, name = struct.unpack_from(ENTRY, directory, COUNT_BYTES + index * struct.calcsize(ENTRY))
        if name.startswith(PREFIX):
            try:
                text = name[len(PREFIX) :].rstrip(b"\0").decode()
            except UnicodeError:
                text = ""
            found.append((text or "file%d" % item, size, item))
    return found
