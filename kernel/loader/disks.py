"""Files: a disk in RAM that outlives a soft reset, and what was handed over at power-on, file systems among it."""

import os
import sys

import micropython
import vfs
from memory_structs import KernelError

from loader import firmware
from loader.handover import boot_modules, ram_disk_memory

BOOT = "/boot"  # where what was handed over is
BLOCK_BYTES = 512
BUFFERS = bytes, bytearray, memoryview
# ioctl operations of MicroPython's block device protocol (vfs.AbstractBlockDev).
COUNT_BLOCKS, SIZE_OF_BLOCK = 4, 5
# How a ROMFS image begins (MicroPython, "romfs file system").
ROMFS_MAGIC = b"\xd2\xcd\x31"


class RamDisk:
    """A block device over a writable buffer. A file that is forgotten is closed by the collector, which is locked while
    it does so: nothing here allocates."""

    def __init__(self, memory):
        self._memory = memory

    def readblocks(self, block, buffer, offset=0):
        """Fill a buffer from a block on. Raises TypeError, or ValueError behind the end."""
        if type(buffer) is bytes:
            raise TypeError("bytes can't be filled: a bytearray or a memoryview expected")
        _copy(buffer, 0, self._memory, self._start(block, buffer, offset), len(buffer))

    def writeblocks(self, block, buffer, offset=0):
        """Store a buffer from a block on. Raises ValueError behind the end."""
        _copy(self._memory, self._start(block, buffer, offset), buffer, 0, len(buffer))

    def _start(self, block, buffer, offset):
        """The first byte of an access. Raises TypeError, or ValueError when it is not all on the disk."""
        if type(buffer) not in BUFFERS:
            raise TypeError("a buffer must be bytes, a bytearray or a memoryview, not %s" % type(buffer).__name__)
        if type(block) is not int or type(offset) is not int:
            raise TypeError("a block and an offset are ints, not %r and %r" % (block, offset))
        start = block * BLOCK_BYTES + offset
        if not 0 <= start <= start + len(buffer) <= len(self._memory):
            raise ValueError("%d bytes at block %d, offset %d are not on the disk" % (len(buffer), block, offset))
        return start

    def ioctl(self, operation, _argument):
        """Answer how many blocks there are and how large they are; agree to everything else."""
        if operation == COUNT_BLOCKS:
            return len(self._memory) // BLOCK_BYTES
        return BLOCK_BYTES if operation == SIZE_OF_BLOCK else 0


@micropython.viper
def _copy(to: ptr8, to_place: int, source: ptr8, source_place: int, count: int):
    """Copy bytes from one buffer to another, words first: what slices do, without making any."""
    to_words = ptr32(int(to) + to_place)
    words = ptr32(int(source) + source_place)
    for place in range(count >> 2):
        to_words[place] = words[place]
    for place in range(count & -4, count):
        to[to_place + place] = source[source_place + place]


def mount_ram_disk():
    """Mount the RAM disk at /, with a new file system if it holds none."""
    disk = RamDisk(ram_disk_memory())
    try:
        files = vfs.VfsFat(disk)
        vfs.mount(files, "/")
    except OSError:
        vfs.VfsFat.mkfs(disk)
        vfs.mount(vfs.VfsFat(disk), "/")


def mount_modules():
    """Mount what was handed over as files, at /boot, and those that are ROMFS images at /rom, /rom2, /rom3, ...: all
    for reading. Returns [(name, why not)] of what can't be mounted: the boot goes on without it."""
    failed, found = [], 0
    try:
        of_qemu = firmware.files()
    except (KernelError, MemoryError) as error:
        failed.append(("what QEMU hands over", error))
        of_qemu = []
    if not of_qemu and not boot_modules():
        return failed
    from .boot_files import BootFiles, boot_files  # noqa: PLC0415 (most boots have none)

    files = boot_files(of_qemu)
    vfs.mount(BootFiles(files), BOOT)
    for file in files:
        try:
            if file.read(len(ROMFS_MAGIC)) == ROMFS_MAGIC:
                place = "/rom" if found == 0 else "/rom%d" % (found + 1)
                vfs.mount(vfs.VfsRom(file.image()), place)
                sys.path.append(place)
                found += 1
        except (KernelError, MemoryError, OSError) as error:
            failed.append((file.name, error))
    return failed


def find_file(name):
    """The path of a file as it is named, or, if there is none, of the one in /boot. Raises OSError, TypeError."""
    if not isinstance(name, str):
        raise TypeError("a file has a name, which is a str, not %s" % type(name).__name__)
    try:
        os.stat(name)
        return name
    except OSError:
        path = "%s/%s" % (BOOT, name)
        os.stat(path)
        return path


def set_import_path():
    """Let imports find the kernel first, so that no file can stand in its way, then the user's files."""
    sys.path[:] = [".frozen", "", "/lib"]
