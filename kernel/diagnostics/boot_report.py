"""What the loader handed over: RAM, modules, and who it was."""

from loader.handover import USABLE, boot_modules, memory_regions

from diagnostics.text import WIDTH, View, columns, hexadecimal, size

# Address range types of the ACPI specification ("System Address Map Interfaces"), which both loaders pass on.
KINDS = {1: "usable", 2: "reserved", 3: "ACPI tables", 4: "ACPI non-volatile", 5: "defective", 7: "persistent"}


class Ram(View):
    """The loader's memory map: `.regions` are (start, end, kind), end exclusive, in ascending order."""

    def __init__(self):
        self.regions = memory_regions()
        self.usable_in_bytes = sum(end - start for start, end, kind in self.regions if kind == USABLE)
        self.usable_regions = sum(1 for region in self.regions if region[2] == USABLE)

    def lines(self, width=WIDTH):
        rows = [
            ("p" + hexadecimal(start), "p" + hexadecimal(end - 1), size(end - start), KINDS.get(kind, "type %d" % kind))
            for start, end, kind in self.regions
        ]
        rows.append(("", "", size(self.usable_in_bytes), "usable"))
        return columns([("first", "last", "size", "kind")] + rows, (2,), width)


class Modules(View):
    """Files that the loader put into memory: `.modules` are (start, end, command line), end exclusive."""

    def __init__(self):
        self.modules = boot_modules()

    def lines(self, width=WIDTH):
        rows = [("p" + hexadecimal(start), size(end - start), name) for start, end, name in self.modules]
        if not rows:
            return ("the loader brought no modules",)
        return columns([("first", "size", "command line")] + rows, (1,), width)
