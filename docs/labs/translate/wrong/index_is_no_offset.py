"""Lab 1, wrong: an entry has eight bytes, and the index counts entries.

Caught by pages_of_4_kib.
"""

from memory_structs.mode import LEVELS

PRESENT, HUGE = 1 << 0, 1 << 7
ADDRESS = ((1 << 52) - 1) & ~0xFFF


def translate(read, root, address):
    """Return the physical address that a virtual one leads to, or None if it leads nowhere."""
    table = root
    for level in range(LEVELS, 0, -1):
        shift = 12 + 9 * (level - 1)
        entry = read(table + (address >> shift & 511))
        if not entry & PRESENT:
            return None
        if level == 1 or entry & HUGE:
            inside = (1 << shift) - 1
            return entry & ADDRESS & ~inside | address & inside
        table = entry & ADDRESS
