"""Wrong: it leaves released pages in the count.

Caught by what_is_released_is_as_new.
"""

from faults import on_fault
from memory import HEAP_FLAGS, PAGE_SIZE, create_mapping_at


class Lazy:
    def __init__(self, range, most):
        self.most = most
        self.mapped, self.used = {}, 0
        self.handler = on_fault(range, self.supply)

    def supply(self, fault):
        if fault.error_code.present or self.used >= self.most:
            return False
        self.mapped[fault.page.number] = create_mapping_at(fault.page.start_address, PAGE_SIZE, HEAP_FLAGS)
        self.used += 1
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
