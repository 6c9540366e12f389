"""Lab 4: copy on write."""


class Space:
    """A PageRange with memory of its own, cleared, that can be copied."""

    def __init__(self, range):
        raise NotImplementedError("Space()")

    def copy(self, range):
        """Return a Space in another PageRange, as long as this one, that holds the same. No byte is copied for that:
        both share their frames, and the page that one of them writes becomes its own then."""
        raise NotImplementedError("Space.copy()")

    def drop(self):
        """Unmap everything. What others share with it stays theirs."""
        raise NotImplementedError("Space.drop()")


if __name__ == "__main__":  # what `make lab` runs, and the grader does not
    from machine import mem8
    from memory import PageRange, VirtualAddress

    first, second = 0x1000_0000_0000, 0x1000_0010_0000
    space = Space(PageRange.from_virt_addr(VirtualAddress(first), 2 * 4096))
    mem8[first] = 1
    copied = space.copy(PageRange.from_virt_addr(VirtualAddress(second), 2 * 4096))
    print("the copy has", mem8[second])
    mem8[second] = 2
    print("after a write to the copy the original has", mem8[first])
