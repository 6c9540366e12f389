"""`deep_copy`: the contents of a mapping in new pages, copied through the physical window, whatever the rights."""

from memory_structs import IllegalState
from paging.flags import NO_EXECUTE, USER_ACCESSIBLE, WRITABLE, PteFlags
from paging.natives import memory

from . import unmapping
from .rights import word_of

RECORD = 0


def copy_of(kernel, mapped, record, flags):
    """See `MappedPages.deep_copy`. Raises IllegalState for a mapping that is writable and executable.

    A copy of such a one needs flags of its own.
    """
    count, word = record.count, record.flags
    if flags is not None or word & USER_ACCESSIBLE:
        word = word_of(mapped.flags if flags is None else flags, kernel._page_pool.low, count)
    elif word & WRITABLE and not word & NO_EXECUTE:
        raise IllegalState(mapped, "writable and executable by an override", "be copied with the same flags: give some")
    is_code = not word & NO_EXECUTE  # which is written before it may be executed
    source = unmapping.runs_of_record(mapped._state[1], record, mapped, "deep_copy()")
    copy = kernel._create(count, word | NO_EXECUTE)
    made = copy._state[RECORD]
    target = unmapping.runs_of_record(kernel, made, copy, "deep_copy()")
    while source:
        done = min(source[0][1], target[0][1])
        memory.copy_frames(target[0][0], source[0][0], done)
        advance(source, done)
        advance(target, done)
    if is_code:
        try:
            copy.remap(PteFlags.of_word(word))
        except BaseException:
            copy.drop()
            raise
    return copy


def advance(runs, done):
    """Take `done` frames off the front of a list of runs."""
    first, count = runs[0]
    if count == done:
        runs.pop(0)
    else:
        runs[0] = first + done, count - done
