"""Leaves that no record covers: the paging layer's, which may map what it is lent, and the techniques' windows."""

from memory_structs import PAGE_SHIFT, PageRange
from memory_structs.mode import INDEX_BITS, canonical_page

from .claims import (
    TAKES,
    UNOWNED,
    UNOWNED_WRITER,
    WINDOW,
    absent,
    high_bits,
    low_bits,
    step_leaves,
    steps_of_unowned,
    touching,
)
from .leaves import LOW_FLAGS, Leaves, frame_of, rights_of
from .report import virtual


class UnownedLeaves(Leaves):
    """Leaves that no record covers, as runs: `close` lists the last one."""

    def __init__(self, walk, findings, aliases):
        super().__init__(walk, findings)
        self.list = findings.unowned.add
        self.aliases = aliases
        self.first = self.end = -1
        self.rights = ""

    def steps(self, kind, writes, executes, overridden=False):
        key = kind, writes, executes
        if key not in self._steps:
            self._steps[key] = steps_of_unowned(TAKES[kind], writes, executes)
        return self._steps[key]

    def leaves(self, entry, page, end, rights):
        page, entry = self._present(entry, page, end)
        while page < end:
            low = low_bits(entry)
            done = self.look(entry, page, end, rights)
            self.note(page, page + done, low >> PAGE_SHIFT, rights_of(rights, low, high_bits(entry)))
            page, entry = self._present(entry + 8 * done, page + done, end)

    @staticmethod
    def _present(entry, page, end):
        skipped = absent(entry, end - page)
        return page + skipped, entry + 8 * skipped

    def look(self, entry, page, end, rights):
        """Look at a run of leaves; returns how many those are."""
        low, high = low_bits(entry), high_bits(entry)
        writes, executes = rights_of(rights, low, high)
        kind = UNOWNED_WRITER if writes else UNOWNED
        bits = low & LOW_FLAGS | high << 52
        done = step_leaves(self.map, entry, end - page, bits, self.steps(kind, writes, executes))
        if done == 0:
            done = touching(entry, end - page, 1)
            if not self.complain_of_reserved(low, page, done, 1):
                self.claim(page, low >> PAGE_SHIFT, done, kind, writes, executes)
        return done

    def huge(self, entry, page, end, rights, level):
        low, high = low_bits(entry), high_bits(entry)
        writes, executes = rights_of(rights, low, high)
        frame = frame_of(low, level) + (page & (1 << INDEX_BITS * (level - 1)) - 1)
        if not self.complain_of_reserved(low, page, end - page, level):
            self.claim(page, frame, end - page, UNOWNED_WRITER if writes else UNOWNED, writes, executes)
        self.note(page, end, frame, (writes, executes))

    def note(self, page, end, frame, rights):
        """List pages that lead to frames from `frame` on, joined to those before if they touch, and if the same is to
        be said of both: writable and executable, here or by the physical window."""
        words = ""
        if all(rights):
            words = ", writable and executable"
        elif rights[1] and self.aliases.is_open(frame, end - page):
            words = ", executable here and writable in the physical window"
        if page != self.end or words != self.rights:
            self.close()
            self.first, self.rights = page, words
        self.end = end

    def close(self):
        if self.first >= 0:
            pages = PageRange.from_numbers(canonical_page(self.first), canonical_page(self.end - 1))
            self.list("%s%s", pages, self.rights)
        self.first = self.end = -1


class TechniqueLeaves(UnownedLeaves):
    """The window of an access technique: it may show tables, and is nobody's."""

    def look(self, entry, page, end, rights):
        low, high = low_bits(entry), high_bits(entry)
        if rights_of(rights, low, high)[1]:
            self.complain("%s of a technique's window is executable", virtual(page))
        if not self.complain_of_reserved(low, page, 1, 1):
            self.claim(page, low >> PAGE_SHIFT, 1, WINDOW, False, False)
        return 1

    def huge(self, entry, page, end, rights, level):
        self.complain("%s: a technique's window has no huge leaves", virtual(page, end - page))

    def note(self, page, end, frame, rights):
        """Nobody wants to know."""
