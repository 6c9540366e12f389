"""What another processor can be given to do: what is called, with which registers, and what its result means.

System V ABI: integers in six registers, floats in eight. A viper function is called as MicroPython calls it, with its
arguments as objects in memory.
"""

import struct

import uctypes
from memory import VirtualAddress
from memory.views.loaded_section import letters_of
from micropython import const

from .natives import processors

INTEGERS, FLOATS = const(6), const(8)
WORD = (1 << 64) - 1
SMALL = 1 << 62  # small ints reach from -SMALL to SMALL - 1
ARGUMENTS = "<14Q"  # the six integers, then the eight floats
SIZES = {"b": 8, "h": 16, "i": 32, "l": 64, "q": 64}


class Act:
    """Something that every processor can do by itself: `name` and the integers that it takes."""

    def __init__(self, name, takes, address):
        self.name = name
        self.takes = takes
        self.address = address

    def __repr__(self):
        return "<%s(%s)>" % (self.name, ", ".join(self.takes))


_read, _write, _fetch, _spin, _hammer, _copy, _read_msr, _read_control = processors.acts()
READ = Act("READ", ("address",), _read)
WRITE = Act("WRITE", ("address", "value"), _write)
FETCH = Act("FETCH", ("address",), _fetch)
SPIN = Act("SPIN", (), _spin)
HAMMER = Act("HAMMER", ("address", "count", "step", "rounds"), _hammer)
COPY = Act("COPY", ("to", "from", "words"), _copy)
READ_MSR = Act("READ_MSR", ("number",), _read_msr)
READ_CONTROL = Act("READ_CONTROL", ("number",), _read_control)


class Job:
    """What a processor was given: where it begins, its registers, what must not be collected meanwhile."""

    def __init__(self, number, function, arguments):
        """Raises TypeError (no such thing can be done there, or a wrong number of arguments) or OverflowError."""
        self.function = function
        self.is_viper = False
        self.letter = "Q"
        self.holds = [function, arguments]
        if type(function) is Act:
            self._of_integers(function.address, function, function.takes, arguments)
        elif type(function).__name__ == "Function" and hasattr(function, "signature"):
            self._of_machine_code(function, arguments)
        else:
            self._of_viper(number, function, arguments)

    def _of_integers(self, entry, function, takes, arguments):
        if len(arguments) != len(takes):
            raise TypeError("%r takes %d arguments, %d were given" % (function, len(takes), len(arguments)))
        self.entry = entry
        integers = [number_of(value) & WORD for value in arguments]
        self.registers = _packed(integers, ())

    def _of_machine_code(self, function, arguments):
        if not function.is_live:
            raise TypeError("%r is over" % (function,))
        result, letters = letters_of(function.signature)
        if len(arguments) != len(letters):
            raise TypeError("%r takes %d arguments, %d were given" % (function, len(letters), len(arguments)))
        integers, floats = [], []
        for place, letter in enumerate(letters):
            value = arguments[place]
            if letter in "fd":
                floats.append(struct.unpack("<Q", struct.pack("<f4x" if letter == "f" else "<d", value))[0])
            else:
                integers.append(_checked(letter, number_of(value)))
        self.entry, self.letter = function.address, result
        self.registers = _packed(integers, floats)

    def _of_viper(self, number, function, arguments):
        found = processors.viper(function)
        if found is None:
            raise TypeError(
                "%r can't run on another CPU: give an act, machine code by as_func, or a viper function that was"
                " compiled here" % (function,)
            )
        if len(arguments) > FLOATS:
            raise TypeError("a viper function on another CPU takes at most %d arguments" % FLOATS)
        self.entry, copy, address = found
        self.is_viper = True
        self.holds.append(copy)
        at = processors.arguments_at(number)
        objects = [_object_of(value) for value in arguments]
        self.registers = _packed([address, len(objects), 0, at], objects)

    def result(self, number):
        """What the job that is done has left in the registers, as what was called says."""
        if self.is_viper:
            return processors.result_object(number)
        integer, real = processors.result(number)
        if not self.letter:
            return None
        raw = struct.pack("<Q", real if self.letter in "fd" else integer)
        return struct.unpack_from("<" + self.letter, raw)[0]


def number_of(value):
    """The int that a value is, or the address that it has: a VirtualAddress, a mapping, a page. Raises TypeError."""
    for _ in range(2):
        if type(value) is int:
            return value
        if type(value) is VirtualAddress:
            return value.value
        value = getattr(value, "start_address", None)
    raise TypeError("an int, or what has a virtual address, expected")


def _packed(integers, floats):
    words = list(integers) + [0] * (INTEGERS - len(integers)) + list(floats)
    return struct.pack(ARGUMENTS, *(words + [0] * (INTEGERS + FLOATS - len(words))))


def _checked(letter, value):
    """The bits of an argument. Raises OverflowError."""
    bits = SIZES[letter.lower()]
    least, end = (0, 1 << bits) if letter.isupper() else (-1 << bits - 1, 1 << bits - 1)
    if not least <= value < end:
        raise OverflowError("%d does not fit %r" % (value, letter))
    return value & WORD


def _object_of(value):
    """The bits of a small int: a number, an address, or where a buffer's bytes are."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        value = uctypes.addressof(value)
    number = int(value) if type(value) is bool else number_of(value)
    if SMALL <= number <= WORD:
        number -= 1 << 64
    if not -SMALL <= number < SMALL:
        raise OverflowError("%d is beyond what a viper function takes there" % number)
    return (number << 1 | 1) & WORD
