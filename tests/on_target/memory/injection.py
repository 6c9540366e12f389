# Trouble at every single point of every mapping call. Runs after prelude.py; OPERATIONS[name] is
# (prepare, act): prepare() makes a dict of owners, act(owners) does the one thing and returns what it made.
import _cpu
import _inject
import memory.allocators.anywhere
import memory.allocators.at_place
import memory.mappings.creating
import memory.mappings.mapped_pages
import memory.mappings.page_table
import memory.mappings.table_frames
import uctypes
from memory import runs
from memory.ledger import lost
from memory_structs.mode import page_of_root_entry
from paging.entries import page_in_window

MANY = 1 << 40


def pages_at(address, count):
    return memory.allocate_pages_at(VirtualAddress(address), count)


def far_up():
    """An address of the pool with nothing mapped nearby: tables are missing there."""
    return VirtualAddress(page_of_root_entry(384) << 12) + (1 << 40)


def huge_mapping():
    return memory.create_mapping(4 << 20, WRITE)


def two_mappings():
    whole = memory.create_mapping(8 * 4096, WRITE)
    a, b = whole.split(whole.start + 3)
    return {"a": a, "b": b}


def shared_pair():
    shared = SharedFrames(memory.allocate_frames(2))
    return {"shared": shared, "pages": memory.allocate_pages(2)}


def shared_mappings():
    """Frames with two users, one of them through a mapping that writes."""
    shared = SharedFrames(memory.allocate_frames(2))
    first = table.map_shared(memory.allocate_pages(2), shared, WRITE)
    second = table.map_shared(memory.allocate_pages(2), shared, READ)
    return {"first": first, "second": second, "shared": shared}


def unused_shared():
    return {"shared": SharedFrames(memory.allocate_frames(2))}


def table_with_tables():
    other = PageTable.new_table(table)
    mapping = other.map_allocated_pages(pages_at(0x6000000, 2), WRITE)
    return {"other": other, "mapping": mapping}


def empty_table():
    owners = table_with_tables()
    owners["mapping"].drop()
    del owners["mapping"]
    return owners


def used_stack():
    """A Stack that was run on: the CPU has marked its pages dirty."""
    stack = Stack(16)
    stack.call(max, 1, 2)
    return {"s": stack}


def pages_and_pieces():
    """Pages where no table is, when all that is free are 10 frames that don't touch."""
    owners = {"p": pages_at(0x7000000000, 3), "held": [], "kept": []}
    pieces = memory.allocate_frames(20)
    statistics = memory.frame_allocator.statistics
    while statistics().free:
        owners["held"].append(memory.allocate_frames(statistics().largest_run))
    while len(pieces) > 1:
        one, pieces = pieces.split(pieces.start + 1)
        one.drop()
        if len(pieces) > 1:
            one, pieces = pieces.split(pieces.start + 1)
        else:
            one, pieces = pieces, ()
        owners["kept"].append(one)
    return owners


