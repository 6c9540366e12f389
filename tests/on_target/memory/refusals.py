# A page fault at every single access to tables, of every mapping call. Runs after prelude.py and injection.py.
#
# refuse(name, n, ...) makes the n-th access to the physical window fault, while OPERATIONS[name] is at work.
import _critical
import _memory
from memory_structs.mode import LEVELS, page_of_root_entry
from paging import BootInfo, BootInfoFrameAllocator, OffsetPageTable
from paging.guard import opens_guard
from paging.natives import LAYOUT

store64 = opens_guard(_memory.store64)  # into tables, which may lie behind the guard
USER = 4
SMAP = 1 << 21
WINDOW = LAYOUT["WINDOW_PAGE"] - (1 << 52) << 12
WINDOW_INDEX = LAYOUT["WINDOW_ROOT_INDEX"]
memory_map = BootInfo().memory_map
FRAMES = max([region._end for region in memory_map if region.is_usable]) >> 12
mapper = OffsetPageTable()
FAR = page_of_root_entry(6)  # a page of the lower half where no table is
DATA = PteFlagsX86_64.PRESENT | PteFlagsX86_64.WRITABLE | PteFlagsX86_64.NO_EXECUTE
USER_FLAG = PteFlagsX86_64.USER_ACCESSIBLE
DEVICE = 0x80000  # a frame outside of RAM


