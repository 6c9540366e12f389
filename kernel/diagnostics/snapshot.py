"""The active tables, and who owns what, as plain data for programs on the host: tools/drawing.py draws the tables.

The host reads tables out of the machine's RAM as well (tools/live_page/tables.py), for machines that don't answer; who
owns what, only the kernel can say.
"""

import json

import memory
from memory_structs.mode import LEVELS, canonical_page, pages_at
from paging import active_level_4_table
from paging.flags import ACCESSED, DIRTY
from paging.natives import LAYOUT

from diagnostics.census import LEGEND, owners
from diagnostics.picture import COLUMNS, Picture
from diagnostics.regions import regions
from diagnostics.rights import EVERYTHING, combined

RECURSIVE = (LAYOUT["RECURSIVE_ROOT_INDEX"], LAYOUT["OTHER_RECURSIVE_ROOT_INDEX"])
# What an entry leads to. A table is left out of the snapshot if it holds nothing; a root is not followed again.
ABSENT, PAGES, TABLE, EMPTY_TABLE, ROOT, NO_RAM = "absent", "pages", "table", "empty", "root", "no RAM"
# Entries that follow each other and lead to such are one run, whichever frames they name.
ALIKE = (EMPTY_TABLE,)


def snapshot():
    """Return the tables that hold something, where RAM is, and where the parts of the address space are.

    A table is {"frame", "level", "page" (of its first entry), "runs"}; a run is [index, entries, frame, flag word
    without A and D, rights left over all levels, what it leads to]. Runs of one kind that go on are joined. "ram" and
    "regions" are [first, last] frames and [name, first, last] pages.
    """
    tables = []
    _collect(active_level_4_table(), 0, EVERYTHING, tables)
    return {
        "levels": LEVELS,
        "tables": tables,
        "ram": [list(stretch) for stretch in memory.frame_allocator.ram],
        "regions": region_rows(),
    }


def as_json():
    """Return the snapshot as JSON text."""
    return json.dumps(snapshot())


def ownership():
    """Return who has which frame of RAM: "cells", a letter for each `step` frames, what the letters mean, the owners
    as rows of text, and the regions."""
    picture = Picture()
    step, cells = picture.drawn(COLUMNS)
    legend = [list(row) for row in LEGEND if row[0] in cells]
    parts = [[region.name, region.first_page, region.last_page] for region in regions()]
    return {
        "step": step,
        "cells": cells,
        "legend": legend,
        "owners": [owner.row() for owner in owners()],
        "regions": parts,
    }


def tell():
    """Print `ownership` as JSON, for a host that asks at the prompt."""
    print(json.dumps(ownership()))


def region_rows():
    """Return [name, first, last] page of every part of the address space."""
    return [[region.name, region.first_page, region.last_page] for region in regions()]


def is_ram(frame):
    """Answer whether a frame number is one of RAM."""
    return any([first <= frame <= last for first, last in memory.frame_allocator.ram])


def _collect(table, page, above, tables):
    """Add the record of a table, and of those below it; return whether it holds anything."""
    runs = []
    record = {"frame": table.page - LAYOUT["WINDOW_PAGE"], "level": table.level, "page": page, "runs": runs}
    place = len(tables)
    for entry in table.used():
        word = entry.flags.word
        frame = entry.pointed_frame()
        number = -1 if frame is None else frame.number
        rights = combined(above, word)
        leads = ABSENT if frame is None else PAGES if table.level == 1 or entry.is_huge() else TABLE
        if leads == TABLE and table.level == LEVELS and entry.index in RECURSIVE:
            leads = ROOT
        elif leads == TABLE and not is_ram(number):
            leads = NO_RAM
        elif leads == TABLE:
            first_page = canonical_page(page + entry.index * pages_at(table.level))
            if not _collect(table.next_table(entry.index), first_page, rights, tables):
                leads = EMPTY_TABLE
        add_run(runs, [entry.index, 1, number, word & ~(ACCESSED | DIRTY), rights, leads], pages_at(table.level))
    if runs:
        tables.insert(place, record)
    return bool(runs)


def add_run(runs, run, step):
    """Add the run of one entry, which covers `step` pages, to the runs of its table: to the last one if it goes on."""
    last = runs[-1] if runs else None
    follows = last is not None and last[0] + last[1] == run[0] and last[3:] == run[3:]
    if follows and (run[5] in ALIKE or (run[5] == PAGES and last[2] + last[1] * step == run[2])):
        last[1] += 1
    else:
        runs.append(run)
