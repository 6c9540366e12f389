"""What is held against every leaf: its flags, the rights of its way, and who else has a claim on its frames.

Sound leaves are dealt with a table at a time (`step_leaves`); each of the others is looked at, together with those that
go on as it begins (`touching`), so that a broken range is one finding.
"""

from memory_structs import PAGE_SHIFT
from memory_structs.mode import INDEX_BITS, TRANSLATED_PAGES
from micropython import const
from paging.natives import LAYOUT

from ..ledger import DEVICE, EXCLUSIVE, SHARED
from .claims import (
    CLAIM,
    EXECUTED,
    NAMES,
    TAKES,
    UNOWNED_WRITER,
    WRITTEN,
    absent,
    high_bits,
    low_bits,
    only,
    step,
    step_leaves,
    step_tables,
    steps_of,
    touching,
)
from .report import physical, virtual
from .walk import ALL_RIGHTS, EXECUTES, HUGE, NO_EXECUTE, WRITABLE, WRITES

ACCESSED_DIRTY = const(0x60)
LOW_FLAGS = const(0xFFF)
PAT_HUGE = const(1 << 12)
# Of a flag word (paging/flags.py).
WORD_PAT = const(1 << 24)
WORD_EXCLUSIVE = const(1 << 15)
WORD_NO_EXECUTE = const(1 << 23)

WINDOW_PAGE = LAYOUT["WINDOW_PAGE"] & TRANSLATED_PAGES - 1


def frame_of(low, level):
    """The first frame that a leaf leads to."""
    return low >> PAGE_SHIFT & -1 << INDEX_BITS * (level - 1)


def rights_of(rights, low, high):
    """(written, executed): what a leaf allows, with the rights of its way."""
    return bool(rights & WRITES and low & WRITABLE), bool(rights & EXECUTES) and not high & NO_EXECUTE


def flags_of(low, high, level):
    """The flag word of a leaf, without ACCESSED and DIRTY."""
    word = low & (LOW_FLAGS & ~HUGE & ~ACCESSED_DIRTY) | high << 12
    return word | WORD_PAT if low & (HUGE if level == 1 else PAT_HUGE) else word


def bits_of(word, level=1):
    """The bits of a leaf at level 1 that has these flags: all but its frame."""
    bits = word & LOW_FLAGS | (word >> 12 & 0xFFF) << 52
    return bits | HUGE if word & WORD_PAT else bits


def difference_between(found, wanted):
    """How two flag words differ, in words."""
    differ = found ^ wanted
    names = []
    for bit, name in ((WRITABLE, "WRITABLE"), (WORD_NO_EXECUTE, "NO_EXECUTE"), (WORD_EXCLUSIVE, "EXCLUSIVE")):
        if differ & bit:
            names.append(("" if found & bit else "not ") + name)
            differ &= ~bit
    if differ:
        names.append("flags " + hex(found))
    return ", ".join(names)


class Leaves:
    """What visitors of leaves share. `walk` is the Walk that brings them here."""

    def __init__(self, walk, findings):
        self.reserved = walk.reserved_in_leaf
        self.frame_map = walk.frame_map
        self.map = walk.frame_map.map
        self.complain = findings.complain
        self.devices = []  # (first frame, frame behind the last) of device mappings, behind the end of the map
        self._steps = {}

    def absent(self, page, end):
        """There is no leaf: whoever expects one says so."""

    def tables(self, entry, most, rights):
        """Take whole level-1 tables at once; returns how many pages that were. Who can, knows what to expect."""
        return 0

    def steps(self, kind, writes, executes, overridden=False):
        """The steps for frames that a leaf leads to; made once for each combination."""
        key = kind, writes, executes, overridden
        steps = self._steps.get(key)
        if steps is None:
            self._steps[key] = steps = steps_of(TAKES[kind], writes, executes, overridden)
        return steps

    def claim(self, page, frame, count, kind, writes, executes, overridden=False):
        """Claim the touching frames that touching pages lead to, and complain of those that it may not have."""
        steps, frames = self.steps(kind, writes, executes, overridden), self.map
        while count:
            done = step(frames, frame, count, steps)
            if done == 0 and frame >= self.frame_map.frames:
                is_bad = writes and executes and not overridden and kind != UNOWNED_WRITER
                self.claim_beyond(page, frame, count, kind, is_bad)
                return
            if done == 0:
                done = self.refuse(page, frame, count, kind, writes, executes)
            page, frame, count = page + done, frame + done, count - done

    def refuse(self, page, frame, count, kind, writes, executes):
        """Complain of the frames that have the same byte as the first; returns how many those are."""
        byte = self.frame_map.byte(frame)
        becomes = TAKES[kind].get(byte & CLAIM)
        run = step(self.map, frame, count, only(byte, byte))
        if becomes is None:
            self.complain("%s leads to %s: %s", virtual(page, run), physical(frame), NAMES[byte & CLAIM])
            return run
        if writes and executes:
            self.complain("%s is writable and executable", virtual(page, run))
        elif writes:
            self.complain("%s is writable, %s executable elsewhere", virtual(page, run), physical(frame))
        else:
            self.complain("%s is executable, %s writable elsewhere", virtual(page, run), physical(frame))
        marks = WRITTEN * writes | EXECUTED * executes
        step(self.map, frame, run, only(byte, becomes | byte & ~CLAIM | marks))
        return run

    def claim_beyond(self, page, frame, count, kind, writable_and_executable):
        """The same for frames above all RAM, of which only those that device mappings have matter."""
        end = frame + count
        if kind == EXCLUSIVE:
            self.complain("%s leads to %s: no usable RAM", virtual(page, count), physical(frame))
        for first, behind in self.devices:
            if first < end and frame < behind:
                self.complain("%s leads to %s: a device mapping's alone", virtual(page, count), physical(frame))
        if kind == DEVICE:
            self.devices.append((frame, end))
        if writable_and_executable:
            self.complain("%s is writable and executable", virtual(page, count))

    def complain_of_reserved(self, low, page, count, level):
        """Complain of reserved bits in a leaf; True when there are any."""
        wrong = low & self.reserved[level]
        if wrong:
            self.complain("%s: reserved bits %s in its leaf at level %d", virtual(page, count), hex(wrong), level)
        return bool(wrong)


