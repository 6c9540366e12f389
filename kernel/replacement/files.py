"""Memory-mapped files: `map_file`, and the stores that it makes.

shared      what is written goes to the file, at sync() and at drop()
private     what is written stays here, in RAM, and is gone with drop()
"""

import os

from faults.handlers import handlers
from memory import HEAP_FLAGS, PAGE_SIZE, AddressInUse, Page, PageRange, PteFlags, allocate_pages_at
from memory_structs.mode import PAGE_SHIFT
from paging.numbers import virtual_address_of

from .errors import BadStore, text_of
from .residents import buffer_of, fill
from .store import ZEROS, BackingStore, RamStore
from .swapped import Swapped

FOLDER = 0x4000  # as os.stat() says it
_next_place = [
    0x3000_0000_0000 >> PAGE_SHIFT
]  # in the lower half, where nobody gets pages without asking for just these


class FileStore(BackingStore):
    """A file, by its path: on the RAM disk, in /boot, in /rom. Its size stays as it is: the last page ends in zeros.

    `.read_only` is true of a file that can't be opened for writing. Raises BadStore: no file, a folder, nothing in it.
    """

    def __init__(self, path):
        self.path = path
        try:
            kind, _, _, _, _, _, self.size_in_bytes = os.stat(path)[:7]
            if kind & FOLDER:
                raise BadStore(path, "is a folder")
            if self.size_in_bytes == 0:
                raise BadStore(path, "is empty: there is nothing to map")
            self._open()
        except OSError as error:
            raise BadStore(path, "can't be opened: " + text_of(error))
        super().__init__(self.size_in_bytes + PAGE_SIZE - 1 >> PAGE_SHIFT)

    def _open(self):
        try:
            self._file = open(self.path, "r+b")  # noqa: SIM115 (it is open as long as this lives)
            self.read_only = False
        except OSError:
            self._file = open(self.path, "rb")  # noqa: SIM115
            self.read_only = True

    def _part(self, offset, buffer):
        """What of a buffer is in the file, whose place is sought."""
        if self._file.seek(offset << PAGE_SHIFT) != offset << PAGE_SHIFT:
            raise OSError("the file ends before page %d" % offset)
        return memoryview(buffer)[: min(len(buffer), self.size_in_bytes - (offset << PAGE_SHIFT))]

    def read(self, offset, buffer):
        """See store.py. Raises OSError, also when the file has become shorter."""
        part = self._part(offset, buffer)
        at = 0
        while at < len(part):
            count = self._file.readinto(part[at:])
            if not count:
                raise OSError("the file ends at byte %d" % ((offset << PAGE_SHIFT) + at))
            at += count
        if at < len(buffer):
            buffer[at:] = ZEROS[: len(buffer) - at]

    def write(self, offset, buffer):
        """See store.py. Raises OSError, also when not all of it could be written."""
        part = self._part(offset, buffer)
        count = self._file.write(part)
        if count != len(part):
            raise OSError("%s of %d bytes were written" % (count, len(part)))

    def flush(self):
        """See store.py."""
        if not self.read_only:
            self._file.flush()

    def close(self):
        """Close the file."""
        self._file.close()

    def __repr__(self):
        return "FileStore(%r, %d bytes%s)" % (self.path, self.size_in_bytes, ", read-only" if self.read_only else "")


class PrivateStore(BackingStore):
    """Another store as it is, but for the pages that were written here: these are in RAM, and never go there."""

    def __init__(self, base):
        super().__init__(base.size_in_pages)
        self.base = base
        self._own = RamStore(base.size_in_pages)

    def read(self, offset, buffer):
        """See store.py. Raises what the other store raises."""
        own, buffer, at = self._own, memoryview(buffer), 0
        while at < len(buffer):
            end = at + PAGE_SIZE
            if offset in own.pages:
                own.read(offset, buffer[at:end])
            else:
                while end < len(buffer) and offset + (end - at >> PAGE_SHIFT) not in own.pages:
                    end += PAGE_SIZE
                self.base.read(offset, buffer[at:end])
            offset += end - at >> PAGE_SHIFT
            at = end

    def write(self, offset, buffer):
        """See store.py. Raises MemoryError."""
        self._own.write(offset, buffer)

    def close(self):
        """Close the other store."""
        self.base.close()

    def __repr__(self):
        return "PrivateStore(%d pages of its own, %r)" % (len(self._own.pages), self.base)


