"""`AllocationRequest`: where an allocation may lie, and how several wishes combine."""

from memory_structs import (
    PAGE_SIZE,
    FrameRange,
    Misaligned,
    OutOfRange,
    PageRange,
    PhysicalAddress,
    VirtualAddress,
)

# What no space has so many chunks of 4 KiB of. Machine code would cut off what is longer than a word.
MOST = 1 << 52


class AllocationRequest:
    """Having a request means: its wishes don't contradict each other. It never changes.

    Made by `Any()`, `AtAddress(a)`, `AlignedTo(n)` and `WithinRange(r)`; `&` combines them.
    """

    def __init__(self, address=None, alignment=1, limits=None):
        self._address = address
        self._alignment = alignment
        self._limits = limits
        self._check()

    @classmethod
    def Any(cls):
        """Anywhere that the allocator hands out unasked."""
        return cls()

    @classmethod
    def AtAddress(cls, address):
        """Exactly there: from the chunk that contains `address` on."""
        return cls(address=_of_class("AtAddress needs an address", address, (VirtualAddress, PhysicalAddress)))

    @classmethod
    def AlignedTo(cls, alignment_in_4k):
        """At a number that is a multiple of `alignment_in_4k`: any integer from 1 on, in 4 KiB units."""
        return cls(alignment=alignment_in_4k)

    @classmethod
    def WithinRange(cls, limits):
        """Wholly inside a `PageRange` or `FrameRange`, which must not be empty."""
        return cls(limits=_of_class("WithinRange needs a range", limits, (PageRange, FrameRange)))

    @property
    def address(self):
        """The wished address, or None."""
        return self._address

    @property
    def alignment(self):
        """In 4 KiB units; 1 when there is no wish."""
        return self._alignment

    @property
    def range(self):
        """The range to stay in, or None."""
        return self._limits

    def __and__(self, other):
        """Both at once. Raises TypeError (virtual with physical), ValueError, Misaligned or OutOfRange."""
        if other.__class__ is not AllocationRequest:
            raise TypeError("cannot combine a request with %s" % type(other).__name__)
        return AllocationRequest(
            _same(self._address, other._address),
            least_common_multiple(self._alignment, other._alignment),
            _overlap(self._limits, other._limits),
        )

    def _check(self):
        address, alignment, limits = self._address, self._alignment, self._limits
        if alignment.__class__ is not int:
            raise TypeError("an alignment must be an int, not %s" % type(alignment).__name__)
        if not 1 <= alignment < MOST:
            raise ValueError("an alignment must be from 1 to 2^52 - 1 chunks of 4 KiB, not %d" % alignment)
        if limits is not None and _of_class("a request needs a range", limits, (PageRange, FrameRange)).is_empty():
            raise ValueError("nothing fits within an empty range")
        if address is None:
            return
        _of_class("a request needs an address", address, (VirtualAddress, PhysicalAddress))
        if address.number % self._alignment:
            raise Misaligned(address, self._alignment * PAGE_SIZE)
        if limits is not None and not limits.contains_address(address):
            raise OutOfRange(address, str(limits))

    def __repr__(self):
        wishes = []
        if self._address is not None:
            wishes.append("AtAddress(%s)" % self._address)
        if self._alignment != 1:
            wishes.append("AlignedTo(%d)" % self._alignment)
        if self._limits is not None:
            wishes.append("WithinRange(%s)" % self._limits)
        return " & ".join(wishes) or "Any()"

    __str__ = __repr__


def least_common_multiple(a, b):
    """The smallest number that both divide."""
    x, y = a, b
    while y:
        x, y = y, x % y
    return a // x * b


def _of_class(what, value, classes):
    if value.__class__ not in classes:
        raise TypeError("%s, not %s" % (what, type(value).__name__))
    return value


def _same(a, b):
    if a is None or b is None:
        return b if a is None else a
    if a.__class__ is not b.__class__:
        raise TypeError("cannot combine %s with %s" % (a, b))
    if a != b:
        raise ValueError("one allocation cannot be at %s and at %s" % (a, b))
    return a


def _overlap(a, b):
    if a is None or b is None:
        return b if a is None else a
    both = a.overlap(b)
    if both is None:
        raise ValueError("%s and %s have nothing in common" % (a, b))
    return both
