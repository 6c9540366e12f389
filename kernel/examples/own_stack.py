"""A fault handler on a stack of its own: it may go deep without using up the stack of whoever faulted."""

from faults import on_fault
from memory import Stack

__all__ = ("OnOwnStack",)


class OnOwnStack:
    """Answers the faults in a PageRange by `answer(fault)`, run on a Stack.

    What runs off it is stopped there: Python by RuntimeError, machine code by StackOverflow; and that is raised where
    the fault was.
    """

    def __init__(self, range, answer, size_in_pages=32):
        self.stack = Stack(size_in_pages)
        self.handler = on_fault(range, lambda fault: self.stack.call(answer, fault))

    def drop(self):
        self.handler.cancel()
        self.stack.drop()
