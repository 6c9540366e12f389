# Calls that are wrong, generated: every public callable, with arguments of wrong kinds and values, and in wrong numbers.
# Runs after prelude.py: `calls = Malformed(seed, PARAMETERS)`, then `calls.run(how many)` as often as wanted.
#
# PARAMETERS maps a function's name (a class's: that of its constructor) to the names of its parameters; what is plausible
# for a name is in PLAUSIBLE. A call has plausible arguments but for one or two. It must be refused by name, or harmless.
import random

import faults
import memory_structs
import paging
import shell.commands
from faults import FaultHandler, PageFaultErrorCode, on_fault
from loader import disks, handover
from memory import LoadedSection, MemoryState, Stack
from memory.views.borrowed import BorrowedMappedPages, BorrowedSliceMappedPages
from paging import FlushLedger, PageTable512, PageTableEntry

MODULES = memory, paging, faults, memory_structs, disks, handover, shell.commands
FAR = LOW + (11 << 39)  # the next part of the lower half where nothing is


class Anything:
    """What nobody knows."""


def nothing(*arguments):
    """A function that takes everything, and does nothing."""


WRONG = (
    None,
    True,
    False,
    0,
    1,
    -1,
    5,
    511,
    512,
    4096,
    -4096,
    1 << 20,
    1 << 51,
    1 << 52,
    1 << 62,
    1 << 63,
    1 << 64,
    -(1 << 64),
    1 << 200,
    1.5,
    float("nan"),
    float("inf"),
    2j,
    "",
    "B",
    "x",
    "sneeze",
    b"",
    b"xy",
    (),
    (1, 2),
    [],
    [1],
    {},
    {"a": 0},
    {1, 2},
    nothing,
    Anything,
    Anything(),
    int,
    object(),
    range(3),
    Page4K,
    Page2M,
    memory,
    NotImplemented,
    Ellipsis,
)


class World:
    """One of everything, living and dead: by key. The keys are what PLAUSIBLE names."""

    def __init__(self):
        with memory.allocate_pages(1) as dead_pages, memory.allocate_frames(1) as dead_frames:
            pass
        with create_mapping(4096, WRITE) as dead_mapping:
            pass
        with PageTable.new_table(K) as dead_table:
            pass
        t = PageTable.new_table(K)
        lent = memory.allocate_frames(24)
        scratch = memory.allocate_frames(4)
        memory.frame_allocator.table_frames  # noqa: B018
        poke_zero(scratch)
        executable = create_mapping(4096, WRITE)
        executable.remap(RUN)
        struct = {"word": 0, "byte": 1 | 8 << 0}
        lower = t.create_mapping_at(VirtualAddress(LOW), 8192, WRITE)
        mapped = create_mapping(4 * 4096, WRITE)
        pages, action = memory.allocate_pages_deferred(AllocationRequest.AlignedTo(8), 3)
        readable = create_mapping(4096, READ)
        self.by_key = w = {
            "t": t,
            "tables": BootInfoFrameAllocator(BootInfo().memory_map, lent),
            "tf": tf,
            "none": EmptyFrameAllocator(),
            "pages": memory.allocate_pages(4),
            "frames": memory.allocate_frames(4),
            "deferred pages": pages,
            "action": action,
            "mapped": mapped,
            "lower": lower,
            "readable": readable,
            "view": readable.as_slice("B"),
            "struct": readable.as_type({"word": 0}),
            "shared": SharedFrames(memory.allocate_frames(2)),
            "stack": Stack(2),
            "borrowed": create_mapping(4096, WRITE).into_borrowed_mut({"word": 0}),
            "slice": create_mapping(4096, WRITE).into_borrowed_slice_mut("B"),
            "executable": executable,
            "section": LoadedSection("part", executable, 0, 64),
            "lent": lent,
            "scratch": scratch,
            "offset": OffsetPageTable(root_frame(t)),
            "by function": MappedPageTable(window_page, root_frame(t)),
            "temporary": TemporaryPageTable(tf, root_frame(t)),
            "recursive": RecursivePageTable(root_frame(t)),
            "table": PageTable512(WINDOW + scratch.start.number, 1),
            "ledger": FlushLedger(),
            "entry": PageTableEntry(WINDOW + scratch.start.number, 7, 1),
            "handler": on_fault(pages_from(at(FAR), 2), nothing),
            "dead pages": dead_pages,
            "dead frames": dead_frames,
            "dead mapping": dead_mapping,
            "dead table": dead_table,
            "virtual": VirtualAddress(FAR),
            "physical": scratch.start_address,
            "page": at(FAR),
            "frame": scratch.start,
            "huge page": Page(FAR >> 12, Page2M),
            "page range": pages_from(at(FAR), 3),
            "frame range": scratch.range,
            "mapped page": mapped.start,
            "mapped address": mapped.start_address,
            "mapped range": mapped.range,
            "request": AllocationRequest.Any(),
            "rights": WRITE,
            "flags": DATA,
            "size": Page4K,
            "K": K,
            "MMI": MMI,
            "code": PageFaultErrorCode(2),
            "state": MemoryState.FREE,
            "boot": BootInfo(),
            "map": BootInfo().memory_map,
            "walk": K.dump_pte(mapped.start_address),
            "found": K.translate(mapped.start_address),
            "frame allocator": memory.frame_allocator,
            "page allocator": memory.page_allocator,
            "audit": memory.verify(),
            "statistics": memory.frame_allocator.statistics(),
            "text": "B",
            "layout": {"word": 0},
            "count": 1,
            "number": FAR >> 12,
            "frame number": scratch.start.number,
            "function": nothing,
            "bytes": bytearray(512),
            "error": KernelError("x"),
            "disk": disks.RamDisk(bytearray(4096)),
            "no": None,
            "heap": MMI.heap,
            "level": 1,
        }
        token = w["offset"].map_to(at(FAR + (1 << 30)), scratch.start, DATA, w["tables"])
        token.ignore()
        w["token"] = token

    def end(self):
        """Everything goes: what an object of the world can't do itself is done here."""
        w = self.by_key
        memory.set_broadcast_tlb_shootdown_cb(None)
        w["handler"].cancel()
        for handler in faults.handlers.handlers() if hasattr(faults.handlers, "handlers") else ():
            handler.cancel()
        for key in ("temporary", "recursive", "offset", "by function"):
            w[key].leave()
        for key in ("view", "struct"):
            w[key].release()
        for token in list(K.ledger.open.values()):
            token.flush()
        mapper = OffsetPageTable(root_frame(w["t"])) if w["t"]._record.__class__ is not str else None
        if mapper is not None:
            for run in mapper.translate_range(pages_from(at(FAR), 1 << 19)):
                if run.is_mapped:
                    mapper.unmap_numbers(run.page, run.count)[1].ignore()
            mapper.clean_up_range(pages_from(at(FAR), 1 << 19), w["tables"])
        for thing in w.values():
            drop(thing, ())
        w.clear()


