"""What the loader handed over at power-on. It stays true across soft resets."""

from paging.natives import LAYOUT, boot

USABLE = 1
LOADERS = {"pvh": "PVH (qemu -kernel)", "multiboot2": "multiboot2 (GRUB)"}


def loader_name():
    """Return which loader started the kernel, in words."""
    return LOADERS[boot.protocol()]


def memory_regions():
    """Return (start, end, kind) of every region of the loader's map, end exclusive, in ascending order."""
    return sorted(boot.memory_map())


def boot_modules():
    """Return (start, end, command line) of every file that the loader put into memory, end exclusive."""
    return boot.modules()


def command_line():
    """Return the kernel's command line."""
    return boot.command_line()


def ram_disk_memory():
    """Return the memory of the RAM disk: a writable view, the same bytes for as long as the machine runs."""
    return boot.ram_disk()


def window_address(physical):
    """Return where a physical address lies in the physical window."""
    return (LAYOUT["WINDOW_PAGE"] << 12) + physical
