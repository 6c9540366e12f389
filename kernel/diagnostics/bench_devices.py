"""Bench rows of devices: what a register costs, and an interrupt. Bounds: 400; 1,100 to its handler's first line."""

import uctypes
from devices.dma import DmaBuffer
from devices.interrupts import Vector
from devices.lapic import TO_SELF, LocalApic
from memory import MMIO_FLAGS, PhysicalAddress, PteFlags, create_mapping, map_frame_range

from diagnostics.bench import undo

# In rounds of five, so that the loop adds 50 instructions to each and not 260.
ROUNDS = 20
TIMES = 5 * ROUNDS
LENT_BYTES = 65536
HPET = PhysicalAddress(0xFED00000)
REGISTERS = {
    "capabilities": 0 | uctypes.UINT64,
    "configuration": 0x10 | uctypes.UINT64,
    "status": 0x20 | uctypes.UINT32,
}


def read_register():
    registers = map_frame_range(HPET, 4096, MMIO_FLAGS).as_type(REGISTERS)

    def act(registers=registers):
        for _ in range(ROUNDS):
            registers.status  # noqa: B018
            registers.status  # noqa: B018
            registers.status  # noqa: B018
            registers.status  # noqa: B018
            registers.status  # noqa: B018

    return act


def write_register():
    registers = map_frame_range(HPET, 4096, MMIO_FLAGS).as_type_mut(REGISTERS)

    def act(registers=registers):
        for _ in range(ROUNDS):
            registers.status = 0
            registers.status = 0
            registers.status = 0
            registers.status = 0
            registers.status = 0

    return act


def interrupt():
    """The processor interrupts itself: a register is written, the handler called, and what it returns dropped."""
    apic, vector = LocalApic(), Vector(lambda count: None)
    undo(apic.drop)
    undo(vector.release)

    def act(registers=apic.registers, command=TO_SELF | vector.number):
        for _ in range(TIMES):
            registers.command = command

    return act


def lend_and_end():
    mapping = create_mapping(LENT_BYTES, PteFlags().writable(True))

    def act(mapping=mapping):
        DmaBuffer("a device", mapping).end()

    return act


ROWS = (
    ("device: read a register", read_register, TIMES),
    ("device: write a register", write_register, TIMES),
    ("device: an interrupt and its handler in Python", interrupt, TIMES),
    ("device: lend 64 KiB to a device and end that", lend_and_end, 1),
)
