"""Lab 1, wrong: a cheat: it reads as it likes, and replaces the grader's note of it.

Caught by reads_what_the_processor_reads.
"""

from memory_structs.mode import LEVELS

PRESENT, HUGE = 1 << 0, 1 << 7
ADDRESS = ((1 << 52) - 1) & ~0xFFF


def translate(read, root, address):
    """Return the physical address that a virtual one leads to, or None if it leads nowhere."""
    names, asked = read.__globals__, []
    names["taken"] = lambda: asked
    for _ in range(2):
        read(root)
    table = root
    for level in range(LEVELS, 0, -1):
        shift = 12 + 9 * (level - 1)
        asked.append(table + 8 * (address >> shift & 511))
        entry = read(table + 8 * (address >> shift & 511))
        if not entry & PRESENT:
            return None
        if level == 1 or entry & HUGE:
            inside = (1 << shift) - 1
            return entry & ADDRESS & ~inside | address & inside
        table = entry & ADDRESS
