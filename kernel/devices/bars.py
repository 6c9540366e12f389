"""Base address registers: which addresses a function answers to; sized, put somewhere where nobody did, claimed once.

PCI Local Bus Specification 3.0, "Base Addresses". A BAR is sized by writing ones and reading which of them stick.
"""

import memory
from memory import AddressInUse, PhysicalAddress
from memory.runs import lists
from memory_structs import PAGE_SIZE
from micropython import const

from .errors import BarInUse, NoRoomForBar, NoSuchBar

FIRST_BAR, BARS_OF = 0x10, {0: 6, 1: 2}  # how many, by the kind of header: a device's, a bridge's
BRIDGE = const(6)  # a base class; PCI-to-PCI bridges have another header
COMMAND, IO, MEMORY = const(0x04), const(1), const(2)
IS_IO, IS_64_BIT, PREFETCHABLE = const(1), const(4), const(8)
TYPE = const(6)
ONES = const(0xFFFFFFFF)
# Addresses for BARs that have none: below the I/O APIC, above what a PC's RAM below 4 GiB can be; and ports above
# those of old.
HOLE, HOLE_OF_PORTS = (0xC0000000, 0xFEBFFFFF), (0xC000, 0xFFFF)


class Bar:
    """One BAR: `.index`, `.size` in bytes, `.address` (0: nowhere yet), `.is_memory`, `.is_64_bit`, `.is_prefetchable`.

    `.function` is the Function that it is of. Made by `bars_of`.
    """

    def __init__(self, function, index, low, size, address):
        self.function = function
        self.index = index
        self.size = size
        self.address = address
        self.is_memory = not low & IS_IO
        self.is_64_bit = self.is_memory and low & TYPE == IS_64_BIT
        self.is_prefetchable = self.is_memory and bool(low & PREFETCHABLE)
        self.holder = None

    def claim(self, holder, flags=memory.MMIO_FLAGS):
        """Map all of it, and return the MappedPages: an owned device mapping, which nobody else gets while it lives.

        `holder`, a driver or a name, is who is named to others; for `flags` see `caching`. The function answers to the
        BAR from then on. Raises NoSuchBar (ports), NoRoomForBar, BarInUse, or what `map_frame_range` raises.
        """
        if not self.is_memory:
            raise NoSuchBar(self.function, self.index, "has ports, which are read and written, not mapped")
        if not self.address:
            raise NoRoomForBar(self.function, self.index, self.size)
        try:
            mapping = memory.map_frame_range(PhysicalAddress(self.address), self.size, flags)
        except AddressInUse:
            raise BarInUse(self, self.holder or "somebody who mapped p%s" % hex(self.address))
        self.holder = str(holder)
        self.function.answer_to(MEMORY)
        return mapping

    def move(self, address):
        """Have the function answer elsewhere; it must not answer to this BAR just now."""
        self.function.write(FIRST_BAR + 4 * self.index, 32, address & ONES)
        if self.is_64_bit:
            self.function.write(FIRST_BAR + 4 * self.index + 4, 32, address >> 32)
        self.address = address

    @property
    def kind(self):
        """In words: memory or ports, and how."""
        if not self.is_memory:
            return "ports"
        return "memory" + (", 64-bit" if self.is_64_bit else "") + (", prefetchable" if self.is_prefetchable else "")

    def __repr__(self):
        place = ("p%s" if self.is_memory else "port %s") % hex(self.address) if self.address else "nowhere"
        return "BAR %d: %s bytes of %s at %s" % (self.index, hex(self.size), self.kind, place)


def bars_of(function):
    """The BARs of a function, sized: it answers to none of them for that moment."""
    found, index = [], 0
    if function.header == 0 and function.class_code >> 16 == BRIDGE:
        return found  # what it has is no BAR, and the console may be behind it
    command = function.read(COMMAND, 16)
    function.write(COMMAND, 16, command & ~(IO | MEMORY))
    try:
        while index < BARS_OF.get(function.header, 0):
            low, address, mask = _sized(function, index)
            if mask:
                bar = Bar(function, index, low, (mask & -mask), address)
                found.append(bar)
                index += bar.is_64_bit
            index += 1
    finally:
        function.write(COMMAND, 16, command)
    return found


def _sized(function, index):
    """(the register's low bits, the address, the bits that can be changed; 0: there is no BAR)."""
    at = FIRST_BAR + 4 * index
    old = function.read(at, 32)
    function.write(at, 32, ONES)
    mask = function.read(at, 32)
    function.write(at, 32, old)
    if mask == 0:
        return 0, 0, 0
    low_bits = 3 if old & IS_IO else 15
    address, mask = old & ~low_bits, mask & ~low_bits
    if not old & IS_IO and old & TYPE == IS_64_BIT:
        high = function.read(at + 4, 32)
        function.write(at + 4, 32, ONES)
        mask |= function.read(at + 4, 32) << 32
        function.write(at + 4, 32, high)
        address |= high << 32
    return old & low_bits, address, mask


def assign(bars, taken, taken_ports):
    """Put the BARs that lie nowhere, or share a page, somewhere; those for which there is no room stay at 0.

    `taken`, `taken_ports`: (first, last) of the bytes of memory, and of the ports, that are no room.
    """
    homeless = [bar for bar in bars if not _is_settled(bar)]
    settled = [(bar.address, bar.address + bar.size - 1) for bar in bars if _is_settled(bar) and bar.is_memory]
    ports = [(bar.address, bar.address + bar.size - 1) for bar in bars if _is_settled(bar) and not bar.is_memory]
    room = lists.without([HOLE], list(taken) + settled)
    room_of_ports = lists.without([HOLE_OF_PORTS], list(taken_ports) + ports)
    for bar in sorted(homeless, key=lambda bar: -bar.size):
        place = _place_in(room if bar.is_memory else room_of_ports, bar)
        if place is not None:
            last = place + max(bar.size, PAGE_SIZE if bar.is_memory else 4) - 1
            if bar.is_memory:
                room = lists.without(room, [(place, last)])
            else:
                room_of_ports = lists.without(room_of_ports, [(place, last)])
            bar.function.settle(bar, place)


def _is_settled(bar):
    """True when the firmware has put it somewhere, and it shares no page with another."""
    return bar.address and not (bar.is_memory and bar.address % PAGE_SIZE)


def _place_in(room, bar):
    """The lowest place for a BAR: a multiple of its size, and memory that of a page."""
    size = max(bar.size, PAGE_SIZE) if bar.is_memory else bar.size
    for first, last in room:
        place = first + size - 1 & -size
        if place + size - 1 <= last:
            return place
    return None
