"""The active page tables as the host reads them in guest RAM: as a snapshot to draw, and entry by entry to look at.

The walk is the oracle's (tests/oracle/page_walk.py), so nothing here asks the kernel: it may be busy, or gone. What is
read may change meanwhile. A snapshot has the form that kernel/diagnostics/snapshot.py says.
"""

import re
from itertools import pairwise

import numpy
from machine import FOUR_LEVELS, ROOT, USUAL_PHYSICAL_BITS
from oracle import page_walk
from oracle.page_walk import ADDRESS_MASK, PRESENT

PAGE_SHIFT = 12
PAGES_MASK = (1 << 64 - PAGE_SHIFT) - 1
ENTRIES = page_walk.ENTRIES
LA57 = 1 << 12  # CR4: five levels (SDM volume 3, "Control Registers")
MARKS = page_walk.ACCESSED | page_walk.DIRTY
WRITABLE_WORD, USER_WORD, NO_EXECUTE_WORD, PAT_WORD = 1 << 1, 1 << 2, 1 << 23, 1 << 24
# What is taken down in one walk: more can't be drawn, and tables that lead to themselves have no end.
MOST_RUNS = 30_000
# (lowest bit, bits, name, what it says when it is set) of present entries. SDM volume 3, "4-Level Paging and 5-Level
# Paging", the formats of entries; bit 55 is Clew's own (kernel/paging/flags.py).
BITS = (
    (0, 1, "P", "present: the MMU reads on"),
    (1, 1, "W", "writable"),
    (2, 1, "U", "for user mode, too"),
    (3, 1, "PWT", "write-through, or part of the memory type"),
    (4, 1, "PCD", "not cached, or part of the memory type"),
    (5, 1, "A", "accessed: the MMU has used it"),
    (6, 1, "D", "dirty: the MMU has written through it"),
    (7, 1, "PS", "a page, not a table"),
    (8, 1, "G", "global: stays in the TLB when CR3 changes"),
    (12, 1, "PAT", "part of the memory type"),
    (55, 1, "EXCL", "Clew's own: its frame has one owner"),
    (59, 4, "KEY", "protection key"),
    (63, 1, "NX", "no instruction may be fetched"),
)
OF_LEAVES = ("D", "G", "PAT", "KEY")


def layout(name):
    """Return a plain number that boot/layout.h defines."""
    text = (ROOT / "boot" / "layout.h").read_text()
    return int(re.search(rf"^#define {name}\s+(\d+)\s*$", text, re.MULTILINE)[1])


RECURSIVE = (layout("RECURSIVE_ROOT_INDEX"), layout("OTHER_RECURSIVE_ROOT_INDEX"))


def levels_of(cr4):
    """Return how many levels of tables a CPU walks, by its CR4."""
    return FOUR_LEVELS + bool(cr4 & LA57)


def pages_at(level):
    """Return how many 4 KiB pages an entry of a table at a level covers."""
    return page_walk.span_of(level) >> PAGE_SHIFT


def page_of(first_page, index, level, levels):
    """Return the number of the first page that an entry stands for; first_page is that of its table."""
    address = (first_page + index * pages_at(level)) << PAGE_SHIFT
    return page_walk.canonical(address & (1 << PAGE_SHIFT + 9 * levels) - 1, levels) >> PAGE_SHIFT


def flag_word(raw, level, is_leaf):
    """Return an entry's bits without its frame, A and D, in the kernel's order: PAT has a place of its own."""
    word = raw & 0xFFF & ~MARKS | raw >> 52 << 12
    if level == 1 and raw & page_walk.HUGE:
        return word & ~page_walk.HUGE | PAT_WORD
    return word | PAT_WORD if is_leaf and level > 1 and raw >> 12 & 1 else word


def combined(above, word):
    """Return the rights left below an entry, as the flag words of both say."""
    return above & word & (WRITABLE_WORD | USER_WORD) | (above | word) & NO_EXECUTE_WORD


def frame_of(raw, level, is_leaf):
    """Return the number of the frame that a present entry names: of a huge page, the first."""
    frame = (raw & ADDRESS_MASK) >> PAGE_SHIFT
    return frame & -pages_at(level) if is_leaf else frame