OPERATIONS = {
    "map to frames that do not touch": (pages_and_pieces, lambda o: table.map_allocated_pages(o["p"], WRITE)),
    "create_mapping": (dict, lambda o: memory.create_mapping(4096, WRITE)),
    "create_mapping of many": (dict, lambda o: memory.create_mapping(700 * 4096, WRITE, huge=False)),
    "create_mapping of huge pages": (dict, lambda o: memory.create_mapping(4 << 20, WRITE)),
    "create_mapping_at": (dict, lambda o: memory.create_mapping_at(far_up(), 4096, WRITE)),
    "create_mapping_at of the lower half": (
        dict,
        lambda o: memory.create_mapping_at(VirtualAddress(0x7000000000), 3 * 4096, WRITE),
    ),
    "create_mapping_at of many": (dict, lambda o: memory.create_mapping_at(far_up(), 700 * 4096, WRITE, huge=False)),
    "map_allocated_pages": (
        lambda: {"p": memory.allocate_pages(600)},
        lambda o: table.map_allocated_pages(o["p"], WRITE),
    ),
    "map_allocated_pages_to": (
        lambda: {"p": memory.allocate_pages(3), "f": memory.allocate_frames(3)},
        lambda o: table.map_allocated_pages_to(o["p"], o["f"], WRITE),
    ),
    "map into the lower half": (
        lambda: {"p": pages_at(0x7000000000, 3)},
        lambda o: table.map_allocated_pages(o["p"], WRITE),
    ),
    "map_shared": (shared_pair, lambda o: table.map_shared(o["pages"], o["shared"], WRITE)),
    "create_contiguous_mapping": (dict, lambda o: memory.create_contiguous_mapping(5 * 4096, WRITE)[0]),
    "map_frame_range": (dict, lambda o: memory.map_frame_range(PhysicalAddress(0xB8000), 8192, WRITE)),
    "create_identity_mapping": (dict, lambda o: memory.create_identity_mapping(2, WRITE)),
    "Stack": (dict, lambda o: Stack(3)),
    "a call on a Stack": (used_stack, lambda o: o["s"].call(lambda: [None for _ in range(3)][0])),
    "remap": (lambda: {"m": memory.create_mapping(3 * 4096, WRITE)}, lambda o: o["m"].remap(READ)),
    "merge": (two_mappings, lambda o: o["a"].merge(o["b"])),
    "split": (lambda: {"m": memory.create_mapping(8 * 4096, WRITE)}, lambda o: o["m"].split(o["m"].start + 3)),
    "split a huge page": (lambda: {"m": huge_mapping()}, lambda o: o["m"].split(o["m"].start + 700)),
    "unmap_into_parts": (lambda: {"m": memory.create_mapping(5 * 4096, WRITE)}, lambda o: o["m"].unmap_into_parts()),
    "drop": (lambda: {"m": memory.create_mapping(5 * 4096, WRITE)}, lambda o: o["m"].drop()),
    "drop of many": (lambda: {"m": memory.create_mapping(700 * 4096, WRITE, huge=False)}, lambda o: o["m"].drop()),
    "deep_copy": (lambda: {"m": memory.create_mapping(3 * 4096, WRITE)}, lambda o: o["m"].deep_copy()),
    "drop of one user of shared frames": (shared_mappings, lambda o: o["first"].drop()),
    "remap of a user of shared frames": (shared_mappings, lambda o: o["second"].remap(WRITE)),
    "drop of shared frames": (unused_shared, lambda o: o["shared"].drop()),
    "into_frames": (unused_shared, lambda o: o["shared"].into_frames()),
    "new_table": (dict, lambda o: PageTable.new_table(table)),
    "switch_to": (table_with_tables, lambda o: o["other"].switch_to()),
    "drop of a table": (empty_table, lambda o: o["other"].drop()),
}


def tables_of(page):
    """The bytes of every table on the way of a page of the pool, from the level-3 table down."""
    found = []
    for entry in table.dump_pte(Page(page).start_address).entries[1:]:
        number = entry.table.number
        at = (page_in_window(number) << 12) - (1 << 64)
        found.append((number, bytes(uctypes.bytearray_at(at, 4096))))
    return found


def active():
    """The root that the processor walks, and whether Python knows it."""
    root = _cpu.read_root_frame()
    return root, table.active_table.root == root


def snapshot(owners):
    """What a failed call may not change: what allocators count, the tables of the pool, who lives and what they say."""
    alive = sorted((name, repr(owner)) for name, owner in owners.items())
    alive.append(active())
    return state(), tables_of(page_of_root_entry(384)), alive


def give_back(made, owners):
    table.switch_to()
    for owner in (made if type(made) is tuple else (made,)) + tuple(owners.values()):
        if type(owner) is list:
            for part in owner:
                part.drop()
        elif owner is not None and (not hasattr(owner, "__bool__") or bool(owner)):
            try:  # noqa: SIM105 (there is no contextlib here)
                owner.drop()
            except memory.UseAfterMove:
                pass


def differences(before, after):
    """Which parts of two snapshots differ, in words, and what the audit says now."""
    names = "counts", "tables", "owners"
    audit = memory.verify()
    return [names[i] for i in range(3) if before[i] != after[i]] + audit.violations + audit.unowned


class Trial:
    """One call with trouble at the n-th point: `.raised` is what came out of it (None: it went well)."""

    def __init__(self, name):
        self.prepare, self.act = OPERATIONS[name]

    def run(self, arm, disarm):
        """Returns (what was raised, differences to the state before, or None when it went well)."""
        owners = self.prepare()
        before = snapshot(owners)
        made = raised = None
        arm()
        try:
            made = self.act(owners)
        except BaseException as error:
            raised = error
        left = disarm()
        if raised is None:
            healthy = memory.verify().violations
            give_back(made, owners)
            return None, healthy, left
        name = type(raised).__name__
        raised = made = None
        found = differences(before, snapshot(owners))
        give_back(None, owners)
        return name, found, left


