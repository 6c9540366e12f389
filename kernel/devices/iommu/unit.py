"""A unit's registers in use: one command at a time, and waited for. Intel VT-d Specification, "Register Descriptions",
"Invalidation of Translation Caches"."""

from time import ticks_diff, ticks_ms

import machine
from memory import MMIO_FLAGS, PhysicalAddress, map_frame_range
from memory.ledger import undisturbed
from memory_structs import PAGE_SHIFT
from memory_structs.mode import INDEX_BITS
from micropython import const

from ..acpi import remapping_units
from ..errors import DeviceTimeout, NoSuchDevice
from ..remapping import DEPTHS_AT, LASTING, PATIENCE_MS, REGISTERS, TAKE_ROOT, TRANSLATE, WIDTH_AT, layout
from .faults import IS_THERE, Fault, LostFaults

DEPTHS = (1, 2, 3)  # of tables: one more than that leads through, and a page
FORGET = 1 << 63
ALL_CONTEXTS, ALL, OF_A_DOMAIN, DOMAIN_AT = 1 << 61, 1 << 60, 2 << 60, 32
OVERFLOW = const(1)  # of the fault status


class Unit:
    """Having one means that nobody else has its registers: `.registers`.

    .address_bits      of a physical address
    .width             bits of an address as devices say it
    .depth, .levels    what a context entry says of the depth of tables; how many levels that are
    """

    def __init__(self):
        """Translation is off. Raises NoSuchDevice, AddressInUse or DamagedTable."""
        units, self.address_bits = remapping_units()
        if not units:
            raise NoSuchDevice(
                "IOMMU", "ACPI has no table DMAR: QEMU has it with `-device intel-iommu` as first device"
            )
        self.address = units[0]
        self.mapping = map_frame_range(PhysicalAddress(self.address), 4096, MMIO_FLAGS)
        first = self.mapping.as_type(REGISTERS)
        capability, more = first.capability, first.more_capability
        first.release()
        self.registers = self.mapping.as_type_mut(layout(capability, more))
        self.depth = max([depth for depth in DEPTHS if capability >> DEPTHS_AT + depth & 1])
        self.levels = self.depth + 2
        self.width = min((capability >> WIDTH_AT & 63) + 1, PAGE_SHIFT + INDEX_BITS * self.levels)
        self._faults = []
        self.translate(False)

    @property
    def is_on(self):
        return bool(self.registers.status & TRANSLATE)

    def translate(self, on):
        """Switch translation on or off. Raises DeviceTimeout."""
        self._command(TRANSLATE, TRANSLATE if on else 0)

    def use(self, root):
        """Take the root table in a frame for the one to use. Raises DeviceTimeout."""
        self.registers.root = root << PAGE_SHIFT
        self._command(TAKE_ROOT, TAKE_ROOT)
        self.flush()

    def _command(self, bit, wanted):
        registers = self.registers
        registers.command = registers.status & LASTING & ~bit | wanted
        self._wait(lambda: registers.status & bit == wanted, "a command")

    def _wait(self, is_done, what):
        start = ticks_ms()
        while not is_done():
            if ticks_diff(ticks_ms(), start) > PATIENCE_MS:
                raise DeviceTimeout(self, what, PATIENCE_MS)
            machine.idle()

    @undisturbed
    def flush(self, domain=None):
        """Have it forget what it remembers of a domain, by number; without one, of all, context entries too.

        Raises DeviceTimeout.
        """
        registers = self.registers
        if domain is None:
            registers.context_command = FORGET | ALL_CONTEXTS
            self._wait(lambda: not registers.context_command & FORGET, "forgetting contexts")
            registers.iotlb = FORGET | ALL
        else:
            registers.iotlb = FORGET | OF_A_DOMAIN | domain << DOMAIN_AT
        self._wait(lambda: not registers.iotlb & FORGET, "a flush")

    @undisturbed
    def take_faults(self, is_wanted):
        """[Fault or LostFaults, ...] of those for which is_wanted(fault) is true; the others stay for whoever asks.

        What the unit has recorded is cleared, so that there is room for others.
        """
        words = self.registers.faults
        for index in range(1, len(words), 2):
            high = words[index]
            if high & IS_THERE:
                self._faults.append(Fault(words[index - 1], high))
                words[index] = IS_THERE
        if self.registers.fault_status & OVERFLOW:
            self._faults.append(LostFaults())
            self.registers.fault_status = OVERFLOW
        found = [each for each in self._faults if is_wanted(each)]
        self._faults = [each for each in self._faults if each not in found]
        return found

    def drop(self):
        """Give the registers back."""
        self.registers.release()
        self.mapping.drop()

    def __repr__(self):
        return "IOMMU at p%s" % hex(self.address)