def pages_that_go_on(used, raws, level):
    """Yield (index, entries, raw) of a table's used entries; those that map one page after the other are one."""
    marked = raws & numpy.uint64(~MARKS & (1 << 64) - 1)
    leaf = numpy.uint64(PRESENT if level == 1 else PRESENT | page_walk.HUGE)
    both = (marked[1:] & leaf == leaf) & (marked[:-1] & leaf == leaf) & (level <= page_walk.LARGEST_PAGE_LEVEL)
    goes_on = both & (marked[1:] - marked[:-1] == page_walk.span_of(level)) & (numpy.diff(used) == 1)
    starts = [0, *(numpy.flatnonzero(~goes_on) + 1).tolist(), len(used)]
    for start, end in pairwise(starts):
        yield int(used[start]), end - start, int(raws[start])


def add_run(runs, run, step):
    """Add a run to those of its table: to the last one if it goes on there."""
    last = runs[-1] if runs else None
    follows = bool(last) and last[0] + last[1] == run[0] and last[3:] == run[3:]
    if follows and (run[5] == "empty" or (run[5] == "pages" and last[2] + last[1] * step == run[2])):
        last[1] += run[1]
    else:
        runs.append(run)


def ram_of(memory):
    """Return where a GuestMemory has RAM: [first, last] frame of each part."""
    parts = [[0, (memory.low_size_in_bytes >> PAGE_SHIFT) - 1]]
    above = memory.size_in_bytes - memory.low_size_in_bytes
    start = memory.high_start
    return parts + ([[start >> PAGE_SHIFT, (start + above >> PAGE_SHIFT) - 1]] if above else [])


class Walker:
    """One walk of all tables below a root, over RAM that may change meanwhile: it always comes to an end."""

    def __init__(self, memory, levels):
        self.memory = memory
        self.levels = levels
        self.tables = []
        self.runs = self.left_out = 0

    def collect(self, frame, level, page, above):
        """Add the record of a table and of those below it; return whether it holds anything."""
        entries = page_walk.read_table(self.memory, frame << PAGE_SHIFT)
        used = numpy.flatnonzero(entries)
        if not len(used):
            return False
        place, runs = len(self.tables), []
        for index, count, raw in pages_that_go_on(used, entries[used], level):
            run = self._run_of(index, raw, level, page, above)
            run[1] = count
            add_run(runs, run, pages_at(level))
        self.runs += len(runs)
        self.tables.insert(place, {"frame": frame, "level": level, "page": page, "runs": runs})
        return True

    def _run_of(self, index, raw, level, page, above):
        is_present = bool(raw & PRESENT)
        is_leaf = is_present and page_walk.is_leaf(raw, level)
        word = flag_word(raw, level, is_leaf)
        rights = combined(above, word)
        frame = frame_of(raw, level, is_leaf) if is_present else -1
        leads = "absent" if not is_present else "pages" if is_leaf else self._below(index, frame, level, page, rights)
        return [index, 1, frame, word, rights, leads]

    def _below(self, index, frame, level, page, rights):
        """Collect what an entry leads to that names a table; return which it is."""
        if level == self.levels and index in RECURSIVE:
            return "root"
        if not self.memory.is_ram(frame << PAGE_SHIFT, page_walk.SMALLEST_PAGE):
            return "no RAM"
        if self.runs >= MOST_RUNS:
            self.left_out += 1
            return "table"
        first_page = page_of(page, index, level, self.levels)
        return "table" if self.collect(frame, level - 1, first_page, rights) else "empty"


def snapshot(memory, cr3, levels, regions=()):
    """Return the snapshot of the tables that CR3 names, in a GuestMemory; regions are for the kernel to say.

    "left_out" is there if there was too much: how many entries lead to tables that were not looked at.
    """
    walker = Walker(memory, levels)
    if memory.is_ram(cr3 & ADDRESS_MASK, page_walk.SMALLEST_PAGE):
        walker.collect((cr3 & ADDRESS_MASK) >> PAGE_SHIFT, levels, 0, WRITABLE_WORD | USER_WORD)
    found = {"levels": levels, "tables": walker.tables, "ram": ram_of(memory), "regions": list(regions)}
    return found | ({"left_out": walker.left_out} if walker.left_out else {})


