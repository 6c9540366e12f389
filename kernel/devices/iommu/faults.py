"""What an IOMMU has refused a device: one record of its registers.

Intel VT-d Specification, "Fault Recording Registers", "Translation Fault Conditions".
"""

from memory_structs import PAGE_SIZE
from micropython import const

from ..errors import DeviceError
from ..pci import place_of

# Of the high word of a record.
SOURCE, REASON_AT, WAS_READ, IS_THERE = const(0xFFFF), const(32), const(1 << 62), const(1 << 63)
REASONS = {
    0x1: "its bus has no root entry",
    0x2: "it has no context entry",
    0x3: "its context entry can't be right",
    0x4: "the address has too many bits",
    0x5: "no entry lets it write there",
    0x6: "no entry lets it read there",
    0x7: "a table lies where nothing can be read",
    0x8: "the root table lies where nothing can be read",
    0x9: "its context table lies where nothing can be read",
    0xA: "reserved bits are set in its bus's root entry",
    0xB: "reserved bits are set in its context entry",
    0xC: "reserved bits are set in an entry of a table",
    0xD: "its context entry allows no translated requests",
}


class Fault:
    """A device was refused a read or write of memory. Nothing was read or written.

    .source     who: bus << 8 | device << 3 | function; `.place` is that as people write it
    .address    the first address of the page, as the device said it; `.is_write`
    .reason     why: a number of the specification's
    """

    def __init__(self, low, high):
        self.source = high & SOURCE
        self.address = low & -PAGE_SIZE
        self.is_write = not high & WAS_READ
        self.reason = high >> REASON_AT & 0xFF

    @property
    def place(self):
        return place_of(self.source)

    def what(self):
        """What was refused, and why."""
        what = "write" if self.is_write else "read"
        why = REASONS.get(self.reason, "for a reason without a name here")
        return "refused a %s at %s: %s (reason %d)" % (what, hex(self.address), why, self.reason)

    def __repr__(self):
        return "%s %s" % (self.place, self.what())


class LostFaults:
    """There were more faults than the unit has room for: whose they were, nobody knows."""

    source = None

    def what(self):
        return "there were more faults of devices than the IOMMU has room for: some are lost"

    __repr__ = what


class DmaFault(DeviceError):
    """`device` was refused memory: `fault` is the Fault, or LostFaults."""

    def __init__(self, device, fault):
        self.fault = fault
        super().__init__(device, fault.what())
