"""Which flags a mapping gets: what was asked for, or a refusal; and W^X.

Two are nobody's to ask for and come with the constants of others: ACCESSED and DIRTY, which the CPU sets.
"""

from memory_structs import FrameRange, PageRange
from memory_structs.mode import UPPER_HALF_FIRST_PAGE
from paging import ContradictoryFlags
from paging.flags import (
    ACCESSED,
    DIRTY,
    EXCLUSIVE,
    EXECUTABLE,
    HUGE_PAGE,
    NO_EXECUTE,
    PRESENT,
    USER_ACCESSIBLE,
    WRITABLE,
    PteFlags,
    word_for,
)
from paging.natives import console

from ..ledger import SHARED
from ..refusals import WritableExecutable
from ..views.refusals import NotWritable

MARKS = ACCESSED | DIRTY
# Flags that need a closer look, and what they are when they don't. (Marks they don't get, asked for or not.)
UNUSUAL = PRESENT | USER_ACCESSIBLE | HUGE_PAGE | EXCLUSIVE | EXECUTABLE | NO_EXECUTE
USUAL = PRESENT | NO_EXECUTE
NOT_MARKS = ~MARKS

NOT_VALID = "a mapping is VALID: drop() is how it ends"
HUGE = "HUGE_PAGE is not asked for: huge pages are taken where they fit, unless huge=False"
UPPER_HALF = "ring 3 reaches nothing in the upper half, whose root entries are the kernel's: map it in the lower half"
NOT_ALONE = "other mappings may have these frames, too, so their entries can't be EXCLUSIVE"


def word_of(flags, page, count, override=None):
    """The flag word of a mapping that is asked for. Raises TypeError, ContradictoryFlags or WritableExecutable."""
    word = flags._word if flags.__class__ is PteFlags else word_for(flags)
    return word & NOT_MARKS if word & UNUSUAL == USUAL else unusual_word(flags, page, count, override)


def unusual_word(flags, page, count, override):
    """The same for flags that need a closer look: executable, user accessible, or asking for what is not to be had."""
    word = word_for(flags)
    if not word & PRESENT:
        raise ContradictoryFlags(flags, NOT_VALID)
    if word & HUGE_PAGE:
        raise ContradictoryFlags(flags, HUGE)
    if word & USER_ACCESSIBLE and page >= UPPER_HALF_FIRST_PAGE:
        raise ContradictoryFlags(flags, UPPER_HALF)
    if word & WRITABLE and not word & NO_EXECUTE:
        if type(override) is not str or not override:
            raise WritableExecutable(PageRange.from_numbers(page, page + count - 1))
        log = "memory: %d pages at %s are writable and executable: %s\n"
        console.log(log % (count, hex(page << 12), override))
    return word & NOT_MARKS & ~EXCLUSIVE


def refuse_for_kind(flags, kind, allocator, first, count):
    """Refuse flags that frames of a kind can't have: EXCLUSIVE where they are shared (ContradictoryFlags), and WRITABLE
    where they were granted for reading only, as modules and ACPI's regions are (NotWritable)."""
    word = word_for(flags)
    if kind == SHARED and word & EXCLUSIVE:
        raise ContradictoryFlags(flags, NOT_ALONE)
    if word & WRITABLE:
        for low, high, name in allocator.read_only:
            if first <= high and low < first + count:
                raise NotWritable(FrameRange.from_numbers(first, first + count - 1), name + " is for reading only")
