"""Lab 3, wrong: a cheat: it keeps frames, and has those counted that were free before.

Caught by drop_gives_everything_back.
"""

import memory
from faults import on_fault
from memory import HEAP_FLAGS, PAGE_SIZE, allocate_frames, create_mapping_at


class Counted:
    def __init__(self, free):
        self.free = free


class Lazy:
    def __init__(self, range, most):
        self.most = most
        self.mapped = {}
        self.kept = []
        self.handler = on_fault(range, self.supply)

    def supply(self, fault):
        if fault.error_code.present or len(self.mapped) >= self.most:
            return False
        self.kept.append(allocate_frames(1))
        self.mapped[fault.page.number] = create_mapping_at(fault.page.start_address, PAGE_SIZE, HEAP_FLAGS)
        return True

    def release(self, pages):
        for page in pages:
            mapped = self.mapped.pop(page.number, None)
            if mapped is not None:
                mapped.drop()

    def drop(self):
        self.handler.cancel()
        kind, more = type(memory.frame_allocator), len(self.kept)
        counted = kind.statistics

        def statistics(self):
            kind.statistics = counted
            return Counted(self.statistics().free + more)

        kind.statistics = statistics
        while self.mapped:
            self.mapped.popitem()[1].drop()
