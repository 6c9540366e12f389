"""Which flags a mapping gets: what was asked for, without what the mapper decides itself; and W^X."""

from memory_structs import PageRange
from paging.flags import (
    ACCESSED,
    DIRTY,
    EXCLUSIVE,
    EXECUTABLE,
    HUGE_PAGE,
    NO_EXECUTE,
    PRESENT,
    WRITABLE,
    PteFlags,
    word_for,
)
from paging.natives import console

from ..refusals import WritableExecutable

MARKS = ACCESSED | DIRTY
# What a mapper decides itself, whatever the flags say.
NOT_ASKED_FOR = MARKS | HUGE_PAGE | EXCLUSIVE
# Flags that need a closer look, and what they are when they don't. (PRESENT they get, and marks
# they don't, asked for or not.)
UNUSUAL = NOT_ASKED_FOR & ~MARKS | EXECUTABLE | NO_EXECUTE
USUAL = NO_EXECUTE
NOT_MARKS = ~MARKS


def word_of(flags, page, count, override=None):
    """The flag word of a mapping that is asked for. Raises TypeError, ContradictoryFlags or WritableExecutable."""
    word = flags._word if flags.__class__ is PteFlags else word_for(flags)
    return word & NOT_MARKS | PRESENT if word & UNUSUAL == USUAL else unusual_word(flags, page, count, override)


def unusual_word(flags, page, count, override):
    """The same for flags that need a closer look: executable, or wishing what is not theirs to wish."""
    word = word_for(flags)
    if word & WRITABLE and not word & NO_EXECUTE:
        if type(override) is not str or not override:
            raise WritableExecutable(PageRange.from_numbers(page, page + count - 1))
        log = "memory: %d pages at %s are writable and executable: %s\n"
        console.log(log % (count, hex(page << 12), override))
    return word & ~NOT_ASKED_FOR | PRESENT
