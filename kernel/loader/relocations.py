"""What a relocation stores, by its type: the psABI's table for x86-64, as far as compilers use it.

    S  the symbol's address      A  the addend, which the relocation names      P  the place that is changed
    G  the symbol's slot in the global offset table      GOT  the beginning of that table

Addresses are numbers from -2^63 on, as in a register that has a sign: those of the kernel's half are small ones then,
and whether a value fits 32 bits is one question.
"""

from struct import pack

import micropython

# type: (name, bytes that it changes, what it stores)
TYPES = {
    0: ("R_X86_64_NONE", 0, "nothing"),
    1: ("R_X86_64_64", 8, "S + A"),
    2: ("R_X86_64_PC32", 4, "S + A - P"),
    4: ("R_X86_64_PLT32", 4, "S + A - P"),  # S is a stub's address if the symbol is too far away
    9: ("R_X86_64_GOTPCREL", 4, "G + A - P"),
    10: ("R_X86_64_32", 4, "S + A"),
    11: ("R_X86_64_32S", 4, "S + A"),
    24: ("R_X86_64_PC64", 8, "S + A - P"),
    25: ("R_X86_64_GOTOFF64", 8, "S + A - GOT"),
    26: ("R_X86_64_GOTPC32", 4, "GOT + A - P"),
    27: ("R_X86_64_GOT64", 8, "G + A - GOT"),
    29: ("R_X86_64_GOTPC64", 8, "GOT + A - P"),
    31: ("R_X86_64_PLTOFF64", 8, "S + A - GOT"),
    41: ("R_X86_64_GOTPCRELX", 4, "G + A - P"),
    42: ("R_X86_64_REX_GOTPCRELX", 4, "G + A - P"),
}
NAMES = {kind: name for kind, (name, _, _) in TYPES.items()}
WIDTHS = {kind: width for kind, (_, width, _) in TYPES.items()}
NEED_SLOT = [kind for kind, (_, _, stored) in TYPES.items() if stored[0] == "G" and stored[:3] != "GOT"]
MAY_NEED_STUB = (4, 31)
# S + A, and S + A - P: most are.
PLAIN = (1, 2, 4, 10, 11, 24)
RELATIVE = (2, 4, 24)
NEAR = (2, 4)  # and no more than 2 GiB away
REACH = 1 << 31
ZERO_EXTENDED = 10

# movabs $address, %rax; jmp *%rax
STUB_BEGIN, STUB_END, STUB_ADDRESS_AT, STUB_BYTES = b"\x48\xb8", b"\xff\xe0", 2, 16


def signed(value):
    """A number modulo 2^64, from -2^63 to 2^63 - 1."""
    value &= (1 << 64) - 1
    return value - (1 << 64) if value >> 63 else value


def unsigned(address):
    """An address as people write it."""
    return address & (1 << 64) - 1


def value_of(kind, symbol, addend, place, slot=0, got=0):
    """What a relocation stores, without the wrap to 64 bits: see the head of this file."""
    stored = TYPES[kind][2]
    value = symbol if stored[0] == "S" else slot if kind in NEED_SLOT else got
    value += addend
    if stored[-1] == "P":
        value -= place
    elif stored[-3:] == "GOT":
        value -= got
    return value


@micropython.native
def encoded(kind, value):
    """The bytes of a relocation's value, which may be any number, or None if it does not fit."""
    if -(1 << 31) <= value < 1 << 31:
        if WIDTHS[kind] == 8:
            return pack("<q", value)
        return pack("<i", value) if kind != ZERO_EXTENDED or value >= 0 else None
    value = signed(value)
    if WIDTHS[kind] == 8:
        return pack("<q", value)
    if kind == ZERO_EXTENDED:
        return pack("<I", value) if 0 <= value < 1 << 32 else None
    return pack("<i", value) if -(1 << 31) <= value < 1 << 31 else None