def window_entries():
    """Where the entries of the window below the root lie, as far as they show RAM."""
    found = [WINDOW + (table.root << 12) + 8 * WINDOW_INDEX]

    def note(table, level, frames_left):
        covered = 1 << 9 * (level - 1)
        for index in range(min(512, (frames_left + covered - 1) // covered)):
            at = WINDOW + (table << 12) + 8 * index
            value = _memory.load64(at)
            found.append(at)
            if level > 1 and not value & 0x80:
                note(value >> 12 & 0xFFFFFFFFFF, level - 1, min(covered, frames_left - index * covered))

    note(_memory.load64(found[0]) >> 12 & 0xFFFFFFFFFF, LEVELS - 1, FRAMES)
    return found


def set_user(at, on):
    value = _memory.load64(at)
    store64(at, value | USER if on else value & ~USER)


def for_users(on):
    """Make the window's pages user pages, which only SMAP keeps the kernel from: it is off from here on, but while an
    access is watched."""
    _cpu.write_cr4(_cpu.read_cr4() & ~SMAP)
    for at in WINDOW_ENTRIES:
        set_user(at, on)
    _cpu.flush_global()


def spared_frames():
    """Frames that hold no tables: the allocators' bookkeeping, and what else is reserved."""
    spared = bytearray(FRAMES)
    for first, last, _ in memory.frame_allocator.reservations:
        for frame in range(first, min(last + 1, FRAMES)):
            spared[frame] = 1
    return spared


# What verify() says of each root because of that.
WINDOW_FINDING = "entry %d is not the kernel's" % WINDOW_INDEX
WINDOW_ENTRIES = window_entries()
SPARED = spared_frames()


def watched(n, every, whole, call):
    """Call; the n-th access to a table faults. Returns (what it made, what it raised, how many accesses were left)."""
    made = raised = None
    _inject.refuse(n, SPARED, every, whole)
    try:
        made = call()
    except BaseException as error:
        raised = error
    left = _inject.refuse(0, SPARED, False, False)
    return made, raised, left


def interrupts_work():
    """Does Ctrl-C arrive?"""
    try:
        _inject.interrupt(1)
        for _ in range(3):
            pass
    except KeyboardInterrupt:
        return True
    return False


# The paging layer: prepare() makes what is needed, act() does it, undo() takes everything away again.


def lent():
    owned = memory.allocate_frames(40)
    return {"owned": owned, "tables": BootInfoFrameAllocator(memory_map, owned)}


def lent_and_mapped(count, largest=1):
    owners = lent()
    mapper.map_numbers(FAR, DEVICE, count, DATA, owners["tables"], largest=largest)
    return owners


def lent_and_empty():
    owners = lent_and_mapped(700)
    mapper.unmap_numbers(FAR, 700)[1].flush()
    return owners


def undo(owners):
    """Whatever is mapped at FAR, and its tables, goes."""
    for run in mapper.runs(FAR, 1 << 19):
        if run.is_mapped:
            mapper.unmap_numbers(run.page, run.count)[1].flush()
    mapper.clean_up_numbers(FAR, FAR + (1 << 19), owners["tables"])
    owners["owned"].drop()


def flushed(answer):
    token = answer[-1] if type(answer) is tuple else answer
    token.flush()


PAGING = {
    "map_to": (lent, lambda o: flushed(mapper.map_to(Page(FAR), Frame(DEVICE), DATA, o["tables"]))),
    "map_numbers": (lent, lambda o: flushed(mapper.map_numbers(FAR + 500, DEVICE + 500, 700, DATA, o["tables"]))),
    "map_numbers of huge pages": (lent, lambda o: flushed(mapper.map_numbers(FAR, DEVICE, 1536, DATA, o["tables"]))),
    "map with parents' flags": (
        lambda: lent_and_mapped(3),
        lambda o: flushed(mapper.map_to(Page(FAR + 5), Frame(DEVICE), DATA, o["tables"], DATA | USER_FLAG)),
    ),
    "unmap": (lambda: lent_and_mapped(1), lambda o: flushed(mapper.unmap(Page(FAR)))),
    "unmap_numbers": (lambda: lent_and_mapped(700), lambda o: flushed(mapper.unmap_numbers(FAR, 700))),
    "unmap_numbers of huge pages": (
        lambda: lent_and_mapped(1536, 2),
        lambda o: flushed(mapper.unmap_numbers(FAR, 1536)),
    ),
    "update_flags": (lambda: lent_and_mapped(1), lambda o: flushed(mapper.update_flags(Page(FAR), DATA))),
    "update_numbers": (
        lambda: lent_and_mapped(600),
        lambda o: flushed(mapper.update_numbers(FAR, 600, DATA - PteFlagsX86_64.WRITABLE)),
    ),
    "set_flags_p2_entry": (lambda: lent_and_mapped(1), lambda o: flushed(mapper.set_flags_p2_entry(Page(FAR), DATA))),
    "clean_up": (lent_and_empty, lambda o: mapper.clean_up_numbers(FAR, FAR + 700, o["tables"]) and None),
}


# Three entries, one by one, where long runs count once.
OPERATIONS["create_mapping of a few"] = dict, lambda o: memory.create_mapping(3 * 4096, WRITE)


def accounts(audit):
    return audit.violations, audit.unowned


# What is said of a call whose tables could not be reached, not even to undo what was done.
NAMED = "a fault ended half-way", "has an owner, but is not mapped", "not as its owner says"


def is_named(texts):
    return any([name in text for name in NAMED for text in texts])


def accounts_now():
    """What the allocators count, and what the audit says."""
    return state(), accounts(memory.verify())


def refuse(name, n, start, every=False, whole=False):
    """Refuse the n-th access, when accounts_now() is `start`, which it is afterwards if nothing is wrong.

    Returns (how many were left, what is wrong, whether there was damage for a while).
    """
    is_paging = name in PAGING
    prepare, act = PAGING[name] if is_paging else OPERATIONS[name]
    if "many" in name or "few" in name or "huge" in name or name.startswith("map_allocated_pages"):
        make_clean()
    owners = prepare()
    wrong = []
    made, raised, left = watched(n, every, whole, lambda: act(owners))
    is_unfinished = len(table.unfinished) > 0
    if is_unfinished and unused(owners):
        wrong.append("what a leaf may lead to is still %s" % unused(owners))
    if _critical.depth():
        wrong.append("the guard is held")
        while _critical.depth():
            _critical.leave()
    if raised is not None and type(raised).__name__ != "PageFault":
        wrong.append("%s: %s" % (type(raised).__name__, raised))
    if (raised is None) != (left > 0):
        wrong.append("it %s, with %d left" % ("was well" if raised is None else "faulted", left))
    raised = None
    if not interrupts_work():
        wrong.append("Ctrl-C does not arrive")
    found = new_findings(start[1][0])
    damaged = whole and is_named(found)
    if not damaged:
        wrong += found
    if is_paging:
        undo(owners)
    else:
        table.reclaim()  # the tables are there again: what was left undone is done now
        give_back(made, owners)
    made = owners = None
    after = accounts_now()
    if after != start:
        wrong.append("%s became %s" % (start, after))
    return left, wrong, is_unfinished


def new_findings(known):
    """What the audit says that it did not before."""
    return [text for text in memory.verify().violations if text not in known and WINDOW_FINDING not in text]


def unused(owners):
    """The pages and frames that are still somebody's."""
    kinds = memory.AllocatedPages, memory.AllocatedFrames
    return [owner for owner in owners.values() if type(owner) in kinds and owner]


def make_clean():
    """Have the allocator believe that all free frames are clean, so that nothing is cleared when they are mapped."""
    owners = []
    while memory.frame_allocator.statistics().free:
        owners.append(memory.allocate_frames(memory.frame_allocator.statistics().largest_run))
    for owner in owners:
        owner.mark_clean()
        owner.drop()


def accesses(name, every=False):
    """How many accesses there are."""
    return MANY - refuse(name, MANY, accounts_now(), every)[0]


def refuse_all(name, step=1, every=False, whole=False):
    """Try every `step`-th n, with `whole` those between, until something is wrong: (how many were tried, how many left
    damage for a while, what was wrong)."""
    n, tried, damaged, start = 1 + (step // 2 if whole else 0), 0, 0, accounts_now()
    while True:
        left, wrong, was_damaged = refuse(name, n, start, every, whole)
        tried += 1
        damaged += was_damaged
        if left or wrong:
            return tried, damaged, wrong and [n] + wrong
        n += step
