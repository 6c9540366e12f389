"""Bench rows of devices: what a register costs. Bound: 400."""

import uctypes
from memory import MMIO_FLAGS, PhysicalAddress, map_frame_range

# In rounds of five, so that the loop adds 50 instructions to each and not 260.
ROUNDS = 20
TIMES = 5 * ROUNDS
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


ROWS = (
    ("device: read a register", read_register, TIMES),
    ("device: write a register", write_register, TIMES),
)
