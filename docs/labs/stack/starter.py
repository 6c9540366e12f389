"""Lab 5: a stack that grows, with a guard page."""

NEAR = 16
"""A touch is growth if it is at most so many pages below what is mapped; what is farther is a mistake."""


class StackExhausted(Exception):
    """The stack came to its guard page."""


class GrowingStack:
    """A PageRange that is used from its end downwards, and mapped as deep as it is used.

    Its lowest page is the guard: it is never mapped, and touching it raises StackExhausted.
    """

    def __init__(self, range):
        raise NotImplementedError("GrowingStack()")

    def trim(self, address):
        """Give back the pages that lie wholly below an address (a number)."""
        raise NotImplementedError("GrowingStack.trim()")

    def drop(self):
        """Give back everything, and answer no fault any more."""
        raise NotImplementedError("GrowingStack.drop()")


if __name__ == "__main__":  # what `make lab` runs, and the grader does not
    from machine import mem8
    from memory import PageRange, VirtualAddress

    start, pages = 0x1000_0000_0000, 64
    stack = GrowingStack(PageRange.from_virt_addr(VirtualAddress(start), pages * 4096))
    mem8[start + (pages - 3) * 4096] = 1
    print("three pages from the end it can be written")
    print("and in the last page there is", mem8[start + pages * 4096 - 1])
