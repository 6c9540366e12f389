"""Flags and rights as a few letters, so that columns stay narrow."""

from paging.flags import (
    ACCESSED,
    CACHE_DISABLE,
    DIRTY,
    EXCLUSIVE,
    GLOBAL,
    HUGE_PAGE,
    KEY_SHIFT,
    NO_EXECUTE,
    PAT,
    PRESENT,
    USER_ACCESSIBLE,
    WRITABLE,
    WRITE_THROUGH,
)

PAGE_SIZES = (None, "4K", "2M", "1G")
# What an entry says besides the rights, as `walk` and `dump` write it; the SDM's letters where it has some.
ATTRIBUTES = ((ACCESSED, "A"), (DIRTY, "D"), (GLOBAL, "G"), (WRITE_THROUGH, "PWT"), (CACHE_DISABLE, "PCD"))
ATTRIBUTES += ((PAT, "PAT"), (EXCLUSIVE, "EXCL"))
EVERYTHING = WRITABLE | USER_ACCESSIBLE


def rights_of(word):
    """Return `rwx` and who: `rw- kernel`, `r-x user`, from a flag word."""
    write = "w" if word & WRITABLE else "-"
    execute = "-" if word & NO_EXECUTE else "x"
    return "r%s%s %s" % (write, execute, "user" if word & USER_ACCESSIBLE else "kernel")


def combined(above, word):
    """Return the rights left below an entry: all levels must allow writing and users, any can forbid execution."""
    return above & word & EVERYTHING | (above | word) & NO_EXECUTE


def attributes_of(word, without=0):
    """Return the names of the other bits that are set: `A D G`."""
    names = [name for bit, name in ATTRIBUTES if word & bit and not without & bit]
    key = word >> KEY_SHIFT & 15
    return " ".join(names + (["key=%d" % key] if key else []))


def raw_names(word, level):
    """Return what an entry's own bits say, in the order of the bits: `P W U A D PS G NX`."""
    names = [name for bit, name in ((PRESENT, "P"), (WRITABLE, "W"), (USER_ACCESSIBLE, "U")) if word & bit]
    if word & HUGE_PAGE:
        names.append("PAT" if level == 1 else "PS")
    names += [attributes_of(word)] if attributes_of(word) else []
    return " ".join(names + (["NX"] if word & NO_EXECUTE else []))
