"""W^X over the physical window, whose pages are everybody's other address: it shows read-only the RAM that an owner's
mapping may execute, and the kernel's image, and nothing else.

What is compared are runs of frames: few are executed, and where the window shows a run as it was made at boot, its
walk says so in one step for each leaf.
"""

from memory_structs.mode import INDEX_BITS
from micropython import const
from paging.protection import Protection

from ..mappings.aliases import under_way
from .claims import absent, high_bits, low_bits, touching
from .records import in_order
from .report import physical

COUNT_BITS = const(26)  # of a key: more frames than a leaf has
NO_EXECUTE = const(1 << 11)  # of the high bits
EXECUTES = const(2)  # of the rights of the way


class Aliases:
    """What one audit has seen of both. `note_closed` comes in order of the frames."""

    def __init__(self, kernel, findings):
        image = Protection.live.image_frames
        known = list(kernel._frames.pool._territory) + [run[:2] for run in kernel._frames.read_only]
        self.memory = [(first, last + 1) for first, last in sorted(known)]
        self.image = [(image[0], image[1] + 1)]
        self.findings = findings
        self.changing = [run for opening in under_way for run in opening.frames()]
        self.closed = []  # (first frame, frame behind the last), none touches the next
        self._executed = {}

    def note_closed(self, frame, count):
        """The window shows frames read-only where it was made writable."""
        if self.closed and self.closed[-1][1] == frame:
            self.closed[-1] = self.closed[-1][0], frame + count
        else:
            self.closed.append((frame, frame + count))

    def is_open(self, frame, count):
        """True when the window shows one of these frames writable, and it is RAM."""
        shown = within([(frame, frame + count)], self.memory)
        return bool(without(without(shown, self.closed), self.image))

    def note_executed(self, frame, count):
        """An owner's mapping may execute frames."""
        self._executed[frame] = max(count, self._executed.get(frame, 0))

    # A visitor of the audit's walk, for mappings that may execute.

    def absent(self, page, end):
        """Somebody else complains."""

    def tables(self, entry, most, rights):
        """No whole tables at once."""
        return 0

    def leaves(self, entry, page, end, rights):
        while page < end:
            done = absent(entry, end - page)
            if not done:
                done = touching(entry, end - page, 1)
                self.huge(entry, page, page + done, rights, 1)
            entry, page = entry + 8 * done, page + done

    def huge(self, entry, page, end, rights, level):
        if rights & EXECUTES and not high_bits(entry) & NO_EXECUTE:
            inside = (1 << INDEX_BITS * (level - 1)) - 1
            self.note_executed((low_bits(entry) >> 12 & ~inside) + (page & inside), end - page)

    def check(self):
        """Compare them."""
        executed = []
        for key in in_order([first << COUNT_BITS for first in self._executed]):
            first = key >> COUNT_BITS
            end = first + self._executed[first]
            if executed and first <= executed[-1][1]:
                executed[-1] = executed[-1][0], max(end, executed[-1][1])
            else:
                executed.append((first, end))
        executed = without(within(executed, self.memory), self.image)
        for words, runs in (
            ("%s: may be executed, and written through the physical window", without(executed, self.closed)),
            ("%s: nobody executes it, but the physical window is read-only there", without(self.closed, executed)),
        ):
            for first, end in runs:
                left = [(first, end)]
                for run in self.changing:
                    left = without(left, [run])
                if left:
                    self.findings.complain(words, frames_text(first, end))
                else:
                    self.findings.under_way.add("the physical window is being changed for %s", frames_text(first, end))


def frames_text(first, end):
    """Frames in words."""
    return physical(first) if end == first + 1 else "%s (%d frames)" % (physical(first), end - first)


def without(runs, others):
    """What is left of runs, (first, behind the last), without others. Both ascend."""
    left, at = [], 0
    for first, end in runs:
        while at < len(others) and others[at][1] <= first:
            at += 1
        index = at
        while index < len(others) and others[index][0] < end:
            low, high = others[index]
            if first < low:
                left.append((first, low))
            first = max(first, high)
            index += 1
        if first < end:
            left.append((first, end))
    return left


def within(runs, others):
    """What others have of runs."""
    return without(runs, without(runs, others))
