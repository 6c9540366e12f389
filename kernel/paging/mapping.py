"""Mapping a run of pages, in two parts: `plan` finds everything that can be refused and counts the tables that are
missing; `commit` makes them and writes the leaves, and can't fail.

                      plan                                       commit
    an unused entry   counts the tables that go below            a leaf if it fits there, else a new table
    a table           goes down                                  goes down
    a page, a note    refuses, naming page and entry             (was refused)

A leaf of level n fits where page and frame are aligned to what it covers and the run is long enough; the largest that
fits is used. New tables are cleared, or filled whole, before the entry above leads to them: a CPU that walks meanwhile
finds nothing, or all of it.
"""

import micropython
from memory_structs.mode import ENTRIES, INDEX_BITS, LOWER_HALF_LAST_PAGE
from micropython import const

from .access import NO_PATH, is_canonical, walk
from .flags import PRESENT, USER_ACCESSIBLE, WRITABLE, raw_leaf_word
from .frame_allocators import give_back, runs_from
from .natives import critical, entries
from .refusals import FrameAllocationFailed
from .tlb import NOTHING_TO_FLUSH
from .verdicts import check_alignment, check_flags, check_frames, check_levels, check_table_flags, refusal_to_map

_ROOT = const(0)  # words of an access's facts
_DISTANCE = const(2)
_SHIFT = const(4)

_LEAF = const(0)  # words of a Job: raw words of a page's entry at level 1, above, and of a table's
_HUGE_LEAF = const(1)
_TABLE = const(2)
_LARGEST = const(3)
_SPARE = const(4)  # 2: the next spare frame, and the one behind the last of its run
_SPARE_END = const(6)  # 2
_WIDEN = const(8)  # 1: give the tables on the way the bits of _TABLE, too
_CHANGED = const(9)  # 1: that has changed one
_WORDS = const(10)

_LEVEL = const(7)
_HIGH_FRAME = const(0xFFFFF)

fill, clear, unused, change = entries.fill, entries.clear, entries.unused, entries.change
EVERY_BIT = (1 << 25) - 1


def check_run(page, count):
    """Refuse numbers that are no run of pages in one half of the address space. Raises TypeError or ValueError."""
    for number in page, count:
        if number.__class__ is not int:
            raise TypeError("int expected, not %s" % type(number).__name__)
    if not is_canonical(page):
        raise ValueError("page number is %s: there is no such page, it is not canonical" % hex(page))
    if count < 1 or not is_canonical(page + count - 1) or (page ^ page + count - 1) > LOWER_HALF_LAST_PAGE:
        raise ValueError("%d pages from page number %s on do not fit this half" % (count, hex(page)))


def map_run(mapper, numbers, flags, frame_allocator, parent_flags, smallest, largest):
    """`Mapper.map_to` and its like on numbers: (page, frame, count). Returns a MapperFlush."""
    page, frame, count = numbers
    access = mapper.access
    check_frames(frame, count)
    largest = check_levels(access, smallest, largest)
    word = check_flags(access, flags, smallest)
    check_alignment(page, frame, count, smallest)
    mapper.refuse_kernel(page, count)
    token = NOTHING_TO_FLUSH
    if parent_flags is None:
        job = Job(word, PRESENT | WRITABLE | word & USER_ACCESSIBLE, largest)
    else:
        job = Job(word, check_table_flags(access, parent_flags), largest, True)
        token = mapper.token_for_all(page, count)
    try:
        supply_and_commit(access, job, numbers, smallest, largest, frame_allocator)
    finally:
        if not job.parents_changed:
            token.ignore()
        if job.has_unused():
            withdraw(job, frame_allocator)
    return token if job.parents_changed else NOTHING_TO_FLUSH


