"""Copy on write: several copies of the same bytes share their frames until one of them is written."""

from faults import on_fault
from memory import (
    PAGE_SIZE,
    PageRange,
    PteFlags,
    SharedFrames,
    VirtualAddress,
    allocate_frames,
    allocate_pages,
    allocate_pages_at,
    get_kernel_mmi_ref,
)

READABLE = PteFlags()
WRITABLE = PteFlags().writable(True)
SOMEWHERE = VirtualAddress(0x30_0000_0000)
APART = 1 << 30
"""How far one copy is from the next."""


class Copies:
    """`count` copies of some bytes, a whole number of pages. Copy n begins at `.start(n)`. Used with `with`."""

    def __init__(self, data, count=2):
        if not data or len(data) % PAGE_SIZE:
            raise ValueError("the data must be whole pages of %d bytes" % PAGE_SIZE)
        self._mapper = get_kernel_mmi_ref().page_table
        self._originals = []
        self.shared = [self._filled(data[at : at + PAGE_SIZE]) for at in range(0, len(data), PAGE_SIZE)]
        self._mappings = {}
        self._handlers = []
        for copy in range(count):
            for place, frames in enumerate(self.shared):
                pages = allocate_pages_at(self.start(copy) + place * PAGE_SIZE, 1)
                self._mappings[copy, place] = self._mapper.map_shared(pages, frames, READABLE)
            self._handlers.append(on_fault(PageRange.from_virt_addr(self.start(copy), len(data)), self._answer))
        self.copied = 0

    def start(self, copy):
        """Return where a copy begins."""
        return SOMEWHERE + copy * APART

    def _filled(self, data):
        """Return one frame with these bytes, to be shared.

        The mapping through which it was filled stays, read-only: frames that nobody maps are cleared for the next one.
        """
        frames = SharedFrames(allocate_frames(1))
        original = self._mapper.map_shared(allocate_pages(1), frames, WRITABLE)
        with original.as_slice_mut("B") as view:
            view.copy_from(data)
        original.remap(READABLE)
        self._originals.append(original)
        return frames

    def _answer(self, fault):
        """A write to a shared page: give the writer a frame of its own with the same bytes."""
        if not fault.error_code.write:
            return False
        copy, distance = divmod(fault.page.start_address - SOMEWHERE, APART)
        shared = self._mappings[copy, distance // PAGE_SIZE]
        with shared.as_slice("B") as view:
            data = bytes(view[:])
        shared.drop()
        own = self._mapper.map_allocated_pages(allocate_pages_at(fault.page.start_address, 1), WRITABLE)
        with own.as_slice_mut("B") as view:
            view.copy_from(data)
        self._mappings[copy, distance // PAGE_SIZE] = own
        self.copied += 1
        return True

    def close(self):
        """Give everything back."""
        for handler in self._handlers:
            handler.cancel()
        for mapping in self._originals + list(self._mappings.values()):
            mapping.drop()
        for frames in self.shared:
            frames.drop()
        self._mappings, self._originals, self.shared, self._handlers = {}, [], [], []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __repr__(self):
        return "%d pages shared by %d copies, %d copied so far" % (len(self.shared), len(self._handlers), self.copied)
