"""The PCI bus, and what translates for devices, to look at."""

from devices import functions
from devices.dma import Translation
from devices.pci import CAPABILITIES, bus

from diagnostics.text import WIDTH, View, columns, fitted, hexadecimal, size

NO_IOMMU = "Nobody translates for devices: `from devices.iommu import Iommu; unit = Iommu()` begins"


class PciBus(View):
    """Every function of the bus, its BARs and capabilities. `.functions` are the Functions."""

    def __init__(self):
        self.functions = functions()
        self.way = bus().space.name

    def lines(self, width=WIDTH):
        for each in self.functions:
            yield str(each)
            yield from columns([_row(bar) for bar in each.bars], (2,), width)
            names = [CAPABILITIES.get(kind, hexadecimal(kind)) for kind, _ in each.capabilities()]
            if names:
                yield from fitted("    " + ", ".join(sorted(set(names))), width)
        yield "%d functions, by %s" % (len(self.functions), self.way)


class PciFunction(View):
    """One function, its BARs, and where its capabilities are. `.function` is the Function."""

    def __init__(self, function):
        self.function = function

    def lines(self, width=WIDTH):
        each = self.function
        yield "%s, revision %s" % (each, hexadecimal(each.revision))
        yield from columns([_row(bar) for bar in each.bars], (2,), width)
        found = each.capabilities()
        rows = [("    " + hexadecimal(at), CAPABILITIES.get(kind, hexadecimal(kind))) for kind, at in found]
        yield from columns(rows, (), width)


class Translations(View):
    """What the devices behind the IOMMU reach. `.iommu` is the Iommu, or None."""

    def __init__(self):
        self.iommu = Translation.live

    def lines(self, width=WIDTH):
        iommu = self.iommu
        if iommu is None:
            yield from fitted(NO_IOMMU, width)
            return
        state = "translates" if iommu.is_on else "off"
        yield "%s, %s, %d levels of tables" % (iommu, state, iommu.unit.levels)
        for domain in iommu.domains:
            names = ", ".join([function.place for function in domain.functions]) or "nobody"
            yield from fitted("%s, addresses of %d bits, for %s" % (domain, domain.bits, names), width)
            rows = []
            for buffer in domain.buffers:
                rights = "rw" if buffer.writable else "r-"
                for address, length in buffer.runs:
                    rows.append(("    " + hexadecimal(address), size(length), rights, str(buffer.mapping.range)))
            yield from columns(sorted(rows), (1,), width)


def _row(bar):
    place = ("p" if bar.is_memory else "port ") + hexadecimal(bar.address) if bar.address else "nowhere"
    return "    BAR %d" % bar.index, place, size(bar.size), bar.kind
