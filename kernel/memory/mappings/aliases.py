"""W^X over the physical window: what some mapping may execute, the window shows read-only.

The window shows all of RAM, so each frame has an address there, too, its *alias*. Through that one, too, nobody may
write what anybody may execute:

    before a mapping executes     room for tables -> the window's leaves divided at both ends of the frames ->
                                  read-only -> flushed everywhere -> the mapping's own leaves
    when the last one has ended   the mapping's own leaves changed or gone -> flushed everywhere -> the window's
                                  writable -> united where one leaf shows the same -> flushed -> tables and frames free

An exclusive mapping is the only one of its frames; SharedFrames count those of theirs that execute. The alias of what
may only be read stays writable: nobody executes it. So do the registers of devices, which hold nobody's code.

Whoever writes to such frames does it before they are executed, or without write protection: `unprotected`.
"""

import struct

from memory_structs.mode import pages_at
from paging.dividing import divide, unite
from paging.flags import NO_EXECUTE, WRITABLE
from paging.leaves import change_leaves
from paging.natives import LAYOUT, cpu
from paging.protection import Protection
from paging.shootdown import forget_all, forget_spans

from ..ledger import DEVICE, SHARED
from .table_frames import give_tables, give_unused, table_word, window_tables

EVERY_BIT = (1 << 25) - 1
# What `change_leaves` takes, for both kinds of leaves.
READ_ONLY = struct.pack("<IIII", *(EVERY_BIT & ~WRITABLE, 0) * 2)
WRITABLE_AGAIN = struct.pack("<IIII", *(EVERY_BIT, WRITABLE) * 2)
WINDOW_PAGE = LAYOUT["WINDOW_PAGE"]
FLUSH_ALL_ABOVE = 64  # pages
CR0_WRITE_PROTECT = 1 << 16

# The Openings of calls that change what may be executed.
under_way = []


def spans_of(kernel, runs, is_ram):
    """[(page of the window, count, 1)] of the aliases of runs of frames, (first, count), that must not stay writable.

    What is no RAM holds code only where the loader has put it, which is for reading.
    """
    spans = []
    for frame, count in runs:
        for low, high, _ in ((frame, frame + count - 1, None),) if is_ram else kernel._frames.read_only:
            first, last = max(low, frame), min(high, frame + count - 1, Protection.live.window_pages - 1)
            if first <= last:
                spans.append((WINDOW_PAGE + first, last + 1 - first, 1))
    return spans


def spans_for(kernel, record, runs, shared, others):
    """The same for a mapping's record; none as long as more than `others` other mappings of `shared` execute, too."""
    if record.kind == SHARED:
        return [] if shared._executors > others else spans_of(kernel, runs, not shared._device)
    return spans_of(kernel, runs, record.kind != DEVICE)


def close(kernel, record, runs, shared=None):
    """Have the window show read-only what a mapping is going to execute. Returns the Opening that undoes it.

    Raises OutOfFrames or MemoryError; then nothing has changed.
    """
    spans = spans_for(kernel, record, runs, shared, 0)
    access, pool = kernel.access, kernel._frame_pool
    opening = Opening(kernel, spans)
    try:
        spare = window_tables(pool, tables_for(access, spans))
    except BaseException:
        opening.forget()
        raise
    try:
        for page, count, _ in spans:
            divide(access, page, spare, table_word(page))
            divide(access, page + count, spare, table_word(page))
            change_leaves(access.facts, None, page, count, READ_ONLY)
    except BaseException:  # a fault
        opening.commit()
        raise
    finally:
        give_unused(pool, spare)
    opening.flush()
    return opening


def opening_for(kernel, record, runs, shared=None):
    """The Opening for a mapping that will not execute any more; made while everything can still be refused."""
    return Opening(kernel, spans_for(kernel, record, runs, shared, 1))


def tables_for(access, spans):
    """How many tables it takes to have leaves of the window begin where spans begin, and behind them."""
    places = set()
    for first, count, _ in spans:
        for page in first, first + count:
            level = access.walk(page, 1) & 7
            while level > 1 and page & pages_at(level) - 1:
                places.add((level, page & -pages_at(level)))
                level -= 1
    return len(places)


class Opening:
    """Having one means: aliases can be made writable again, without asking for memory. `commit()` does it, or
    `forget()` ends it; until then `verify()` takes them for what is being changed."""

    def __init__(self, kernel, spans):
        self._kernel = kernel
        self._spans = spans
        self._united = [-1] * sum([(count >> 9) + (count >> 18) + 4 for _, count, _ in spans])
        self._count = 0
        self._pages = sum([count for _, count, _ in spans])
        self.is_held = False
        under_way.append(self)

    def frames(self):
        """[(first frame, frame behind the last)] whose aliases these are."""
        return [(page - WINDOW_PAGE, page - WINDOW_PAGE + count) for page, count, _ in self._spans]

    def forget(self):
        """The aliases stay as they are."""
        under_way.remove(self)

    def commit(self):
        """The frames are nobody's to execute any more, and everybody has forgotten that. What a fault ends half-way is
        done when the window's tables can be reached again."""
        try:
            self._commit()
        except BaseException:
            self._kernel.unfinished.append(self._commit)
        self.forget()

    def end(self, word):
        """The mapping has the flag word `word` now."""
        if executes(word):
            self.forget()
        else:
            self.commit()

    def _commit(self):
        kernel, spans = self._kernel, self._spans
        access = kernel.access
        for page, count, _ in spans:
            change_leaves(access.facts, None, page, count, WRITABLE_AGAIN)
        for page, count, _ in spans:
            for level in range(2, access.largest_page_level + 1):
                self._unite(access, page, page + count, level)
        self.flush()
        while self._count:
            self._count -= 1
            give_tables(kernel._frame_pool, self._united[self._count], 1)

    def flush(self):
        """Have everybody forget what the window showed there: one request."""
        if self._pages > FLUSH_ALL_ABOVE:
            forget_all(self._kernel.root, WINDOW_PAGE, 1, True)
        elif self._pages:
            forget_spans(self._kernel.root, self._spans)

    def _unite(self, access, page, end, level):
        """Unite what can be at a level, on the way of the pages from `page` to before `end`."""
        size = pages_at(level)
        page &= -size
        while page < end:
            table = unite(access, page, level)
            if table >= 0:
                Protection.live.window_tables.discard(table)
                self._united[self._count] = table
                self._count += 1
            page += size

    # As SharedFrames, for `faulted.keep`.

    def _hold(self):
        """A fault has left the mapping half-way: its leaves may still lead there."""
        self.is_held = True

    def _let_go(self):
        self.commit()


def unprotected(write, patches):
    """Call write(address, bytes) for each of `patches`, (address, bytes), whatever entries say: this processor alone
    may write to what is read-only, in here. Allocates nothing but what `write` does."""
    cr0 = cpu.read_cr0()
    cpu.write_cr0(cr0 & ~CR0_WRITE_PROTECT)
    try:
        for address, data in patches:
            write(address, data)
    finally:
        cpu.write_cr0(cr0)


def executes(word):
    """True for the flag word of a mapping that may be executed."""
    return not word & NO_EXECUTE
