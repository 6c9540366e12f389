"""The high precision event timer: a counter that never stops, and timers. IA-PC HPET Specification 1.0a.

The kernel's own clock reads the same counter, and stays undisturbed: nothing here writes to it.
"""

import struct

from memory import MMIO_FLAGS, PhysicalAddress, map_frame_range
from micropython import const
from uctypes import ARRAY, UINT64

from .acpi import find_table
from .errors import NoSuchDevice
from .interrupts import MESSAGE_ADDRESS, NoInterrupts, Vector

ADDRESS_AT = const(44)  # in ACPI's table
TIMERS_MOST = const(32)
WORDS_OF_A_TIMER = const(4)  # configuration, comparator, where its message goes, nothing
REGISTERS = {
    "capabilities": 0x00 | UINT64,
    "configuration": 0x10 | UINT64,
    "status": 0x20 | UINT64,
    "counter": 0xF0 | UINT64,
    "timers": (0x100 | ARRAY, WORDS_OF_A_TIMER * TIMERS_MOST | UINT64),
}
INTERRUPTS, BY_MESSAGE, CAN_BY_MESSAGE = const(1 << 2), const(1 << 14), const(1 << 15)
FEMTOSECONDS = const(1000000)  # in a nanosecond


class Hpet:
    """Having one means that nobody else has its registers: `.registers`.

    .period       femtoseconds between two counts
    .timers       how many there are
    """

    def __init__(self):
        """Raises NoSuchDevice or AddressInUse."""
        table = find_table(b"HPET")
        if table is None:
            raise NoSuchDevice("HPET", "ACPI has no table of that name")
        address = struct.unpack_from("<Q", table, ADDRESS_AT)[0]
        self.mapping = map_frame_range(PhysicalAddress(address), 4096, MMIO_FLAGS)
        self.registers = self.mapping.as_type_mut(REGISTERS)
        capabilities = self.registers.capabilities
        self.period = capabilities >> 32
        self.timers = (capabilities >> 8 & 31) + 1

    def now(self):
        """Nanoseconds since it was started."""
        return self.registers.counter * self.period // FEMTOSECONDS

    def after(self, nanoseconds, handler, timer=0):
        """Have handler(1) called when that time is over. Returns the Vector, to release.

        Raises NoSuchDevice, NoInterrupts (it has none by messages: `-global hpet.msi=on`), OutOfVectors or TypeError.
        """
        if not 0 <= timer < self.timers:
            raise NoSuchDevice("timer %s" % timer, "the HPET has %d" % self.timers)
        words, first = self.registers.timers, timer * WORDS_OF_A_TIMER
        if not words[first] & CAN_BY_MESSAGE:
            raise NoInterrupts("the HPET", "timer %d can't interrupt by messages" % timer)
        vector = Vector(handler)
        words[first] = words[first] & ~INTERRUPTS
        words[first + 2] = MESSAGE_ADDRESS << 32 | vector.number
        words[first + 1] = self.registers.counter + nanoseconds * FEMTOSECONDS // self.period
        words[first] = words[first] | INTERRUPTS | BY_MESSAGE
        return vector

    def drop(self):
        """Stop the timers and give the registers back. Raises UseAfterMove."""
        for timer in range(self.timers):
            self.registers.timers[timer * WORDS_OF_A_TIMER] &= ~INTERRUPTS
        self.registers.release()
        self.mapping.drop()
