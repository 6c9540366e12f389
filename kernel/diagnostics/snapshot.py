"""The active tables as plain data, for programs on the host: tools/picture.py draws them."""

import json

import memory
from memory_structs.mode import LEVELS, canonical_page, pages_at
from paging import active_level_4_table
from paging.natives import LAYOUT

from diagnostics.census import table_frames
from diagnostics.regions import regions
from diagnostics.rights import EVERYTHING, combined

RECURSIVE = (LAYOUT["RECURSIVE_ROOT_INDEX"], LAYOUT["OTHER_RECURSIVE_ROOT_INDEX"])


def snapshot():
    """Return the tables that hold something, and where the parts of the address space are.

    A table is {"frame", "level", "page" (of its first entry), "runs"}; a run is [index, entries, frame, flag word,
    rights left over all levels, whether it maps pages]. Runs of one kind that go on are joined.
    """
    tables = []
    _collect(active_level_4_table(), 0, EVERYTHING, tables)
    return {
        "levels": LEVELS,
        "tables": tables,
        "ram_frames": memory.frame_allocator.pool.high + 1,
        "table_frames": len(list(table_frames())),
        "regions": [[region.name, region.first_page, region.last_page] for region in regions()],
    }


def as_json():
    """Return the snapshot as JSON text."""
    return json.dumps(snapshot())


def _collect(table, page, above, tables):
    runs = []
    record = {"frame": table.page - LAYOUT["WINDOW_PAGE"], "level": table.level, "page": page, "runs": runs}
    place = len(tables)
    for entry in table.used():
        word = entry.flags.word
        is_leaf = table.level == 1 or entry.is_huge()
        rights = combined(above, word)
        frame = entry.pointed_frame()
        number = -1 if frame is None else frame.number
        _add(runs, entry.index, number, word, rights, is_leaf, pages_at(table.level))
        is_recursive = table.level == LEVELS and entry.index in RECURSIVE
        below = None if is_recursive else table.next_table(entry.index)
        if below is not None:
            _collect(below, canonical_page(page + entry.index * pages_at(table.level)), rights, tables)
    if runs:
        tables.insert(place, record)


def _add(runs, index, frame, word, rights, is_leaf, step):
    """Add an entry to the runs: to the last one if it goes on there."""
    word &= ~0x60  # which pages were touched is no matter here
    if runs and is_leaf:
        last = runs[-1]
        goes_on = last[0] + last[1] == index and last[2] + last[1] * step == frame
        if goes_on and last[3] == word and last[4] == rights and last[5]:
            last[1] += 1
            return
    runs.append([index, 1, frame, word, rights, is_leaf])
