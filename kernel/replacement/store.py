"""Backing stores: where pages are that have no frame.

A store is whatever has these; pages are counted from 0 on, a buffer is one page or several:

    .size_in_pages               how many pages it has
    .read_only                   True when write() is refused
    read(offset, buffer)         fill the buffer with the pages from `offset` on; what was never written reads as zeros
    write(offset, buffer)        store the buffer as the pages from `offset` on: all of a page or nothing of it
    flush()                      return when what was written can't be lost any more

Each raises whatever says what went wrong; then the pages are what they were. A buffer, or a frame, is the store's only
until it returns: then somebody else's page may be in there. A device that reaches memory by itself
also has these, and is asked by them alone: `frames` are frame numbers, one for each page.

    read_frames(offset, frames), write_frames(offset, frames)

A store that has close() is closed by whoever has opened it.
"""

from memory_structs import PAGE_SIZE

ZEROS = bytes(PAGE_SIZE)


class BackingStore:
    """What the stores here share. Having one means: `size_in_pages` pages can be read, and written unless it says
    `read_only`."""

    read_only = False

    def __init__(self, size_in_pages):
        self.size_in_pages = size_in_pages

    def flush(self):
        """Nothing waits to be written."""


class RamStore(BackingStore):
    """Pages in Python's heap, each from when it is first written. `.pages`: {offset: bytearray}."""

    def __init__(self, size_in_pages):
        super().__init__(size_in_pages)
        self.pages = {}

    def read(self, offset, buffer):
        """Fill the buffer with the pages from `offset` on; what was never written reads as zeros."""
        for at in range(0, len(buffer), PAGE_SIZE):
            buffer[at : at + PAGE_SIZE] = self.pages.get(offset, ZEROS)
            offset += 1

    def write(self, offset, buffer):
        """Store the buffer as the pages from `offset` on: all of a page or nothing of it. Raises MemoryError."""
        for at in range(0, len(buffer), PAGE_SIZE):
            page = self.pages.get(offset)
            if page is None:
                page = bytearray(PAGE_SIZE)
                self.pages[offset] = page
            page[:] = memoryview(buffer)[at : at + PAGE_SIZE]
            offset += 1

    def __repr__(self):
        return "RamStore(%d of %d pages written)" % (len(self.pages), self.size_in_pages)
