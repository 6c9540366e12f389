"""Random operations on an allocator, checked against a plain set of numbers. Runs on the unix port and in the kernel.

    allocator_model.py SEED OPERATIONS

The oracle is `Oracle`: one byte for each number, which says whether it is free. It knows nothing of trees, runs or
owners. After each operation the owner's numbers are checked against it, after each refusal it is searched for what was
refused, and every now and then the allocator's whole list of free runs is compared with it. One seed gives one
sequence, so a failure can be repeated.
"""

import random
import sys

from memory import AllocationRequest, FrameAllocator, PageAllocator
from memory_structs import AddressInUse, IllegalState, KernelError, OutOfChunks, OutOfRange, UseAfterMove

CHECK_ALL_EVERY = 250
COUNTS = (1, 1, 1, 1, 2, 2, 3, 4, 5, 8, 13, 27, 60)
ALIGNMENTS = (1, 2, 4, 8, 27, 64)


class Oracle:
    """A set of numbers from `low` to `high`: byte 1 for what is free, 2 for what is postponed, else 0."""

    def __init__(self, runs):
        self.low = min(first for first, _, _ in runs)
        self.high = max(first + count - 1 for first, count, _ in runs)
        self.bytes = bytearray(self.high + 1 - self.low)
        self.set_runs(runs)

    def set_runs(self, runs):
        for first, count, _ in runs:
            self.put(first, count, 1)

    def put(self, first, count, value):
        at = first - self.low
        self.bytes[at : at + count] = bytes([value]) * count

    def is_all(self, first, count, value):
        at = first - self.low
        return at >= 0 and bytes(self.bytes[at : at + count]) == bytes([value]) * count

    def is_free(self, first, count):
        return self.is_all(first, count, 1)

    def lowest_fit(self, count, alignment, low, high):
        """The lowest multiple of `alignment` from which `count` numbers are free, within low..high, or None."""
        free = bytes(self.bytes)
        start = low
        while True:
            at = free.find(b"\x01" * count, start - self.low)
            if at < 0 or at + self.low + count - 1 > high:
                return None
            start = at + self.low
            if start % alignment == 0:
                return start
            start += 1

    def postponed_is_free(self):
        self.bytes = bytearray(bytes(self.bytes).replace(b"\x02", b"\x01"))

    def count(self, value):
        return bytes(self.bytes).count(bytes([value]))


