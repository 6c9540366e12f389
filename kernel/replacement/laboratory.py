"""The replacement laboratory: references are made on real page tables, and the MMU says which of them fault.

faults_of("clock", 3, [1, 2, 3, 4, 1, 2, 5])       how many of the references fault
faults_in(trace, "clock", 3)                       which, and who goes
"""

from array import array

import micropython
from memory import PAGE_SIZE, PageRange, VirtualAddress

from .policies import policy_of
from .policy import Policy
from .refusals import NoSuchFrames, NoSuchNumber
from .swapped import Swapped
from .traces import BELADY, REFERENCES_MAX, Trace

__all__ = (
    "belady",
    "faults_in",
    "faults_of",
)

SOMEWHERE = VirtualAddress(0x20_0000_0000)
"""In the lower half, where nobody gets pages without asking for just these."""
INTERVAL = 32
"""How many references there are from one tick to the next, unless said otherwise."""
NOBODY = -1


class Watched(Policy):
    """A policy, and what it decides: `.log` gets two numbers for each fault, the reference and the page that went.

    place: an array of one number, which reference is being made. first: the page number that counts as 0.
    """

    def __init__(self, policy, place, first):
        super().__init__(policy.frames, policy.bits)
        self.name, self.policy, self.place, self.first = policy.name, policy, place, first
        self.victim, self.tick = policy.victim, policy.tick
        self.log, self.gone = array("i"), NOBODY

    def loaded(self, page):
        self.policy.loaded(page)
        self.log.append(self.place[0])
        self.log.append(self.gone)
        self.gone = NOBODY

    def removed(self, page):
        self.policy.removed(page)
        self.gone = page - self.first


@micropython.viper
def touch(references: ptr16, start: int, end: int, base: int, place: ptr32) -> int:
    """Make the references from `start` to before `end`: read or write the first byte of a page, seen from `base` on.

    place[0] says which it is. Returns the sum of what was read, so that it is read.
    """
    total = 0
    while start < end:
        place[0] = start
        cell = ptr8(base + (references[start] >> 1 << 12))
        if references[start] & 1:
            cell[0] = start
        else:
            total += cell[0]
        start += 1
    return total


def faults_in(trace, policy="clock", frames=4, interval=INTERVAL):
    """Return the faults that a policy takes for a Trace, or a list of page numbers, with so many frames, empty at
    first: an array of two numbers for each, the reference's place and the page that went, or -1.

    policy: a name or a Policy class. interval: after so many references the policy is told of a tick. All memory is
    given back. Raises UnknownPolicy, NoSuchFrames, NoSuchNumber, what a Trace raises, and AddressInUse while something
    else is mapped at SOMEWHERE.
    """
    trace, chosen = trace if isinstance(trace, Trace) else Trace(trace), policy_of(policy)
    check(trace, frames, interval)
    area = PageRange.from_virt_addr(SOMEWHERE, trace.span * PAGE_SIZE)
    place, first = array("I", [0]), area.first_number
    future = ([number + first for number in trace.numbers()],) if getattr(chosen, "knows_future", False) else ()

    class WatchedHere(Watched):
        def __init__(self, count, bits):
            super().__init__(chosen(count, bits, *future), place, first)

    swapped = Swapped(area, frames, policy=WatchedHere)
    try:
        watched = swapped.policy
        refer(trace, interval, swapped)
        return watched.log
    finally:
        swapped.drop()


def faults_of(policy, frames, references, interval=INTERVAL):
    """Return how many references of a Trace, or a list of page numbers, fault; otherwise as faults_in."""
    return len(faults_in(references, policy, frames, interval)) // 2


def belady():
    """Return FIFO's faults with 3 and with 4 frames on Belady's references: more memory, more faults."""
    return faults_of("fifo", 3, BELADY), faults_of("fifo", 4, BELADY)


def check(trace, frames, interval=INTERVAL):
    """Raise NoSuchFrames or NoSuchNumber for what no run can have."""
    if type(frames) is not int or not 0 < frames <= trace.pages:
        raise NoSuchFrames(frames, trace.pages)
    if type(interval) is not int or not 0 < interval <= REFERENCES_MAX:
        raise NoSuchNumber("interval", interval, 1, REFERENCES_MAX)


def refer(trace, interval, swapped):
    """Make all references of a trace, with a tick between two intervals; who knows the future is told of each."""
    references, watched, base = trace.references, swapped.policy, swapped.range.start_address.value
    tell = getattr(watched.policy, "reference", None)
    for start in range(0, len(references), interval):
        end = min(start + interval, len(references))
        if start:
            swapped.tick()
        if tell is None:
            touch(references, start, end, base, watched.place)
            continue
        for each in range(start, end):
            tell(watched.first + (references[each] >> 1))
            touch(references, each, each + 1, base, watched.place)
