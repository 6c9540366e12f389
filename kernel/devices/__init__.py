"""Devices: who is on the bus, where their registers are, what they may do to memory. How a driver is written:

    from devices import find
    REGISTERS = {"identity": 0 | UINT32, "liveness": 4 | UINT32}    # name: offset | type, in the notation of `uctypes`

    class Edu:
        def __init__(self):
            self.function = find(0x1234, 0x11E8)                    # NoSuchDevice
            self.mapping = self.function.bar(0).claim("edu")        # NoSuchBar, BarInUse: an owned device mapping
            self.registers = self.mapping.as_type_mut(REGISTERS)    # each field: one load or store of its width

Whatever is read or written happens then, in that order, and nothing else does. Registers of one kind in a row are an
array, (offset | ARRAY, count | UINT32), or `mapping.as_slice_mut("I", offset, count)`. The driver owns its mapping:
dropped or forgotten, the BAR can be claimed again. A device that is to read or write RAM, or to interrupt, is reset
first, and then told `function.master(True)`: a soft reset has stopped it, whatever it was about to do.

    pci              functions, found by vendor and device; capabilities
    bars             where registers lie: claimed once
    configuration    configuration space, by memory or by ports
    acpi             tables of the firmware
    errors           what is refused
"""

from .bars import Bar
from .errors import BarInUse, DamagedTable, DeviceError, NoRoomForBar, NoSuchBar, NoSuchCapability, NoSuchDevice
from .pci import Function, find, functions

__all__ = (
    "Bar",
    "BarInUse",
    "DamagedTable",
    "DeviceError",
    "Function",
    "NoRoomForBar",
    "NoSuchBar",
    "NoSuchCapability",
    "NoSuchDevice",
    "find",
    "functions",
)
