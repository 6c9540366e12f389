"""A page-table walk over raw guest RAM, written from the SDM ("4-Level Paging and 5-Level Paging") alone.

It reads tables as they lie in memory, not what a TLB may still remember. Nothing here comes from the kernel.
"""

from typing import NamedTuple

import numpy

ENTRIES = 512
PRESENT, WRITABLE, USER, ACCESSED, DIRTY, HUGE, GLOBAL, NO_EXECUTE = (1 << bit for bit in (0, 1, 2, 5, 6, 7, 8, 63))
ADDRESS_MASK = ((1 << 52) - 1) & ~0xFFF
SMALLEST_PAGE = 4096
LARGEST_PAGE_LEVEL = 3


class Leaf(NamedTuple):
    """One translation: size bytes at virtual address va lead to physical address pa.

    level is 1 (4 KiB), 2 (2 MiB) or 3 (1 GiB), raw the leaf entry as it lies in memory. writable, user and
    executable are effective rights: over all levels. malformed: a reserved bit is set, so every access faults.
    """

    va: int
    pa: int
    size: int
    level: int
    raw: int
    writable: bool
    user: bool
    executable: bool
    malformed: bool

    @property
    def protection_key(self):
        """The leaf's protection key, 0 to 15."""
        return self.raw >> 59 & 0xF


def canonical(address, levels):
    """Return an address with its top bits made copies of the highest translated bit, as an unsigned number."""
    width = 12 + 9 * levels
    return address | ((1 << 64) - (1 << width)) if address >> (width - 1) & 1 else address


def span_of(level):
    """Return how many bytes one entry of a table at a level covers."""
    return SMALLEST_PAGE << 9 * (level - 1)


def read_table(memory, address):
    """Return the 512 entries of the table at a physical address; all zero where there is no RAM."""
    if not memory.is_ram(address, SMALLEST_PAGE):
        return numpy.zeros(ENTRIES, numpy.uint64)
    return numpy.frombuffer(memory.read(address, SMALLEST_PAGE), "<u8")


def is_leaf(entry, level):
    """Answer whether a present entry of a table at a level maps a page instead of naming a table."""
    return level == 1 or (level <= LARGEST_PAGE_LEVEL and bool(entry & HUGE))


def is_malformed(entry, level, physical_bits, no_execute):
    """Answer whether a present entry has a reserved bit set."""
    reserved = ((1 << 52) - (1 << physical_bits)) | (0 if no_execute else NO_EXECUTE)
    if level > LARGEST_PAGE_LEVEL:
        reserved |= HUGE
    elif level > 1 and entry & HUGE:
        reserved |= span_of(level) - 0x2000  # bit 12 is PAT
    return bool(entry & reserved)


def leaf_at(entry, level, va, rights, malformed):
    """Return the Leaf of a present leaf entry; rights are (writable, user, executable) of the levels above."""
    size = span_of(level)
    pa = entry & ADDRESS_MASK & ~(size - 1)
    writable, user, executable = combined(rights, entry)
    return Leaf(va, pa, size, level, entry, writable, user, executable, malformed)


def combined(rights, entry):
    """Return the rights that remain after one more entry on the way down."""
    writable, user, executable = rights
    return writable and bool(entry & WRITABLE), user and bool(entry & USER), executable and not entry & NO_EXECUTE


def walk(cr3, memory, levels=None, physical_bits=40, no_execute=True, top_slots=range(ENTRIES)):
    """Yield every Leaf of the address space whose root CR3 names, in ascending order of table index.

    memory: an object with read(address, length) and is_ram(address, length), such as GuestMemory; and with .levels,
        unless `levels` says how many there are.
    top_slots: the root entries to follow, so that recursive slots can be left out.
    """
    levels = levels or memory.levels
    yield from _walk(
        cr3 & ADDRESS_MASK, levels, 0, (True, True, True), False, (memory, levels, physical_bits, no_execute), top_slots
    )


def _walk(table, level, base, rights, malformed_above, machine, slots):
    memory, levels, physical_bits, no_execute = machine
    entries = read_table(memory, table)
    for index in numpy.flatnonzero(entries & numpy.uint64(PRESENT)).tolist():
        if slots is not None and index not in slots:
            continue
        entry, va = int(entries[index]), base + index * span_of(level)
        malformed = malformed_above or is_malformed(entry, level, physical_bits, no_execute)
        if is_leaf(entry, level):
            yield leaf_at(entry, level, canonical(va, levels), rights, malformed)
        else:
            below = (entry & ADDRESS_MASK, level - 1, va, combined(rights, entry), malformed)
            yield from _walk(*below, machine, None)


def path_to(cr3, memory, va, levels=None):
    """Return the raw entries on the way to a virtual address, from the root down to the leaf or the hole."""
    table, path, levels = cr3 & ADDRESS_MASK, [], levels or memory.levels
    for level in range(levels, 0, -1):
        index = va >> (12 + 9 * (level - 1)) & 0x1FF
        entry = int(read_table(memory, table)[index])
        path.append(entry)
        if not entry & PRESENT or is_leaf(entry, level):
            break
        table = entry & ADDRESS_MASK
    return path


def translate(cr3, memory, va, levels=None, physical_bits=40, no_execute=True):
    """Return the Leaf that translates a virtual address, or None."""
    rights, malformed, levels = (True, True, True), False, levels or memory.levels
    for depth, entry in enumerate(path_to(cr3, memory, va, levels)):
        level = levels - depth
        if not entry & PRESENT:
            return None
        malformed = malformed or is_malformed(entry, level, physical_bits, no_execute)
        if is_leaf(entry, level):
            return leaf_at(entry, level, va & ~(span_of(level) - 1), rights, malformed)
        rights = combined(rights, entry)
    return None


def table_frames(cr3, memory, levels=None):
    """Return {physical address of a table: the highest level it is used at}; recursive entries add nothing."""
    found, waiting = {}, [(cr3 & ADDRESS_MASK, levels or memory.levels)]
    while waiting:
        table, level = waiting.pop()
        if found.get(table, 0) >= level:
            continue
        found[table] = level
        if level > 1:
            entries = read_table(memory, table)
            for entry in entries[numpy.flatnonzero(entries & numpy.uint64(PRESENT))].tolist():
                if not is_leaf(entry, level):
                    waiting.append((entry & ADDRESS_MASK, level - 1))
    return found