def supply_and_commit(access, job, numbers, smallest, largest, frame_allocator):
    """Plan, get frames for tables, and plan again: whoever gave them may have mapped something. Then commit."""
    if access.see is not None:
        plan(access, *numbers, smallest, largest)  # whatever that asks, it asks while Ctrl-C can end it
    while True:
        critical.enter()
        try:
            needed = plan(access, *numbers, smallest, largest) - job.count
            if needed <= 0 and access.foresee(job):
                commit(access.facts, access.see, access.link, job, *numbers)
                return
        finally:
            critical.leave()
        if needed > 0:
            supply(job, numbers[0], needed, frame_allocator)


def withdraw(job, frame_allocator):
    """Give every frame that a job has not used back."""
    critical.enter()
    try:
        job.give_unused(frame_allocator, give_back)
    finally:
        critical.leave()


def supply(job, page, needed, frame_allocator):
    """Hand a job `needed` frames for tables. Raises FrameAllocationFailed; what came is the job's, and unused."""
    critical.enter()  # or Ctrl-C could come between a frame's allocation and its being written down
    try:
        for first, count in runs_from(frame_allocator, needed):
            try:
                job.supply(first, count)
            except BaseException:
                give_back(frame_allocator, first, count)
                raise
            needed -= count
    finally:
        critical.leave()
    if needed > 0:
        raise FrameAllocationFailed(page, job.count + needed, job.count)


class Job:
    """One mapping under way: `.words`, and the frames for its tables, in runs.

    The state of a call, held by the call.
    """

    def __init__(self, word, table_word, largest, widen=False):
        self.words = words = bytearray(4 * _WORDS)
        self.count = 0
        self._runs = []
        _write(words, _LEAF, raw_leaf_word(word, 1) | raw_leaf_word(word, 2) << 32)
        _write(words, _TABLE, table_word | PRESENT | largest << 32)
        _write(words, _WIDEN, 1 if widen else 0)

    def supply(self, first, count):
        """Take `count` frames from a frame number on for tables."""
        self._runs.append((first, count))
        self.count += count

    def more(self):
        """Make the next run of spare frames the one that is used. For `commit`, which was promised enough."""
        first, count = self._runs.pop(0)
        _write(self.words, _SPARE, first)
        _write(self.words, _SPARE_END, first + count)

    def copy_spare(self, numbers):
        """Write the numbers of the frames that were supplied into a list that is as long. Allocates nothing."""
        at = 0
        for run in self._runs:
            for number in range(run[0], run[0] + run[1]):
                numbers[at] = number
                at += 1

    def has_unused(self):
        """True when frames are left over. Allocates nothing."""
        return len(self._runs) > 0 or _read(self.words, _SPARE) < _read(self.words, _SPARE_END)

    def give_unused(self, taker, give):
        """Call give(taker, first frame, count) for every run that is left over. Allocates nothing."""
        while self.has_unused():
            first = _read(self.words, _SPARE)
            count = _read(self.words, _SPARE_END) - first
            if count == 0:
                self.more()
                continue
            _write(self.words, _SPARE, first + count)
            give(taker, first, count)

    @property
    def parents_changed(self):
        return _read(self.words, _WIDEN) >> 32 != 0


@micropython.viper
def _write(words: ptr32, at: int, value: int):
    words[at] = value
    words[at + 1] = value >> 32


@micropython.viper
def _read(words: ptr32, at: int) -> int:
    return words[at] | words[at + 1] << 32


def plan(access, page, frame, count, smallest, largest):
    """How many tables are missing for mapping `count` 4 KiB pages from number `page` on to frames from `frame` on.

    `smallest`, `largest`: levels of the pages to be used. Changes nothing. Raises PageAlreadyMapped and its like,
    naming the first page that is in the way.
    """
    needed = 0
    while count > 0:
        at = walk(access.facts, access.see, page, smallest, NO_PATH)
        level = at & _LEVEL
        at -= level
        shift = INDEX_BITS * (level - 1)
        inside = page & (1 << shift) - 1
        wanted = min(inside + count + (1 << shift) - 1 >> shift, ENTRIES - (at >> 3 & ENTRIES - 1))
        free = unused(at, wanted)
        if free == 0:
            raise refusal_to_map(access, at, level, page, frame, smallest)
        pages = min((free << shift) - inside, count)
        if level > 1:
            needed += missing_tables(level - 1, page, frame, pages, largest)
        page += pages
        frame += pages
        count -= pages
    return needed