# At both ends of an operation every point is tried; in the middle of a long one, one of STRIDE for each kind of
# trouble, and not the same for all.
ENDS = 25
STRIDE = 3
FAILED_ALLOCATION, CTRL_C, CALLBACK = range(STRIDE)


class Points:
    """The points of an operation to be tried, from the first on: `.next(n)` is the one after n."""

    def __init__(self, trial, arm, kind):
        owners = trial.prepare()
        arm(MANY)
        made = trial.act(owners)
        self.behind = MANY - arm(0) - ENDS
        self.kind = kind
        give_back(made, owners)

    def next(self, n):
        n += 1
        while ENDS < n < self.behind and n % STRIDE != self.kind:
            n += 1
        return n


def fail_allocations(name):
    """Fail the n-th allocation of Python's heap, for every one of the points. Returns (last n, what differed where)."""
    trial = Trial(name)
    points = Points(trial, _inject.fail_allocation, FAILED_ALLOCATION)
    wrong = []
    n = 1
    while True:
        raised, found, left = trial.run(lambda n=n: _inject.fail_allocation(n), lambda: _inject.fail_allocation(0))
        if found or raised not in (None, "MemoryError"):
            wrong.append((n, raised, found))
        if left:
            return n, wrong
        n = points.next(n)


class Famine:
    """From the n-th request on, no allocator has anything left."""

    def __init__(self):
        self.left = MANY
        self.used = False
        for module, names in (
            (memory.mappings.creating, ("take", "take_at")),
            (memory.mappings.page_table, ("take",)),
            (memory.mappings.table_frames, ("take",)),
            (memory.allocators.anywhere, ("take", "take_aligned")),
            (memory.allocators.at_place, ("take_at",)),
            (runs, ("find", "take_at", "largest_of")),
        ):
            for function in names:
                setattr(
                    module, function, self.rationed(getattr(module, function), 0 if function == "largest_of" else -1)
                )

    def rationed(self, function, nothing):
        def ask(*arguments):
            self.left -= 1
            if self.left < 0:
                self.used = True
                return nothing
            return function(*arguments)

        return ask

    def begin(self, n):
        self.left = n - 1
        self.used = False

    def end(self):
        self.left = MANY
        return not self.used


def starve(name):
    """Let the n-th request for frames or pages, and all after it, find nothing, for every n."""
    famine = Famine()
    trial = Trial(name)
    wrong = []
    n = 1
    while True:
        raised, found, enough = trial.run(lambda n=n: famine.begin(n), famine.end)
        if found or raised not in (None, "OutOfFrames", "OutOfPages", "AddressInUse", "OutOfRange", "OutOfBookkeeping"):
            wrong.append((n, raised, found))
        if enough:
            return n, wrong
        n += 1


def interrupt(name):
    """Press Ctrl-C at the n-th check, for every one of the points. Either as before, or as after."""
    trial = Trial(name)
    points = Points(trial, _inject.interrupt, CTRL_C)
    wrong = []
    n = 1
    while True:
        owners = trial.prepare()
        raised = made = None
        try:
            _inject.interrupt(n)
            made = trial.act(owners)
            left = _inject.interrupt(0)
            for _ in range(2):
                pass  # where one that came at the last moment strikes
        except BaseException as error:
            raised = type(error).__name__
            left = _inject.interrupt(0)
        audit = memory.verify()
        if audit.violations or audit.unowned or raised not in (None, "KeyboardInterrupt") or not active()[1]:
            wrong.append((n, raised, audit.violations + audit.unowned))
        give_back(made, owners)
        made = None
        owners = None
        if left:
            return n, wrong
        n = points.next(n)


def call_back(name):
    """Run a scheduled callback at the n-th check, which audits everything and maps something itself."""
    trial = Trial(name)
    points = Points(trial, _inject.interrupt, CALLBACK)
    wrong = []
    seen = []

    def callback(_):
        audit = memory.verify()
        memory.create_mapping(4096, WRITE).drop()
        seen.append(audit.violations + audit.unowned)

    n = 1
    while True:
        owners = trial.prepare()
        seen.clear()
        raised = made = None
        _inject.call(n, callback)
        try:
            made = trial.act(owners)
        except BaseException as error:
            raised = error
        left = _inject.call(0, None)
        _inject.interrupt(0)
        for _ in range(3):
            pass
        if raised is not None or (not left and seen != [[]]) or memory.verify().violations:
            wrong.append((n, raised, seen))
        give_back(made, owners)
        made = owners = None
        if left:
            return n, wrong
        n = points.next(n)
