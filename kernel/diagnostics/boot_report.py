"""What the loader handed over: RAM, modules, and who it was."""

from loader import firmware
from loader.handover import USABLE, boot_modules, memory_regions
from memory_structs import PAGE_SHIFT
from paging.natives import boot

from diagnostics.text import WIDTH, View, columns, hexadecimal, size

# Address range types of the ACPI specification ("System Address Map Interfaces"), which both loaders pass on.
KINDS = {1: "usable", 2: "reserved", 3: "ACPI tables", 4: "ACPI non-volatile", 5: "defective", 7: "persistent"}


class Ram(View):
    """The loader's memory map: `.regions` are (start, end, kind), end exclusive, in ascending order.

    What is printed tells `.parts` apart, (start, end, name): they lie in regions that the loader calls usable.
    """

    def __init__(self):
        self.regions = memory_regions()
        self.parts = parts_of_the_kernel()
        self.usable_in_bytes = sum(end - start for start, end, kind in self.regions if kind == USABLE)
        self.usable_regions = sum(1 for region in self.regions if region[2] == USABLE)

    def lines(self, width=WIDTH):
        rows = []
        for start, end, kind in self.regions:
            name = KINDS.get(kind, "type %d" % kind)
            pieces = self._pieces(start, end) if kind == USABLE else ((start, end, None),)
            for first, behind, part in pieces:
                ends = "p" + hexadecimal(first), "p" + hexadecimal(behind - 1)
                rows.append(ends + (size(behind - first), part or name))
        total = ("", "", size(self.usable_in_bytes), "usable, the kernel's part included")
        return columns([("first", "last", "size", "kind")] + rows + [total], (2,), width)

    def _pieces(self, start, end):
        """Yield (start, end, name of a part of the kernel's or None) of a region, upwards."""
        for low, high, name in self.parts:
            if low < end and start < high:
                low, high = max(low, start), min(high, end)
                if start < low:
                    yield start, low, None
                yield low, high, name
                start = high
        if start < end:
            yield start, end, None


def parts_of_the_kernel():
    """(start, end, name) of what is not free although the loader calls it usable, in ascending order."""
    parts = [(start, end, "module %s" % name) for start, end, name in boot_modules()]
    parts += [(start, end, "loader's information") for start, end, _ in boot.loader_regions()]
    parts += [
        (frame << PAGE_SHIFT, frame + count << PAGE_SHIFT, "Python's heap")
        for name, _, frame, count, _ in boot.sections()
        if name == "heap"
    ]
    return sorted(parts + [boot.image_range() + ("kernel image",)])


class Modules(View):
    """Files that were handed over at power-on: `.modules` are (start, end, command line) of those that the loader put
    into memory, end exclusive; `.files` are all, with their names in /boot."""

    def __init__(self):
        from loader.boot_files import boot_files  # noqa: PLC0415 (the banner needs none of it)

        self.modules = boot_modules()
        self.files = boot_files(firmware.files())

    def lines(self, width=WIDTH):
        rows = [
            ("in QEMU" if file.start is None else "p" + hexadecimal(file.start), size(file.size), "/boot/" + file.name)
            for file in self.files
        ]
        if not rows:
            return ("no files were handed over: make run OBJECTS='a.o b.o' does",)
        return columns([("first", "size", "path")] + rows, (1,), width)
