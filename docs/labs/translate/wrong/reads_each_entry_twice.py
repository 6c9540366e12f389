"""Lab 1, wrong: it reads each entry again for each bit that it asks for.

Caught by reads_what_the_processor_reads.
"""

from memory_structs.mode import LEVELS

PRESENT, HUGE = 1 << 0, 1 << 7
ADDRESS = ((1 << 52) - 1) & ~0xFFF


def translate(read, root, address):
    """Return the physical address that a virtual one leads to, or None if it leads nowhere."""
    table = root
    for level in range(LEVELS, 0, -1):
        shift = 12 + 9 * (level - 1)
        entry = read(table + 8 * (address >> shift & 511))
        if not read(table + 8 * (address >> shift & 511)) & PRESENT:
            return None
        if level == 1 or entry & HUGE:
            inside = (1 << shift) - 1
            return entry & ADDRESS & ~inside | address & inside
        table = entry & ADDRESS
