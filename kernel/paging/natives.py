"""The native modules under this package: `tables` (entries and runs of entries), `cpu` (registers, TLB) and `boot`."""

import _boot as boot
import _tables as tables
from memory_structs.natives import cpu

LEVELS = tables.LEVELS
LAYOUT = boot.layout()
UPPER_HALF_FIRST_PAGE = 0xFFFF800000000
LAST_PAGE = 0xFFFFFFFFFFFFF
