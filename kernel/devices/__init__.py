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

An interrupt is a function: `MessageInterrupt(function, handler)`, and handler(count) is called. What the device is to
read or write is lent to it, `DmaBuffer(driver, mapping, bits)`, until it is done. `edu` is a whole driver to begin
from; one that has an interrupt lives until it is dropped.

    pci              functions, found by vendor and device; capabilities
    bars             where registers lie: claimed once
    caching          how the processor treats what is no registers
    configuration    configuration space, by memory or by ports
    acpi             tables of the firmware
    interrupts       vectors, MSI and MSI-X: handlers in Python
    dma              memory in the hands of a device
    iommu, remapping    page tables for devices; off with what is left of older ones
    virtio, virtio_pci, virtqueue    what all virtio devices have
    disk, disk_requests    sectors and pages of a virtio disk
    balloon, edu, hpet, ivshmem, lapic    drivers
    errors           what is refused
"""

from .bars import Bar
from .dma import AboveDeviceLimit, DmaBuffer, NoMemory, NotInOnePiece, PastTheEnd, new_buffer
from .errors import (
    BarInUse,
    DamagedTable,
    DeviceError,
    DeviceFailed,
    DeviceTimeout,
    FeaturesRefused,
    HostWantsMore,
    NoRoomForBar,
    NoSuchBar,
    NoSuchCapability,
    NoSuchDevice,
    NotVirtio,
    QueueFull,
)
from .interrupts import MessageInterrupt, NoInterrupts, OutOfVectors, Vector
from .pci import Function, find, functions

__all__ = (
    "AboveDeviceLimit",
    "Bar",
    "BarInUse",
    "DamagedTable",
    "DeviceError",
    "DeviceFailed",
    "DeviceTimeout",
    "DmaBuffer",
    "FeaturesRefused",
    "Function",
    "HostWantsMore",
    "MessageInterrupt",
    "NoInterrupts",
    "NoMemory",
    "NoRoomForBar",
    "NoSuchBar",
    "NoSuchCapability",
    "NoSuchDevice",
    "NotInOnePiece",
    "NotVirtio",
    "OutOfVectors",
    "PastTheEnd",
    "QueueFull",
    "Vector",
    "find",
    "functions",
    "new_buffer",
)
