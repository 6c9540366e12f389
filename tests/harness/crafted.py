"""Loaders that don't exist: start the kernel with any registers and any boot information.

A copy of the kernel gets a PVH entry that points into a blob of ours, which QEMU's loader device puts into RAM. The
blob begins with code that sets EAX and EBX and jumps to one of the kernel's real entries; the information follows it.
"""

import struct

import machine
from elftools.elf.elffile import ELFFile

BLOB_ADDRESS = 0x400_0000
INFORMATION_ADDRESS = BLOB_ADDRESS + 0x100
NOTE_NAME = b"Xen\0"
MULTIBOOT2 = 0x36D76289
PVH = 0x336EC578


def entry_of(name):
    """Return the address of one of the kernel's symbols."""
    with open(machine.BUILD / "kernel.elf", "rb") as file:
        symbols = ELFFile(file).get_section_by_name(".symtab")
        return symbols.get_symbol_by_name(name)[0]["st_value"]


def crafted(folder, entry, eax=0, information=b"", ebx=INFORMATION_ADDRESS):
    """Return the settings of a machine whose kernel is entered at `entry` with those registers and information."""
    code = b"\xb8" + struct.pack("<I", eax) + b"\xbb" + struct.pack("<I", ebx)  # mov eax, ...; mov ebx, ...
    code += b"\xb9" + struct.pack("<I", entry_of(entry)) + b"\xff\xe1"  # mov ecx, entry; jmp ecx
    (folder / "blob").write_bytes(code.ljust(INFORMATION_ADDRESS - BLOB_ADDRESS, b"\0") + information)
    image = bytearray((machine.BUILD / "kernel.elf").read_bytes())
    at = image.index(NOTE_NAME + struct.pack("<Q", entry_of("pvh_start"))) + len(NOTE_NAME)
    struct.pack_into("<Q", image, at, BLOB_ADDRESS)
    (folder / "kernel.elf").write_bytes(image)
    loader = f"loader,file={folder / 'blob'},addr={BLOB_ADDRESS:#x},force-raw=on"
    return {"kernel": folder / "kernel.elf", "extra": ("-device", loader)}


def multiboot2_information(*tags):
    """Return boot information made of (type, body) tags, with its end tag."""
    data = b""
    for kind, body in (*tags, (0, b"")):
        data += (struct.pack("<II", kind, 8 + len(body)) + body).ljust(-(-(8 + len(body)) // 8) * 8, b"\0")
    return struct.pack("<II", 8 + len(data), 0) + data


def pvh_information(magic=PVH, version=1, memory_map=0, memory_map_count=0):
    """Return a start_info without modules, command line or ACPI pointer."""
    return struct.pack("<IIIIQQQQII", magic, version, 0, 0, 0, 0, 0, memory_map, memory_map_count, 0)


USABLE = 1
RAM = (0x10_0000, 127 << 20, USABLE)  # what a machine of 128 MiB surely has: (start, length, kind)


def pvh_handover(regions=(RAM,), modules=()):
    """Return a start_info, and behind it the memory map and the modules that it names: (start, end, name) each."""
    at = INFORMATION_ADDRESS + 56
    memory_map = b"".join(struct.pack("<QQII", *region, 0) for region in regions)
    texts_at = at + len(memory_map) + 32 * len(modules)
    rows = texts = b""
    for start, end, name in modules:
        rows += struct.pack("<QQQQ", start, end - start, texts_at + len(texts), 0)
        texts += name.encode() + b"\0"
    numbers = (PVH, 1, 0, len(modules), at + len(memory_map), 0, 0, at, len(regions), 0)
    return struct.pack("<IIIIQQQQII", *numbers) + memory_map + rows + texts


def multiboot2_memory_map(*regions):
    """Return the memory map's tag: (start, length, kind) each."""
    return 6, struct.pack("<II", 24, 0) + b"".join(struct.pack("<QQII", *region, 0) for region in regions)
