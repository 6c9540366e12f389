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
from memory_structs.mode import LAST_PAGE, LOWER_HALF_LAST_PAGE, LOWER_HALF_PAGES, UPPER_HALF_FIRST_PAGE
from micropython import const

from .access import is_canonical, walk
from .changing import take_out
from .flags import HUGE_PAGE, PAT, PRESENT, USER_ACCESSIBLE, WRITABLE, raw_leaf_word
from .frame_allocators import PREPARED, give_back, lend_tables, next_run, prepare_tables
from .guard import opens_guard
from .linked import LinkedTables
from .natives import critical, entries
from .refusals import FrameAllocationFailed
from .tlb import NOTHING_TO_FLUSH
from .verdicts import check_alignment, check_flags, check_frames, check_levels, check_table_flags, refusal_to_map

_ROOT = const(0)  # words of an access's facts
_DISTANCE = const(2)
_SHIFT = const(4)
_MARKS = const(12)
_BLOCKS = const(4)  # words of sparse marks, and of a block of theirs
_REGION_SHIFT = const(17)
_FIRST_MARKS = const(4)
_WORD_IN_REGION = const(4095)

_LEAF = const(0)  # words of a Job: raw words of a page's entry at level 1, above, and of a table's
_HUGE_LEAF = const(1)
_TABLE = const(2)
_LARGEST = const(3)
_SPARE = const(4)  # 2: the next spare frame, and the one behind the last of its run
_SPARE_END = const(6)  # 2
_WIDEN = const(8)  # 1: give the tables on the way the bits of _TABLE, too
_WIDENED = const(9)  # 1: that has changed one
_WORDS = const(10)
_EXCLUSIVE = const(1 << 15)  # of a raw word
_LEVEL = const(7)
_HIGH_FRAME = const(0xFFFFF)

fill, clear, unused, change = entries.fill, entries.clear, entries.unused, entries.change
EVERY_BIT = (1 << 25) - 1


def check_run(page, count):
    """Refuse numbers that are no run of pages in one half of the address space. Raises TypeError or ValueError."""
    are_ints = page.__class__ is int and count.__class__ is int
    if are_ints and 0 <= page < page + count <= LOWER_HALF_PAGES:
        return
    if are_ints and UPPER_HALF_FIRST_PAGE <= page < page + count <= LAST_PAGE + 1:
        return
    for number in page, count:
        if number.__class__ is not int:
            raise TypeError("int expected, not %s" % type(number).__name__)
    if not is_canonical(page):
        raise ValueError("page number is %s: there is no such page, it is not canonical" % hex(page))
    if count < 1 or not is_canonical(page + count - 1) or (page ^ page + count - 1) > LOWER_HALF_LAST_PAGE:
        raise ValueError("%d pages from page number %s on do not fit this half" % (count, hex(page)))


def map_run(mapper, page, frame, count, flags, frame_allocator, parent_flags, smallest, largest):
    """`Mapper.map_to` and its like on numbers. Returns a MapperFlush."""
    access = mapper.access
    if frame.__class__ is not int or not 0 <= frame < frame + count <= access.frames_end:
        check_frames(access, frame, count)
    if smallest != 1 or largest.__class__ is not int or not 1 <= largest <= access.largest_page_level:
        largest = check_levels(access, smallest, largest)
    word = check_flags(access, flags, smallest)
    if smallest > 1:
        check_alignment(page, frame, count, smallest)
    mapper.refuse_kernel(page, count)
    token = NOTHING_TO_FLUSH
    if parent_flags is None:
        job = Job(word, PRESENT | WRITABLE | word & USER_ACCESSIBLE, largest)
    else:
        job = Job(word, PRESENT | check_table_flags(access, parent_flags), largest, True)
        token = mapper.token_for_all(page, count)
    try:
        supply_and_commit(access, job, page, frame, count, smallest, largest, frame_allocator)
    except BaseException:
        if job.has_widened():
            token.flush()
        raise
    finally:
        if token is not NOTHING_TO_FLUSH and not job.has_widened():
            token.ignore()
            token = NOTHING_TO_FLUSH
        if job.has_unused():
            withdraw(job, frame_allocator)
    return token


