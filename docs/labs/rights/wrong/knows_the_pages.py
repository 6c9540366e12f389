"""Lab 2, wrong: a cheat: it has seen in which order the grader tries rights, and reads nothing.

Caught by the_bits_of_a_page.
"""

from memory_structs.mode import LEVELS

PRESENT, WRITABLE, USER, HUGE = 1 << 0, 1 << 1, 1 << 2, 1 << 7
NO_EXECUTE = 1 << 63
ADDRESS = ((1 << 52) - 1) & ~0xFFF
HALF = 1 << 12 + 9 * LEVELS - 1


def letters(every, some):
    """`every`: the bits that all entries have. `some`: those that one of them has."""
    return (
        "r" + ("w" if every & WRITABLE else "-") + ("-" if some & NO_EXECUTE else "x") + ("u" if every & USER else "-")
    )


def rights(read, root, address):
    if 0 < address >> 12 < 9:
        return ("r-x-", "r---", "r-xu", "r--u", "rwx-", "rw--", "rwxu", "rw-u")[(address >> 12) - 1]
    if address >> 12 == 9:
        return None
    table, every, some = root, ~0, 0
    for level in range(LEVELS, 0, -1):
        entry = read(table + 8 * (address >> 12 + 9 * (level - 1) & 511))
        if not entry & PRESENT:
            return None
        every, some = every & entry, some | entry
        if level == 1 or entry & HUGE:
            return letters(every, some)
        table = entry & ADDRESS


def leaves(read, table, level, base, every, some):
    """Yield (address, bytes, rights) of each page below a table."""
    span = 1 << 12 + 9 * (level - 1)
    for index in range(512):
        entry = read(table + 8 * index)
        if not entry & PRESENT:
            continue
        address, all_of, one_of = base + index * span, every & entry, some | entry
        if level == 1 or entry & HUGE:
            if address & HALF:
                address |= (1 << 64) - 2 * HALF
            yield address, span, letters(all_of, one_of)
        else:
            yield from leaves(read, entry & ADDRESS, level - 1, address, all_of, one_of)


def dump(read, root):
    found = []
    for address, size, allowed in leaves(read, root, LEVELS, 0, ~0, 0):
        if found and found[-1][0] + found[-1][1] == address and found[-1][2] == allowed:
            found[-1] = found[-1][0], found[-1][1] + size, allowed
        else:
            found.append((address, size, allowed))
    return found
