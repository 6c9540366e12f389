"""Page replacement by the textbooks: which reference faults, and who goes. Nothing here comes from the kernel.

Memory is an array of frames. The processor sets a page's accessed bit at each reference and its dirty bit at each
write. Every `interval` references a clock ticks, before the next one is made. A simulator's docstring says where its
algorithm is from; what the source leaves open is said in the docstring of the kernel's policy, and no code is shared.
"""

from bisect import bisect_right
from collections import deque
from dataclasses import dataclass, field

NOBODY = -1


@dataclass
class Frame:
    """A frame and what is known of the page in it. since: the reference that brought it in."""

    page: int
    since: int
    accessed: bool = False
    dirty: bool = False
    notes: dict = field(default_factory=dict)


class Simulator:
    """The machine around an algorithm: choose() returns the frame whose page goes, settled() hears what it has now."""

    def __init__(self, size, references):
        self.size = size
        self.references = references
        self.frames = []
        self.time = 0
        self.prepare()

    def run(self, interval):
        """Return the faults as (place of the reference, page that went or NOBODY) pairs."""
        found, where = [], {}
        for time, (page, is_write) in enumerate(self.references):
            self.time = time
            if self.time and self.time % interval == 0:
                self.tick()
            frame = where.get(page)
            if frame is None:
                gone = NOBODY
                if len(self.frames) < self.size:
                    frame = Frame(page, self.time)
                    self.frames.append(frame)
                else:
                    frame = self.choose()
                    gone = frame.page
                    del where[gone]
                    frame.__init__(page, self.time)
                where[page] = frame
                self.settled(frame)
                found.append((self.time, gone))
            frame.accessed = True
            frame.dirty |= is_write
        return found

    def prepare(self):
        """Begin."""

    def settled(self, frame):
        """A frame has a new page."""

    def tick(self):
        """An interval is over."""

    def oldest(self, frames):
        """Return the frame whose page came first."""
        return min(frames, key=lambda frame: frame.since)


class Fifo(Simulator):
    """Belady 1966."""

    def choose(self):
        return self.oldest(self.frames)


class AnyPage(Simulator):
    """Belady 1966, RAND; the k-th number of Park and Miller's generator is 48271 to the k, mod 2^31 - 1."""

    def prepare(self):
        self.drawn = 0

    def choose(self):
        self.drawn += 1
        by_age = sorted(self.frames, key=lambda frame: frame.since)
        return by_age[pow(48271, self.drawn, 2**31 - 1) % self.size]


class Optimal(Simulator):
    """Belady 1966, MIN."""

    def prepare(self):
        self.places = {}
        for place, (page, _) in enumerate(self.references):
            self.places.setdefault(page, []).append(place)

    def next_use(self, page):
        places = self.places[page]
        after = bisect_right(places, self.time)
        return places[after] if after < len(places) else len(self.references)

    def choose(self):
        farthest = max(self.next_use(frame.page) for frame in self.frames)
        return self.oldest(frame for frame in self.frames if self.next_use(frame.page) == farthest)


class Clock(Simulator):
    """Corbató 1968: the frames are a circle, and the hand stays behind the one that it took."""

    def prepare(self):
        self.hand = 0

    def choose(self):
        while True:
            frame = self.pass_by()
            if not frame.accessed:
                return frame
            frame.accessed = False

    def pass_by(self):
        frame = self.frames[self.hand]
        self.hand = (self.hand + 1) % self.size
        return frame


class TwoBitClock(Clock):
    """Stallings: the use bit and the modify bit; steps 1 and 2, and again."""

    def choose(self):
        while True:
            for _ in self.frames:
                frame = self.pass_by()
                if (frame.accessed, frame.dirty) == (False, False):
                    return frame
            for _ in self.frames:
                frame = self.pass_by()
                if (frame.accessed, frame.dirty) == (False, True):
                    return frame
                frame.accessed = False