def missing_tables(level, page, frame, count, largest):
    """How many tables, of `level` and below, a run of pages needs below entries of `level` + 1 that are not used."""
    if level == 0:
        return 0
    covered = 1 << INDEX_BITS * level  # pages of one such table, or of one leaf in its place
    inside = covered - 1
    if level >= largest or (page ^ frame) & inside:
        tables = (page & inside) + count + inside >> INDEX_BITS * level
        return tables + missing_tables(level - 1, page, frame, count, largest)
    # What covers a whole leaf needs no table: only the two ends do.
    head = min(-page & inside, count)
    tail = count - head & inside
    needed = 0
    if head:
        needed = 1 + missing_tables(level - 1, page, frame, head, largest)
    if tail:
        needed += 1 + missing_tables(level - 1, page + count - tail, frame + count - tail, tail, largest)
    return needed


@micropython.viper
def commit(facts: int, see, link, job, page: int, frame: int, count: int):
    """Write the leaves of a mapping that was planned, and the tables that it needs.

    These are of the frames that `job` was given.
    """
    fact = ptr32(facts)
    words = ptr32(job.words)
    distance = fact[_DISTANCE] | fact[_DISTANCE + 1] << 32
    largest = int(words[_LARGEST])
    while count > 0:
        table_frame = fact[_ROOT] | fact[_ROOT + 1] << 32
        shift = int(fact[_SHIFT])
        level = (shift * 57 >> 9) + 1
        done = 0
        while done == 0:
            if distance & 1:  # noqa: SIM108
                at = int(see(table_frame, level, page))
            else:
                at = distance + (table_frame << 12)
            index = page >> shift & 511
            at += index << 3
            entry = ptr32(at)
            low = int(entry[0])
            high = int(entry[1])
            size = 1 << shift
            if low | high == 0 and level <= largest and (page | frame) & (size - 1) == 0 and count >= size:
                leaves = count >> shift
                if leaves > 512 - index:
                    leaves = 512 - index
                if level > 1:
                    leaves = int(unused(at, leaves))
                    fill(at, leaves, frame, words[_HUGE_LEAF], size)
                else:
                    fill(at, leaves, frame, words[_LEAF], 1)
                done = leaves << shift
            elif low | high == 0:
                table_frame = words[_SPARE] | words[_SPARE + 1] << 32
                if table_frame == (words[_SPARE_END] | words[_SPARE_END + 1] << 32):
                    job.more()
                    table_frame = words[_SPARE] | words[_SPARE + 1] << 32
                words[_SPARE] = table_frame + 1
                words[_SPARE + 1] = table_frame + 1 >> 32
                word = int(words[_TABLE])
                if distance & 1:
                    link(at, table_frame, level - 1, page, word)
                else:
                    below = distance + (table_frame << 12)
                    if level == 2 and page & 511 == 0 and count >= 512:
                        fill(below, 512, frame, words[_LEAF], 1)
                        done = 512
                    else:
                        clear(below, 512)
                    entry[1] = table_frame >> 20 | word >> 12 << 20
                    entry[0] = table_frame << 12 | word & 0xFFF
            else:
                word = int(words[_TABLE])
                if int(words[_WIDEN]) and (
                    low & word & 0xFFF != word & 0xFFF or (high >> 20 & 0xFFF) & word >> 12 != word >> 12
                ):
                    change(at, 1, EVERY_BIT, word)
                    words[_CHANGED] = 1
                table_frame = low >> 12 | (high & _HIGH_FRAME) << 20
            shift -= 9
            level -= 1
        page += done
        frame += done
        count -= done
