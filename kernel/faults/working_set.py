"""Accessed and dirty bits as a tool: which pages were touched since somebody last looked."""

from paging import OffsetPageTable
from paging.access import NO_PATH, walk
from paging.mapping import check_run
from paging.natives import cpu, entries
from paging.numbers import page_of
from paging.shootdown import forget, forget_all

from .handlers import pages_of

PRESENT, ACCESSED, DIRTY = 1 << 0, 1 << 5, 1 << 6

word_at, frame_at, compare_and_set = entries.word, entries.frame, entries.compare_and_set


class WorkingSet:
    """The pages of a range that were accessed between two samples, and which of them were written."""

    def __init__(self, range, accessed, dirty):
        self.range = range
        self.accessed_numbers = accessed
        self.dirty_numbers = dirty

    @property
    def accessed(self):
        """The Pages that were read, written or executed."""
        return [page_of(number) for number in self.accessed_numbers]

    @property
    def dirty(self):
        """The Pages that were written."""
        return [page_of(number) for number in self.dirty_numbers]

    def __len__(self):
        return len(self.accessed_numbers)

    def chart(self, width=64):
        """One character a page: `.` untouched, `r` accessed, `W` written; a line for every `width` pages."""
        marks = bytearray(b"." * len(self.range))
        for numbers, mark in ((self.accessed_numbers, b"r"), (self.dirty_numbers, b"W")):
            for number in numbers:
                marks[number - self.range.first_number] = mark[0]
        text = bytes(marks).decode()
        return "\n".join([text[at : at + width] for at in range(0, len(text), width)])

    def __repr__(self):
        return "%d of %d pages accessed, %d written\n%s" % (
            len(self.accessed_numbers),
            len(self.range),
            len(self.dirty_numbers),
            self.chart(),
        )


def sample(access, page, mask):
    """Return which bits of `mask` (ACCESSED, DIRTY) a page number's leaf has, and clear them; 0 if it is not mapped.

    access: how the tables of a root are seen. The entry is changed by a locked instruction, so that a bit which the CPU
    sets meanwhile is not lost. Flushing is the caller's: until then the CPU may not set the bits again.
    """
    at = walk(access.facts, access.see, page, 1, NO_PATH) & -8
    while True:
        word = word_at(at)
        bits = word & mask if word & PRESENT else 0
        if bits == 0:
            return 0
        frame = frame_at(at)
        if compare_and_set(at, frame, word, frame, word & ~mask):
            return bits


def take(access, page, mask):
    """As `sample`, and flushed: the next access sets them again."""
    bits = sample(access, page, mask)
    if bits:
        forget(access.root_frame, page, 1)
    return bits


# The root frame that was asked about last, and how its tables are seen: making a mapper costs 42,000 instructions.
_seen = [-1, None]


def access_of(mapper):
    """How the tables of a mapper are seen; those of the active root for None."""
    if mapper is not None:
        return mapper.access
    root = cpu.read_root_frame()
    if _seen[0] != root:
        _seen[:] = root, OffsetPageTable().access
    return _seen[1]


def take_bits(page, mask, mapper=None):
    """Return which bits of `mask` a page number's leaf has, clear and flush them: the next access sets them again.

    mapper: whose tables; the active ones unless given. Raises TypeError or ValueError for no page number.
    """
    check_run(page, 1)
    return take(access_of(mapper), page, mask)


def working_set(range, mapper=None):
    """Return the WorkingSet of a PageRange since the last call, and begin anew: the bits are cleared and flushed.

    mapper: whose tables; the active ones unless given. A huge page counts as its first page in the range.
    """
    pages = pages_of(range)
    access = access_of(mapper)
    accessed, dirty, number = [], [], pages.first_number
    while number <= pages.last_number:
        bits = sample(access, number, ACCESSED | DIRTY)
        if bits & ACCESSED:
            accessed.append(number)
        if bits & DIRTY:
            dirty.append(number)
        number += 1
    if accessed or dirty:
        forget_all(access.root_frame, pages.first_number, len(pages), True)
    return WorkingSet(pages, accessed, dirty)
