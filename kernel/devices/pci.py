"""The PCI bus: every function that answers, what it is, and where its registers are.

PCI Local Bus Specification 3.0, "Configuration Space"; PCI Code and ID Assignment Specification, "Class Codes".
"""

from micropython import const
from paging.natives import boot

from .bars import COMMAND, IO, MEMORY, assign, bars_of
from .configuration import configuration_space
from .errors import NoSuchBar, NoSuchCapability, NoSuchDevice
from .remapping import forget

VENDOR, DEVICE, STATUS, REVISION, CLASS, HEADER, SECONDARY_BUS, FIRST_CAPABILITY = 0, 2, 6, 8, 9, 0x0E, 0x19, 0x34
# Of a bridge, where what it passes on begins and ends: two runs of memory, of MiB, by bits 15:4; ports, of 4 KiB. The
# second run has 32 bits more where its lowest bit says so.
MEMORY_WINDOW, PREFETCHABLE_WINDOW, UPPER_WINDOW, PORT_WINDOW = 0x20, 0x24, 0x28, 0x1C
NOBODY = const(0xFFFF)
BRIDGE, MULTIFUNCTION = const(1), const(0x80)
HAS_CAPABILITIES = const(1 << 4)
BUS_MASTER, NO_INTX = const(4), const(1 << 10)
MOST_CAPABILITIES = const(48)  # of 4 bytes, behind the header: a list that is longer is a circle

CAPABILITIES = {
    0x01: "power management",
    0x05: "MSI",
    0x09: "vendor",
    0x0A: "debug port",
    0x0D: "bridge",
    0x10: "PCI Express",
    0x11: "MSI-X",
    0x12: "SATA",
    0x13: "advanced features",
}
MSI, MSI_X, VENDOR_SPECIFIC = const(5), const(0x11), const(9)
CLASSES = {
    0x0100: "SCSI controller",
    0x0101: "IDE controller",
    0x0106: "SATA controller",
    0x0108: "NVMe controller",
    0x0200: "Ethernet controller",
    0x0300: "VGA display",
    0x0380: "display",
    0x0500: "RAM",
    0x0600: "host bridge",
    0x0601: "ISA bridge",
    0x0604: "PCI bridge",
    0x0680: "bridge",
    0x0880: "system peripheral",
    0x0C03: "USB controller",
    0x0C05: "SMBus",
}
BASE_CLASSES = {
    0x00: "unclassified",
    0x01: "storage",
    0x02: "network",
    0x03: "display",
    0x04: "multimedia",
    0x05: "memory",
    0x06: "bridge",
    0x07: "communication",
    0x08: "system peripheral",
    0x09: "input",
    0x0C: "serial bus",
    0xFF: "unassigned class",
}


def place_of(number):
    """A function's number as people write it: 00:05.0."""
    return "%02x:%02x.%d" % (number >> 8, number >> 3 & 31, number & 7)


class Function:
    """One function of a device on the bus.

    .number        bus << 8 | device << 3 | function; `.place` is that as people write it: 00:05.0
    .vendor, .device, .revision    who made what: numbers of 16, 16 and 8 bits
    .class_code    base class << 16 | subclass << 8 | interface; `.class_name` in words
    .bars          its Bars, without gaps; `bar(index)` finds one
    """

    def __init__(self, space, number):
        self._space = space
        self.number = number
        self.vendor = self.read(VENDOR, 16)
        self.device = self.read(DEVICE, 16)
        self.class_code = self.read(REVISION, 32) >> 8
        self.revision = self.read(REVISION, 8)
        self.header = self.read(HEADER, 8) & ~MULTIFUNCTION
        self.bars = bars_of(self)

    @property
    def place(self):
        return place_of(self.number)

    @property
    def class_name(self):
        base = BASE_CLASSES.get(self.class_code >> 16, "unknown class")
        return CLASSES.get(self.class_code >> 8, base)

    def read(self, offset, width):
        """The register of its configuration space at a byte offset, of 8, 16 or 32 bits."""
        return self._space.read(self.number, offset, width)

    def write(self, offset, width, value):
        """Write such a register."""
        self._space.write(self.number, offset, width, value)

    def bar(self, index):
        """The Bar of that index. Raises NoSuchBar."""
        for bar in self.bars:
            if bar.index == index:
                return bar
        raise NoSuchBar(self, index, "is not there")

    def capabilities(self):
        """[(id, byte offset in the configuration space), ...] in the order of its list; see CAPABILITIES."""
        found = []
        if self.read(STATUS, 16) & HAS_CAPABILITIES:
            at = self.read(FIRST_CAPABILITY, 8) & 0xFC
            while at and len(found) < MOST_CAPABILITIES:
                found.append((self.read(at, 8), at))
                at = self.read(at + 1, 8) & 0xFC
        return found

    def capability(self, wanted):
        """The byte offset of the first capability of that id. Raises NoSuchCapability."""
        for kind, at in self.capabilities():
            if kind == wanted:
                return at
        raise NoSuchCapability(self, CAPABILITIES.get(wanted, hex(wanted)))

    def answer_to(self, bits):
        """Let it answer to its BARs: IO, MEMORY, or both."""
        self.write(COMMAND, 16, self.read(COMMAND, 16) | bits)

    def master(self, on):
        """Let it read and write RAM by itself, and interrupt; or not. It may have stopped midway: reset it first."""
        command = self.read(COMMAND, 16)
        self.write(COMMAND, 16, command | BUS_MASTER | NO_INTX if on else command & ~BUS_MASTER)

    def settle(self, bar, address):
        """Put a BAR at an address; it does not answer while that goes on."""
        command = self.read(COMMAND, 16)
        self.write(COMMAND, 16, command & ~(IO | MEMORY))
        try:
            bar.move(address)
        finally:
            self.write(COMMAND, 16, command)

    def __repr__(self):
        return "%s %04x:%04x %s" % (self.place, self.vendor, self.device, self.class_name)


