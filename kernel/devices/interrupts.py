"""Interrupts of devices: a vector and a function of Python's that is called for it.

    device   writes the vector to an address that is the local APIC's (MSI; MSI-X has a table of such writes)
    C        counts it, ends it at the local APIC, and schedules the vector's own node
    Python   handler(count), at the next place where Python can be interrupted: how many there were since its last call

Counts add up to what the device has sent. What a handler raises is printed. Handlers are called one at a time, never
amid a change of the memory system; they may use everything. A soft reset clears them.

PCI Local Bus Specification 3.0, "MSI and MSI-X Capability Structures"; SDM volume 3, "Message Signalled Interrupts".
"""

import uctypes
from _interrupts import END, FIRST, set_handler
from memory import KernelError
from micropython import const

from .errors import DeviceError
from .pci import MSI, MSI_X

MESSAGE_ADDRESS = const(0xFEE00000)  # of the local APIC of the only processor
# Of both capabilities: the message control word. Of MSI: the message's address and data.
CONTROL, ADDRESS, DATA, DATA_64 = const(2), const(4), const(8), const(12)
MSI_ENABLE, MSI_IS_64_BIT, MSI_MULTIPLE = const(1 << 0), const(1 << 7), const(7 << 4)
MSI_X_ENABLE, MSI_X_MASK, MSI_X_LAST = const(1 << 15), const(1 << 14), const(0x7FF)
TABLE, WHICH_BAR = const(4), const(7)
ENTRY_BYTES, ENTRY_MASKED = const(16), const(1)
ENTRY = {
    "low": 0 | uctypes.UINT32,
    "high": 4 | uctypes.UINT32,
    "data": 8 | uctypes.UINT32,
    "control": 12 | uctypes.UINT32,
}


class OutOfVectors(KernelError):
    """All vectors for devices have handlers."""

    def __init__(self):
        super().__init__("all %d vectors for devices are taken: release() one" % (END - FIRST))


class NoInterrupts(DeviceError):
    """`device` can't interrupt by messages, or has no such entry."""


_handlers = {}  # by vector: what keeps each alive


def has_handler(number):
    """True when there is a Vector of that number, and it was not released."""
    return number in _handlers


class Vector:
    """Having one means: handler(count) is called for interrupts of `.number`. Lives until it is released."""

    def __init__(self, handler):
        """Raises TypeError or OutOfVectors."""
        if not callable(handler):
            raise TypeError("a function expected, not %s" % type(handler).__name__)
        for number in range(FIRST, END):
            if number not in _handlers:
                break
        else:
            raise OutOfVectors()
        self.number = number
        _handlers[number] = self
        set_handler(number, handler)

    def release(self):
        """Nobody is called any more; what is waiting is forgotten. Again and again does no harm."""
        if _handlers.get(self.number) is self:
            set_handler(self.number, None)
            del _handlers[self.number]

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.release()

    def __repr__(self):
        return "%s %d%s" % (type(self).__name__, self.number, "" if self.number in _handlers else ", released")


class MessageInterrupt(Vector):
    """A Vector that a Function of the bus interrupts with: by MSI-X if it can, else by MSI."""

    def __init__(self, function, handler, entry=0, mapping=None):
        """`entry` is the one of MSI-X's table; `mapping` is that of the BAR that the table lies in, if it is claimed.

        The function must be a bus master to interrupt. Raises as Vector, NoInterrupts, or what Bar.claim raises; then
        nothing has changed.
        """
        kinds = dict(function.capabilities())
        self._function = function
        self._at = kinds.get(MSI_X) or kinds.get(MSI)
        self._entry = None
        if self._at is None:
            raise NoInterrupts(function, "it has neither MSI-X nor MSI")
        if MSI_X not in kinds and entry != 0:
            raise NoInterrupts(function, "MSI has no entry %s: only MSI-X has a table" % entry)
        Vector.__init__(self, handler)
        try:
            if MSI_X in kinds:
                self._entry = self._table_entry(entry, mapping)
        except BaseException:
            Vector.release(self)
            raise
        (self._enable_msi if self._entry is None else self._enable_msi_x)()

    def _table_entry(self, entry, mapping):
        function, at = self._function, self._at
        last = function.read(at + CONTROL, 16) & MSI_X_LAST
        if entry.__class__ is not int or not 0 <= entry <= last:
            raise NoInterrupts(function, "its table of MSI-X has entries 0 to %d, not %r" % (last, entry))
        place = function.read(at + TABLE, 32)
        if mapping is None:
            mapping = function.bar(place & WHICH_BAR).claim("the interrupts of %s" % function.place)
        return mapping.as_type_mut(ENTRY, (place & ~WHICH_BAR) + entry * ENTRY_BYTES)

    def _enable_msi(self):
        function, at = self._function, self._at
        control = function.read(at + CONTROL, 16) & ~MSI_MULTIPLE
        function.write(at + ADDRESS, 32, MESSAGE_ADDRESS)
        if control & MSI_IS_64_BIT:
            function.write(at + DATA, 32, 0)
        function.write(at + (DATA_64 if control & MSI_IS_64_BIT else DATA), 16, self.number)
        function.write(at + CONTROL, 16, control | MSI_ENABLE)

    def _enable_msi_x(self):
        function, at, entry = self._function, self._at, self._entry
        function.write(at + CONTROL, 16, function.read(at + CONTROL, 16) & ~MSI_X_MASK | MSI_X_ENABLE)
        entry.low, entry.high, entry.data = MESSAGE_ADDRESS, 0, self.number
        entry.control = 0

    def release(self):
        """The device interrupts no more; then as Vector.release()."""
        if _handlers.get(self.number) is self:
            if self._entry is None:
                control = self._function.read(self._at + CONTROL, 16)
                self._function.write(self._at + CONTROL, 16, control & ~MSI_ENABLE)
            else:
                self._entry.control = ENTRY_MASKED
                self._entry.release()
        Vector.release(self)