def whole_counts():
    """counts(), tables taken for free: one of the pool's comes with the first page in it, and goes with the last."""
    return [(told[0] + told[4],) + told[1:4] + told[5:] for told in counts()]


def poke_zero(frames):
    for number in range(frames.start.number, frames.end.number + 1):
        for index in range(512):
            _memory.store64(shown(number, index), 0)


def drop(thing, kept):
    """End what a call has made, in whatever it came."""
    if type(thing) in (tuple, list):
        for part in thing:
            drop(part, kept)
        return
    if any([thing is one for one in kept]):
        return
    if thing is K or thing is MMI or thing is tf or type(thing) in (type, int, str):
        return
    for name in "drop", "leave", "ignore", "release", "cancel":
        if name == "leave" and not isinstance(thing, paging.Mapper):
            continue
        try:
            method = getattr(thing, name, None)
            if callable(method):
                method()
                return
        except (KernelError, TypeError):
            pass


# For the name of a parameter: the keys of what it may be.
PLAUSIBLE = {
    "page": ("page", "number"),
    "pages": ("pages", "page range"),
    "frame": ("frame", "frame number"),
    "frames": ("frames", "frame range"),
    "flags": ("flags", "rights"),
    "parent_flags": ("flags",),
    "count": ("count",),
    "address": ("virtual", "physical"),
    "frame_allocator": ("tables", "tf"),
    "frame_deallocator": ("tables", "tf"),
    "size_in_bytes": ("count",),
    "limits": ("page range", "frame range"),
    "request": ("request",),
    "size": ("size",),
    "root": ("frame",),
    "range": ("page range", "frame range"),
    "handler": ("function",),
    "current": ("K", "t"),
    "other": ("pages", "frames", "mapped", "page range", "frame range"),
    "at": ("page", "mapped page"),
    "layout": ("layout",),
    "type": ("text",),
    "offset": ("count",),
    "callback": ("function",),
    "table": ("t",),
    "mapped_pages": ("mapped",),
    "memory_map": ("map",),
    "owned": ("frames",),
    "first": ("page", "frame", "number"),
    "last": ("page", "frame", "number"),
    "value": ("count",),
    "number": ("number",),
    "chunk": ("page", "frame"),
    "shared": ("shared",),
    "level": ("level",),
    "index": ("count",),
    "boot_info": ("boot",),
    "mapper": ("offset",),
    "function": ("function",),
    "ledger": ("ledger",),
    "frame_to_page": ("function",),
    "signature": ("text",),
    "name": ("text",),
    "buffer": ("bytes",),
    "block": ("count",),
    "alignment": ("count",),
    "mask": ("count",),
    "owner": ("pages", "frames"),
    "shared_with": ("frame",),
    "mappings": ("MMI",),
    "kind": ("no",),
    "traceback": ("no",),
    "override": ("text",),
    "memory": ("bytes",),
    "page_table": ("t",),
}
OPERATORS = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "//": lambda a, b: a // b,
    "/": lambda a, b: a / b,
    "%": lambda a, b: a % b,
    "&": lambda a, b: a & b,
    "|": lambda a, b: a | b,
    "^": lambda a, b: a ^ b,
    "<<": lambda a, b: a << b,
    ">>": lambda a, b: a >> b,
    "**": lambda a, b: a**b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "in": lambda a, b: a in b,
    "[]": lambda a, b: a[b],
    "call": lambda a, b: a(b),
    "divmod": divmod,
}
# What can't be called with anything that may be right.
LEFT_OUT = {
    "reset": "it resets the machine",
    "exit": "it ends it",
    "tour": "it waits for keys",
    "bench": "it takes its time",
    "mount_ram_disk": "it mounts",
    "mount_modules": "it mounts",
    "set_import_path": "",
    "allocate_run": "by number, for mappers, who give the number back",
    "allocate_number": "the same",
    "flush_spans": "it trusts the mapper",
    "reserve_memory": "what it takes it keeps for ever",
    "count_owners": "it trusts its caller with the counts",
    "into_mapped": "for a mapper of one's own, who brings them back",
    "from_mapped": "the same",
}
BUILTIN = int, str, dict, list, bytearray, type(None), type(nothing)
ARITY = "expected at", "takes", "extra positional", "missing", "missing", "unexpected keyword", "extra keyword"


