# Makes QEMU's TLB large, so that a translation stays in it while others are used. It has one place for each low part of
# a page number, as few as 64 in all. At a full flush it doubles if most places were in use, and shrinks if few were for
# 100 ms: so nobody may flush everything between grow_tlb() and what is looked at.
import _boot
import _cpu
import micropython

TLB_PLACES = 16384


@micropython.viper
def touch(at: int, pages: int) -> int:
    """Read a byte of each of some pages in a row."""
    total = 0
    for _ in range(pages):
        total += int(ptr8(at)[0])
        at += 4096
    return total


def grow_tlb():
    """Use TLB_PLACES pages of the physical window, above the first MiB, between one full flush and the next."""
    at = (_boot.layout()["WINDOW_PAGE"] + 256 << 12) - (1 << 64)
    for _ in range(9):  # from 64 places on
        touch(at, TLB_PLACES)
        _cpu.flush()
