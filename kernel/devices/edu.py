"""QEMU's teaching device `edu` (`-device edu`): it computes factorials, copies memory, and interrupts.

Its registers, and 4095 bytes of its own that it copies to and from RAM: QEMU, "EDU device". A driver to begin from.
"""

from time import ticks_diff, ticks_ms

import machine
from micropython import const
from uctypes import UINT32, UINT64

from .dma import AboveDeviceLimit, DmaBuffer, check_transfer
from .errors import DeviceTimeout
from .interrupts import MessageInterrupt
from .pci import find

VENDOR, DEVICE = const(0x1234), const(0x11E8)
REGISTERS = {
    "identity": 0x00 | UINT32,
    "liveness": 0x04 | UINT32,  # what is read is the complement of what was written
    "factorial": 0x08 | UINT32,
    "status": 0x20 | UINT32,
    "interrupts": 0x24 | UINT32,
    "raise_interrupt": 0x60 | UINT32,
    "acknowledge": 0x64 | UINT32,
    "dma_from": 0x80 | UINT64,
    "dma_to": 0x88 | UINT64,
    "dma_bytes": 0x90 | UINT64,
    "dma_command": 0x98 | UINT64,
}
COMPUTING, INTERRUPT_WHEN_COMPUTED = const(0x01), const(0x80)
DMA_START, DMA_TO_RAM, DMA_INTERRUPTS = const(1), const(2), const(4)
COMPUTED, COPIED = const(0x001), const(0x100)  # reasons for an interrupt
MEMORY_AT, MEMORY_BYTES = const(0x40000), const(4095)  # of 4096: QEMU gives up when a copy reaches the last one
ADDRESS_BITS = const(28)
PATIENCE_MS = const(2000)


class Edu:
    """The device; having one means that nobody else drives it.

    `.interrupts` counts those that came. Ctrl-C in a transfer stops the device before the memory is given back.
    """

    def __init__(self, index=0, bits=ADDRESS_BITS):
        """Drive the device, or the `index`-th of several; `bits` are those of its `dma_mask`.

        Raises NoSuchDevice, BarInUse or OutOfVectors.
        """
        self.function = find(VENDOR, DEVICE, index)
        self.bits = bits
        self.interrupts = 0
        self._reasons = 0
        self.mapping = self.function.bar(0).claim("edu")
        self.registers = self.mapping.as_type_mut(REGISTERS)
        self.registers.acknowledge = 0xFFFFFFFF
        self._wait_for_idle()
        self._vector = MessageInterrupt(self.function, self._interrupted)
        self.function.master(True)

    def _interrupted(self, count):
        self.interrupts += count
        reasons = self.registers.interrupts
        self.registers.acknowledge = reasons
        self._reasons |= reasons

    def interrupt(self, reason):
        """Have it interrupt for a reason of 32 bits of your own."""
        self.registers.raise_interrupt = reason

    def factorial(self, n):
        """n!, modulo 2**32, computed by the device. Raises DeviceTimeout."""
        self._reasons &= ~COMPUTED
        self.registers.status = INTERRUPT_WHEN_COMPUTED
        self.registers.factorial = n
        self._wait_for(COMPUTED, "a factorial")
        return self.registers.factorial

    def write(self, memory, length, offset=0, at=0):
        """Have it copy `length` bytes from byte `offset` of a mapping to byte `at` of its memory.

        A mapping is lent for that long; a DmaBuffer stays what it is. Raises PastTheEnd, AboveDeviceLimit,
        NotInOnePiece, DeviceTimeout, or DmaFault (an IOMMU has refused it); then the mapping is not lent any more.
        """
        self._copy(memory, length, offset, at, False)

    def read(self, memory, length, offset=0, at=0):
        """The other way: from its memory to the mapping. Raises as `write`."""
        self._copy(memory, length, offset, at, True)

    def _copy(self, memory, length, offset, at, to_ram):
        if not isinstance(memory, DmaBuffer):
            with DmaBuffer(self, memory, self.bits) as buffer:
                return self._copy(buffer, length, offset, at, to_ram)
        try:
            self.start(memory, length, offset, at, to_ram)
            self._wait_for(COPIED, "a copy")
        except BaseException:
            self.function.master(False)  # or it goes on with what is lent no more
            raise
        memory.check(self)

    def start(self, buffer, length, offset, at, to_ram):
        """Begin to copy, and come back at once. The DmaBuffer must not end before the device is done."""
        address = buffer.address(offset, length)
        if address + length - 1 >> self.bits:
            raise AboveDeviceLimit(self, address + length - 1, self.bits)
        check_transfer(self, "the memory of the device", at, length, MEMORY_BYTES)
        self._wait_for_idle()
        self.function.master(True)
        self._reasons &= ~COPIED
        registers = self.registers
        registers.dma_from = MEMORY_AT + at if to_ram else address
        registers.dma_to = address if to_ram else MEMORY_AT + at
        registers.dma_bytes = length
        registers.dma_command = DMA_START | DMA_INTERRUPTS | (DMA_TO_RAM if to_ram else 0)

    def _wait_for(self, reason, what):
        start = ticks_ms()
        while not self._reasons & reason:
            if ticks_diff(ticks_ms(), start) > PATIENCE_MS:
                raise DeviceTimeout(self, what, PATIENCE_MS)
            machine.idle()

    def _wait_for_idle(self):
        start = ticks_ms()
        while self.registers.dma_command & DMA_START:
            if ticks_diff(ticks_ms(), start) > PATIENCE_MS:
                raise DeviceTimeout(self, "the last copy", PATIENCE_MS)

    def drop(self):
        """Stop the device and give its registers back."""
        self.function.master(False)
        self._vector.release()
        self.registers.release()
        self.mapping.drop()

    def __repr__(self):
        return "edu at %s" % self.function.place
