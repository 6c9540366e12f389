"""Lab 3: lazy allocation."""


class Lazy:
    """A PageRange whose pages get a cleared frame when they are touched first; at most `most` at a time."""

    def __init__(self, range, most):
        raise NotImplementedError("Lazy()")

    def release(self, pages):
        """Give back what a PageRange, a part of the range, has: its pages are as if nobody had touched them."""
        raise NotImplementedError("Lazy.release()")

    def drop(self):
        """Give back everything, and answer no fault any more."""
        raise NotImplementedError("Lazy.drop()")
