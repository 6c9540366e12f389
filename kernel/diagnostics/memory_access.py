"""Memory as numbers: single loads and stores of 8 to 64 bits, each one instruction."""

from paging.natives import memory as _memory

from diagnostics.live_entries import live_entry_at
from diagnostics.text import View, hexadecimal

WIDTHS = (8, 16, 32, 64)
LOADS = {8: _memory.load8, 16: _memory.load16, 32: _memory.load32, 64: _memory.load64}
STORES = {8: _memory.store8, 16: _memory.store16, 32: _memory.store32, 64: _memory.store64}
BYTES_IN_A_LINE = 32


class Words(View):
    """`count` words of `width` bits from `address` on, read once, in order. `.values` are the numbers."""

    def __init__(self, address, count, width):
        self.address = address
        self.width = width
        load, step = LOADS[width], width // 8
        self.values = [load(address + place * step) for place in range(count)]

    def lines(self):
        step, digits = self.width // 8, self.width // 4
        in_a_line = BYTES_IN_A_LINE // step
        for first in range(0, len(self.values), in_a_line):
            words = [hexadecimal(value, digits) for value in self.values[first : first + in_a_line]]
            yield "%s: %s" % (hexadecimal(self.address + first * step, 16), " ".join(words))


class Stored(View):
    """One word that was written, without reading it first: a read may be an act too, on a device.

    `.entry` is the LiveEntry that it hit, or None.
    """

    def __init__(self, address, value, width):
        self.entry = live_entry_at(address)
        STORES[width](address, value)
        self.address = address
        self.value = value
        self.width = width

    def lines(self):
        yield "%s: %s" % (hexadecimal(self.address, 16), hexadecimal(self.value, self.width // 4))
        if self.entry is not None:
            yield from self.entry.lines()


class HexDump(View):
    """Memory as bytes and letters, read once."""

    def __init__(self, address, length):
        self.address = address
        self.data = _memory.read_bytes(address, length)

    def lines(self):
        for first in range(0, len(self.data), 16):
            row = self.data[first : first + 16]
            letters = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
            pairs = " ".join("%02x" % byte for byte in row)
            yield "%s  %-47s  %s" % (hexadecimal(self.address + first, 16), pairs, letters)
