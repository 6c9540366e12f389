"""What was handed over at power-on as files: boot modules, wherever the loader put them, and files of QEMU's.

They are in /boot, for reading: boot modules by the last part of the first word of their command lines, or as module1
and so on; QEMU's by the names that they were given. A second of one name gets -2 behind it. They are read where they
lie; those of QEMU's are put into frames by the first open(), and stay there until the machine is reset, softly or not.
"""

import errno

import uctypes
import vfs

from . import firmware
from .handover import boot_modules, window_address

READ_ONLY = 30  # EROFS, which MicroPython's errno does not name
FOLDER, FILE = 0x4000, 0x8000  # as os.stat() and os.ilistdir() say it
ROM, FILE_RECORD, POINTER = 0x14A6B1, 5, 3  # kinds of records
NAME = "it"
HEAD_BYTES = 3 + 1  # of an image so short: the outermost record's kind and length
OFFSET_BYTES = 10  # 64 bits by 7


class BootFile:
    """A file by its `.name` and `.size` in bytes; `.start` is the physical address where the loader put it, or None."""

    def __init__(self, name, size, start, item=None):
        self.name = name
        self.size = size
        self.start = start
        self._item = item

    def read(self, size):
        """Its first bytes. Raises as `firmware.read`; MemoryError."""
        size = min(size, self.size)
        if self.start is None:
            return firmware.read(self._item, size, self.name)
        return bytes(uctypes.bytearray_at(window_address(self.start), size))

    def place(self):
        """The address of its bytes, which stay, and which nobody writes to. Raises as `firmware.keep`."""
        start = firmware.keep(self._item, self.size, self.name) if self.start is None else self.start
        return window_address(start)

    def image(self):
        """Its bytes as a buffer. Raises as `place`."""
        return uctypes.bytearray_at(self.place(), self.size)

    def __repr__(self):
        return "BootFile(%s, %d bytes)" % (self.name, self.size)


def boot_files(of_qemu):
    """The BootFiles: modules in the loader's order, then QEMU's, as `firmware.files` gives them."""
    found, names = [], set()

    def add(name, *arguments):
        unique, number = name, 1
        while unique in names:
            number += 1
            unique = "%s-%d" % (name, number)
        names.add(unique)
        found.append(BootFile(unique, *arguments))

    for number, (start, end, text) in enumerate(boot_modules()):
        words = text.split()
        name = words[0].rpartition("/")[2] if words else ""
        add(name or "module%d" % (number + 1), end - start, start)
    for name, size, item in of_qemu:
        add(name, size, None, item)
    return found


def _rom_of(address, size):
    """A ROMFS image of one file, NAME, whose bytes lie elsewhere: MicroPython's files of a ROMFS are read in place.

    MicroPython, "romfs file system": records of a kind, a length and what they hold; offsets count from what the
    outermost one holds, and go around at 2**64.
    """
    pointer = _number(size) + bytes(OFFSET_BYTES)
    image = bytearray(
        _record(ROM, _record(FILE_RECORD, _number(len(NAME)) + NAME.encode() + _record(POINTER, pointer)))
    )
    offset = address - (uctypes.addressof(image) + HEAD_BYTES)
    for place in range(OFFSET_BYTES):
        image[-1 - place] = offset >> 7 * place & 0x7F | (0x80 if place else 0)
    return image


def _record(kind, content):
    return _number(kind) + _number(len(content)) + content


def _number(value):
    """A number in parts of 7 bits, the highest first; bit 7 says that another follows."""
    found = bytes((value & 0x7F,))
    while value > 0x7F:
        value >>= 7
        found = bytes((value & 0x7F | 0x80,)) + found
    return found


class BootFiles:
    """A file system of them: one folder, for reading. What isn't there, or would write, is an OSError."""

    def __init__(self, files):
        self.listed = files
        self.files = {file.name: file for file in files}

    def mount(self, _readonly, _mkfs):
        """Be mounted: nothing to do."""

    def umount(self):
        """Be unmounted: nothing to do."""

    def _find(self, path):
        file = self.files.get(path.strip("/"))
        if file is None:
            raise OSError(errno.ENOENT)
        return file

    def open(self, path, mode):
        """What `open()` returns: the file where it lies. Raises OSError, or as `BootFile.place`."""
        if any(letter in mode for letter in "wax+"):
            raise OSError(READ_ONLY)
        file = self._find(path)
        return vfs.VfsRom(_rom_of(file.place(), file.size)).open(NAME, mode)

    def ilistdir(self, path):
        """(name, kind, 0, size) of each."""
        if path.strip("/"):
            raise OSError(errno.ENOENT)
        for file in self.listed:
            yield file.name, FILE, 0, file.size

    def stat(self, path):
        """What `os.stat()` returns."""
        if not path.strip("/"):
            return (FOLDER,) + (0,) * 9
        return (FILE, 0, 0, 0, 0, 0, self._find(path).size, 0, 0, 0)

    def chdir(self, path):
        """There is one folder."""
        if path.strip("/"):
            raise OSError(errno.ENOENT)

    def getcwd(self):
        """There is one folder."""
        return "/"

    def _refuse(self, *_):
        raise OSError(READ_ONLY)

    mkdir = remove = rename = rmdir = _refuse
