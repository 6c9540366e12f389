"""Commands about devices; imported when the first of them is used."""

from diagnostics.devices import PciBus, PciFunction, Translations

from shell.command import Argument, command
from shell.errors import UsageError
from shell.kinds import TextKind


@command(
    "iommu",
    "What translates for devices: domains, and what they reach.",
    details=("from devices.iommu import Iommu; unit = Iommu()    begins, with -device intel-iommu",),
)
def iommu():
    return Translations()


@command(
    "pci",
    "The PCI bus: each function, its BARs and capabilities; or one.",
    Argument("place", TextKind("PLACE"), None),
    details=("pci            all that answer", "pci 00:01.0    one, by bus, device and function"),
)
def pci(place):
    everything = PciBus()
    if place is None:
        return everything
    for function in everything.functions:
        if function.place == place:
            return PciFunction(function)
    places = ", ".join([function.place for function in everything.functions])
    raise UsageError("no function is at %s: there are %s" % (place, places))
