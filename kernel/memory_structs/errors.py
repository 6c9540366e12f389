"""The tree of refusals that every package of the kernel shares.

    KernelError
    ├── OutOfRange               a value leaves the range that it must stay in
    │   ├── NonCanonicalAddress  no such linear address in this paging mode
    │   ├── PhysicalAddressTooWide  no such physical address on this CPU (MAXPHYADDR)
    │   └── AcrossTheHole        a range or a step would span the canonical hole
    ├── Misaligned               not a multiple of what it must be a multiple of
    ├── ReversedRange            the first chunk lies behind the last
    ├── EmptyRange               an empty range has no start and no end
    ├── OutOfChunks              nothing large enough is free
    │   ├── OutOfPages
    │   └── OutOfFrames
    ├── OutOfBookkeeping         more owners than the allocator has room to follow
    ├── AddressInUse             somebody owns a part of what was asked for
    ├── UseAfterMove             the owner was consumed or dropped
    ├── NotTouching              only neighbours of one kind can be merged
    ├── IllegalState             the owner's state does not allow this step
    ├── NotInitialized           the kernel has not set this up yet
    └── Reentered                an allocator was called from inside itself

Argument mistakes are Python's own (`TypeError`, `ValueError`). Each class keeps
its values as attributes and passes one finished line on, because MicroPython's
traceback prints the arguments of an exception and never calls `__str__`.
"""


class KernelError(Exception):
    """The root: catching it catches every refusal of the kernel."""


class OutOfRange(KernelError):
    """`value` is not inside `allowed`; nothing has changed."""

    def __init__(self, value, allowed, hint=""):
        self.value = value
        self.allowed = allowed
        super().__init__("%s is outside %s%s" % (_text(value), allowed, hint and "; %s" % (hint,)))


class NoSuchAddress(OutOfRange):
    """What the next two have in common. `.neighbour` is the nearest address that exists, `.coerced` the one that a
    constructor which coerces makes of the value."""

    coercion = None

    def __init__(self, value, space):
        self.neighbour = space.nearest_address(value)
        self.coerced = space.coerced(value)
        values = space.text_of(self.neighbour), self.coercion, space.text_of(self.coerced)
        OutOfRange.__init__(
            self, space.text_of(value), space.description(), "the nearest is %s, and %s() gives %s" % values
        )
        self.value = value


class NonCanonicalAddress(NoSuchAddress):
    """No such linear address: the bits above the translated ones are no copies of the highest of these."""

    coercion = "new_canonical"


class PhysicalAddressTooWide(NoSuchAddress):
    """No such physical address: it has more bits than this CPU's MAXPHYADDR."""

    coercion = "new_truncate"


class AcrossTheHole(OutOfRange):
    """From `first` to `last` is not one piece: non-canonical addresses lie between them."""

    def __init__(self, first, last):
        self.first = first
        self.last = last
        hint = "%s lies on the other side of the canonical hole" % _text(first)
        OutOfRange.__init__(self, last, "this half of the address space", hint)


class Misaligned(KernelError):
    """`value` is not a multiple of `alignment` (both in the unit that `value` shows)."""

    def __init__(self, value, alignment, below=None):
        self.value = value
        self.alignment = alignment
        self.below = below
        hint = "" if below is None else "; the next one below is %s" % _text(below)
        super().__init__("%s is not aligned to %s%s" % (_text(value), _text(alignment), hint))


class ReversedRange(KernelError):
    """A range needs `first` <= `last`; an empty one is made with `.empty()`."""

    def __init__(self, first, last):
        self.first = first
        self.last = last
        super().__init__("%s lies behind %s: a range runs upwards; use empty() for none" % (_text(first), _text(last)))


class EmptyRange(KernelError):
    """`question` has no answer for an empty range."""

    def __init__(self, question):
        self.question = question
        super().__init__("an empty range has no %s" % (question,))


class OutOfChunks(KernelError):
    """Nothing free is large enough for `count` 4 KiB chunks that fit `request`."""

    names = "chunks"

    def __init__(self, count, request=None, largest=None):
        self.count = count
        self.request = request
        self.largest = largest
        wish = "" if request is None else " for %s" % (request,)
        rest = "" if largest is None else "; the largest free run has %s" % largest
        super().__init__("no %s free %s%s%s" % (count, self.names, wish, rest))


class OutOfPages(OutOfChunks):
    """The page allocator has no run that fits."""

    names = "pages"


class OutOfFrames(OutOfChunks):
    """The frame allocator has no run that fits."""

    names = "frames"


class OutOfBookkeeping(KernelError):
    """`allocator` cannot follow more than `owners` owners at once; nothing has changed."""

    def __init__(self, allocator, owners):
        self.allocator = allocator
        self.owners = owners
        super().__init__("%s follows %s owners and has no room for another; merge or drop some" % (allocator, owners))


class AddressInUse(KernelError):
    """Part of `requested` is not free; `overlap` is its first such part, `holder` who has it."""

    def __init__(self, requested, overlap, holder="another owner"):
        self.requested = requested
        self.overlap = overlap
        self.holder = holder
        super().__init__("%s is not free: %s is in use by %s" % (requested, overlap, holder))


class UseAfterMove(KernelError):
    """`owner` is dead; `consumer` names the call that consumed it."""

    def __init__(self, owner, consumer):
        self.owner = owner
        self.consumer = consumer
        super().__init__("%s is dead: consumed by %s" % (owner, consumer))


class NotTouching(KernelError):
    """`first` and `second` cannot be merged."""

    def __init__(self, first, second, reason="they do not touch"):
        self.first = first
        self.second = second
        self.reason = reason
        super().__init__("%s and %s cannot be merged: %s" % (first, second, reason))


class IllegalState(KernelError):
    """`owner` is in `state`, and `step` is not allowed from there."""

    def __init__(self, owner, state, step):
        self.owner = owner
        self.state = state
        self.step = step
        super().__init__("%s is %s: it cannot %s" % (owner, state, step))


class NotInitialized(KernelError):
    """`what` has not been set up; `memory.init` does it at boot."""

    def __init__(self, what):
        self.what = what
        super().__init__("%s is not initialised; memory.init(boot_info) does that at boot" % (what,))


class Reentered(KernelError):
    """`what` was entered while a call of it was still under way (a callback or fault handler called it)."""

    def __init__(self, what):
        self.what = what
        super().__init__("%s is not re-entrant: leave the interrupted call first" % (what,))


def _text(value):
    """Numbers in hexadecimal, everything else as it prints."""
    return hex(value) if value.__class__ is int else str(value)
