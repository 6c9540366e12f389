"""Where ACPI says that things are: its tables, read through the physical window. They need no alignment.

ACPI Specification, "Root System Description Pointer", "System Description Table Header"; PCI Firmware Specification,
"MCFG Table Description"; Intel VT-d Specification, "DMA Remapping Reporting Structure".
"""

import struct

from memory_structs import PAGE_SHIFT
from paging.natives import boot, memory
from paging.protection import address_in_window

from .errors import DamagedTable

POINTER = "<8sB6sBIIQ"  # signature, checksum, OEM, revision, RSDT, length, XSDT
POINTER_BYTES, LONG_POINTER_BYTES = 20, 36
HEADER_BYTES = 36
LENGTH_AT = 4
LONGEST = 1 << 20  # of a table that is believed
SEGMENT, SEGMENTS_AT = "<QHBBI", 44  # of MCFG: address, segment group, first bus, last bus, 0
WIDTH_AT, UNITS_AT = 36, 48  # of DMAR: a byte, the bits of a physical address less one; then structures
UNIT, UNIT_KIND = "<HHBBHQ", 0  # kind, bytes, flags, size, segment group, address of its registers


def _read(address, length):
    return memory.read_bytes(address_in_window(address >> PAGE_SHIFT) + (address & (1 << PAGE_SHIFT) - 1), length)


def _table_at(address):
    """The bytes of a table. Raises DamagedTable."""
    head = _read(address, HEADER_BYTES)
    signature, length = head[:LENGTH_AT], struct.unpack_from("<I", head, LENGTH_AT)[0]
    if HEADER_BYTES <= length <= LONGEST:
        table = _read(address, length)
        if sum(table) & 0xFF == 0:
            return table
    raise DamagedTable(signature, address)


def find_table(signature):
    """The bytes of ACPI's table of that signature (4 bytes), its header included; None without it, or without ACPI.

    Raises DamagedTable.
    """
    pointer = boot.acpi_root_pointer()
    if not pointer:
        return None
    _, _, _, revision, short, _, long = struct.unpack(POINTER, _read(pointer, LONG_POINTER_BYTES))
    if sum(_read(pointer, POINTER_BYTES)) & 0xFF:
        raise DamagedTable("RSD PTR", pointer)
    root, letter = (long, "Q") if revision >= 2 and long else (short, "I")
    list_of_tables = _table_at(root)
    count = (len(list_of_tables) - HEADER_BYTES) // struct.calcsize(letter)
    for address in struct.unpack_from("<%d%s" % (count, letter), list_of_tables, HEADER_BYTES):
        if address and _read(address, len(signature)) == signature:
            return _table_at(address)
    return None


def configuration_segment():
    """(physical address, first bus, last bus) of the memory that shows PCI's configuration space; None without it."""
    table = find_table(b"MCFG")
    if table is None or len(table) < SEGMENTS_AT + struct.calcsize(SEGMENT):
        return None
    address, _, first, last, _ = struct.unpack_from(SEGMENT, table, SEGMENTS_AT)
    return address, first, last


def remapping_units():
    """[physical address of its registers, ...] of the units that translate for devices, and the bits of a physical
    address there; ([], 0) without any. Raises DamagedTable."""
    table, found = find_table(b"DMAR"), []
    if table is None:
        return found, 0
    at = UNITS_AT
    while at + struct.calcsize(UNIT) <= len(table):
        kind, length, _, _, _, address = struct.unpack_from(UNIT, table, at)
        if length == 0:
            raise DamagedTable("DMAR", at)
        if kind == UNIT_KIND:
            found.append(address)
        at += length
    return found, table[WIDTH_AT] + 1
