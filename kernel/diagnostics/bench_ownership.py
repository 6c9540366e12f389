"""Bench rows of mappings with an owner, per 4 KiB page where many are mapped.

Each act works on pages and frames of its own, so that what is timed is one kind of call. Frames are said to be clean
where the row is not about clearing: that row is "clear".
"""

import memory
from memory.ledger import EXCLUSIVE, SEVERAL_RUNS, prepare
from memory.mappings.table_frames import lend, table_word
from memory_structs.mode import ENTRIES
from paging import EmptyFrameAllocator, mapping
from paging.access import PATH_BYTES
from paging.natives import entries
from paging.natives import memory as frames_of_ram
from paging.tlb import flush_all

from diagnostics.bench import undo

MACHINE = {"memory": "12G"}  # most of it is never touched
ACTS = 8  # warm-ups, samples and the one that counts heap
MANY = 1 << 18
MILLION = 1 << 20
TIMES = 32
FEW = 64
FLAGS = memory.HEAP_FLAGS
WORD = 3 | 1 << 23

PEERS = {
    "ownership: map 262,144 clean pages to given frames": "C range mapper 10.2; Theseus's mm_eval"
    " counts ns per mapping under 8-CPU shootdown: not comparable",
    "ownership: create_mapping of a page and drop": "a version with three owner objects 19,980",
    "ownership: map and unmap a page by numbers, one owner": "a version by numbers 8,520",
    "ownership: clear a page": "rep stosq 549",
}


def _table():
    return memory.get_kernel_mmi_ref().page_table


def neighbour():
    """A mapping beside the one that is measured, so that the tables are there. And the lowest free run of frames is
    FEW long: the size of the kernel's image would leave one of any length, and one that goes as a whole costs more."""
    free = memory.get_kernel_mmi_ref().page_table._frame_pool.runs()
    held = [memory.allocate_frames(count) for _, count, _ in free if count <= FEW]
    frames = memory.allocate_frames(FEW + 1)
    few, behind = frames.split(frames.start + FEW)
    few.drop()
    return memory.create_mapping(4096, FLAGS), held, behind


def _create_and_drop():
    kept = neighbour()
    create = memory.create_mapping

    def act():
        for _ in range(TIMES):
            create(4096, FLAGS).drop()
        return kept

    return act


def _with_tables():
    table = _table()
    alone = memory.VirtualAddress(0x10_0000_0000)  # nobody else has a table there: three are made and freed
    owners = [memory.allocate_pages_at(alone + offset * (1 << 30), 1) for offset in range(ACTS)]

    def act():
        table.map_allocated_pages(owners.pop(), FLAGS).drop()

    return act


def _create_and_drop_executable():
    kept = neighbour()
    create, executable = memory.create_mapping, memory.PteFlags().executable(True)

    def act():
        for _ in range(TIMES):
            create(4096, executable).drop()
        return kept

    return act


def _remap_executable():
    kept = neighbour()
    mapped = kept[0]
    executable = memory.PteFlags().executable(True)

    def act():
        for _ in range(TIMES):
            mapped.remap(executable)
            mapped.remap(FLAGS)
        return kept

    return act


def _by_numbers():
    kept = neighbour()
    table = _table()

    def act():
        create, unmap = table._create_record, table._unmap_record
        for _ in range(TIMES):
            unmap(create(1, WORD))
        return kept

    return act


class Owned:
    """For each act pages and clean frames, or a mapping of them."""

    def __init__(self, huge, mapped):
        self.table = _table()
        self.huge = huge
        self.parts = []
        for _ in range(ACTS):
            frames = memory.allocate_frames(MANY)
            frames.mark_clean()
            self.parts.append((memory.allocate_pages(MANY), frames))
        if mapped:
            self.parts = [self.map(*part) for part in self.parts]

    def map(self, pages, frames):
        return self.table.map_allocated_pages_to(pages, frames, FLAGS, self.huge)


def _map(huge):
    owned = Owned(huge, False)
    kept = []

    def act():
        pages, frames = owned.parts.pop()
        kept.append(owned.map(pages, frames))

    return act


def _map_small():
    return _map(False)


def _map_huge():
    return _map(True)


def _remap():
    owned = Owned(False, True)
    read_only = memory.PteFlags()
    kept = []

    def act():
        mapping = owned.parts.pop()
        mapping.remap(read_only)
        kept.append(mapping)

    return act


def _unmap():
    owned = Owned(False, True)

    def act():
        owned.parts.pop().drop()

    return act


def _clear():
    frames = memory.allocate_frames(64)
    first = frames.start.number

    def act():
        frames_of_ram.zero_frames(first, 64)
        return frames

    return act


def scattered(count):
    """One mapping whose neighbouring pages lead to frames that lie far apart. Returns its native record."""
    table = _table()
    pages, frames = memory.allocate_pages(count), memory.allocate_frames(count)
    page, frame = pages.start.number, frames.start.number
    # Its digest is not computed: no call of the kernel's takes this mapping away.
    record = prepare(table.root, page, count, WORD, EXCLUSIVE, SEVERAL_RUNS)
    tables = mapping.Job(WORD | 1 << 15, table_word(page), 1)
    lend(table._frame_pool, tables, mapping.tables_for(table.access, page, frame, count, 1, 1))
    access = table.access
    for offset in range(count):
        mapping.commit(access.facts, None, None, tables, page + offset, frame + offset * 524289 % count, 1)
    undo(take_apart, table, record, page, count, [(owner, owner._state[0]) for owner in (pages, frames)])
    for owner in pages, frames:
        owner._state[0] = -1
    record.arm()
    return record


def take_apart(table, record, page, count, owners):
    """Clear the leaves of what `scattered` mapped, and give everything back."""
    for first in range(page, page + count, ENTRIES):
        entries.clear(table.access.walk(first, 1, bytearray(PATH_BYTES)) & -8, ENTRIES)
    flush_all()
    record.end()
    table.view.clean_up_numbers(page, page + count - 1, EmptyFrameAllocator())
    for owner, run in owners:
        owner._state[0] = run
        owner.drop()


def _verify():
    record = scattered(MILLION)

    def act():
        memory.verify()
        return record

    return act


def _split_and_merge():
    whole = memory.create_mapping(64 * 4096, FLAGS)

    def act():
        nonlocal whole
        low, high = whole.split(whole.start + 30)
        low.merge(high)
        whole = low

    return act


ROWS = (
    ("ownership: create_mapping of a page and drop", _create_and_drop, TIMES),
    ("ownership: create_mapping of an executable page and drop", _create_and_drop_executable, TIMES),
    ("ownership: remap a page to be executed, and back", _remap_executable, TIMES),
    ("ownership: map_allocated_pages and drop, three tables made and freed", _with_tables, 1),
    ("ownership: map and unmap a page by numbers, one owner", _by_numbers, TIMES),
    ("ownership: map 262,144 clean pages to given frames", _map_small, MANY),
    ("ownership: the same in huge pages", _map_huge, MANY),
    ("ownership: remap 262,144 pages", _remap, MANY),
    ("ownership: unmap 262,144 pages", _unmap, MANY),
    ("ownership: clear a page", _clear, 64),
    ("ownership: verify a million scattered pages, per page", _verify, MILLION),
    ("ownership: split and merge a mapping", _split_and_merge, 1),
)
