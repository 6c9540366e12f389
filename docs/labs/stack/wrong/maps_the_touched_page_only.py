"""Lab 5, wrong: between the page that is touched and those that are mapped it leaves holes.

Caught by it_grows_as_deep_as_it_is_used.
"""

from faults import on_fault
from memory import HEAP_FLAGS, PAGE_SIZE, Page, create_mapping_at

NEAR = 16


class StackExhausted(Exception):
    pass


class GrowingStack:
    def __init__(self, range):
        self.range = range
        self.lowest = range.last_number + 1
        self.mapped = {}
        self.handler = on_fault(range, self.grow)

    def grow(self, fault):
        number = fault.page.number
        if number == self.range.first_number:
            raise StackExhausted("%s is at its guard page" % (self.range,))
        if fault.error_code.present or number < self.lowest - NEAR:
            return False
        self.mapped[number] = create_mapping_at(Page(number).start_address, PAGE_SIZE, HEAP_FLAGS)
        self.lowest = number
        return True

    def trim(self, address):
        while self.lowest < address // PAGE_SIZE:
            self.mapped.pop(self.lowest).drop()
            self.lowest += 1

    def drop(self):
        self.handler.cancel()
        self.trim((self.range.last_number + 1) * PAGE_SIZE)
