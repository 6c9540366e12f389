"""How deep the page tables are that the tests run on, PAGING=4 or 5, and which addresses follow from that.

Bochs has four levels, whatever the environment says.
"""

import machine

LEVELS = machine.wanted_levels()
ROOT_ENTRY_BYTES = 4096 << 9 * (LEVELS - 1)
ROOT_ENTRY_PAGES = ROOT_ENTRY_BYTES >> 12
HALF_BYTES = 256 * ROOT_ENTRY_BYTES
"""What each half of the address space has; the lower half ends there."""
ROOT = f"P{LEVELS}"


def root_entry(index, offset=0):
    """Return the address `offset` bytes behind the first one that an entry of the root covers."""
    return (index * ROOT_ENTRY_BYTES | (0 if index < 256 else (1 << 64) - 2 * HALF_BYTES)) + offset


def root_index(address):
    """Return which entry of the root the way of an address leads through."""
    return address // ROOT_ENTRY_BYTES % 512


def root_page(index, offset=0):
    """Return the number of the page `offset` pages behind the first one that an entry of the root covers."""
    return (root_entry(index) >> 12) + offset


WINDOW, POOL = root_entry(256), root_entry(384)
