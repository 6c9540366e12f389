"""The two address spaces, as data.

Everything in this package is written once and asks one of these two objects what
is a valid number, so the virtual and the physical family cannot drift apart.

    virtual (48 bits; 57 with five levels)     physical (MAXPHYADDR bits)
    0xffff_ffff_ffff_ffff ┐
                          │ upper half         2^64 ┐
    0xffff_8000_0000_0000 ┘                         │ does not exist
                            the canonical hole 2^MAXPHYADDR ┘
    0x0000_7fff_ffff_ffff ┐                                 ┐
                          │ lower half                      │ physical memory and devices
    0x0000_0000_0000_0000 ┘                               0 ┘

With five levels of tables the halves are 64 PiB each: up to 0x00ff_ffff_ffff_ffff, and from 0xff00_0000_0000_0000.

A *number* is an address >> 12, sign bits included: at most 52 bits, so always a
small integer. (Intel SDM, volume 1, "Canonical Addressing"; volume 3, "Paging".)
"""

from .mode import PAGE_SHIFT, VIRTUAL_BITS

PAGE_SIZE = 1 << PAGE_SHIFT
ADDRESS_BITS = 64
ARCHITECTURAL_PHYSICAL_BITS = 52


class Space:
    """Which numbers exist: those below `low_end`, and those from `high_first` to `last`.

    A space without a hole has `high_first` behind `last`. All four are in 4 KiB units.
    """

    def __init__(self, prefix, name, bits, sign_extended):
        self.prefix = prefix
        self.name = name
        self.sign_extended = sign_extended
        self.most_bits = bits
        self.set_bits(bits)

    def set_bits(self, bits):
        """Set the width of an address in bits. Boot calls it once, before the first physical address is made."""
        if bits.__class__ is not int:
            raise TypeError("bits must be an int, not %s" % type(bits).__name__)
        if not 32 <= bits <= self.most_bits:
            raise ValueError("bits must be from 32 to %d, not %d" % (self.most_bits, bits))
        self.bits = bits
        if self.sign_extended:
            self.low_end = 1 << (bits - 1 - PAGE_SHIFT)
            self.last = (1 << (ADDRESS_BITS - PAGE_SHIFT)) - 1
            self.high_first = self.last + 1 - self.low_end
        else:
            self.low_end = 1 << (bits - PAGE_SHIFT)
            self.last = self.low_end - 1
            self.high_first = self.low_end

    def has_number(self, number):
        """True for a number (4 KiB units) that exists."""
        return 0 <= number < self.low_end or self.high_first <= number <= self.last

    def is_one_piece(self, first, last):
        """True when no hole lies between two numbers that exist."""
        return last < self.low_end or first >= self.high_first

    def coerced(self, value):
        """Coerce any integer: sign-extend from the top bit, or cut off what does not exist."""
        value &= (1 << self.bits) - 1
        if self.sign_extended and value >> (self.bits - 1):
            value |= (1 << ADDRESS_BITS) - (1 << self.bits)
        return value

    def nearest_address(self, value):
        """The valid address with the smallest distance to an integer."""
        low_last = (self.low_end << PAGE_SHIFT) - 1
        if value <= low_last:
            return max(value, 0)
        if self.high_first > self.last:
            return low_last
        high_first = self.high_first << PAGE_SHIFT
        if value >= high_first:
            return min(value, (1 << ADDRESS_BITS) - 1)
        return low_last if value - low_last < high_first - value else high_first

    def text_of(self, value):
        """`v0xffff800000000000`, `p0xb8000`: lower case, no padding, no underscores."""
        return self.prefix + hex(value)

    def description(self):
        """The phrase that error messages use for all of this space."""
        if self.sign_extended:
            return "the canonical addresses (bits %d to 63 copy bit %d)" % (self.bits, self.bits - 1)
        return "the physical address space (%d bits on this CPU)" % self.bits


VIRTUAL = Space("v", "virtual", VIRTUAL_BITS, True)
PHYSICAL = Space("p", "physical", ARCHITECTURAL_PHYSICAL_BITS, False)


def set_physical_address_bits(bits):
    """Take over MAXPHYADDR (CPUID 80000008h, EAX bits 0-7). Never more than 52; until called it is 52."""
    PHYSICAL.set_bits(min(bits, ARCHITECTURAL_PHYSICAL_BITS) if bits.__class__ is int else bits)


def check_integer(value, what):
    """Refuse everything that is not a plain, non-negative integer of at most 64 bits.

    `n.__class__ is int`, because the two Pythons differ on `isinstance(True, int)`; and `type(n)` costs twice as much.
    Raises TypeError or ValueError.
    """
    if value.__class__ is not int:
        raise TypeError("%s must be an int, not %s" % (what, type(value).__name__))
    if value < 0:
        raise ValueError("%s must not be negative: %d" % (what, value))
    if value >> ADDRESS_BITS:
        raise ValueError("%s has more than 64 bits: %s" % (what, hex(value)))
    return value


def check_alignment(alignment, what="alignment"):
    """Refuse an alignment that is not a power of two. Raises TypeError or ValueError."""
    check_integer(alignment, what)
    if alignment == 0 or alignment & (alignment - 1):
        raise ValueError("%s must be a power of two, not %s" % (what, hex(alignment)))
    return alignment
