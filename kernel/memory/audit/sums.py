"""The allocators' counts against what was found: each frame has been looked at, each owner is asked what it has."""

from array import array

from ..allocators.owners import ALLOCATED, UNMAPPED
from ..allocators.owners import SHAREABLE as SHAREABLE_OWNER
from ..ledger import DEVICE, EXCLUSIVE, KIND_NAMES, SHARED, count_busy
from ..reclaim import ID_BITS, OWNER_WORDS, living_owners
from ..runs import NOT_FREE, hand_out, total_of
from .claims import (
    CLAIM,
    FREE,
    FREES,
    KERNEL,
    LENT_TABLE,
    MAPPED,
    NAMES,
    NOBODY,
    OWNED,
    REFUSED,
    SHAREABLE,
    SHARED_MAPPED,
    TABLE,
    WAITING,
    count,
    steps_of,
)
from .report import physical

CLAIMS_OF_OWNERS = {ALLOCATED: OWNED, UNMAPPED: WAITING, SHAREABLE_OWNER: SHAREABLE}


class Sums:
    """Claims what belongs to nobody's tables, and in the end compares the counts."""

    def __init__(self, kernel, frame_map, findings):
        self.kernel = kernel
        self.frame_map = frame_map
        self.complain, self.listed = findings.complain, findings.under_way
        self.frames, self.pages = kernel._frames, kernel._pages
        self.pool = kernel._frames.pool
        self.under_way = busy_pages()  # by kind: of mappings that a call is just taking away
        self.owned = {}  # id of an arena: how many numbers its owners have

    # What is claimed before any table is looked at.

    def claim(self):
        """Claim what is free, owned, and the kernel's own."""
        words, found = living_owners()  # first: what was forgotten is free then
        frame_map, pool = self.frame_map, self.pool
        frame_map.clear()
        for first, last in pool._territory:
            frame_map.put(first, last + 1 - first, NOBODY)
        for first, last, _ in self.frames.reservations:
            frame_map.put(first, last + 1 - first, KERNEL)
        stopped = frame_map.claim_list(pool.tree, FREES)
        if stopped != NOT_FREE:
            self.complain("the list of free frames is broken at %s", physical(max(stopped, 0)))
        for action in self.frames._pending:
            for run, size in action._left_over:
                if action._arena is pool:
                    self._claim_run(run >> 1, size, FREES, "postponed")
        self._claim_owned(words, found)

    def _claim_owned(self, words, found):
        steps = {kind: steps_of({NOBODY: claim}) for kind, claim in CLAIMS_OF_OWNERS.items()}
        pool = id(self.pool) & ID_BITS
        totals = self.owned
        for at in range(0, found * OWNER_WORDS, OWNER_WORDS):
            arena, size, kind = words[at], words[at + 2], words[at + 3]
            totals[arena] = totals.get(arena, 0) + size
            if arena == pool:
                self._claim_run(words[at + 1] >> 1, size, steps[kind], NAMES[CLAIMS_OF_OWNERS[kind]])

    def _claim_run(self, first, size, steps, who):
        done = self.frame_map.claim(first, size, steps)
        if done < size:
            frame = first + done
            claim = self.frame_map.byte(frame) & CLAIM if frame <= self.pool.high else KERNEL
            self.complain("%s is %s, and %s", physical(frame), who, NAMES[claim])

    # What is compared in the end.

    def check(self, records):
        """Compare all counts; returns the frames of usable RAM by what they were found to be."""
        for kind, pages in enumerate(self.under_way):
            if pages:
                self.listed.add(
                    "%d pages of %s mappings are unmapped, and wait for a TLB flush", pages, KIND_NAMES[kind]
                )
        counts = array("l", bytes(8 * 256))
        count(self.frame_map.map, counts)
        found = [0] * (CLAIM + 1)
        for byte in range(256):
            found[byte & CLAIM] += counts[byte]
        frames = {
            "free": found[FREE],
            "allocated": found[OWNED] + found[SHAREABLE] + found[LENT_TABLE],
            "mapped": found[MAPPED] + found[SHARED_MAPPED],
            "unmapped": found[WAITING],
            "tables": found[TABLE],
        }
        self._check_frames(frames, found[NOBODY])
        self._check_pages(records)
        self._check_devices(records)
        return frames

    def _check_frames(self, frames, nobodys):
        pool = self.pool
        # Between the clearing of entries and the flush, frames are unmapped, and nobody's yet.
        waiting = self.under_way[EXCLUSIVE]
        if nobodys >= waiting:
            frames["unmapped"] += waiting
            nobodys -= waiting
        # Shared frames count as mapped until their last mapping has been flushed.
        flushed = pool.all_mapped - frames["mapped"]
        if 0 < flushed <= self.under_way[SHARED]:
            frames["allocated"] -= flushed
            frames["mapped"] += flushed
        if nobodys:
            self.complain("%d frames are in use, but nobody has them: %s", nobodys, physical(self._first_of_nobody()))
        for name, number in (
            ("free", pool.free),
            ("allocated", pool.allocated),
            ("mapped", pool.all_mapped),
            ("unmapped", pool.unmapped),
            ("tables", pool.all_tables),
        ):
            self._compare("frames: " + name, frames[name], number, "frame")
        self._compare("frames of RAM", sum(frames.values()) + nobodys, pool.managed, "frame")

    def _first_of_nobody(self):
        others = bytearray(range(256))
        for byte in range(256):
            if byte & CLAIM == NOBODY:
                others[byte] = REFUSED
        return self.frame_map.claim(0, self.frame_map.frames, others)

    def _check_pages(self, records):
        upper, lower = self.pages._arenas
        for arena, mapped in (upper, records.owned_pages[True]), (lower, records.owned_pages[False]):
            self._compare("free pages of " + arena.name, length_of(arena.tree), total_of(arena.tree), "page")
            self._compare("mapped pages of " + arena.name, mapped, arena.all_mapped, "page")
        found = self._owned_of(upper) + self._owned_of(lower) + self.pages._quarantined
        counted = upper.allocated + lower.allocated
        if found < counted <= found + sum(self.under_way):
            found = counted  # a call that is taking a mapping away has its pages, or their new owner
        self._compare("allocated pages", found, counted, "page")

    def _check_devices(self, records):
        shared = {id(one): one for one in self.kernel.shared_users.values() if one._device}
        in_use = sum(one._count for one in shared.values())
        arenas = self.frames._arenas[1:]
        found = sum(self._owned_of(arena) for arena in arenas) - in_use
        self._compare("allocated device frames", found, sum(arena.allocated for arena in arenas), "frame")
        mapped = sum(arena.all_mapped for arena in arenas)
        self._compare("mapped device frames", records.device_pages + self.under_way[DEVICE] + in_use, mapped, "frame")

    def _owned_of(self, arena):
        return self.owned.get(id(arena) & ID_BITS, 0)

    def _compare(self, what, found, counted, allocator):
        if found != counted:
            self.complain("%d %s were found, the %s allocator counts %d", found, what, allocator, counted)


def busy_pages():
    """How many pages mappings have that are just being taken away: a number for each kind."""
    counts = array("l", bytes(8 * len(KIND_NAMES)))
    count_busy(counts)
    return counts


def length_of(tree):
    """How many numbers the list of a tree has, whatever the tree counts."""
    total = 0

    def add(_, first, size, __):
        nonlocal total
        total += size
        return size

    hand_out(tree, add, None, None)
    return total
