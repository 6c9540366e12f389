"""W^X over the physical window: what some mapping may execute, the window shows read-only.

The window shows all of RAM, so each frame has an address there, too, its *alias*. Through that one, too, nobody may
write what anybody may execute:

    before a mapping executes     for each run of its frames: room for tables -> the window's leaves divided at both
                                  ends -> read-only; then flushed everywhere -> the mapping's own leaves
    when the last one has ended   the mapping's own leaves changed or gone -> flushed everywhere -> the window's
                                  writable -> united where one leaf shows the same -> flushed -> tables and frames free

An exclusive mapping is the only one of its frames; SharedFrames count those of theirs that execute. The alias of what
may only be read stays writable: nobody executes it. So do the registers of devices, which hold nobody's code.

Whoever writes to such frames does it before they are executed, or without write protection: `unprotected`.
"""

import struct

from paging.dividing import divide, room_to_unite, tables_to_divide, taken_off, unite
from paging.flags import NO_EXECUTE, WRITABLE
from paging.leaves import change_leaves
from paging.natives import LAYOUT, cpu
from paging.protection import Protection
from paging.shootdown import OBSERVERS, forget, forget_all, forget_spans, waits

from ..ledger import DEVICE, EXCLUSIVE, SEVERAL_RUNS, SHARED, change
from . import unmapping
from .faulted import change_back, restore
from .few_aliases import close_beside_others, open_beside_others
from .table_frames import give_unused, give_window_table, table_word, window_tables

EVERY_BIT = (1 << 25) - 1
# What `change_leaves` takes, for both kinds of leaves.
EXECUTABLE_NOW = struct.pack("<IIII", *(EVERY_BIT & ~NO_EXECUTE, 0) * 2)
READ_ONLY = struct.pack("<IIII", *(EVERY_BIT & ~WRITABLE, 0) * 2)
WRITABLE_AGAIN = struct.pack("<IIII", *(EVERY_BIT, WRITABLE) * 2)
WINDOW_PAGE = LAYOUT["WINDOW_PAGE"]
WINDOW_TABLE = table_word(WINDOW_PAGE)
FEW = FLUSH_ALL_ABOVE = 64  # pages
CR0_WRITE_PROTECT = 1 << 16

# The Openings of calls that change what may be executed.
under_way = []
# For a few pages in one run: what is united while they are opened is given back before anybody else opens some.
FEW_UNITED = room_to_unite([FEW])


def spans_of(kernel, runs, is_ram):
    """[(page of the window, count, 1)] of the aliases of runs of frames, (first, count), that must not stay writable.

    What is no RAM holds code only where the loader has put it, which is for reading.
    """
    if is_ram:  # all of it is in the window
        return [(WINDOW_PAGE + frame, count, 1) for frame, count in runs]
    spans = []
    for frame, count in runs:
        for low, high, _ in kernel._frames.read_only:
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
    if are_few(record, runs):
        opening = FewOpening(kernel, runs[0])
        frame, count = runs[0]
        close_few(kernel, frame, count)
        return opening
    spans = spans_for(kernel, record, runs, shared, 0)
    opening = Opening(kernel, spans)
    try:
        for page, count, _ in spans:
            close_run(kernel, page, count)
    except BaseException:  # no frame for a table, or a fault
        opening.commit()
        raise
    opening.flush()
    return opening


def make_executable(table, record, word):
    """Let a new mapping that nobody has yet be executed, and say the flag word `word`. Raises OutOfFrames, MemoryError,
    or a fault; then nothing has changed."""
    page, count, frame, kernel = record.first_page, record.count, record.frames, table._kernel
    if count > FEW or frame >= SEVERAL_RUNS:
        found = unmapping.runs_of_record(table, record, record, "be executed")
        unmapping.change_rights(table, record, word, found, False, unmapping.flush)
        return
    close_few(kernel, frame, count)
    try:
        change_leaves(table._facts, None, page, count, EXECUTABLE_NOW)
    except BaseException:
        restore(table, record, change_back)
        forget(table.root, page, count)
        open_few(kernel, frame, count)
        raise
    change(record, page, count, word, frame)
    forget(table.root, page, count)


def opening_for(kernel, record, runs, shared=None):
    """The Opening for a mapping that will not execute any more; made while everything can still be refused."""
    if are_few(record, runs):
        return FewOpening(kernel, runs[0])
    return Opening(kernel, spans_for(kernel, record, runs, shared, 1))


