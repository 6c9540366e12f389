"""How the processor treats what it reads and writes of a device: flags for `Bar.claim`.

    memory.MMIO_FLAGS    uncached: each access happens, in program order. For registers; what claim() takes by itself
    CACHED               as RAM: for memory that the device only shares
    write_combining()    writes are gathered, reads not kept: for a frame buffer

An entry's PAT, PCD and PWT name one of eight memory types in a register. SDM volume 3, "Page Attribute Table". TCG and
Bochs don't model them.
"""

from memory import DMA_FLAGS, MMIO_FLAGS, PteFlagsX86_64
from micropython import const
from paging.natives import cpu

CACHED = DMA_FLAGS
PAT_REGISTER, WRITE_COMBINING = const(0x277), const(1)
SPARE = const(5)  # at power-on it means write-through, as index 1 does


def write_combining():
    """Flags for memory, readable and writable, that the processor writes in bursts.

    If the register has no such type yet, index 5 means it from then on; a soft reset leaves it so.
    """
    register = cpu.read_msr(PAT_REGISTER)
    types = [register >> 8 * index & 7 for index in range(8)]
    if WRITE_COMBINING not in types:
        cpu.write_msr(PAT_REGISTER, register & ~(0xFF << 8 * SPARE) | WRITE_COMBINING << 8 * SPARE)
        cpu.flush_global()
        types[SPARE] = WRITE_COMBINING
    return PteFlagsX86_64(MMIO_FLAGS).with_pat_index(types.index(WRITE_COMBINING))
