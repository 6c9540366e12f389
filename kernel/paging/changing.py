"""Unmapping and changing runs of pages, and the entries above them.

Everything is checked, then the token for the TLB is made, then the entries change, in machine code that nothing
interrupts.
"""

import micropython
from memory_structs.mode import ENTRIES, LEVELS, PAGES_PER_ROOT_ENTRY, pages_at
from micropython import const

from .flags import EXCLUSIVE, GLOBAL, PRESENT, PteFlagsX86_64, raw_leaf_word
from .leaves import change_leaves, clear_leaves, survey
from .natives import critical, entries
from .refusals import (
    KernelInUse,
    PageAlreadyMapped,
    PageNotMapped,
    ParentEntryHugePage,
    StaleParentEntry,
    TableInTheWay,
)
from .shootdown import forget_all
from .verdicts import (
    check_alignment,
    check_flags,
    check_table_flags,
    entry_is_malformed,
    read,
    refusal_of_leaf,
    refusal_of_parent,
)

# In a raw word: bit 12, which is PAT in a huge page's entry, and of the frame in any other.
_LOWEST_OF_FRAME = const(1 << 24)
# What stays of a table's entry when its flags are replaced: its frame, and whose table it is.
KEPT_IN_TABLES = _LOWEST_OF_FRAME | EXCLUSIVE
_HUGE_PAGE = const(0x80)  # of a flag word
_PAT = const(1 << 24)


@micropython.viper
def _word(words: ptr32, at: int) -> int:
    return words[at]


def check_leaves(mapper, page, count, smallest, largest):
    """Refuse what is not mapped by leaves of its own. Returns (leaves, whether one is GLOBAL, levels as bits)."""
    mapper.refuse_kernel(page, count)
    found = bytearray(12)
    sound = survey(mapper.access.facts, mapper.access.see, page, count, smallest, largest, found)
    if sound < count:
        at = mapper.access.walk(page + sound, smallest)
        raise refusal_of_leaf(mapper.access, at & -8, at & 7, page + sound, smallest)
    return _word(found, 0), _word(found, 1) != 0, _word(found, 2)


