"""All translations of the active tables, in three styles.

ptdump   runs of equal rights, a heading for each part of the address space (the default)
qemu     one line for each page, as QEMU's `info tlb` has it
json     one object for each run, for programs
"""

import json

from memory_structs import PAGE_SHIFT
from memory_structs.mode import LAST_PAGE, pages_at
from paging.flags import ACCESSED, DIRTY, NO_EXECUTE, USER_ACCESSIBLE, WRITABLE

from diagnostics.regions import regions
from diagnostics.rights import PAGE_SIZES, attributes_of, rights_of
from diagnostics.text import WIDTH, View, columns, hexadecimal, size
from diagnostics.walks import active_tables

STYLES = ("ptdump", "qemu", "json")
FILTERS = ("w", "x", "user", "huge", "wx")
TOUCHED = ACCESSED | DIRTY
QEMU_BITS = ((8, "G"), (7, "P"), (6, "D"), (5, "A"), (4, "C"), (3, "T"), (2, "U"), (1, "W"))


class Translations(View):
    """The runs that pass the filters, in ascending order. `.runs` yields them anew, as (region's name, run)."""

    def __init__(self, filters=(), style="ptdump", first=None, last=None, alias=None):
        self.filters = filters
        self.style = style
        self.first_page = 0 if first is None else first >> PAGE_SHIFT
        self.last_page = LAST_PAGE if last is None else last >> PAGE_SHIFT
        self.alias = None if alias is None else alias >> PAGE_SHIFT
        self._mapper = active_tables()

    @property
    def runs(self):
        for region in regions():
            for run in self._runs_of(region):
                yield region.name, run

    def _runs_of(self, region):
        page = max(region.first_page, self.first_page)
        end = min(region.last_page, self.last_page) + 1
        if region.is_recursive or page >= end:
            return
        found = self._mapper.runs(page, end - page)
        yield from (run for run in found if run.is_mapped and self._passes(run))

    def _passes(self, run):
        rights, filters = run.effective, self.filters
        if ("w" in filters or "wx" in filters) and not rights & WRITABLE:
            return False
        if ("x" in filters or "wx" in filters) and rights & NO_EXECUTE:
            return False
        if ("user" in filters and not rights & USER_ACCESSIBLE) or ("huge" in filters and run.level == 1):
            return False
        return self.alias is None or run.frame <= self.alias < run.frame + run.count

    def lines(self, width=WIDTH):
        return self._ptdump(width) if self.style == "ptdump" else {"qemu": self._qemu, "json": self._json}[self.style]()

    def _ptdump(self, width):
        heading, rows = None, []
        for name, run in coalesced(self.runs):
            if name != heading:
                yield from columns(rows, (1,), width)
                yield "---[ %s ]---" % name
                heading, rows = name, []
            rows.append(self._row(run))
        yield from columns(rows, (1,), width)
        if heading is None:
            yield "nothing is mapped that passes the filters"

    def _row(self, run):
        page, frame, count = run.page, run.frame, run.count
        if self.alias is not None:
            page, frame, count = page + self.alias - frame, self.alias, 1
        start, end = page << PAGE_SHIFT, page + count << PAGE_SHIFT
        place = "v%s-%s" % (hexadecimal(start), hexadecimal(end - 1))
        return (place, size(end - start), "p" + hexadecimal(frame << PAGE_SHIFT), rights_of(run.effective)) + (
            PAGE_SIZES[run.level],
            attributes_of(run.word, TOUCHED),
        )

    def _qemu(self):
        for _, run in self.runs:
            step = pages_at(run.level)
            letters = qemu_letters(run.word)
            for done in range(0, run.count, step):
                start = (run.page + done << PAGE_SHIFT, run.frame + done << PAGE_SHIFT)
                yield "%016x: %016x %s" % (start + (letters,))

    def _json(self):
        yield "["
        comma = False
        for name, run in self.runs:
            yield ("," if comma else " ") + json.dumps(record_of(name, run))
            comma = True
        yield "]"


class Joined:
    """Neighbouring runs that differ only in which pages were touched."""

    def __init__(self, run):
        self.page = run.page
        self.count = run.count
        self.frame = run.frame
        self.level = run.level
        self.word = run.word
        self.effective = run.effective

    def takes(self, run):
        """Add a run if it goes on where this one ends; return whether it does."""
        goes_on = run.page == self.page + self.count and run.frame == self.frame + self.count
        if not goes_on or run.level != self.level or (run.word ^ self.word) & ~TOUCHED:
            return False
        if (run.effective ^ self.effective) & ~TOUCHED:
            return False
        self.count += run.count
        return True


def coalesced(named_runs):
    """Yield (name, run) with runs joined that differ only in ACCESSED and DIRTY."""
    name, joined = None, None
    for new_name, run in named_runs:
        if joined is not None and new_name == name and joined.takes(run):
            continue
        if joined is not None:
            yield name, joined
        name, joined = new_name, Joined(run)
    if joined is not None:
        yield name, joined


def qemu_letters(word):
    """Return a leaf's own bits as QEMU shows them: `X`, then G P D A C T U W, `-` for what is not set."""
    letters = [letter if word >> bit & 1 else "-" for bit, letter in QEMU_BITS]
    return ("X" if word & NO_EXECUTE else "-") + "".join(letters)


def record_of(name, run):
    """Return a run as plain data."""
    return {
        "region": name,
        "start": "0x%x" % (run.page << PAGE_SHIFT),
        "physical": "0x%x" % (run.frame << PAGE_SHIFT),
        "pages": run.count,
        "level": run.level,
        "rights": rights_of(run.effective),
        "attributes": attributes_of(run.word),
    }
