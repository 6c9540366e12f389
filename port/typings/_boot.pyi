"""What the loader told us and where the image lies. Imported by one module of the kernel.

All of it is read once at power-on, never changes, and survives a soft reset. Addresses are physical unless said
otherwise; the end of a region is exclusive.
"""

def protocol() -> str:
    """Return "pvh" or "multiboot2"."""

def memory_map() -> list[tuple[int, int, int]]:
    """Return (start, end, kind) in the loader's order. Kind 1 is RAM for anybody; the others are ACPI's types."""

def loader_regions() -> list[tuple[int, int, int]]:
    """Return (start, end, 0) of the loader's own data, which nobody needs any more, but which lie in usable RAM."""

def modules() -> list[tuple[int, int, str]]:
    """Return (start, end, command line) of the files that the loader put into memory."""

def command_line() -> str: ...
def acpi_root_pointer() -> int:
    """Return the address of ACPI's root pointer structure, 0 if the loader told none."""

def framebuffer() -> tuple[int, int, int, int, int, int] | None:
    """Return (address, bytes in a line, width, height, bits in a pixel, kind) of the screen, or None.

    Kind 0 is indexed colour, 1 direct colour, 2 text (width and height are then characters), as multiboot2 has it.
    """

def early_frames() -> list[tuple[int, int]]:
    """Return (first frame number, count) of the frames that the boot tables took; they stay taken for ever."""

def root_frame() -> int:
    """Return the number of the boot tables' root frame."""

def window_pages() -> int:
    """Return how many pages of physical memory the boot tables' window shows, from 0 on."""

def sections() -> list[tuple[str, int, int, int, str]]:
    """Return (name, first page number, first frame number, pages, rights such as "r-x") of the image's parts.

    "emitted" is the executable alias of memory that "data" holds, too.
    """

def guard_pages() -> list[int]:
    """Return the numbers of the pages below the stacks, which are never mapped."""

def image_range() -> tuple[int, int]:
    """Return (start, end) of the whole image in physical memory."""

def layout() -> dict[str, int]:
    """Return the constants of boot/layout.h: indexes into the root table, and page numbers."""

def ram_disk() -> memoryview:
    """Return the RAM disk's memory, writable: the same bytes for as long as the machine runs."""

def exports() -> dict[str, int]:
    """Return the functions of the kernel that loaded objects may call: name -> address, as a negative number."""
