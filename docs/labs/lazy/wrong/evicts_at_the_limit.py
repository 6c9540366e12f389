"""Wrong: it takes a page away from somebody at the limit.

Caught by no_more_than_the_limit.
"""

from faults import on_fault
from memory import HEAP_FLAGS, PAGE_SIZE, create_mapping_at


class Lazy:
    def __init__(self, range, most):
        self.most = most
        self.mapped = {}
        self.handler = on_fault(range, self.supply)

    def supply(self, fault):
        if fault.error_code.present:
            return False
        if len(self.mapped) >= self.most:
            self.mapped.popitem()[1].drop()
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
