"""Why an entry forbids what was asked: the exception for it, which names the page and what the entry says.

Each takes the address of the entry at which a walk ended, and its level.
"""

from memory_structs import Misaligned, OutOfRange

from .flags import EXCLUSIVE, EXECUTABLE, HUGE_PAGE, NO_EXECUTE, PAT, PRESENT, PteFlagsX86_64, flag_word, word_for
from .leaves import is_malformed
from .natives import entries
from .refusals import (
    ContradictoryFlags,
    InvalidFrameAddress,
    MalformedEntry,
    PageAlreadyMapped,
    PageNotMapped,
    ParentEntryHugePage,
    SmallerPages,
    StaleEntry,
    StaleParentEntry,
    TableInTheWay,
    frame_text,
    page_text,
)

FLAG_RULES = (
    "asked for must be PRESENT, without HUGE_PAGE on a 4 KiB page or a table, without reserved bits (NO_EXECUTE needs"
    " EFER.NXE, 1 GiB pages need the CPU)"
)
UNUSUAL = PRESENT | HUGE_PAGE | EXECUTABLE  # of flags for a page; PRESENT alone of these needs no closer look
NO_RAM_THERE = "no table can lie there: no memory is shown at that address"


def read(at, level):
    """(frame number, flag word, whether it maps a page) of the entry at an address."""
    frame, raw = entries.frame(at), entries.word(at)
    is_leaf = level == 1 or raw & HUGE_PAGE != 0
    return frame, flag_word(raw, frame, level, is_leaf), is_leaf


def entry_is_malformed(access, at, level):
    """True when a present entry has bits that this CPU reserves."""
    frame, raw = entries.frame(at), entries.word(at)
    if level == 1 or raw & HUGE_PAGE:
        return bool(
            is_malformed(access.facts, level, raw & 0xFFF | frame << 12 & 0xFFFFFFFF, raw >> 12 << 20 | frame >> 20)
        )
    return bool(is_malformed(access.facts, 1, 0, raw >> 12 << 20 | frame >> 20))


def refusal_of_parent(access, at, level, page):
    """For an entry that a walk could not follow although something lies below.

    The reason: reserved bits, a note, no RAM, a page.
    """
    frame, word, is_leaf = read(at, level)
    if not word & PRESENT:
        return StaleParentEntry(page, level, word, frame)
    if entry_is_malformed(access, at, level):
        return MalformedEntry(page, level, word, frame)
    if is_leaf:
        return ParentEntryHugePage(page, level, word, frame & -(1 << 9 * (level - 1)))
    return InvalidFrameAddress(page, level, word, frame, NO_RAM_THERE)


def refusal_to_map(access, at, level, page, offered, smallest):
    """For an entry that is in use where a page, of level `smallest` at least, was to be mapped to frame `offered`."""
    frame, word, is_leaf = read(at, level)
    if level > smallest:
        return refusal_of_parent(access, at, level, page)
    if not word & PRESENT:
        return StaleEntry(page, level, word, frame, offered)
    if entry_is_malformed(access, at, level):
        return MalformedEntry(page, level, word, frame)
    if is_leaf:
        return PageAlreadyMapped(page, level, word, frame & -(1 << 9 * (level - 1)), offered)
    return TableInTheWay(page, level, word, frame, offered)


def refusal_of_leaf(access, at, level, page, smallest):
    """For what is no leaf of its own, of level `smallest` at least, for a page that was to be unmapped or changed."""
    frame, word, is_leaf = read(at, level)
    if not word & PRESENT:
        return PageNotMapped(page, level, word)
    if entry_is_malformed(access, at, level):
        return MalformedEntry(page, level, word, frame)
    if not is_leaf:
        if level > smallest:
            return InvalidFrameAddress(page, level, word, frame, NO_RAM_THERE)
        return SmallerPages(page, level, word, frame)
    if level < smallest:
        return SmallerPages(page, level, word, frame)
    return ParentEntryHugePage(page, level, word, frame & -(1 << 9 * (level - 1)))


def check_flags(access, flags, smallest, may_be_absent=False):
    """The flag word of flags for a page of level `smallest` at least. Raises TypeError or ContradictoryFlags."""
    word = flags._word if flags.__class__ is PteFlagsX86_64 else word_for(flags)
    if word & UNUSUAL == PRESENT and not (word & NO_EXECUTE and access.no_execute_is_reserved):
        return word
    if (
        not (word & PRESENT or may_be_absent)
        or word >= EXECUTABLE
        or (smallest == 1 and word & HUGE_PAGE)
        or (word & NO_EXECUTE and access.no_execute_is_reserved)
    ):
        raise ContradictoryFlags(flags, FLAG_RULES)
    return word


def check_table_flags(access, flags):
    """The raw word of flags for an entry that leads to a table, without EXCLUSIVE.

    EXCLUSIVE says there whose the table is, and that is not asked for. Raises TypeError or ContradictoryFlags.
    """
    word = word_for(flags) & ~EXCLUSIVE
    if word >= PAT or word & HUGE_PAGE or (word & NO_EXECUTE and access.no_execute_is_reserved):
        raise ContradictoryFlags(flags, FLAG_RULES)
    return word


def check_levels(access, smallest, largest):
    """The largest level of pages that can be had, `largest` at most. Raises ContradictoryFlags, ValueError."""
    if smallest.__class__ is not int or largest.__class__ is not int or not 1 <= smallest <= largest <= 3:
        raise ValueError("levels of pages are 1 to 3, the smallest first")
    if largest > access.largest_page_level:
        if smallest > access.largest_page_level:
            raise ContradictoryFlags("a page of level %d" % smallest, FLAG_RULES)
        return access.largest_page_level
    return largest


def check_frames(access, frame, count):
    """Refuse frame numbers that this CPU does not have. Raises TypeError, ValueError or OutOfRange."""
    limit = access.frames_end
    if frame.__class__ is not int:
        raise TypeError("int expected, not %s" % type(frame).__name__)
    if not 0 <= frame < limit:
        raise ValueError("frame number is %d: must be from 0 to %s" % (frame, hex(limit - 1)))
    if frame + count > limit:
        raise OutOfRange(frame_text(frame + count - 1), "this CPU's physical addresses")


def check_alignment(page, frame, count, level):
    """Refuse what is not made of whole pages of a level. Raises Misaligned."""
    if (page | frame | count) & (1 << 9 * (level - 1)) - 1:
        raise Misaligned(page_text(page), "the page size (or its frame or its length is not)")
