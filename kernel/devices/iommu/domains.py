"""Domains: what devices reach. What is mapped in one is lent, as every DmaBuffer is: it can't be given away."""

from memory import PAGE_SIZE, AllocatedFrames, MappedPages, Misaligned
from memory.ledger import undisturbed
from memory_structs.mode import VIRTUAL_BITS

from ..dma import DmaBuffer
from ..errors import DeviceError
from .lent_frames import LentFrames
from .tables import DeviceTables

INTERRUPTS = (0xFEE00000, 0xFEEFFFFF)  # what a device writes there is an interrupt, and is not translated


class TranslationOff(DeviceError):
    """Devices see RAM as it is: what is mapped elsewhere for them would be somebody else's memory."""


class Attached(DeviceError):
    """`device` is attached to a Domain already, or to none."""


class IovaRefused(DeviceError):
    """Nothing can be mapped at `iova`, an address as devices say it: `device` is the Domain."""

    def __init__(self, domain, iova, text):
        self.iova = iova
        super().__init__(domain, "%s %s" % (hex(iova), text))


class DomainInUse(DeviceError):
    """Something is mapped in `device`, a Domain, or a Function is attached to it."""


class Mapped(DmaBuffer):
    """A DmaBuffer that devices see at one address, however its frames are scattered; made by `Domain.map`."""

    def __init__(self, domain, at, mapping, writable):
        self._lend(domain, mapping, domain.iommu.unit.address_bits, domain, at, writable)


class Domain:
    """What the Functions that are attached to it can reach: nothing, until it is mapped here or lent to one of them.

    .number       its own among the unit's domains
    .bits         of addresses as devices say them: they are below 1 << bits
    .root         the frame number of its root table; there are `.iommu.unit.levels`
    .buffers      the DmaBuffers that are mapped now, and .functions who is attached
    """

    def __init__(self, iommu, number):
        """Made by `Iommu.attach`. Raises OutOfFrames."""
        self.iommu = iommu
        self.number = number
        # Page numbers of the engine are the CPU's: of these the lower half.
        self.bits = min(iommu.unit.width, VIRTUAL_BITS - 1)
        self.buffers = []
        self.functions = []
        self._tables = DeviceTables(iommu.unit.levels)
        self.root = self._tables.root

    def map(self, iova, memory, writable=True):
        """Lend a mapping of RAM, or AllocatedFrames, to the devices, which see it at the address `iova` (a number) in
        one piece. Who may write may read. (QEMU records a write that is refused only where it remembers no read.)
        Returns a DmaBuffer; its end() takes it away from them. Raises IovaRefused (no such address, in use, or a place
        for interrupts), Misaligned, TranslationOff, OutOfFrames (for tables), or as DmaBuffer; then nothing is mapped.
        """
        if iova.__class__ is not int:
            raise TypeError("an address as devices say it is an int, not %s" % type(iova).__name__)
        if memory.__class__ is AllocatedFrames:
            memory = LentFrames(memory)
        elif memory.__class__ is not MappedPages:
            raise TypeError("MappedPages or AllocatedFrames are lent, not %s" % type(memory).__name__)
        if not self.iommu.is_on:
            raise TranslationOff(self, "translation is off: enable() the Iommu first")
        return Mapped(self, iova, memory, writable)

    def unmap(self, iova):
        """End the DmaBuffer that begins at an address: when this returns, no device reaches it. Raises IovaRefused."""
        for buffer in [each for each in self.buffers if each.runs[0][0] == iova]:
            return buffer.end()
        raise IovaRefused(self, iova, "is not where something mapped begins")

    def entry(self, iova):
        """The PageTableEntry that maps an address, live: setting it writes memory, and the unit is not told."""
        if iova.__class__ is not int or iova < 0 or iova >> self.bits:
            raise IovaRefused(self, iova, "is no address of %d bits" % self.bits)
        return self._tables.entry(iova)

    def flush(self):
        """Have the unit forget what it remembers of the tables. Raises DeviceTimeout."""
        self.iommu.unit.flush(self.number)

    @undisturbed
    def enter(self, buffer, at):
        """For DmaBuffer: map its frames, `.runs`, one behind the other from `at` on, or where they are. Then `.runs`
        says where devices see them. Raises as `map`; then nothing is mapped."""
        runs = buffer.runs if at is None else [(at, buffer.size_in_bytes)]
        for run in runs:
            self._refuse(*run)
        done = []
        try:
            for address, length in buffer.runs:
                iova = address if at is None else at
                self._tables.map(iova, address, length, buffer.writable)
                done.append((iova, length))
                at = None if at is None else at + length
            self.buffers.append(buffer)
        except BaseException:
            self._clear(done)
            raise
        buffer.runs = runs

    @undisturbed
    def leave(self, buffer):
        """For DmaBuffer: take what it maps away from the devices. When this returns, they have forgotten it."""
        self._clear(buffer.runs)
        self.buffers.remove(buffer)

    def _clear(self, runs):
        for run in runs:
            self._tables.clear(*run)
        self.flush()

    def _refuse(self, iova, length):
        last = iova + length - 1
        if iova & PAGE_SIZE - 1:
            raise Misaligned(iova, PAGE_SIZE, iova & -PAGE_SIZE)
        if iova < 0 or last >> self.bits:
            raise IovaRefused(self, iova, "to %s: devices have addresses of %d bits here" % (hex(last), self.bits))
        if iova <= INTERRUPTS[1] and last >= INTERRUPTS[0]:
            text = "to %s: what devices write from %s on is an interrupt"
            raise IovaRefused(self, iova, text % (hex(last), hex(INTERRUPTS[0])))
        for buffer in self.buffers:
            for start, size in buffer.runs:
                if iova < start + size and last >= start:
                    raise IovaRefused(self, iova, "to %s: %s is at %s" % (hex(last), buffer, hex(start)))

    def drop(self):
        """Give its tables back. Raises DomainInUse while something is mapped or a Function attached."""
        if self.buffers or self.functions:
            users = [str(each) for each in self.buffers + self.functions]
            raise DomainInUse(self, "%s: end() and detach() first" % ", ".join(users))
        if self in self.iommu.domains:
            self.flush()
            self.iommu.domains.remove(self)
            self._tables.drop(str(self))

    def __repr__(self):
        return "domain %d" % self.number