def supply_and_commit(access, job, page, frame, count, smallest, largest, frame_allocator):
    """Plan, get frames for tables, and plan again: whoever gave them may have mapped something. Then commit."""
    see = access.see
    if see is not None:
        tables_for(access, page, frame, count, smallest, largest)  # what that asks, it asks while Ctrl-C can end it
    while True:
        critical.enter()
        try:
            needed = plan(access.facts, see, page, frame, count, smallest, largest)
            if needed < 0:
                raise refusal(access, page, frame, -1 - needed, smallest)
            needed -= job.count
            if needed <= 0 and (see is None or access.foresee(job)):
                if job.count and getattr(frame_allocator, "keeps_frames", False) is not PREPARED:
                    job.lend_tables(frame_allocator)
                try:
                    commit(access.facts, see, access.link, job, page, frame, count)
                except BaseException:  # a fault
                    job.forget_link()
                    take_out(access, page, count)
                    raise
                return
        finally:
            critical.leave()
        if needed > 0:
            supply(job, page, needed, frame_allocator)


def tables_for(access, page, frame, count, smallest, largest):
    """How many tables are missing for a mapping, as `plan` says. Raises PageAlreadyMapped and its like, naming the
    first page that is in the way."""
    needed = plan(access.facts, access.see, page, frame, count, smallest, largest)
    if needed < 0:
        raise refusal(access, page, frame, -1 - needed, smallest)
    return needed


def refusal(access, page, frame, offset, smallest):
    """Why the page `offset` behind the first can't be mapped."""
    at = access.walk(page + offset, smallest)
    return refusal_to_map(access, at & -8, at & _LEVEL, page + offset, frame + offset, smallest)


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
        while needed > 0:
            run = next_run(frame_allocator, needed)
            if run is None:
                raise FrameAllocationFailed(page, job.count + needed, job.count)
            first, count = run
            try:
                job.supply(first, count)
            except BaseException:
                give_back(frame_allocator, first, count)
                raise
            needed -= count
    finally:
        critical.leave()


class Job:
    """One mapping under way: `.words`, and the frames for its tables, `.count` of them, in runs.

    The state of a call, held by the call.
    """

    def __init__(self, word, table_word, largest, widen=False):
        self.words = words = bytearray(4 * _WORDS)
        _begin(words, raw_leaf_word(word, 1) if word & PAT else word, word | HUGE_PAGE, table_word, largest, widen)
        self.count = 0
        self._further = ()  # runs of spare frames behind the one that `.words` tell; a list when there are any

    def supply(self, first, count):
        """Take `count` frames from a frame number on for tables."""
        if self.count == 0:
            _set_spare(self.words, first, count)
        elif self._further:
            self._further.append((first, count))
        else:
            self._further = [(first, count)]
        self.count += count

    def more(self):
        """Make the next run of spare frames the one that is used. For `commit`, which was promised enough."""
        first, count = self._further.pop(0)
        _set_spare(self.words, first, count)

    def copy_spare(self, numbers):
        """Write the numbers of the frames that were supplied into a list that is as long. Allocates nothing."""
        first, at = _spare(self.words), _count_spare(self.words)
        for index in range(at):
            numbers[index] = first + index
        for run in self._further:
            for number in range(run[0], run[0] + run[1]):
                numbers[at] = number
                at += 1

    def lend_tables(self, source):
        """Have the owners of what was supplied keep it, if `source` doesn't. Raises IllegalState or OutOfFrames."""
        runs = [(_spare(self.words), _count_spare(self.words))] + list(self._further)
        (prepare_tables if getattr(source, "keeps_frames", False) else lend_tables)(runs)

    def forget_link(self):
        """`commit` faulted: the next spare frame may be marked as linked, but it is not."""
        if LinkedTables.live is not None:
            LinkedTables.live.forget(_spare(self.words), 1)

    def has_unused(self):
        """True when frames are left over. Allocates nothing."""
        return _count_spare(self.words) > 0 or len(self._further) > 0

    def give_unused(self, taker, give):
        """Call give(taker, first frame, count) for every run that is left over. Allocates nothing."""
        while self.has_unused():
            first, count = _spare(self.words), _count_spare(self.words)
            if count == 0:
                self.more()
                continue
            _set_spare(self.words, first + count, 0)
            give(taker, first, count)

    def has_widened(self):
        """True when a table on the way had not all of the flags that it has now."""
        return _was_widened(self.words) != 0