class Bus:
    """All functions, in the order of their numbers; found when this is made, and their BARs put where they have room.

    Buses behind a bridge are looked at where the firmware has numbered them. Raises as `configuration_space`.
    """

    def __init__(self):
        self.space = configuration_space()
        self.functions = []
        self._look_at(0)
        # Behind a bridge only what it passes on can be reached: there the firmware's word stands.
        bars = [bar for function in self.functions if function.number >> 8 == 0 for bar in function.bars]
        memory, ports = self._windows()
        assign(bars, _taken() + memory, ports)

    def _look_at(self, bus):
        for device in range(32):
            number = bus << 8 | device << 3
            functions = 8 if self.space.read(number, HEADER, 8) & MULTIFUNCTION else 1
            for each in range(number, number + functions):
                if self.space.read(each, VENDOR, 16) != NOBODY:
                    self._add(Function(self.space, each))

    def _add(self, function):
        self.functions.append(function)
        if function.header == BRIDGE:
            behind = function.read(SECONDARY_BUS, 8)
            if function.number >> 8 < behind <= self.space.last_bus:
                self._look_at(behind)

    def _windows(self):
        """What bridges pass on: two lists of (first, last), of memory and of ports."""
        memory, ports = [], []
        for bridge in self.functions:
            if bridge.header == BRIDGE:
                for at in MEMORY_WINDOW, PREFETCHABLE_WINDOW:
                    first, last = bridge.read(at, 16), bridge.read(at + 2, 16)
                    upper = at == PREFETCHABLE_WINDOW and first & 1
                    more = [bridge.read(UPPER_WINDOW + n, 32) << 32 if upper else 0 for n in (0, 4)]
                    memory.append(((first & 0xFFF0) << 16 | more[0], last << 16 | 0xFFFFF | more[1]))
                first, last = bridge.read(PORT_WINDOW, 8), bridge.read(PORT_WINDOW + 1, 8)
                ports.append(((first & 0xF0) << 8, last << 8 | 0xFFF))
        # A window that is closed ends before it begins.
        return [[run for run in runs if run[0] < run[1]] for runs in (memory, ports)]

    def all(self, vendor, device):
        """The functions of that vendor and device."""
        return [each for each in self.functions if (each.vendor, each.device) == (vendor, device)]


def _taken():
    """(first, last) of the bytes of memory that the loader's map says something of."""
    return [(start, end - 1) for start, end, _ in boot.memory_map()]


_buses = []


def bus():
    """The Bus of this machine; looked at once, when it is asked for first. Translation for devices is off then: see
    `remapping.forget`."""
    if not _buses:
        forget()
        _buses.append(Bus())
    return _buses[0]


def find(vendor, device, index=0):
    """The Function of that vendor and device, or the `index`-th of several. Raises NoSuchDevice."""
    found = bus().all(vendor, device)
    if not 0 <= index < len(found):
        which = " number %d" % index if index else ""
        raise NoSuchDevice("device %04x:%04x%s on the PCI bus" % (vendor, device, which))
    return found[index]


def functions():
    """All Functions of this machine."""
    return list(bus().functions)