class Model:
    """An allocator, the oracle, and the owners that live: (owner, the first of its numbers, how many these are)."""

    def __init__(self, allocator, arena, ranges):
        self.allocator = allocator
        self.arena = arena
        self.ranges = ranges
        self.start = list(arena.runs())
        self.oracle = Oracle(self.start)
        self.low, self.high = self.oracle.low, self.oracle.high
        self.size = self.oracle.count(1)
        self.managed = Oracle(self.start)
        self.owners = []
        self.actions = []

    def chunk(self, number):
        return self.ranges._chunk(number)

    def any_number(self):
        first, count, _ = random.choice(self.start)
        return first + random.randrange(count)

    # Checks.

    def took(self, owner, first, count):
        """An owner came back: its numbers were free, and are his now."""
        assert owner.first_number == first and len(owner) == count, (owner, first, count)
        if not self.oracle.is_free(first, count):
            self.oracle.postponed_is_free()
        assert self.oracle.is_free(first, count), "handed out twice: %s" % owner
        self.oracle.put(first, count, 0)
        self.owners.append((owner, first, count))

    def refused(self, count, alignment, low, high):
        """An allocation was refused: the oracle finds nothing either, even with what was postponed."""
        self.oracle.postponed_is_free()
        fit = self.oracle.lowest_fit(count, alignment, low, high)
        assert fit is None, "refused %d aligned to %d, but %s fits" % (count, alignment, hex(fit or 0))

    def check_all(self):
        runs = list(self.arena.runs())
        end = -1
        found = bytearray(len(self.oracle.bytes))
        for first, count, _ in runs:
            assert first > end, "runs that touch or overlap: %s" % runs
            end = first + count
            found[first - self.low : end - self.low] = b"\x01" * count
        assert found == bytes(self.oracle.bytes).replace(b"\x02", b"\x00"), "not the same numbers are free"
        for owner, first, count in self.owners:
            assert owner.first_number == first and len(owner) == count, owner
            assert self.oracle.is_all(first, count, 0)
        owned = sum(count for _, _, count in self.owners)
        assert self.size == self.oracle.count(1) + self.oracle.count(2) + owned

    def check(self):
        assert self.arena.free == self.oracle.count(1) + self.oracle.count(2)

    # Operations.

    def allocate(self):
        count = random.choice(COUNTS)
        lowest = self.oracle.lowest_fit(count, 1, self.low, self.high)
        try:
            owner = self.allocator.allocate(count)
        except OutOfChunks:
            return self.refused(count, 1, self.low, self.high)
        assert lowest is None or owner.first_number == lowest, "not the lowest: %s" % owner
        self.took(owner, owner.first_number, count)

    def allocate_at(self):
        count = random.choice(COUNTS)
        first = self.any_number()
        count = min(count, self.high + 1 - first)
        try:
            owner = self.allocator.allocate_at(self.chunk(first).start_address, count)
        except AddressInUse as error:
            self.oracle.postponed_is_free()
            taken = error.overlap.first_number
            assert first <= taken < first + count and not self.oracle.is_free(taken, 1), error.args
            assert self.oracle.is_free(first, taken - first) or not self.managed.is_free(first, count)
            return
        except OutOfRange:
            assert not self.managed.is_free(first, count), "refused as if it were not the allocator's"
            return
        self.took(owner, first, count)

    def random_request(self):
        """A request, and what it means: (request, alignment, low, high)."""
        alignment = random.choice(ALIGNMENTS)
        request = AllocationRequest.AlignedTo(alignment)
        if random.randrange(2):
            return request, alignment, self.low, self.high
        low = self.any_number()
        high = min(self.high, low + random.randrange(200))
        limits = self.ranges.from_numbers(low, high)
        return request & AllocationRequest.WithinRange(limits), alignment, low, high

    def allocate_request(self):
        count = random.choice(COUNTS)
        request, alignment, low, high = self.random_request()
        try:
            owner = self.allocator.allocate_request(request, count)
        except OutOfChunks:
            return self.refused(count, alignment, low, high)
        first = owner.first_number
        assert first % alignment == 0 and low <= first and first + count - 1 <= high, (owner, request)
        self.took(owner, first, count)

    def allocate_deferred(self):
        count = random.choice(COUNTS)
        request, alignment, low, high = self.random_request()
        try:
            owner, action = self.allocator.allocate_deferred(request, count)
        except OutOfChunks:
            return self.refused(count, alignment, low, high)
        self.took(owner, owner.first_number, count)
        for run, length in action._left_over:
            assert self.oracle.is_free(run >> 1, length)
            self.oracle.put(run >> 1, length, 2)
        assert action.size_in_4k == sum(length for _, length in action._left_over)
        self.actions.append(action)

    def drop_action(self):
        if self.actions:
            action = self.actions.pop(random.randrange(len(self.actions)))
            for run, length in action._left_over:
                self.oracle.put(run >> 1, length, 1)
            action.drop()

    def pick(self):
        return self.owners.pop(random.randrange(len(self.owners)))

    def drop(self):
        owner, first, count = self.pick()
        owner.drop()
        self.oracle.put(first, count, 1)

    def split(self):
        owner, first, count = self.pick()
        at = first + random.randrange(-1, count + 2)
        if not 0 <= at - first <= count:
            try:
                owner.split(self.chunk(at))
                raise AssertionError("split outside")
            except KernelError:
                self.owners.append((owner, first, count))
            return
        low, high = owner.split(self.chunk(at))
        assert len(low) == at - first and len(high) == first + count - at
        self.keep_parts(owner, first, low, high)

    def split_range(self):
        owner, first, count = self.pick()
        if not hasattr(owner, "split_range"):
            self.owners.append((owner, first, count))
            return
        low = first + random.randrange(count)
        high = low + random.randrange(first + count - low)
        before, middle, after = owner.split_range(self.ranges.from_numbers(low, high))
        assert (len(before), len(middle), len(after)) == (low - first, high + 1 - low, first + count - high - 1)
        self.keep_parts(owner, first, before, middle, after)

    def keep_parts(self, owner, first, *parts):
        try:
            owner.drop()
            raise AssertionError("used after the move")
        except UseAfterMove:
            pass
        for part in parts:
            if len(part):
                assert part.first_number == first
                self.owners.append((part, first, len(part)))
                first += len(part)
            else:
                part.drop()

    def merge(self):
        low = owner, first, count = self.pick()
        end = first + count
        touching = [known for known in self.owners if known[1] == end or known[1] + known[2] == first]
        other = second, start, more = random.choice(touching or self.owners or [low])
        try:
            owner.merge(second)
            assert touching and owner.first_number == min(first, start) and len(owner) == count + more
            self.owners.remove(other)
            first, count = min(first, start), count + more
        except KernelError:
            assert not touching
        self.owners.append((owner, first, count))

    def map_and_unmap(self):
        """Through MAPPED and UNMAPPED and back: nothing may be lost on the way."""
        owner, start, size = self.pick()
        first, count, _ = self.allocator.into_mapped(owner, "map()")
        assert (first, count) == (start, size), owner
        try:
            owner.drop()
            raise AssertionError("used after the move")
        except UseAfterMove:
            pass
        assert self.arena.mapped == count
        owner = self.allocator.from_mapped(first, count)
        if hasattr(owner, "into_allocated_frames"):
            try:
                self.allocator.into_mapped(owner, "map()")
                raise AssertionError("mapped what is unmapped")
            except IllegalState:
                pass
            assert self.arena.unmapped == count
            owner = owner.into_allocated_frames()
        assert self.arena.mapped == self.arena.unmapped == 0
        self.owners.append((owner, first, count))

    def run(self, operations):
        """Do random operations, then give everything back: the free list is what it was at the start."""
        growing = [self.allocate, self.allocate, self.allocate_at, self.allocate_request, self.allocate_deferred]
        owning = [self.drop, self.drop, self.split, self.merge, self.split_range, self.map_and_unmap]
        for number in range(operations):
            # The tide goes in and out, so that the allocator is sometimes full and sometimes nearly empty.
            rising = number // 400 % 2 == 0
            dice = random.randrange(10)
            if dice < (6 if rising else 3) or not self.owners:
                random.choice(growing)()
            elif dice == 9:
                self.drop_action()
            else:
                random.choice(owning)()
            self.check()
            if number % CHECK_ALL_EVERY == 0:
                self.check_all()
        while self.owners:
            self.drop()
        while self.actions:
            self.drop_action()
        self.check_all()
        assert list(self.arena.runs()) == self.start, "not everything has come back together"


def models():
    """A page allocator and a frame allocator, small enough that they run full often."""
    high = 0xFFFFC00000000
    pages = PageAllocator.from_layout((high, high + 599), [(1, 300)], [(high + 200, high + 202, "a hole")])
    yield Model(pages, pages.pool, pages._ranges)
    memory_map = [(0x100000, 0x180000, 1), (0x1A0800, 0x250000, 1), (0x300800, 0x3FF800, 1)]
    frames = FrameAllocator.from_boot(memory_map, [(0x110000, 0x118000, "the kernel's image")])
    yield Model(frames, frames.pool, frames._ranges)


def main(seed, operations):
    random.seed(seed)
    for model in models():
        model.run(operations // 2)
    return "%d operations from seed %d" % (operations // 2 * 2, seed)


if __name__ == "__main__" and len(sys.argv) == 3:
    print(main(int(sys.argv[1]), int(sys.argv[2])))
