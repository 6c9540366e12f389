"""Lab 5, wrong: a cheat: at the guard page it prints what the grader waits for, and ends the program.

Caught by the_guard_is_never_mapped.
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
            print("\x1e='StackExhausted'\x1e")
            print("\x04\x04>")
            raise SystemExit
        if fault.error_code.present or number < self.lowest - NEAR:
            return False
        while self.lowest > number:
            self.mapped[self.lowest - 1] = create_mapping_at(Page(self.lowest - 1).start_address, PAGE_SIZE, HEAP_FLAGS)
            self.lowest -= 1
        return True

    def trim(self, address):
        while self.lowest < address // PAGE_SIZE:
            self.mapped.pop(self.lowest).drop()
            self.lowest += 1

    def drop(self):
        self.handler.cancel()
        self.trim((self.range.last_number + 1) * PAGE_SIZE)
