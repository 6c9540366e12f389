"""PCI's configuration space: 256 bytes of each function, or 4096 where memory shows it.

A function is meant by its number: bus << 8 | device << 3 | function. PCI Local Bus Specification 3.0, "Configuration
Space Access Mechanism"; PCI Express Base Specification, "Enhanced Configuration Access Mechanism" (ECAM).
"""

import memory
from memory.ledger import undisturbed
from paging.natives import cpu
from paging.natives import memory as raw

from .acpi import configuration_segment

ADDRESS_PORT, DATA_PORT, ENABLE = 0xCF8, 0xCFC, 1 << 31
BYTES_OF_A_FUNCTION_SHIFT, FUNCTIONS_OF_A_BUS_SHIFT = 12, 8
LOADS = {8: raw.load8, 16: raw.load16, 32: raw.load32}
STORES = {8: raw.store8, 16: raw.store16, 32: raw.store32}


class Ports:
    """By two ports, on every PC: one is told the address, the other has the data. The last bus is not known."""

    name = "ports 0xcf8, 0xcfc"
    last_bus = 255
    size = 256

    @undisturbed
    def read(self, number, offset, width):
        """The register of 8, 16 or 32 bits at a byte offset below 256; all ones where no function is."""
        cpu.port_write(ADDRESS_PORT, 32, ENABLE | number << 8 | offset & 0xFC)
        return cpu.port_read(DATA_PORT + (offset & 3), width)

    @undisturbed
    def write(self, number, offset, width, value):
        """Write such a register."""
        cpu.port_write(ADDRESS_PORT, 32, ENABLE | number << 8 | offset & 0xFC)
        cpu.port_write(DATA_PORT + (offset & 3), width, value)


class Ecam:
    """By memory, where ACPI says. Having one means that nobody else has it mapped."""

    size = 4096

    def __init__(self, address, first_bus, last_bus):
        """Map it. Raises AddressInUse or OutOfFrames."""
        start = memory.PhysicalAddress(address + (first_bus << FUNCTIONS_OF_A_BUS_SHIFT + BYTES_OF_A_FUNCTION_SHIFT))
        size = last_bus + 1 - first_bus << FUNCTIONS_OF_A_BUS_SHIFT + BYTES_OF_A_FUNCTION_SHIFT
        self.mapping = memory.map_frame_range(start, size, memory.MMIO_FLAGS)
        self.name = "memory at %s" % start
        self.last_bus = last_bus
        self._start = self.mapping.start_address.value - (first_bus << 20) - (1 << 64)  # as a small int

    def read(self, number, offset, width):
        """The register of 8, 16 or 32 bits at a byte offset below 4096; all ones where no function is."""
        return LOADS[width](self._start + (number << BYTES_OF_A_FUNCTION_SHIFT) + offset)

    def write(self, number, offset, width, value):
        """Write such a register."""
        STORES[width](self._start + (number << BYTES_OF_A_FUNCTION_SHIFT) + offset, value)


def configuration_space():
    """The best way that this machine has: Ecam, or Ports. Raises as these, and DamagedTable."""
    segment = configuration_segment()
    return Ports() if segment is None else Ecam(*segment)