class WorkingSetClock(Clock):
    """Carr and Hennessy 1981; a dirty page is written when it goes."""

    window = 4

    def prepare(self):
        super().prepare()
        self.ticks = 0

    def tick(self):
        self.ticks += 1

    def settled(self, frame):
        frame.notes["last use"] = self.ticks

    def choose(self):
        round_trip = [self.frames[(self.hand + step) % self.size] for step in range(self.size)]
        for frame in round_trip:
            if frame.accessed:
                frame.accessed = False
                frame.notes["last use"] = self.ticks
            elif not frame.dirty and self.is_old(frame):
                return self.take(frame)
        written = [frame for frame in round_trip if frame.dirty and self.is_old(frame)]
        clean = [frame for frame in round_trip if not frame.dirty]
        return self.take((written + clean + round_trip)[0])

    def is_old(self, frame):
        return self.ticks - frame.notes["last use"] > self.window

    def take(self, frame):
        self.hand = (self.frames.index(frame) + 1) % self.size
        return frame


class Aging(Simulator):
    """Tanenbaum: whether a page was accessed in each of the last eight intervals, the last one first."""

    def settled(self, frame):
        frame.notes["history"] = deque([True] + 7 * [False], maxlen=8)

    def tick(self):
        for frame in self.frames:
            frame.notes["history"].appendleft(frame.accessed)
            frame.accessed = False

    def choose(self):
        return min(self.frames, key=lambda frame: (list(frame.notes["history"]), frame.since))


class AgedFrequency(Simulator):
    """Silberschatz, Galvin and Gagne: a count of the intervals with accesses, halved at every eighth."""

    def prepare(self):
        self.ticks = 0

    def settled(self, frame):
        frame.notes["count"] = 1

    def tick(self):
        self.ticks += 1
        for frame in self.frames:
            frame.notes["count"] += frame.accessed
            frame.accessed = False
        if self.ticks % 8 == 0:
            for frame in self.frames:
                frame.notes["count"] //= 2

    def choose(self):
        return min(self.frames, key=lambda frame: (frame.notes["count"], frame.since))


class NotRecentlyUsed(Simulator):
    """Tanenbaum: classes 0 to 3; accessed bits are cleared by the clock."""

    def tick(self):
        for frame in self.frames:
            frame.accessed = False

    def choose(self):
        for accessed, dirty in (False, False), (False, True), (True, False), (True, True):
            of_class = [frame for frame in self.frames if (frame.accessed, frame.dirty) == (accessed, dirty)]
            if of_class:
                return self.oldest(of_class)
        raise AssertionError("no page has a class")


class TwoQueues(Simulator):
    """Johnson and Shasha 1994, the full version: A1in, A1out and Am, which is a clock here."""

    def prepare(self):
        self.a1in, self.a1out, self.am = deque(), deque(), deque()
        self.k_in, self.k_out = self.size // 4, max(1, self.size // 2)

    def choose(self):
        if len(self.a1in) > self.k_in:
            frame = self.a1in.pop()
            self.a1out.appendleft(frame.page)
            return frame
        while self.am[-1].accessed:
            self.am[-1].accessed = False
            self.am.rotate(1)
        return self.am.pop()

    def settled(self, frame):
        if frame.page in self.a1out:
            self.a1out.remove(frame.page)
            self.am.appendleft(frame)
        else:
            self.a1in.appendleft(frame)
        while len(self.a1out) > self.k_out:
            self.a1out.pop()


ALGORITHMS = {
    "opt": Optimal,
    "fifo": Fifo,
    "clock": Clock,
    "enhanced": TwoBitClock,
    "aging": Aging,
    "lfu": AgedFrequency,
    "nru": NotRecentlyUsed,
    "wsclock": WorkingSetClock,
    "2q": TwoQueues,
    "random": AnyPage,
}


def faults_of(algorithm, references, frames, interval):
    """Return the faults of an algorithm of ALGORITHMS: [(place of the reference, page that went or NOBODY)].

    references: (page, whether it is a write) pairs. frames: how many, empty at first.
    """
    return ALGORITHMS[algorithm](frames, references).run(interval)
