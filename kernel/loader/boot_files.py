"""What was handed over at power-on as files: boot modules, wherever the loader put them, and files of QEMU's.

They are in /boot, for reading: boot modules by the last part of the first word of their command lines, or as module1
and so on; QEMU's by the names that they were given. A second of one name gets -2 behind it.
"""

import errno
import io

import uctypes

from . import firmware
from .handover import boot_modules, window_address

READ_ONLY = 30  # EROFS, which MicroPython's errno does not name
FOLDER, FILE = 0x4000, 0x8000  # as os.stat() and os.ilistdir() say it


class BootFile:
    """A file by its `.name` and `.size` in bytes; `.start` is the physical address where the loader put it, or None."""

    def __init__(self, name, size, start, item=None):
        self.name = name
        self.size = size
        self.start = start
        self._item = item

    def read(self, size=None):
        """Its first bytes, or all. Raises as `firmware.read`; MemoryError."""
        size = self.size if size is None else min(size, self.size)
        if self.start is None:
            return firmware.read(self._item, size, self.name)
        return bytes(uctypes.bytearray_at(window_address(self.start), size))

    def image(self):
        """Its bytes as a buffer that stays, and that nobody writes to. Raises as `read`."""
        if self.start is None:
            return self.read()
        return uctypes.bytearray_at(window_address(self.start), self.size)

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
        """What `open()` returns: the whole file, in memory."""
        if any(letter in mode for letter in "wax+"):
            raise OSError(READ_ONLY)
        content = self._find(path).read()
        return io.BytesIO(content) if "b" in mode else io.StringIO(content.decode())

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
