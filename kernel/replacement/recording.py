"""The trace of a program: what it refers to in a Swapped range, as far as faults and accessed bits tell.

    trace = record(swapped, lambda: quicksort(memory))
    trace.save("quicksort.trace")

What is recorded: at each fault, first the resident pages whose accessed bit was set since the fault before, in the
order in which they got their frames, then the page that faulted; when the program is over, those accessed at last. So
between two faults a page counts once, and nobody knows the order; what follows a page's own fault counts as one with
it. A page is written at the first reference at which its dirty bit is seen, and then no more while it is resident. The
fewer frames, the more faults, and the more is seen: with two it is each turn to another page than the last two.
"""

from .policies.fifo import Fifo
from .refusals import RecordingLost
from .traces import Trace


class Recorder(Fifo):
    """First in, first out, so that the bits are free: `.numbers` are the pages referred to, `.writes` whether written.

    Take it with `record`.
    """

    name = "recorder"

    def __init__(self, frames, bits):
        super().__init__(frames, bits)
        self.numbers, self.writes, self.dirty = [], [], set()
        self.newest = self.place = None

    def loaded(self, page):
        self.look()
        super().loaded(page)
        self.newest, self.place = page, len(self.numbers)
        self.take_down(page, False)

    def victim(self):
        self.look()
        return super().victim()

    def removed(self, page):
        super().removed(page)
        self.dirty.discard(page)

    def look(self):
        """Take down which pages were accessed since this was done last."""
        for page in self.pages:
            if self.bits.take_accessed(page):
                is_write = page not in self.dirty and self.bits.is_dirty(page)
                if is_write:
                    self.dirty.add(page)
                if page == self.newest:
                    self.writes[self.place] = is_write
                else:
                    self.take_down(page, is_write)
        self.newest = None

    def take_down(self, page, is_write):
        self.numbers.append(page)
        self.writes.append(is_write)

    def forget(self):
        """Begin with no references."""
        self.look()
        self.numbers, self.writes = [], []
        self.dirty = set([page for page in self.pages if self.bits.is_dirty(page)])


def record(swapped, program, name="recorded"):
    """Call program() and return the Trace of what it refers to in a Swapped range; pages count from its first one on.

    Dirty pages are stored before, so that all writes are seen. Meanwhile the policy is first in, first out, and no page
    is read ahead; then the policy is what it was, made anew. Raises what the program raises, what Swapped.sync() does,
    RecordingLost, EmptyTrace if no page was referred to, and BadReference for a page that no trace can have.
    """
    before, cluster = type(swapped.policy), swapped.cluster
    swapped.sync()
    swapped.policy = Recorder
    try:
        swapped.cluster = 1
        recorder = swapped.policy
        recorder.forget()
        program()
        if swapped.policy is not recorder:
            raise RecordingLost()
        recorder.look()
    finally:
        swapped.cluster = cluster
        swapped.policy = before
    first = swapped.range.first_number
    return Trace([page - first for page in recorder.numbers], recorder.writes, name)