def are_few(record, runs):
    """True for a few frames of RAM in one run that are nobody else's, while nobody hears of flushes who could ask what
    is under way."""
    return record.kind == EXCLUSIVE and len(runs) == 1 and runs[0][1] <= FEW and not waits[OBSERVERS]


def close_run(kernel, page, count):
    """Have the window show a run of pages of its own read-only. The caller flushes.

    Raises OutOfFrames or MemoryError; then nothing has changed.
    """
    facts, end = kernel._facts, page + count
    needed = tables_to_divide(facts, page, end)
    if needed:
        spare = window_tables(kernel._frame_pool, needed)
        try:
            divide(facts, page, end, spare, WINDOW_TABLE)
        except BaseException:  # a fault
            give_unused(kernel._frame_pool, spare)
            raise
    change_leaves(facts, None, page, count, READ_ONLY)


def open_run(kernel, page, count, united):
    """Have the window show a run writable again, in the largest pages that show the same. `united` takes the frames of
    tables that nobody needs then. The caller flushes. Allocates nothing."""
    facts = kernel._facts
    change_leaves(facts, None, page, count, WRITABLE_AGAIN)
    unite(facts, page, count, united)


def give_united(kernel, united):
    """Free the tables that were united, and are forgotten. Allocates nothing."""
    frame = taken_off(united)
    while frame >= 0:
        give_window_table(kernel._frame_pool, frame)
        frame = taken_off(united)


def close_few(kernel, frame, count):
    """Have the window show up to 64 frames of RAM read-only, and everybody forget that it did not.

    Raises OutOfFrames, MemoryError, or a fault; then nothing has changed.
    """
    if close_beside_others(kernel._facts, frame, count):
        return
    page = WINDOW_PAGE + frame
    try:
        close_run(kernel, page, count)
    except BaseException:
        open_few(kernel, frame, count)
        raise
    forget(kernel.root, page, count)


def open_few(kernel, frame, count):
    """Have the window show up to 64 frames of RAM writable, which nobody can execute any more, and everybody forget
    that it did not. Can't be refused, and allocates nothing unless there is a fault: then it is done when the window's
    tables can be reached again."""
    page = WINDOW_PAGE + frame
    try:
        open_run(kernel, page, count, FEW_UNITED)
        forget(kernel.root, page, count)
        give_united(kernel, FEW_UNITED)
    except BaseException:
        Opening(kernel, [(page, count, 1)]).commit()


class Opening:
    """Having one means: aliases can be made writable again, without asking for memory. `commit()` does it, or
    `forget()` ends it; until then `verify()` takes them for what is being changed."""

    is_held = False

    def __init__(self, kernel, spans):
        self._kernel = kernel
        self._spans = spans
        is_few = len(spans) == 1 and spans[0][1] <= FEW
        self._united = FEW_UNITED if is_few else room_to_unite([count for _, count, _ in spans])
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
            if self._united is FEW_UNITED:
                self._united = FEW_UNITED[:]
                FEW_UNITED[0] = 0
            self._kernel.unfinished.append(self._commit)
        self.forget()

    def end(self, word):
        """The mapping has the flag word `word` now."""
        if word & NO_EXECUTE:
            self.commit()
        else:
            self.forget()

    def _commit(self):
        for page, count, _ in self._spans:
            open_run(self._kernel, page, count, self._united)
        self.flush()
        give_united(self._kernel, self._united)

    def flush(self):
        """Have everybody forget what the window showed there: one request."""
        pages = 0
        for _, count, _ in self._spans:
            pages += count
        if pages > FLUSH_ALL_ABOVE:
            forget_all(self._kernel.root, WINDOW_PAGE, 1, True)
        elif pages:
            forget_spans(self._kernel.root, self._spans)

    # As SharedFrames, for `faulted.keep`.

    def _hold(self):
        """A fault has left the mapping half-way: its leaves may still lead there."""
        self.is_held = True

    def _let_go(self):
        self.commit()


class FewOpening(Opening):
    """The same where `are_few`."""

    def __init__(self, kernel, run):
        self._kernel = kernel
        self._run = run

    def forget(self):
        pass

    def commit(self):
        kernel, (frame, count) = self._kernel, self._run
        try:
            is_open = open_beside_others(kernel._facts, frame, count)
        except BaseException:  # a fault
            is_open = False
        if not is_open:
            open_few(kernel, frame, count)


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
