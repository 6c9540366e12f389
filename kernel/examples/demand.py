"""Demand paging: a range of addresses that takes a frame only when a page of it is touched for the first time."""

from faults import on_fault
from memory import PageRange, PteFlags, VirtualAddress, allocate_pages_at, get_kernel_mmi_ref

WRITABLE = PteFlags().writable(True)
SOMEWHERE = VirtualAddress(0x10_0000_0000)
"""In the lower half, where nobody gets pages without asking for just these."""


class Lazy:
    """`size_in_bytes` bytes from `.start` on, all zero at first. Used with `with`, or `close()`."""

    def __init__(self, size_in_bytes, start=SOMEWHERE):
        self.start = start
        self.range = PageRange.from_virt_addr(start, size_in_bytes)
        self.mappings = []
        self._mapper = get_kernel_mmi_ref().page_table
        self._handler = on_fault(self.range, self._answer)

    def _answer(self, fault):
        """Map the page that was touched; True makes the processor try again."""
        pages = allocate_pages_at(fault.page.start_address, 1)
        self.mappings.append(self._mapper.map_allocated_pages(pages, WRITABLE))
        return True

    def close(self):
        """Give all frames back."""
        self._handler.cancel()
        while self.mappings:
            self.mappings.pop().drop()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def __repr__(self):
        return "%d of %d pages have a frame" % (len(self.mappings), len(self.range))
