"""The same for the addresses that a few frames have in the physical window, where it has a table of small pages for
them already, and goes on to need it: other frames there can be executed.

Everything else answers 0, and `aliases` then divides or unites the window's pages.
"""

import micropython
import uctypes
from micropython import const
from paging.access import walk
from paging.natives import LAYOUT, cpu, entries, processors
from paging.shootdown import waits

_EVERY_BIT = const((1 << 25) - 1)  # of a raw word
_WRITABLE = const(2)
_HIGH_FRAME = const(0xFFFFF)

WINDOW_PAGE = LAYOUT["WINDOW_PAGE"]
change, touching = entries.change, entries.touching
invalidate, forget = cpu.invalidate, processors.forget
waits_at = uctypes.addressof(waits)


@micropython.viper
def open_beside_others(facts: int, frame: int, count: int) -> int:
    """Have the physical window show frames writable, which nobody can execute any more, and everybody forget that it
    did not: 1. Or 0, and nobody has forgotten anything, where its table shows what one huge page would, or is none."""
    page = int(WINDOW_PAGE) + frame
    at = int(walk(facts, None, page, 1, 0))
    if at & 7 != 1 or (at >> 3 & 511) + count > 512:
        return 0
    at -= 1
    change(at, count, _EVERY_BIT, _WRITABLE)
    first = ptr32(at & -4096)
    low = int(first[0])
    high = int(first[1])
    if low & _WRITABLE:
        word = low & 0xFFF | (high >> 20 & 0xFFF) << 12
        if int(touching(int(first), 512, low >> 12 | (high & _HIGH_FRAME) << 20, word, 1)) == 512:
            return 0
    if ptr32(int(waits_at))[0]:
        forget(0, page, count)
    else:
        invalidate(page, count, 1)
    return 1


@micropython.viper
def close_beside_others(facts: int, frame: int, count: int) -> int:
    """The other way: 1; or 0, and nothing has changed, where the window has no table for it yet."""
    page = int(WINDOW_PAGE) + frame
    at = int(walk(facts, None, page, 1, 0))
    if at & 7 != 1 or (at >> 3 & 511) + count > 512:
        return 0
    change(at - 1, count, _EVERY_BIT - _WRITABLE, 0)
    if ptr32(int(waits_at))[0]:
        forget(0, page, count)
    else:
        invalidate(page, count, 1)
    return 1