class Malformed:
    def __init__(self, seed, parameters):
        random.seed(seed)
        self.parameters = parameters
        self.before = whole_counts()
        self.world = World()
        self.counted = self.quick()
        self.done = self.refused = 0
        self.wrong = []
        self.targets = self.find_targets()

    # What there is to call.

    def find_targets(self):
        """[(name, key of the object it is a method of or None, attribute name)], classes and functions by module."""
        found, seen = [], set()
        for module in MODULES:
            for name in getattr(module, "__all__", None) or dir(module):
                thing = getattr(module, name)
                if name[0] == "_" or name in LEFT_OUT or type(thing).__name__ == "module" or id(thing) in seen:
                    continue
                seen.add(id(thing))
                if callable(thing):
                    found.append((name, None, thing))
                if type(thing) is type:
                    for attribute in dir(thing if type(thing) is type else type(thing)):
                        # Its class methods; the others are called with an object below.
                        if attribute[0] != "_" and type(getattr(thing, attribute)).__name__ == "bound_method":
                            found.append((attribute, None, getattr(thing, attribute)))
        for key in sorted(self.world.by_key):
            thing = self.world.by_key[key]
            if type(thing) in BUILTIN:
                continue
            for attribute in dir(PageTable if thing is K else type(thing)):
                if (attribute[0] != "_" or attribute in ("__enter__", "__exit__")) and attribute not in LEFT_OUT:
                    try:
                        method = getattr(thing, attribute)
                    except (KernelError, AttributeError):
                        continue
                    if callable(method):
                        found.append((attribute, key, attribute))
        return found

    # What holds at all times.

    def quick(self):
        frame, page = memory.frame_allocator, memory.page_allocator
        return (
            # A table of the pool goes when its last page goes, and comes with the first.
            frame.pool.free + frame.pool.all_tables,
            frame.pool.allocated,
            page.pool.free,
            page._arenas[1].free,
            frame.pool.all_mapped,
            _critical.depth(),
            _cpu.read_cr3(),
            _cpu.read_cr0() & ~8,
            len(K.ledger.open),
            tf.out(),
        )

    def fresh(self, why):
        """Another world. What the old one leaves is a fault of the call."""
        self.world.end()
        self.world = None
        gc.collect()
        now = whole_counts()
        if now != self.before:
            self.complain(why, "%s became %s" % (self.before, now))
            self.before = now
        self.world = World()
        self.counted = self.quick()

    def complain(self, call, what):
        self.wrong.append("call %d: %s: %s" % (self.done, call, what))

    # Calls.

    def pick(self, things):
        return things[random.randrange(len(things))]

    def any_wrong(self):
        """(name, value): something of the list, or of the world."""
        if random.randrange(3):
            value = self.pick(WRONG)
            return show(value), value
        # (What is mapped by an owner, a mapper may be told to unmap: that is no mistake.)
        key = self.pick([key for key in self.keys if key[:7] != "mapped "])
        return key, self.world.by_key[key]

    def arguments(self, name):
        """[(shown, value)] for a function: plausible but for one or two; now and then too many or too few."""
        known = self.parameters.get(name)
        names = self.pick(known) if known else ["?"] * random.randrange(5)
        given = []
        for parameter in names:
            keys = PLAUSIBLE.get(parameter)
            if keys:
                key = self.pick(keys)
                given.append((key, self.world.by_key[key]))
            else:
                given.append(self.any_wrong())
        for _ in range(1 + (random.randrange(4) == 0)):
            if given:
                given[random.randrange(len(given))] = self.any_wrong()
        more = random.randrange(12)
        if more == 0 or not given:
            given.append(self.any_wrong())
        elif more == 1:
            given.pop()
        return given

    def call(self):
        """One call; returns what it was."""
        self.keys = sorted(self.world.by_key)
        if random.randrange(8) == 0:
            return self.operate()
        name, key, what = self.pick(self.targets)
        given = self.arguments(name)
        self.now = None
        self.now = "%s%s(%s)" % (key + "." if key else "", name, ", ".join([shown for shown, _ in given]))
        values = [value for _, value in given]
        if key is None:
            self.tried(name, what, values)
        else:
            thing = self.world.by_key[key]
            self.tried(name, getattr(thing, what), values)

    def operate(self):
        operator = self.pick(sorted(OPERATORS))
        key = self.pick(self.keys)
        one, other = (key, self.world.by_key[key]), self.any_wrong()
        if random.randrange(2):
            one, other = other, one
        self.now = "%s %s %s" % (one[0], operator, other[0])
        if type(one[1]) in (dict, str, bytes, bytearray, tuple, list, set) or (
            type(one[1]) in BUILTIN and type(other[1]) in BUILTIN
        ):
            return  # Python's own
        if operator in ("*", "<<", "**", "call") and (
            type(one[1]) in (int, list, str, bytes, tuple, bytearray, type)
            or type(other[1]) in (list, str, bytes, tuple, bytearray)
        ):
            return
        self.tried(operator, OPERATORS[operator], [one[1], other[1]], True)

    def tried(self, name, function, values, is_operator=False):
        self.done += 1
        result = error = None
        try:
            result = function(*values)
            if type(result).__name__ == "generator":
                for _ in zip(range(600), result):
                    pass
        except Exception as raised:
            error = raised
        if error is not None:
            self.refused += 1
            fault = self.judge(
                error, values, is_operator, [word for words in self.parameters.get(name, ()) for word in words]
            )
            if fault:
                self.complain(self.now, fault)
        else:
            try:
                drop(result, list(self.world.by_key.values()))
            except Exception as raised:
                self.complain(self.now, "and then drop(): %s" % repr(raised))
        result = function = None
        now = self.quick()
        if error is not None and now != self.counted:
            gc.collect()
            memory.allocate_pages(1).drop()
            now = self.quick()
            if now != self.counted:
                self.complain(self.now, "%s, and %s became %s" % (type(error).__name__, self.counted, now))
                self.fresh(self.now)
        elif now != self.counted or self.someone_died():
            self.fresh(self.now)

    def someone_died(self):
        w = self.world.by_key
        return not all(
            [
                w[key]
                for key in (
                    "pages",
                    "frames",
                    "mapped",
                    "lower",
                    "readable",
                    "executable",
                    "borrowed",
                    "slice",
                    "scratch",
                    "deferred pages",
                )
            ]
        )

    def judge(self, error, values, is_operator, names):
        """What is wrong with a refusal, in words, or None."""
        kind, text = type(error).__name__, str(error.args[0]) if error.args else ""
        if isinstance(error, KernelError) or isinstance(error, faults.ProcessorFault) or kind == "UsageError":
            return None
        if kind == "TypeError":
            if any([word in text for word in ARITY]) or "wrong kind" in text:
                return None
            insides = text[:1] == "'" or text[:5] in ("can't", "objec", "unsup")
            told = any([type(value).__name__ in text for value in values]) or any([name in text for name in names])
            if not insides and (told or "made by" in text or any([str(value) in text for value in values])):
                return None
            if is_operator and (told or "object isn't" in text):
                return None
            return "%s: %s" % (kind, text)
        if kind == "IndexError" and any([str(value) in text for value in values]):
            return None
        if kind == "ValueError" and text:
            return None
        if kind == "AttributeError" and is_operator and "has no attribute '__" in text:
            return None  # of an operator that the class does not have
        return "%s: %s" % (kind, text)

    def run(self, calls, verify_every=50):
        for _ in range(calls):
            self.call()
            if self.done % verify_every == 0:
                found = violations()
                if found:
                    self.complain(self.now, str(found[:2]))
                    self.fresh(self.now)
        if violations():
            self.complain(self.now, str(violations()[:2]))
        return self.done, self.wrong


def show(value):
    text = repr(value)
    return text if len(text) < 24 else text[:20] + "..."
