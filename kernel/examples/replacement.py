"""Page replacement: more pages than frames, and a policy that says which page has to go.

A Region has `pages` virtual pages and only `frames` frames. Touching a page that has no frame faults; the policy names
a victim, whose contents go to a "disk" if its DIRTY bit is set, and whose frame changes hands. Try your own policy: any
object with `choose(resident)`, where `resident` are the pages that have frames, oldest first.
"""

import random

import uctypes
from faults import on_fault, working_set
from memory import PAGE_SIZE, PageRange, PteFlags, VirtualAddress, allocate_frames, allocate_pages_at, get_kernel_mmi_ref

WRITABLE = PteFlags().writable(True)
SOMEWHERE = VirtualAddress(0x20_0000_0000)
BELADY = (1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5)
"""References for which first-in-first-out faults more often with 4 frames than with 3 (Belady, 1969)."""
BAR = 40


class Fifo:
    """The page that came first goes first."""

    def choose(self, resident):
        return resident[0]


class Clock:
    """First in, first out, but a page that was accessed since the hand came by gets a second chance."""

    def choose(self, resident):
        for page in list(resident):
            if not page.was_accessed():
                return page
            resident.remove(page)
            resident.append(page)
        return resident[0]


class Random:
    """Any page, by a generator with a seed."""

    def __init__(self, seed=1):
        random.seed(seed)

    def choose(self, resident):
        return resident[random.randrange(len(resident))]


class Resident:
    """A page that has a frame. Looking at its ACCESSED bit clears DIRTY too, so what was seen of that is kept."""

    def __init__(self, number, mapping):
        self.number = number
        self.mapping = mapping
        self._was_dirty = False

    def was_accessed(self):
        """Answer whether the page was accessed since the last look."""
        touched = working_set(self.mapping)
        self._was_dirty = self._was_dirty or bool(touched.dirty)
        return len(touched) > 0

    def is_dirty(self):
        """Answer whether the page was written since it got its frame."""
        self.was_accessed()
        return self._was_dirty


class Region:
    """Pages that share too few frames. `.faults` and `.written_back` count what it cost. Used with `with`."""

    def __init__(self, pages, frames, policy):
        self.range = PageRange.from_virt_addr(SOMEWHERE, pages * PAGE_SIZE)
        self.policy = policy
        self.faults = 0
        self.written_back = 0
        self._free = [allocate_frames(1) for _ in range(frames)]
        self._resident = []
        self._disk = {}
        self._mapper = get_kernel_mmi_ref().page_table
        self._handler = on_fault(self.range, self._answer)
        self.bytes = uctypes.bytearray_at(SOMEWHERE.value, pages * PAGE_SIZE)

    def touch(self, number, value=None):
        """Read a byte of a page, or write it."""
        if value is None:
            return self.bytes[number * PAGE_SIZE]
        self.bytes[number * PAGE_SIZE] = value

    def _answer(self, fault):
        """Give the page that was touched a frame, taking one from another page if need be."""
        self.faults += 1
        number = fault.page.number - self.range.start.number
        frames = self._free.pop() if self._free else self._evict()
        pages = allocate_pages_at(fault.page.start_address, 1)
        mapping = self._mapper.map_allocated_pages_to(pages, frames, WRITABLE)
        with mapping.as_slice_mut("B") as view:
            view.copy_from(self._disk.get(number, bytes(PAGE_SIZE)))
        working_set(mapping)  # what the kernel just did is no access of the program's
        self._resident.append(Resident(number, mapping))
        return True

    def _evict(self):
        """Take the frame of the page that the policy chooses."""
        victim = self.policy.choose(self._resident)
        self._resident.remove(victim)
        if victim.is_dirty():
            with victim.mapping.as_slice("B") as view:
                self._disk[victim.number] = bytes(view[:])
            self.written_back += 1
        pages, frames = victim.mapping.unmap_into_parts()
        pages.drop()
        return frames[0]

    def close(self):
        """Give everything back."""
        self._handler.cancel()
        for page in self._resident:
            page.mapping.drop()
        for frames in self._free:
            frames.drop()
        self._resident, self._free = [], []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def faults_of(policy, frames, references):
    """Return how often a reference string (page numbers) faults with that many frames."""
    with Region(max(references) + 1, frames, policy) as region:
        for number in references:
            region.touch(number)
        return region.faults


def mostly_few(count, pages=16, favourites=4, seed=1):
    """Return page numbers of which four in five are among the first few."""
    random.seed(seed)
    few, all_pages = range(favourites), range(pages)
    return [random.choice(few if random.random() < 0.8 else all_pages) for _ in range(count)]


class Chart:
    """How often each policy faults, by the number of frames; its repr draws bars. `.rows` are (frames, {name: faults})."""

    def __init__(self, references, frames=(2, 4, 6, 8), policies=(Fifo, Clock, Random)):
        self.references = references
        self.rows = []
        for count in frames:
            self.rows.append((count, [(each.__name__, faults_of(each(), count, references)) for each in policies]))

    def __repr__(self):
        lines = ["faults of %d accesses" % len(self.references)]
        for frames, results in self.rows:
            for place, (name, faults) in enumerate(results):
                label = "%2d frames" % frames if place == 0 else ""
                bar = "#" * (faults * BAR // len(self.references))
                lines.append("%-9s  %-6s %3d %s" % (label, name, faults, bar))
        return "\n".join(lines)


def belady():
    """Return (faults with 3 frames, with 4 frames) of FIFO on Belady's reference string: more memory, more faults."""
    return tuple([faults_of(Fifo(), frames, BELADY) for frames in (3, 4)])
