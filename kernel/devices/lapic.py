"""The local APIC of the processor: who it is, interrupts to itself, and its timer. SDM volume 3, "APIC"."""

import uctypes
from memory import MMIO_FLAGS, PhysicalAddress, map_frame_range
from micropython import const
from paging.natives import cpu

from .errors import NoSuchDevice
from .interrupts import Vector

APIC_BASE, ENABLED, ADDRESS_MASK = const(0x1B), const(1 << 11), const(0xFFFFF000)  # a model-specific register, its bits
TO_SELF = const(1 << 18 | 1 << 14)  # a command: shorthand 01, level assert, fixed delivery
MASKED, BY_ONE = const(1 << 16), const(0b1011)
REGISTERS = {
    "id": 0x20 | uctypes.UINT32,
    "version": 0x30 | uctypes.UINT32,
    "command": 0x300 | uctypes.UINT32,
    "timer_entry": 0x320 | uctypes.UINT32,
    "timer_count": 0x380 | uctypes.UINT32,
    "timer_now": 0x390 | uctypes.UINT32,
    "timer_divide": 0x3E0 | uctypes.UINT32,
}


class LocalApic:
    """Having one means that nobody else has its registers: `.registers`. drop() gives them back."""

    def __init__(self):
        """Raises NoSuchDevice or AddressInUse."""
        base = cpu.read_msr(APIC_BASE)
        if not base & ENABLED:
            raise NoSuchDevice("local APIC that is on", "its base register says so")
        self.mapping = map_frame_range(PhysicalAddress(base & ADDRESS_MASK), 4096, MMIO_FLAGS)
        self.registers = self.mapping.as_type_mut(REGISTERS)

    def interrupt_self(self, vector):
        """Have the processor interrupted, here and now, by a Vector."""
        self.registers.command = TO_SELF | vector.number

    def after(self, count, handler):
        """Have handler(1) called once `count` ticks of the APIC's clock are over. Returns the Vector, to release."""
        vector = Vector(handler)
        registers = self.registers
        registers.timer_divide = BY_ONE
        registers.timer_entry = vector.number
        registers.timer_count = count
        return vector

    def drop(self):
        """Stop the timer and give the registers back. Raises UseAfterMove."""
        self.registers.timer_entry = MASKED
        self.registers.release()
        self.mapping.drop()