class PrivateFrames(PrivateStore):
    """The same over a store that fills frames by itself: what was not written here gets there without a copy."""

    def read_frames(self, offset, frames):
        """See store.py. Raises what the other store raises."""
        own, at = self._own, 0
        while at < len(frames):
            end = at + 1
            if offset + at in own.pages:
                fill(own, offset + at, frames[at], 1)
            else:
                while end < len(frames) and offset + end not in own.pages:
                    end += 1
                self.base.read_frames(offset + at, frames[at:end])
            at = end

    def write_frames(self, offset, frames):
        """See store.py. Raises MemoryError."""
        for frame in frames:
            self._own.write(offset, buffer_of(frame, 1))
            offset += 1


class MappedFile(Swapped):
    """Having one means: the pages of `.range` are what the file has, and what was written to them since.

    `.memory` are its bytes, as many as the file has. See `Swapped` for all else.
    """

    def __init__(self, range, store, is_private, is_opened, **settings):
        self._is_opened = is_opened
        private = PrivateFrames if hasattr(store, "read_frames") else PrivateStore
        super().__init__(range, store=private(store) if is_private else store, **settings)
        self._writes_back = not is_private
        self.size_in_bytes = getattr(store, "size_in_bytes", self.size_in_bytes)

    def _end(self):
        super()._end()
        if self._is_opened:
            self._residents.end("close", "closed")


def map_file(file, flags=None, private=False, frames=64, policy="clock", cluster=8, at=None):
    """Map a file into memory; returns a MappedFile, which `.drop()` ends.

    file: a path, or a store (store.py). flags: the rights; without them, writable where the file is or nobody writes
    to it. private: whether what is written stays out of the file. frames, policy, cluster: see `Swapped`. at: the
    VirtualAddress where it begins; without it, it lies where nothing was before. Two mappings of one file see each
    other's writes when these are in the file, and only pages that they load from then on.
    Raises BadStore, TypeError, ValueError, AddressInUse, Misaligned, UnknownPolicy; then nothing is open or mapped.
    """
    is_opened = isinstance(file, str)
    store = FileStore(file) if is_opened else file
    pages = None
    try:
        count = store.size_in_pages
        if count < 1:
            raise BadStore(store, "is empty: there is nothing to map")
        if flags is None:
            flags = PteFlags() if store.read_only and not private else HEAP_FLAGS
        pages = somewhere(count) if at is None else pages_at(at, count)
        settings = {"frames": frames, "policy": policy, "cluster": cluster, "flags": flags}
        made = MappedFile(pages, store, private, is_opened, **settings)
        for _ in "12":  # a Ctrl-C that waited comes here
            pass
        return made  # in here: it also comes where a `try` ends
    except BaseException:
        for handler in handlers():
            if handler.range is pages:
                handler.cancel()  # it was made, and nobody has it: no page of it has come yet
        if is_opened:
            store.close()
        raise


def pages_at(address, count):
    """The PageRange of so many pages that begins at a VirtualAddress. Raises TypeError, Misaligned."""
    first = Page.from_start_address(address).number
    return PageRange.from_numbers(first, first + count - 1)


def somewhere(count):
    """A PageRange where nothing is, and nothing was: who kept an address of a file that is gone gets a PageFault."""
    first = _next_place[0]
    for other in sorted([handler.range for handler in handlers()], key=lambda range: range.first_number):
        if other.first_number <= first + count and first <= other.last_number:
            first = other.last_number + 2  # a page in between stays free
    while True:
        try:
            allocate_pages_at(virtual_address_of(first << PAGE_SHIFT), count).drop()
            break
        except AddressInUse as error:
            first = error.overlap.last_number + 2
    _next_place[0] = first + count + 1
    return PageRange.from_numbers(first, first + count - 1)