class OwnedLeaves(Leaves):
    """The leaves of one record after the other: `expect` says what the next one says of its own."""

    _expected = -1

    def expect(self, kind, word, overridden):
        """The kind, the flag word, and whether somebody said why it may be written here and executed there."""
        expected = kind << 1 | overridden | word << 4
        if expected != self._expected:
            self._expected = expected
            self._expect(kind, word, overridden)

    def _expect(self, kind, word, overridden):
        self.kind = kind
        self.word = word = (word | WORD_EXCLUSIVE if kind in (EXCLUSIVE, DEVICE) else word) & ~ACCESSED_DIRTY
        self.bits = bits_of(word)
        writable, executable = bool(word & WRITABLE), not word & WORD_NO_EXECUTE
        self.overridden = bool(overridden) and (kind == SHARED or (writable and executable))
        self.by_rights = [
            self.steps(
                kind, bool(rights & WRITES) and writable, bool(rights & EXECUTES) and executable, self.overridden
            )
            for rights in range(ALL_RIGHTS + 1)
        ]

    def absent(self, page, end):
        self.complain("%s has an owner, but is not mapped", virtual(page, end - page))

    def tables(self, entry, most, rights):
        return step_tables(self.map, entry, most, self.frame_map.window, rights, self.bits, self.by_rights)

    def leaves(self, entry, page, end, rights):
        steps, frames, bits = self.by_rights[rights], self.map, self.bits
        done = step_leaves(frames, entry, end - page, bits, steps)
        while page + done < end:
            page, entry = page + done, entry + 8 * done
            done = self.look(entry, page, end, rights)
            page, entry = page + done, entry + 8 * done
            done = step_leaves(frames, entry, end - page, bits, steps)

    def look(self, entry, page, end, rights):
        """Look at 4 KiB leaves of which the first is not sound; returns how many have been dealt with."""
        gone = absent(entry, end - page)
        if gone:
            self.absent(page, page + gone)
            return gone
        run = touching(entry, end - page, 1)
        self.look_at_run(entry, page, run, rights, 1)
        return run

    def huge(self, entry, page, end, rights, level):
        if (page | end) & (1 << INDEX_BITS * (level - 1)) - 1:
            self.complain("%s: a leaf of level %d is larger", virtual(page, end - page), level)
        else:
            self.look_at_run(entry, page, end - page, rights, level)

    def look_at_run(self, entry, page, count, rights, level):
        """Hold the leaves of `count` touching pages and frames against what was expected."""
        low, high = low_bits(entry), high_bits(entry)
        if self.complain_of_reserved(low, page, count, level):
            return
        word, overridden = flags_of(low, high, level), self.overridden
        if word != self.word:
            overridden = False
            self.complain("%s: not as its owner says: %s", virtual(page, count), difference_between(word, self.word))
        writes, executes = rights_of(rights, low, high)
        self.claim(page, frame_of(low, level), count, self.kind, writes, executes, overridden)


class WindowLeaves(OwnedLeaves):
    """The physical window's own: every page leads to its frame, nothing can be executed, and what is not writable is
    told to `note_closed(frame, count)`."""

    def __init__(self, walk, findings, note_closed):
        super().__init__(walk, findings)
        self.note_closed = note_closed

    tables = Leaves.tables

    def leaves(self, entry, page, end, rights):
        while page < end:
            done = self.look(entry, page, end, rights)
            entry += 8 * done
            page += done

    def look_at_run(self, entry, page, count, rights, level):
        low, high = low_bits(entry), high_bits(entry)
        if self.complain_of_reserved(low, page, count, level):
            return
        word = flags_of(low, high, level) | self.word & WRITABLE
        if word != self.word:
            self.complain("%s: not as its owner says: %s", virtual(page, count), difference_between(word, self.word))
        frame = frame_of(low, level)
        if frame != page - WINDOW_PAGE:
            self.complain("%s of the physical window shows %s", virtual(page, count), physical(frame))
        writes, executes = rights_of(rights, low, high)
        if executes:
            self.complain("%s of the physical window is executable", virtual(page, count))
        if self.word & WRITABLE and not writes:
            self.note_closed(frame, count)