def meanings(raw, level, is_leaf, physical_bits):
    """Return {"bits", "name", "value", "says"} for every bit of an entry that has a meaning at its level, in order.

    Those that have none there are among them if they are set. Of an entry that is not present only P has one.
    """
    if not raw & PRESENT:
        found = [(0, 1, "P", "not present: the MMU reads no other bit")]
        found += [(1, 63, "rest", "what the kernel keeps there")] if raw else []
    else:
        found = list(bits_of(level, is_leaf))
        known = sum((1 << count) - 1 << low for low, count, *_ in found)
        known |= (1 << physical_bits) - (1 << PAGE_SHIFT + 9 * (level - 1) * is_leaf)
        for bit in (bit for bit in range(64) if raw & ~known & 1 << bit):
            alone = raw & (PRESENT | page_walk.HUGE) & ~(1 << bit) | 1 << bit
            is_reserved = page_walk.is_malformed(alone, level, physical_bits, True)
            found.append((bit, 1, "RSVD", "must be 0") if is_reserved else (bit, 1, "free", "ignored by the MMU"))
    return [
        {
            "bits": str(low) if count == 1 else f"{low + count - 1}:{low}",
            "name": name,
            "value": raw >> low & (1 << count) - 1,
            "says": says,
        }
        for low, count, name, says in sorted(found)
    ]


def bits_of(level, is_leaf):
    """Yield what BITS has for present entries of a level."""
    for low, count, name, says in BITS:
        if (name in OF_LEAVES and not is_leaf) or (name == "PAT" and level == 1):
            continue
        if name == "PS" and level > page_walk.LARGEST_PAGE_LEVEL:
            continue
        if name == "PS" and level == 1:
            yield low, count, "PAT", "part of the memory type"
        elif name == "EXCL" and not is_leaf:
            yield low, count, name, "Clew's own: the table is the kernel mapper's"
        else:
            yield low, count, name, says


def first_page_of_table(step, levels):
    """Return the page number of the first entry of the table that a step of a way is in, as snapshots have it."""
    span = pages_at(step["level"] + 1)
    return 0 if step["level"] == levels else int(step["page"], 16) & -span


def way_to(memory, cr3, levels, page, level, physical_bits=USUAL_PHYSICAL_BITS):
    """Return the entries on the way to a page number, from the root down to a level, each with what it says.

    The way ends early at an entry that is not present, maps a page, has a reserved bit set, or leads to no RAM.
    """
    way, table, above = [], (cr3 & ADDRESS_MASK) >> PAGE_SHIFT, WRITABLE_WORD | USER_WORD
    for at in range(levels, level - 1, -1):
        index = page >> 9 * (at - 1) & ENTRIES - 1
        raw = int(page_walk.read_table(memory, table << PAGE_SHIFT)[index])
        is_present = bool(raw & PRESENT)
        is_leaf = is_present and page_walk.is_leaf(raw, at)
        is_malformed = is_present and page_walk.is_malformed(raw, at, physical_bits, True)
        frame = frame_of(raw, at, is_leaf) if is_present else None
        above = combined(above, flag_word(raw, at, is_leaf))
        first_page = page_of(page & -pages_at(at + 1) & PAGES_MASK, index, at, levels)
        way.append(
            {
                "level": at,
                "index": index,
                "table": table,
                "at": f"p{(table << PAGE_SHIFT) + 8 * index:#x}",
                "raw": f"{raw:#018x}",
                "first": f"v{first_page << PAGE_SHIFT:#x}",
                "page": f"{first_page:#x}",
                "leads": "nowhere" if is_malformed else said_of(frame, at, is_leaf, memory),
                "is_table": is_present and not is_leaf and not is_malformed,
                "rights": rights_in_words(above) if is_present and not is_malformed else "",
                "malformed": is_malformed,
                "meanings": meanings(raw, at, is_leaf, physical_bits),
            }
        )
        if not is_present or is_leaf or is_malformed or not memory.is_ram(frame << PAGE_SHIFT, page_walk.SMALLEST_PAGE):
            break
        table = frame
    return way


def rights_in_words(word):
    """Return rwx and for whom, of a flag word."""
    letters = "r" + ("w" if word & WRITABLE_WORD else "-") + ("-" if word & NO_EXECUTE_WORD else "x")
    return letters + (" user" if word & USER_WORD else " kernel")


def said_of(frame, level, is_leaf, memory):
    """Return in words where an entry leads."""
    if frame is None:
        return "not present"
    what = f"a {('4 KiB', '2 MiB', '1 GiB')[level - 1]} page" if is_leaf else f"a P{level - 1} table"
    nothing = "" if memory.is_ram(frame << PAGE_SHIFT) else ", where no RAM is"
    return f"{what} at p{frame << PAGE_SHIFT:#x}{nothing}"
