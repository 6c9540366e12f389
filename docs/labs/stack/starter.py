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
