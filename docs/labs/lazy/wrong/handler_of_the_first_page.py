"""Lab 3, wrong: it asks for faults of the first page of the range only.

Caught by a_page_gets_a_frame_when_it_is_touched.
"""

from faults import on_fault
from memory import HEAP_FLAGS, PAGE_SIZE, PageRange, create_mapping_at


class Lazy:
    def __init__(self, range, most):
        self.most = most
        self.mapped = {}
        self.handler = on_fault(PageRange(range.start, range.start), self.supply)

    def supply(self, fault):
        if fault.error_code.present or len(self.mapped) >= self.most:
            return False
        self.mapped[fault.page.number] = create_mapping_at(fault.page.start_address, PAGE_SIZE, HEAP_FLAGS)
        return True

    def release(self, pages):
        for page in pages:
            mapped = self.mapped.pop(page.number, None)
            if mapped is not None:
                mapped.drop()

    def drop(self):
        self.handler.cancel()
        while self.mapped:
            self.mapped.popitem()[1].drop()
