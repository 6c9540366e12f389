"""What an argument of a command can be: how it is written at the prompt, and which Python values it takes.

    address    0xffff800000000000 or v0xffff800000000000, p0xb8000 (through the physical window), decimal; or whatever
               has an address: a page, a frame, a range, a mapping, an entry, a fault
    size       4096, 0x1000, 4K, 2M, 1G, 0.5G
    number     17, 0x11; addresses in the kernel's own notation, too
    word       one of a few

Anything that is not written like that is taken for a Python expression over the user's own names.
"""

from diagnostics.places import address_of, physical_of
from memory_structs import PhysicalAddress, VirtualAddress

from shell.errors import UsageError

UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


class NotLiteral(Exception):
    """The text is not how this kind is written; it may be a Python expression."""


class Kind:
    """One kind of argument. `name` stands for it in a usage line; `words` are what Tab offers."""

    words = ()

    def __init__(self, name):
        self.name = name

    def of_text(self, text):
        """Return the value that a word at the prompt means. Raises NotLiteral."""
        return integer_of(text)

    def of_value(self, value):
        """Return a Python value as this kind's own. Raises UsageError."""
        return value


class NumberKind(Kind):
    """An integer from `first` to `last`."""

    def __init__(self, name, first=0, last=(1 << 64) - 1, in_hexadecimal=False):
        self.name = name
        self.first = first
        self.last = last
        self._written = "%#x" if in_hexadecimal else "%d"

    def of_text(self, text):
        is_address = text[:3] in ("p0x", "v0x")
        return integer_of(text[1:] if is_address else text)

    def of_value(self, value):
        if isinstance(value, (PhysicalAddress, VirtualAddress)):
            value = value.value
        if type(value) is not int:
            raise UsageError("%s must be an integer, not %s" % (self.name.lower(), type(value).__name__))
        if not self.first <= value <= self.last:
            limits = tuple([self._written % number for number in (value, self.first, self.last)])
            raise UsageError("%s is %s: it must be from %s to %s" % ((self.name.lower(),) + limits))
        return value


class SizeKind(NumberKind):
    """A number of bytes, with K, M, G or T for the powers of 1024."""

    def of_text(self, text):
        unit = UNITS.get(text[-1:].upper())
        return bytes_of(text[:-1], unit) if unit and text[:2] not in ("0x", "0X") else integer_of(text)


class AddressKind(Kind):
    """A virtual address, or what has one; a physical one stands for its place in the physical window."""

    def of_text(self, text):
        if text[:1] == "p" and text[1:3] == "0x":
            return PhysicalAddress(integer_of(text[1:]))
        return VirtualAddress(integer_of(text[1:] if text[:3] == "v0x" else text))

    def of_value(self, value):
        found = address_of(value)
        if found is None:
            raise UsageError("%s has no address" % said_of(value))
        return found


class PlaceKind(AddressKind):
    """Something that has an address, as it is: how far it reaches matters, too."""

    def of_value(self, value):
        super().of_value(value)
        return value


class PhysicalKind(AddressKind):
    """A physical address: plain numbers are physical here; what is virtual stands for where it leads."""

    def of_text(self, text):
        return PhysicalAddress(integer_of(text[1:] if text[:1] == "p" else text))

    def of_value(self, value):
        if type(value) is int:
            return PhysicalAddress(value)
        found = physical_of(value)
        if found is None:
            raise UsageError("%s has no physical address now" % said_of(value))
        return found


class WordKind(Kind):
    """One of a few words."""

    def __init__(self, name, words):
        self.name = name
        self.words = words

    def of_text(self, text):
        if text not in self.words:
            raise UsageError("%s is no %s: it can be %s" % (text, self.name.lower(), ", ".join(self.words)))
        return text

    def of_value(self, value):
        if value not in self.words:
            raise UsageError("%r is no %s: it can be %s" % (value, self.name.lower(), ", ".join(self.words)))
        return value


class WordOrPlaceKind(WordKind):
    """One of a few words, or something that has an address."""

    def of_text(self, text):
        return text if text in self.words else ADDRESS.of_text(text)

    def of_value(self, value):
        return super().of_value(value) if isinstance(value, str) else PLACE.of_value(value)


class TextKind(Kind):
    """Any word as it is."""

    def of_text(self, text):
        return text

    def of_value(self, value):
        if not isinstance(value, str):
            raise UsageError("%s must be a str, not %s" % (self.name.lower(), type(value).__name__))
        return value


class AnythingKind(TextKind):
    """Any word as it is, or any object."""

    def of_value(self, value):
        return value


def integer_of(text):
    """Return the int that a decimal or `0x…` text means; underscores are allowed. Raises NotLiteral."""
    if not text[:1].isdigit():
        raise NotLiteral(text)
    try:
        return int(text, 16) if text[:2] in ("0x", "0X") else int(text)
    except ValueError:
        raise NotLiteral(text)


def bytes_of(text, unit):
    """Return how many bytes a number of units is that may have a point, as `1.5`. Raises NotLiteral or UsageError."""
    whole, point, part = text.partition(".")
    count = integer_of(whole) * unit
    if not point:
        return count
    parts, of = integer_of(part) * unit, 10 ** len(part)
    if parts % of:
        raise UsageError("%s times %d is no whole number of bytes" % (text, unit))
    return count + parts // of


def said_of(value):
    """Return a value in few letters."""
    text = repr(value)
    return text if len(text) <= 40 else "this %s" % type(value).__name__


ADDRESS = AddressKind("ADDRESS")
PLACE = PlaceKind("ADDRESS")
PHYSICAL = PhysicalKind("PHYSICAL")
SIZE = SizeKind("SIZE")
COUNT = NumberKind("COUNT", 1, 1 << 32)
NUMBER = NumberKind("NUMBER")
