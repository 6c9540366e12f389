"""`VirtualAddress` and `PhysicalAddress`: integers that know what they address."""

from .errors import AcrossTheHole, NonCanonicalAddress, OutOfRange, PhysicalAddressTooWide
from .mode import LEVELS, index_at
from .spaces import PAGE_SHIFT, PAGE_SIZE, PHYSICAL, VIRTUAL, check_alignment, check_integer


class Address:
    """Having an address means: its value exists in its space. It never changes."""

    _family = "address"
    _space = None
    _no_such = None  # the error for a value that does not exist in its space

    def __init__(self, value):
        """Take an integer of at most 64 bits.

        Raises TypeError, ValueError (negative, over-long), NonCanonicalAddress or PhysicalAddressTooWide.
        """
        if value.__class__ is not int or value < 0 or not self._space.has_number(value >> PAGE_SHIFT):
            check_integer(value, "an address")
            raise self._no_such(value, self._space)
        self._value = value

    @classmethod
    def _coerced(cls, value):
        return cls(cls._space.coerced(check_integer(value, "an address")))

    @classmethod
    def zero(cls):
        return cls(0)

    @property
    def value(self):
        """The unsigned integer."""
        return self._value

    @property
    def number(self):
        """The number of the 4 KiB page or frame that holds this address (value >> 12)."""
        return self._value >> PAGE_SHIFT

    def _offset(self):
        return self._value & (PAGE_SIZE - 1)

    def __repr__(self):
        return self._space.text_of(self._value)

    __str__ = __repr__

    def _moved_to(self, value):
        """The address `value`, which must lie in the same half as this one."""
        space = self._space
        if value < 0 or value >> 64:
            raise OutOfRange(value, "the %s address space" % space.name)
        moved = self.__class__(value)
        low, high = (self, moved) if self._value <= value else (moved, self)
        if not space.is_one_piece(low.number, high.number):
            raise AcrossTheHole(self, moved)
        return moved

    def __add__(self, count):
        """`address + count` bytes. Raises OutOfRange, never jumps the canonical hole."""
        if count.__class__ is not int:
            refuse_operand(self, count, "bytes")
        return self._moved_to(self._value + check_integer(count, "a byte count"))

    __radd__ = __add__

    def __sub__(self, other):
        """`address - count` is an address; `address - address` of one kind is a plain int."""
        if other.__class__ is self.__class__:
            return self._value - other._value
        if other.__class__ is not int:
            refuse_operand(self, other, "bytes")
        return self._moved_to(self._value - check_integer(other, "a byte count"))

    def is_aligned(self, alignment):
        """True when this is a multiple of `alignment`, a power of two in bytes."""
        return self._value & (check_alignment(alignment) - 1) == 0

    def align_down(self, alignment):
        """The next multiple at or below. Raises when that does not exist."""
        return self._moved_to(self._value & ~(check_alignment(alignment) - 1))

    def align_up(self, alignment):
        """The next multiple at or above. Raises when that does not exist (in the hole, past the top)."""
        mask = check_alignment(alignment) - 1
        return self._moved_to((self._value + mask) & ~mask)

    def __eq__(self, other):
        return other.__class__ is self.__class__ and self._value == other._value

    def __ne__(self, other):
        return not self == other

    def __hash__(self):
        return hash(self._value)

    def _comparable(self, other):
        if other.__class__ is not self.__class__:
            raise TypeError("cannot compare %s with %s" % (type(self).__name__, type(other).__name__))
        return other._value

    def __lt__(self, other):
        return self._value < self._comparable(other)

    def __le__(self, other):
        return self._value <= self._comparable(other)

    def __gt__(self, other):
        return self._value > self._comparable(other)

    def __ge__(self, other):
        return self._value >= self._comparable(other)


class VirtualAddress(Address):
    """A canonical virtual address.

    63      48 47    39 38    30 29    21 20    12 11       0
    ┌─────────┬────────┬────────┬────────┬────────┬──────────┐
    │ copies  │   P4   │   P3   │   P2   │   P1   │  offset  │
    │ of 47   │  index │  index │  index │  index │          │
    └─────────┴────────┴────────┴────────┴────────┴──────────┘

    With five levels of tables bits 48 to 56 are the P5 index, and those above copy bit 56.
    """

    _space = VIRTUAL
    _no_such = NonCanonicalAddress

    @classmethod
    def new_canonical(cls, value):
        """Coerce any 64 bits: copy the highest that counts, 47 or 56, to those above it."""
        return cls._coerced(value)

    def page_offset(self):
        """The low 12 bits."""
        return self._offset()

    def index_at(self, level):
        """The table index (0-511) that the walk uses at `level`, from the root's (4 or 5) down to 1."""
        return index_of(self._value >> PAGE_SHIFT, level)

    def p5_index(self):
        """Raises ValueError where there are four levels of tables only."""
        return self.index_at(5)

    def p4_index(self):
        return self.index_at(4)

    def p3_index(self):
        return self.index_at(3)

    def p2_index(self):
        return self.index_at(2)

    def p1_index(self):
        return self.index_at(1)


class PhysicalAddress(Address):
    """A physical address: one that fits the CPU's MAXPHYADDR. (Canonical is said of linear addresses only.)"""

    _space = PHYSICAL
    _no_such = PhysicalAddressTooWide

    @classmethod
    def new_truncate(cls, value):
        """Coerce any 64 bits: cut off those that this CPU does not have."""
        return cls._coerced(value)

    def frame_offset(self):
        """The low 12 bits."""
        return self._offset()


def refuse_operand(one, other, unit):
    """Raise the TypeError for `one` plus or minus what is no count of `unit`."""
    name, others = type(one).__name__, type(other).__name__
    if name == others:
        raise TypeError("%s and %s can't be added; a count of %s can" % (one, other, unit))
    if getattr(other, "_family", None) == one._family:
        raise TypeError("%s and %s are two kinds of %s: %s and %s" % (name, others, one._family, one, other))
    raise TypeError("a count of %s must be an int, not %s" % (unit, others))


def index_of(number, level):
    """The table index of a page number at `level`: bits 9(level-1) to 9(level-1)+8.

    Raises TypeError or ValueError for a level that this paging mode does not have.
    """
    if level.__class__ is not int:
        raise TypeError("a level must be an int, not %s" % type(level).__name__)
    if not 1 <= level <= LEVELS:
        raise ValueError("a level must be from 1 (P1) to %d (P%d), not %d" % (LEVELS, LEVELS, level))
    return index_at(number, level)
