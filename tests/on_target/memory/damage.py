# Damage for verify() to find. Runs after prelude_on_target.py.
import _memory
from memory.runs import give, take, take_at
from memory_structs.mode import LEVELS, index_at, page_of_root_entry
from paging import Cr3, OffsetPageTable, RecursivePageTable, TemporaryPageTable, tlb
from paging.guard import opens_guard
from paging.techniques import new_root

# Into tables and records, which may lie behind the guard.
store32, store64 = opens_guard(_memory.store32), opens_guard(_memory.store64)
pool = memory.frame_allocator.pool
table_frames = memory.frame_allocator.table_frames
raw = OffsetPageTable()
SPOT = Page(0x2000)  # of the lower half, where nobody is
WX = PteFlagsX86_64.PRESENT | PteFlagsX86_64.WRITABLE
RX = PteFlagsX86_64.PRESENT
USED = 1 << 5 | 1 << 6


def window(frame):
    """The address at which the physical window shows a frame."""
    return (page_of_root_entry(256) << 12) + frame * 4096


def entry(root, page, level):
    """The address of the entry at a level that a page's way leads through."""
    table = root
    for above in range(LEVELS, level, -1):
        table = _memory.load64(window(table) + 8 * index_at(page, above)) >> 12 & (1 << 40) - 1
    return window(table) + 8 * index_at(page, level)


def entries(root, page):
    """The addresses of all entries on the way of a page, the leaf's last."""
    return [entry(root, page, level) for level in range(LEVELS, 0, -1)]


def a_free_frame():
    """The number of a frame that nobody has, and that nobody gets soon."""
    first, count, _ = list(pool.runs())[-1]
    return first + count - 1


def planted(at, value):
    """What the audit says while an entry has a value: its violations. Afterwards all must be well."""
    before = _memory.load64(at)
    store64(at, value)
    try:
        said = memory.verify().violations
    finally:
        store64(at, before)
    audit = memory.verify()
    assert not audit.violations, (said, audit.violations)
    return said


def flipped(at, bits):
    """The same while some bits of an entry are turned over."""
    return planted(at, _memory.load64(at) ^ bits)


def mapped_at(page, frame, flags):
    """What the audit says while the paging layer has a page mapped: (violations, unowned)."""
    raw.map_to(page, frame, flags, table_frames)
    audit = memory.verify()
    raw.unmap(page)[2].flush()
    raw.clean_up(table_frames)
    after = memory.verify()
    assert not after.violations, (audit.violations, after.violations)
    return audit.violations, audit.unowned


def counted_wrong(owner, name, more):
    """What the audit says while a counter is wrong by so many."""
    setattr(owner, name, getattr(owner, name) + more)
    said = memory.verify().violations
    setattr(owner, name, getattr(owner, name) - more)
    assert not memory.verify().violations
    return said


def random_entries(seed):
    """For ever: words as a broken kernel might leave them in an entry."""
    number = seed
    frames = (0, 1, 0x100, pool.low, pool.high, pool.high + 1, table.root, 1 << 27, (1 << 40) - 1)
    while True:
        parts = []
        for _ in range(6):
            number = (number * 1103515245 + 12345) & 0x7FFFFFFF
            parts.append(number >> 8)
        value = parts[0] << 44 | parts[1] << 22 | parts[2]
        if parts[3] & 1:
            value = value & 0xFFF0000000000FFF | frames[parts[4] % len(frames)] << 12
        elif parts[3] & 2:
            value = value & 0xFFF0000000000FFF | parts[4] % (pool.high + 1) << 12
        if parts[3] & 12:
            value |= 1
        yield value & (1 << 64) - 1


def fuzz(at, seed, rounds):
    """Write random words into an entry, and let the audit look. Returns (how many it found fault with, the longest)."""
    before = _memory.load64(at)
    words = random_entries(seed)
    found = longest = 0
    for _ in range(rounds):
        store64(at, next(words))
        try:
            said = memory.verify().violations
        finally:
            store64(at, before)
        found += bool(said)
        longest = max(longest, len(said))
    healthy = memory.verify().violations
    assert not healthy, healthy
    return found, longest
