"""What the loader told the kernel, as typed objects. Reading it changes nothing, and can be done at any time."""

from memory_structs import PhysicalAddress, VirtualAddress

from .natives import LAYOUT, boot

# ACPI, "System Address Map Interfaces".
KINDS = {1: "usable", 2: "reserved", 3: "ACPI reclaimable", 4: "ACPI non-volatile", 5: "bad memory"}
USABLE = 1
ACPI = 3, 4


class MemoryRegion:
    """A piece of the loader's map: `.start`, `.end` (its last byte, as in every range) and `.kind`, a text.

    Inclusive, because maps reach up to the last physical address, behind which there is none.
    """

    def __init__(self, start, end, kind_number):
        self._start = start
        self._end = end
        self.kind_number = kind_number

    @property
    def start(self):
        return PhysicalAddress(self._start)

    @property
    def end(self):
        return PhysicalAddress(self._end - 1)

    @property
    def size_in_bytes(self):
        return self._end - self._start

    @property
    def kind(self):
        return KINDS.get(self.kind_number, "reserved (kind %d)" % self.kind_number)

    @property
    def is_usable(self):
        return self.kind_number == USABLE

    @property
    def is_acpi(self):
        """True for ACPI's tables, and for what the firmware keeps for itself beside them."""
        return self.kind_number in ACPI

    def __repr__(self):
        return "p%s..=p%s  %s" % (hex(self._start), hex(self._end - 1), self.kind)


class BootModule:
    """A file that the loader put into memory: from `.start` to `.end`, its last byte, and its `.name`."""

    def __init__(self, start, end, name):
        self._start = start
        self._end = end
        self.name = name

    @property
    def start(self):
        return PhysicalAddress(self._start)

    @property
    def end(self):
        return PhysicalAddress(max(self._end - 1, self._start))

    @property
    def size_in_bytes(self):
        return self._end - self._start

    def __repr__(self):
        return "%s..=%s  %s" % (self.start, self.end, self.name)


class Framebuffer:
    """Pixels at `.start`: `.width` by `.height`, `.pitch` bytes a row, `.bits_per_pixel`; kind 1 is RGB, 2 is text."""

    def __init__(self, start, pitch, width, height, bits_per_pixel, kind):
        self.start = PhysicalAddress(start)
        self.pitch = pitch
        self.width = width
        self.height = height
        self.bits_per_pixel = bits_per_pixel
        self.kind = kind

    @property
    def size_in_bytes(self):
        return self.pitch * self.height

    def __repr__(self):
        return "%dx%dx%d at %s" % (self.width, self.height, self.bits_per_pixel, self.start)


class ImageSection:
    """A part of the kernel image that has rights of its own: page and frame numbers, `.count` pages, "r-x" and such."""

    def __init__(self, name, first_page, first_frame, count, rights):
        self.name = name
        self.first_page = first_page
        self.first_frame = first_frame
        self.count = count
        self.rights = rights

    @property
    def last_page(self):
        return self.first_page + self.count - 1

    def __repr__(self):
        return "%s: v%s +%d pages %s" % (self.name, hex(self.first_page << 12), self.count, self.rights)


class BootInfo:
    """Everything that is known at boot. `memory.init` consumes one."""

    def __init__(self):
        self.protocol = boot.protocol()
        self.memory_map = [MemoryRegion(*region) for region in boot.memory_map()]
        self.loader_regions = [MemoryRegion(*region) for region in boot.loader_regions()]
        self.modules = [BootModule(*module) for module in boot.modules()]
        self.command_line = boot.command_line()
        self.sections = [ImageSection(*section) for section in boot.sections()]
        self.guard_pages = boot.guard_pages()
        self.early_frames = boot.early_frames()
        self.root_frame = boot.root_frame()
        self.image = boot.image_range()

    @property
    def physical_memory_offset(self):
        """Where the physical window begins: physical address p is at this address + p."""
        return VirtualAddress(LAYOUT["WINDOW_PAGE"] << 12)

    @property
    def framebuffer(self):
        """A Framebuffer, or None."""
        found = boot.framebuffer()
        return None if found is None else Framebuffer(*found)

    @property
    def acpi_root_pointer(self):
        """The PhysicalAddress of the RSDP, or None if the loader does not say."""
        address = boot.acpi_root_pointer()
        return PhysicalAddress(address) if address else None

    def __repr__(self):
        return "BootInfo(%s, %d regions, %d modules)" % (self.protocol, len(self.memory_map), len(self.modules))
