"""The IOMMU: a device has page tables and a TLB, too. Intel's VT-d as QEMU has it, `-device intel-iommu` as the first.

    root table      by bus: leads to a context table
    context table   by device and function: leads to the tables of its Domain, or to none
    second level    by the address that the device says: read, write, and which frame (domains.py, tables.py)
    IOTLB           what the unit remembers of all that, until it is told to forget (unit.py)

How a stale IOTLB shows, with `-device intel-iommu -device edu`:

    from memory import *; from devices.iommu import Iommu; from devices.edu import Edu
    unit, edu = Iommu(), Edu()
    domain = unit.attach(edu.function); unit.enable()
    b = domain.map(0x5555000, create_mapping(4096, PteFlags().writable(True)))
    edu.write(b, 4)                            # read through the tables, and remembered
    domain.entry(0x5555000).set_unmapped()     # the entry is gone, but nobody has told the unit:
    edu.write(b, 4)                            # still read
    domain.flush()
    edu.write(b, 4)                            # DmaFault: no entry lets it read there

Drivers need not know: what is lent to a device that is attached is mapped for it, and not longer than it is lent. A
device that is not attached reaches nothing once translation is on. Interrupts by messages go through as they are.

Intel VT-d Specification, "DMA Remapping", "Root Entry", "Context Entry".
"""

from memory import UseAfterMove
from memory.ledger import undisturbed
from micropython import const

from ..dma import Translation
from ..pci import Function, bus
from .domains import Attached, Domain, DomainInUse, IovaRefused, TranslationOff
from .faults import DmaFault, Fault, LostFaults
from .tables import Contexts
from .unit import Unit

__all__ = ("Attached", "DmaFault", "Domain", "DomainInUse", "Fault", "Iommu", "IovaRefused", "LostFaults")
__all__ += ("TranslationOff",)

DOMAIN_AT = const(8)  # of the high word of a context entry; below: the depth of the tables


class Iommu:
    """Having one means that nobody else drives it: `.unit`. It lives until drop(). `.domains` are its Domains."""

    def __init__(self):
        """Translation is off. Raises NoSuchDevice, AddressInUse, OutOfFrames or DamagedTable."""
        bus()  # which switches it off when it is made; from here on that is ours
        self.domains = []
        self._contexts = Contexts()
        try:
            self.unit = Unit()
        except BaseException:
            self._contexts.drop()
            raise
        Translation.live = self

    @property
    def is_on(self):
        """True while it translates."""
        return self.unit.is_on

    @undisturbed
    def enable(self):
        """From here on each device reaches what its domain maps, and nothing else. Raises DeviceTimeout."""
        self.unit.use(self._contexts.root)
        self.unit.translate(True)

    @undisturbed
    def disable(self):
        """From here on devices see RAM as it is. Raises DomainInUse while something is mapped elsewhere for them."""
        for domain in self.domains:
            for buffer in domain.buffers:
                if buffer.device is domain:
                    raise DomainInUse(domain, "%s: end() it first" % buffer)
        self.unit.translate(False)

    def domain_of(self, device):
        """The Domain that a Function, or its driver, is attached to, or None."""
        function = getattr(device, "function", device)
        for domain in self.domains:
            if function in domain.functions:
                return domain
        return None

    @undisturbed
    def attach(self, function, domain=None):
        """Let a Function reach what a Domain maps, by default a new one. What is lent to it already is not mapped.

        Returns the Domain. Raises TypeError, Attached, UseAfterMove, OutOfFrames or DeviceTimeout.
        """
        if function.__class__ is not Function:
            raise TypeError("a Function of the bus is attached, as find() has it, not %s" % type(function).__name__)
        if self.domain_of(function) is not None:
            raise Attached(function, "it is attached to %s" % self.domain_of(function))
        if domain is not None and domain not in self.domains:
            raise Attached(function, "%s is no domain of this IOMMU, or was dropped" % domain)
        if Translation.live is not self:
            raise UseAfterMove(self, "drop()")
        self._contexts.make_room(function.number)
        if domain is None:
            taken = {each.number for each in self.domains}
            number = min([number for number in range(1, len(taken) + 2) if number not in taken])
            domain = Domain(self, number)
            self.domains.append(domain)
        self._contexts.set(function.number, domain.root, self.unit.depth | domain.number << DOMAIN_AT)
        domain.functions.append(function)
        self.unit.flush()
        return domain

    @undisturbed
    def detach(self, function):
        """The Function reaches nothing any more, while translation is on. Raises Attached when it has no Domain."""
        domain = self.domain_of(function)
        if domain is None:
            raise Attached(function, "it is attached to no domain")
        self._contexts.clear(function.number)
        self.unit.flush()
        domain.functions.remove(function)

    def faults(self):
        """[Fault, ...] since it was asked last, the oldest first; LostFaults among them where there were more."""
        return self.unit.take_faults(lambda fault: True)

    def raise_faults(self, device):
        """Raise DmaFault for the first fault of a Function, its driver, or a Domain's; others' stay for faults()."""
        functions = device.functions if device in self.domains else [getattr(device, "function", device)]
        sources = [None] + [each.number for each in functions if each.__class__ is Function]
        found = self.unit.take_faults(lambda fault: fault.source in sources)
        if found:
            raise DmaFault(device, found[0])

    def drop(self):
        """Switch it off, and give its registers and tables back. Raises DomainInUse while a domain has something."""
        for domain in self.domains:
            if domain.buffers:
                raise DomainInUse(domain, "%s: end() it first" % domain.buffers[0])
        self.disable()
        while self.domains:
            domain = self.domains[-1]
            while domain.functions:
                self.detach(domain.functions[-1])
            domain.drop()
        Translation.live = None
        self.unit.drop()
        self._contexts.drop()

    def __repr__(self):
        return str(self.unit)
