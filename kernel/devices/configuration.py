"""PCI's configuration space: 256 bytes of each function, or 4096 where memory shows it.

A function is meant by its number: bus << 8 | device << 3 | function. PCI Local Bus Specification 3.0, "Configuration
Space Access Mechanism"; PCI Express Base Specification, "Enhanced Configuration Access Mechanism" (ECAM).
"""

from memory.ledger import undisturbed
from memory_structs import PAGE_SHIFT
from paging.natives import cpu
from paging.natives import memory as raw
from paging.protection import Protection, address_in_window

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
    """By memory, where ACPI says, through the physical window."""

    size = 4096

    def __init__(self, address, last_bus):
        self.name = "memory at p%s" % hex(address)
        self.last_bus = last_bus
        self._start = address_in_window(address >> PAGE_SHIFT)

    def read(self, number, offset, width):
        """The register of 8, 16 or 32 bits at a byte offset below 4096; all ones where no function is."""
        return LOADS[width](self._start + (number << BYTES_OF_A_FUNCTION_SHIFT) + offset)

    def write(self, number, offset, width, value):
        """Write such a register."""
        STORES[width](self._start + (number << BYTES_OF_A_FUNCTION_SHIFT) + offset, value)


def configuration_space():
    """Ecam, or Ports where ACPI or the physical window know no such memory. Raises DamagedTable."""
    segment = configuration_segment()
    if segment is not None:
        address, first_bus, last_bus = segment
        end = address + (last_bus + 1 << FUNCTIONS_OF_A_BUS_SHIFT + BYTES_OF_A_FUNCTION_SHIFT)
        if first_bus == 0 and end >> PAGE_SHIFT <= Protection.live.window_pages:
            return Ecam(address, last_bus)
    return Ports()
