"""Memory as numbers: single loads and stores of 8 to 64 bits, each one instruction."""

import memory
from faults.working_set import access_of
from paging.access import frame_at
from paging.natives import memory as _memory

from diagnostics.text import WIDTH, View, hexadecimal

WIDTHS = (8, 16, 32, 64)
LOADS = {8: _memory.load8, 16: _memory.load16, 32: _memory.load32, 64: _memory.load64}
STORES = {8: _memory.store8, 16: _memory.store16, 32: _memory.store32, 64: _memory.store64}
BYTES_IN_A_LINE = 32
ADDRESS_COLUMNS = len("0xffff800000000000:")
REGISTER_BITS = 32  # of most devices


def width_for(address, length):
    """In how many bits memory wants to be read: those of a register where a page leads to a device; None for RAM."""
    access = access_of(None)
    for page, count, at in access.stretches(address, length):
        frame = frame_at(access.facts, at, page)
        if frame >= 0 and not memory.frame_allocator.is_ram(frame, frame + count - 1):
            return REGISTER_BITS
    return None


def meant(address, length):
    """For `with`: who names these bytes means to touch them, user pages too."""
    from paging.user_pages import access_to  # noqa: PLC0415 (the boot needs it not)

    return access_to(access_of(None), address, length)


class Words(View):
    """`count` words of `width` bits from `address` on, read once, in order. `.values` are the numbers."""

    def __init__(self, address, count, width):
        self.address = address
        self.width = width
        load, step = LOADS[width], width // 8
        with meant(address, count * step):
            self.values = [load(address + place * step) for place in range(count)]

    def lines(self, width=WIDTH):
        step, digits = self.width // 8, self.width // 4
        in_a_line = 1
        while in_a_line * 2 * (digits + 3) + ADDRESS_COLUMNS <= width and in_a_line * step < BYTES_IN_A_LINE:
            in_a_line *= 2
        for first in range(0, len(self.values), in_a_line):
            words = [hexadecimal(value, digits) for value in self.values[first : first + in_a_line]]
            yield "%s: %s" % (hexadecimal(self.address + first * step, 16), " ".join(words))


class Stored(View):
    """One word that was written, without reading it first: a read may be an act too, on a device.

    `.entry` is the LiveEntry that it hit, or None.
    """

    def __init__(self, address, value, width):
        from diagnostics.live_entries import live_entry_at  # noqa: PLC0415 (the boot needs it not)

        self.entry = live_entry_at(address)
        with meant(address, width // 8):
            STORES[width](address, value)
        self.address = address
        self.value = value
        self.width = width

    def lines(self, width=WIDTH):
        yield "%s: %s" % (hexadecimal(self.address, 16), hexadecimal(self.value, self.width // 4))
        if self.entry is not None:
            yield from self.entry.lines(width)


class HexDump(View):
    """Memory as bytes and letters, read once; by loads of `width` bits if there is one, each an instruction."""

    def __init__(self, address, length, width=None):
        self.address = address
        with meant(address, length):
            self.data = _memory.read_bytes(address, length, *(() if width is None else (width // 8,)))

    def lines(self, width=WIDTH):
        count, group = self._layout(width)
        digits = count * 2 + (count - 1) // group
        for first in range(0, len(self.data), count):
            row = self.data[first : first + count]
            letters = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
            groups = [row[at : at + group] for at in range(0, len(row), group)]
            numbers = " ".join("".join("%02x" % byte for byte in bytes_of) for bytes_of in groups)
            yield "%s  %-*s  %s" % (hexadecimal(self.address + first, 16), digits, numbers, letters)

    @staticmethod
    def _layout(width):
        """Return how many bytes go on a line, and how many stand together: as many apart as there is room for."""
        for count, group in ((32, 1), (16, 1), (16, 2)):
            if ADDRESS_COLUMNS + 3 + count * 3 + (count - 1) // group <= width:
                return count, group
        return 8, 1
