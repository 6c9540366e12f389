"""What an allocator refuses: arguments that make no sense, and wishes that it can't grant."""

from memory_structs import (
    PAGE_SHIFT,
    PAGE_SIZE,
    AddressInUse,
    IllegalState,
    OutOfBookkeeping,
    OutOfRange,
    Reentered,
)
from micropython import const

from .. import runs
from .requests import AllocationRequest

# In units of 4 KiB: what no address space holds.
_TOO_MANY = const(1 << 52)


class Checks:
    """The part of `Allocator` that raises."""

    # What the arguments say.

    def _check_count(self, count):
        if count.__class__ is not int:
            raise TypeError("a count must be an int, not %s" % type(count).__name__)
        if count < 1:
            raise ValueError("a count of chunks must be 1 or more, not %d" % count)
        if count >= _TOO_MANY:
            raise self._out(count)
        return count

    def _count_for(self, size_in_bytes, offset):
        """How many chunks hold `size_in_bytes` bytes that begin `offset` bytes into the first."""
        if size_in_bytes.__class__ is not int:
            raise TypeError("a size must be an int, not %s" % type(size_in_bytes).__name__)
        if size_in_bytes < 1:
            raise ValueError("a size in bytes must be 1 or more, not %d" % size_in_bytes)
        return (offset + size_in_bytes + PAGE_SIZE - 1) >> PAGE_SHIFT

    def _check_address(self, address):
        wanted = self._ranges._chunk._address
        if address.__class__ is not wanted:
            raise TypeError("%s needs a %s, not %s" % (self.name, wanted.__name__, type(address).__name__))

    def _check_limits(self, limits):
        if limits.__class__ is not self._ranges:
            raise TypeError("%s needs a %s, not %s" % (self.name, self._ranges.__name__, type(limits).__name__))
        if limits.is_empty():
            raise ValueError("nothing fits within an empty range")
        return limits

    def _check_request(self, request):
        if request.__class__ is not AllocationRequest:
            raise TypeError("a request must be an AllocationRequest, not %s" % type(request).__name__)
        if request._limits is not None:
            self._check_limits(request._limits)
        if request._address is not None:
            self._check_address(request._address)

    @staticmethod
    def _check_end(request, count):
        limits = request._limits
        if limits is not None and request._address.number + count - 1 > limits._last:
            raise OutOfRange(request._address + (count * PAGE_SIZE - 1), str(limits))

    # What the arenas say.

    def refuse(self, code):
        """Raise what a negative number from `runs` means."""
        if code == runs.TOO_MANY:
            raise OutOfBookkeeping(self.name, runs.owners_of(self._tree))
        if code == runs.REENTERED:
            raise Reentered(self.name)
        raise IllegalState("a run", "free already", "be freed again")

    def _refuse_space(self, arena, count, request):
        raise self._out(count, request, arena.largest_unasked())

    def _refuse_address(self, first, last):
        """Raise AddressInUse or OutOfRange for a run that no arena could give."""
        requested = self._ranges.from_numbers(first, last)
        taken = first
        while taken <= last:
            end = self._end_of_free(taken)
            if end is None:
                break
            taken = end
        if taken > last:
            raise OutOfRange(requested, "one kind of memory; it lies across a border")
        until = min(arena.taken_in(taken, last)[1] for arena in self._arenas)
        holder, until = self._holder_of(taken, until)
        raise AddressInUse(requested, self._ranges.from_numbers(taken, until), holder)

    def _end_of_free(self, number):
        """The number behind the free run that holds `number`, in whatever arena; None when it is not free."""
        for arena in self._arenas:
            run = arena.free_from(number)
            if run and run[0] <= number:
                return sum(run)
        return None

    def _holder_of(self, first, last):
        """Who holds number `first`, and up to which number not above `last`."""
        for start, end, name in self._reserved:
            if start <= first <= end:
                return name, min(end, last)
            if first < start <= last:
                last = start - 1
        return "another owner", last