@micropython.viper
def _begin(words: ptr32, leaf: int, huge: int, table: int, largest: int, widen: int):
    words[_LEAF] = leaf
    words[_HUGE_LEAF] = huge
    words[_TABLE] = table
    words[_LARGEST] = largest
    words[_WIDEN] = widen


@micropython.viper
def _set_spare(words: ptr32, first: int, count: int):
    words[_SPARE] = first
    words[_SPARE + 1] = first >> 32
    words[_SPARE_END] = first + count
    words[_SPARE_END + 1] = first + count >> 32


@micropython.viper
def _spare(words: ptr32) -> int:
    return words[_SPARE] | words[_SPARE + 1] << 32


@micropython.viper
def _count_spare(words: ptr32) -> int:
    return (words[_SPARE_END] | words[_SPARE_END + 1] << 32) - (words[_SPARE] | words[_SPARE + 1] << 32)


@micropython.viper
def _was_widened(words: ptr32) -> int:
    return words[_WIDENED]


@micropython.viper
def plan(facts: int, see, page: int, frame: int, count: int, smallest: int, largest: int) -> int:
    """How many tables are missing for mapping `count` 4 KiB pages from number `page` on to frames from `frame` on; or
    -1 - n, when the page n behind the first is in the way.

    `smallest`, `largest`: levels of the pages to be used. Changes nothing.
    """
    needed = 0
    done = 0
    while done < count:
        at = int(walk(facts, see, page + done, smallest, 0))
        level = at & _LEVEL
        at -= level
        shift = 9 * (level - 1)
        inside = page + done & (1 << shift) - 1
        wanted = inside + count - done + (1 << shift) - 1 >> shift
        room = 512 - (at >> 3 & 511)
        if wanted > room:
            wanted = room
        free = int(unused(at, wanted))
        if free == 0:
            return -1 - done
        pages = (free << shift) - inside
        if pages > count - done:
            pages = count - done
        if level > 1:
            needed += int(missing_tables(level - 1, page + done, frame + done, pages, largest))
        done += pages
    return needed


@micropython.viper
def missing_tables(level: int, page: int, frame: int, count: int, largest: int) -> int:
    """How many tables, of `level` and below, a run of pages needs below entries of `level` + 1 that are not used."""
    needed = 0
    while level > 0:
        inside = (1 << 9 * level) - 1  # pages of one such table, or of one leaf in its place, less one
        if level < largest and (page ^ frame) & inside == 0:
            # What covers a whole leaf needs no table: only the two ends do.
            head = 0 - page & inside
            if head > count:
                head = count
            tail = count - head & inside
            if head:
                needed += 1 + int(missing_tables(level - 1, page, frame, head, largest))
            if tail:
                last = page + count - tail
                needed += 1 + int(missing_tables(level - 1, last, frame + count - tail, tail, largest))
            return needed
        needed += (page & inside) + count + inside >> 9 * level
        level -= 1
    return needed


@opens_guard
@micropython.viper
def commit(facts: int, see, link, job, page: int, frame: int, count: int):
    """Write the leaves of a mapping that was planned, and the tables that it needs.

    These are of the frames that `job` was given.
    """
    fact = ptr32(facts)
    words = ptr32(job.words)
    distance = fact[_DISTANCE] | fact[_DISTANCE + 1] << 32
    largest = int(words[_LARGEST])
    marks = ptr32(fact[_MARKS] | fact[_MARKS + 1] << 32)
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
                word = int(words[_TABLE])
                if word & _EXCLUSIVE == 0 and table_frame < (marks[0] | marks[1] << 32):
                    mark = _BLOCKS + (table_frame >> _REGION_SHIFT << 1)
                    block = ptr32(marks[mark] | marks[mark + 1] << 32)
                    mark = _FIRST_MARKS + (table_frame >> 5 & _WORD_IN_REGION)
                    block[mark] = int(block[mark]) | 1 << (table_frame & 31)
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
                words[_SPARE] = table_frame + 1
                words[_SPARE + 1] = table_frame + 1 >> 32
            else:
                word = int(words[_TABLE])
                if int(words[_WIDEN]) and (
                    low & word & 0xFFF != word & 0xFFF or (high >> 20 & 0xFFF) & word >> 12 != word >> 12
                ):
                    change(at, 1, EVERY_BIT, word)
                    words[_WIDENED] = 1
                table_frame = low >> 12 | (high & _HIGH_FRAME) << 20
            shift -= 9
            level -= 1
        page += done
        frame += done
        count -= done
