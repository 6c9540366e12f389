# One of everything for calls that are wrong: what is right, what is dead, and what is nothing that anybody wants. Runs
# after prelude.py, and before malformed.py.
import faults
import paging
from faults import PageFaultErrorCode, on_fault
from loader import disks
from memory import LoadedSection, MemoryState, Stack
from paging import FlushLedger, PageTable512, PageTableEntry

MORTAL = (
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
# What the kernel goes by, and what owns: nobody sets an attribute of these.
KERNELS_OWN = MORTAL + ("K", "t", "MMI", "tf", "heap", "frame allocator", "page allocator", "shared", "stack")
FAR = page_of_root_entry(51) << 12  # the next part of the lower half where nothing is


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
        poke_zero(scratch)
        executable = create_mapping(4096, WRITE)
        executable.remap(RUN)
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


def poke_zero(frames):
    for number in range(frames.start.number, frames.end.number + 1):
        for index in range(512):
            store64(shown(number, index), 0)


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
    for name in "drop", "leave", "ignore", "release", "cancel", "end":
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
