"""Python's own heap."""

import gc

import micropython

from diagnostics.text import WIDTH, View, columns, size


class Heap(View):
    """How full Python's heap is now, after a collection."""

    def __init__(self):
        gc.collect()
        self.used_in_bytes = gc.mem_alloc()
        self.free_in_bytes = gc.mem_free()
        self.stack_in_bytes = micropython.stack_use()
        self.python_stack_in_bytes = micropython.pystack_use()

    def lines(self, width=WIDTH):
        total = self.used_in_bytes + self.free_in_bytes
        rows = (
            ("used", size(self.used_in_bytes), "%d%%" % (self.used_in_bytes * 100 // total)),
            ("free", size(self.free_in_bytes), ""),
            ("C stack", size(self.stack_in_bytes), "in use now"),
            ("Python stack", size(self.python_stack_in_bytes), "in use now"),
        )
        return columns(rows, (1,), width)
