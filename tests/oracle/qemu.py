"""QEMU's own view of the tables that its CPU runs on: `info tlb`, as comparable lines."""

from oracle.page_walk import ACCESSED, DIRTY, GLOBAL, HUGE, NO_EXECUTE, USER, WRITABLE

# `info tlb` writes one letter for each of these bits of a leaf, in this order (C and T stand between).
LETTERS = ((NO_EXECUTE, "X"), (GLOBAL, "G"), (HUGE, "P"), (DIRTY, "D"), (ACCESSED, "A"), (USER, "U"), (WRITABLE, "W"))


def letters_of(leaf):
    """Return which letters `info tlb` shows for a leaf. Bit 7 of a 4 KiB page is PAT, which it does not show."""
    return {letter for bit, letter in LETTERS if leaf.raw & bit and not (bit == HUGE and leaf.level == 1)}


def lines_of_qemu(guest):
    """Yield (virtual address, physical address, letters) of every line of `info tlb`."""
    for line in guest.monitor.human("info tlb", timeout=30).splitlines():
        va, pa, flags = line.replace(":", "").split()
        yield int(va, 16), int(pa, 16), set(flags) & {letter for _, letter in LETTERS}