def token_for(mapper, page, count, leaves, any_global, levels):
    """The token for changing all leaves of a run."""
    if leaves > mapper.ledger.threshold:
        return mapper.token_for_all(page, count, any_global)
    if levels & levels - 1 == 0:
        return mapper.token(page, ((page, count, count // leaves),))
    return mapper.token(page, spans_of(mapper.runs(page, count)))


def spans_of(runs):
    """What a MapperFlush needs of runs."""
    return tuple([(run.page, run.count, pages_at(run.level)) for run in runs if run.is_mapped])


def unmap_run(mapper, page, count):
    """`Mapper.unmap_numbers`: (list of Run, MapperFlush)."""
    critical.enter()
    try:
        mapper.refuse_kernel(page, count)
        runs = mapper.runs(page, count)
        leaves, any_global, levels = 0, False, 0
        for run in runs:
            inside = pages_at(run.level) - 1
            if not run.is_mapped or (run.page | run.count) & inside:
                check_leaves(mapper, page, count, 1, LEVELS - 1)  # that says what is wrong with it
            leaves += run.count // (inside + 1)
            any_global = any_global or run.word & GLOBAL != 0
            levels |= 1 << run.level
        result = [runs, None]
        result[1] = token = token_for(mapper, page, count, leaves, any_global, levels)
        try:
            result = tuple(result)
        except BaseException:
            token.ignore()
            raise
        try:
            clear_leaves(mapper.access.facts, mapper.access.see, page, count)
        except BaseException:  # a fault
            try:
                put_back(mapper.access, runs)
            finally:
                token.flush()
            raise
    finally:
        critical.leave()
    return result


def take_out(access, page, count):
    """Take out what `commit` wrote of a run's leaves before a fault ended it; its tables stay."""
    first, whole = page, count
    try:
        while count > 0:
            at = access.walk(page, 1)
            level = at & 7
            at -= level
            covered = pages_at(level)
            found = 1 if level > 1 else min(count, ENTRIES - (at >> 3 & ENTRIES - 1))
            entries.clear(at, found)
            done = found * covered - (page & covered - 1)
            page, count = page + done, count - done
    finally:
        forget_all(access.root_frame, first, whole, True)


def put_back(access, runs):
    """Write the leaves of runs once more: a fault came while they were emptied. All get the marks of a run's first."""
    for run in runs:
        page, frame, left, size = run.page, run.frame, run.count, pages_at(run.level)
        while left > 0:
            at = access.walk(page, run.level) & -8
            count = min(left // size, ENTRIES - (at >> 3 & ENTRIES - 1))
            entries.fill(at, count, frame, raw_leaf_word(run.word, run.level), size)
            page, frame, left = page + count * size, frame + count * size, left - count * size


def update_run(mapper, page, count, smallest, largest, flags, keep):
    """`Mapper.update_numbers`, for pages of levels from `smallest` to `largest`. Returns a MapperFlush."""
    access = mapper.access
    check_alignment(page, 0, count, smallest)
    critical.enter()
    try:
        leaves, any_global, levels = check_leaves(mapper, page, count, smallest, largest)
        word = check_flags(access, flags, smallest, may_be_absent=True)
        words = change_words(keep, word)
        token = token_for(mapper, page, count, leaves, any_global, levels)
        try:
            change_leaves(access.facts, access.see, page, count, words)
        except BaseException:  # a fault: some may have changed, and it can be done once more
            token.flush()
            raise
    finally:
        critical.leave()
    return token


@micropython.viper
def change_words(keep: int, word: int):
    """What `change_leaves` takes: of the old flags those in the flag word `keep` stay, `word` is added."""
    made = bytearray(16)
    words = ptr32(made)
    words[0] = keep & ~(_HUGE_PAGE | _PAT) | _LOWEST_OF_FRAME
    words[1] = word
    if keep & _PAT:  # a page's entry has it in the bit of HUGE_PAGE
        words[0] = int(words[0]) | _HUGE_PAGE
    if word & _PAT:
        words[1] = word & ~_PAT | _HUGE_PAGE
    words[2] = keep & ~_HUGE_PAGE
    words[3] = word | _HUGE_PAGE
    return made


def clear_note(mapper, page, level):
    """`Mapper.clear` of a page of that level."""
    access = mapper.access
    mapper.refuse_kernel(page, pages_at(level))
    at = access.walk(page, level)
    at, found = at & -8, at & 7
    frame, word, is_leaf = read(at, found)
    if found != level:
        if word & PRESENT:
            raise refusal_of_parent(access, at, found, page)
        if frame or word:
            raise StaleParentEntry(page, found, word, frame)
        raise PageNotMapped(page, found, word)
    if word & PRESENT:
        kind = PageAlreadyMapped if is_leaf else TableInTheWay
        raise kind(page, found, word, frame, 0)
    if not frame and not word:
        raise PageNotMapped(page, found, word)
    result = frame, PteFlagsX86_64.of_word(word)
    entries.clear(at, 1)
    return result


def set_parent(mapper, page, page_level, level, flags):
    """`Mapper.set_parent_flags`: the entry at `level` on the way of a page of level `page_level`."""
    access = mapper.access
    at = access.walk(page, level)
    at, found = at & -8, at & 7
    frame, word, is_leaf = read(at, found)
    first = page & -pages_at(level)
    if level == LEVELS and access.shared_table(page):
        mapper.refuse_kernel(first, PAGES_PER_ROOT_ENTRY)
        raise KernelInUse(page, "the kernel's half, which all tables share")
    mapper.refuse_kernel(first, pages_at(level))
    new = check_table_flags(access, flags)
    if not word & PRESENT:
        raise PageNotMapped(page, found, word)
    if found != level or level <= page_level or is_leaf or entry_is_malformed(access, at, found):
        if level <= page_level and not is_leaf:
            raise ParentEntryHugePage(page, level, word, frame)
        raise refusal_of_parent(access, at, found, page)
    if not new & PRESENT:
        check_flags(access, flags, 1)
    token = mapper.token_for_all(first, pages_at(level))
    try:
        entries.change(at, 1, KEPT_IN_TABLES, new)
    except BaseException:
        token.ignore()
        raise
    return token
