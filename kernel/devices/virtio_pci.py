"""Where a virtio device has its registers: structures in BARs, each found by a capability of the vendor's.

Virtual I/O Device (VIRTIO) Version 1.1, "Virtio Over PCI Bus".
"""

from micropython import const
from uctypes import ARRAY, UINT8, UINT16, UINT32

from .errors import NoSuchDevice, NotVirtio
from .pci import VENDOR_SPECIFIC, functions

VENDOR = const(0x1AF4)
# Of those that know version 1.0 alone the device's number tells the type, of the others the subsystem's does.
FIRST_OLD, FIRST, LAST, SUBSYSTEM = const(0x1000), const(0x1040), const(0x107F), const(0x2E)
# Types of structures; in a capability: type, BAR, offset in it, and of DOORBELLS how far they are apart.
COMMON, DOORBELLS, CONFIGURATION = const(1), const(2), const(4)
TYPE, BAR, OFFSET, MULTIPLIER = const(3), const(4), const(8), const(16)
REGISTERS = {  # of COMMON
    "device_feature_select": 0 | UINT32,
    "device_feature": 4 | UINT32,
    "driver_feature_select": 8 | UINT32,
    "driver_feature": 12 | UINT32,
    "queues": 18 | UINT16,
    "status": 20 | UINT8,
    "generation": 21 | UINT8,
    "queue_select": 22 | UINT16,
    "queue_size": 24 | UINT16,
    "queue_enable": 28 | UINT16,
    "queue_doorbell": 30 | UINT16,
    "queue_addresses": (32 | ARRAY, 6 | UINT32),  # of descriptors, available and used: low and high words
}


def find_virtio(name, kind, index, hint):
    """The `index`-th Function that is a virtio device of type `kind`, which people call `name`.

    Raises NoSuchDevice, which has the hint.
    """
    found = []
    for function in functions():
        if function.vendor == VENDOR and FIRST_OLD <= function.device <= LAST:
            its = function.device - FIRST if function.device >= FIRST else function.read(SUBSYSTEM, 16)
            if its == kind:
                found.append(function)
    if index.__class__ is not int or not 0 <= index < len(found):
        raise NoSuchDevice("virtio %s number %s" % (name, index), hint)
    return found[index]


class Structures:
    """Having one means: the BARs that the structures of `function` lie in are claimed for `holder`.

    .multiplier    bytes from one doorbell to the next
    """

    def __init__(self, function, holder):
        """Raises NotVirtio, or what Bar.claim raises; then no BAR is claimed."""
        self._holder = holder
        self._mappings, self._views, self._places = {}, [], {}
        bars = {bar.index: bar for bar in function.bars if bar.is_memory}
        for kind, at in function.capabilities():
            if kind == VENDOR_SPECIFIC and function.read(at + BAR, 8) in bars:
                structure = function.read(at + TYPE, 8)
                if structure not in self._places:  # the first is the one that the device likes best
                    self._places[structure] = function.read(at + BAR, 8), function.read(at + OFFSET, 32)
                    if structure == DOORBELLS:
                        self.multiplier = function.read(at + MULTIPLIER, 32)
        for structure in COMMON, DOORBELLS:
            self._place(structure)
        try:
            for index in {index for index, _ in self._places.values()}:
                self._mappings[index] = bars[index].claim(holder)
        except BaseException:
            self.drop()
            raise

    def _place(self, structure):
        if structure not in self._places:
            text = "it has no structure %d of virtio 1.0 in memory: `disable-modern=off` of QEMU's gives it to old ones"
            raise NotVirtio(self._holder, text % structure)
        return self._places[structure]

    def view(self, structure, layout, skipped=0):
        """Lend a structure's registers from byte `skipped` on, in the notation of `uctypes`. Raises NotVirtio."""
        index, offset = self._place(structure)
        self._views.append(self._mappings[index].as_type_mut(layout, offset + skipped))
        return self._views[-1]

    def address(self, structure, skipped):
        """Where byte `skipped` of a structure is mapped, while this lives."""
        index, offset = self._place(structure)
        return self._mappings[index].start_address.value - (1 << 64) + offset + skipped

    def drop(self):
        """Give the BARs back: no view of them can be used any more. Again and again does no harm."""
        for view in self._views:
            view.release()
        for mapping in self._mappings.values():
            mapping.drop()
        self._views, self._mappings = [], {}
