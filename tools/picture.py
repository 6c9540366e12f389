#!/usr/bin/env python3
"""Draw the page tables of a live kernel as SVG: every table from the root to the leaves, and where they lead in RAM.

    make picture                                     a fresh machine, to build/picture.svg
    make picture ARGS='--code "..." -o x.svg'        after running some Python in it
    make picture ARGS='--code "..." --difference'    what that code changed: before against after
    make picture ARGS='--connect build/console'      the machine of `make pty`, as it is now

Heights are to scale within a table (512 entries) and within RAM; colours are the rights that are left over all levels.
The same kernel and code give the same bytes.
"""

import argparse
import ast
import json
import sys
from pathlib import Path
from xml.sax.saxutils import escape

from machine import BUILD, ROOT

SNAPSHOT = "from diagnostics.snapshot import as_json\nprint(as_json())"
ENTRIES = 512
PAGE_SHIFT = 12
PAGE_BITS = 64 - PAGE_SHIFT
PRESENT, WRITABLE, USER, NO_EXECUTE = 1 << 0, 1 << 1, 1 << 2, 1 << 23

MARGIN, TOP = 24, 104
TABLE_WIDTH, TABLE_HEIGHT, TABLE_GAP = 92, 112, 44
COLUMN_STEP = 226
RAM_WIDTH = 110
SMALLEST = 1.5
FONT = 'font-family="DejaVu Sans Mono, Menlo, Consolas, monospace"'
COLOURS = {
    "r--": "#4c78a8",
    "rw-": "#59a14f",
    "r-x": "#f28e2b",
    "rwx": "#e15759",
    "table": "#9a9a9a",
    "absent": "#e0e0e0",
}
NEW, GONE = "#0a7d22", "#c62828"


def rights_of(word):
    """Return rwx of a flag word."""
    return "r" + ("w" if word & WRITABLE else "-") + ("-" if word & NO_EXECUTE else "x")


def kind_of(run):
    """Return which colour a run [index, entries, frame, word, rights, is leaf] has."""
    _, _, _, word, rights, is_leaf = run
    if not word & PRESENT:
        return "absent"
    return rights_of(rights) if is_leaf else "table"


def key_of(table, run):
    """Return what makes a run the same in two snapshots."""
    return (table["level"], table["page"], *run)


class Drawing:
    """The SVG of one snapshot, with what another one did not have marked."""

    def __init__(self, snapshot, before=None):
        self.snapshot = snapshot
        self.levels = snapshot["levels"]
        self.before = before
        self.parts = []
        self.places = {}
        self.known = (
            None if before is None else {key_of(table, run) for table in before["tables"] for run in table["runs"]}
        )
        self._place_tables()
        self.ram_x = MARGIN + self.levels * COLUMN_STEP
        self.height = max(y for _, y in self.places.values()) + TABLE_HEIGHT + TABLE_GAP
        self.ram_height = self.height - TOP - TABLE_GAP

    def _place_tables(self):
        """Put each level into a column of its own, from the top in order of addresses."""
        next_y = dict.fromkeys(range(1, self.levels + 1), TOP)
        for table in self.snapshot["tables"]:
            level = table["level"]
            self.places[level, table["page"]] = (self._column(level), next_y[level])
            next_y[level] += TABLE_HEIGHT + TABLE_GAP

    def _column(self, level):
        """Return where the column of a level's tables begins."""
        return MARGIN + (self.levels - level) * COLUMN_STEP

    def svg(self):
        """Return the whole picture as text."""
        self._ram()
        for table in self.snapshot["tables"]:
            self._leads(table)
        for table in self.snapshot["tables"]:
            self._table(table)
        self._gone()
        self._heading()
        width = self.ram_x + RAM_WIDTH + 130
        head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {self.height}" {FONT}>'
        return "\n".join(
            [head, f'<rect width="{width}" height="{self.height}" fill="#ffffff"/>', *self.parts, "</svg>\n"]
        )

    def _text(self, x, y, text, size=11, **attributes):
        extra = "".join(f' {name}="{value}"' for name, value in attributes.items())
        self.parts.append(f'<text x="{x}" y="{number(y)}" font-size="{size}"{extra}>{escape(text)}</text>')

    def _heading(self):
        changed = "" if self.before is None else ": what has changed"
        title = f"Clew: the active page tables{changed}"
        self._text(MARGIN, 30, title, 18)
        for level in range(self.levels, 0, -1):
            name = f"P{level} (root)" if level == self.levels else f"P{level}"
            self._text(self._column(level), 56, name, 13, **{"font-weight": "bold"})
        self._text(self.ram_x, 56, "physical memory", 13, **{"font-weight": "bold"})
        x = MARGIN + 11 * len(title) + 30
        labels = [
            (colour, "leads to a table" if name == "table" else name)
            for name, colour in COLOURS.items()
            if name != "absent"
        ]
        if self.before is not None:
            labels += [(NEW, "new"), (GONE, "gone")]
        for colour, label in labels:
            self.parts.append(f'<rect x="{x}" y="19" width="12" height="12" fill="{colour}"/>')
            self._text(x + 17, 30, label)
            x += 34 + 8 * len(label)

    def _ram(self):
        x, y = self.ram_x, TOP
        height = number(self.ram_height)
        self.parts.append(f'<rect x="{x}" y="{y}" width="{RAM_WIDTH}" height="{height}" fill="#f6f6f6" stroke="#444"/>')
        frames = self.snapshot["ram_frames"]
        for eighth in range(9):
            frame = frames * eighth // 8
            self._text(x + RAM_WIDTH + 6, self._ram_y(frame) + 4, f"p{frame << PAGE_SHIFT:#x}", 10)

    def _ram_y(self, frame):
        """Return the height of a frame in the bar of RAM; what lies behind RAM is at its end."""
        return TOP + min(frame, self.snapshot["ram_frames"]) * self.ram_height / self.snapshot["ram_frames"]

    def _run_place(self, table, run):
        """Return (x, y, height) of a run's rectangle."""
        x, y = self.places[table["level"], table["page"]]
        height = max(SMALLEST, run[1] * TABLE_HEIGHT / ENTRIES)
        return x, y + min(run[0] * TABLE_HEIGHT / ENTRIES, TABLE_HEIGHT - height), height

    def _is_new(self, table, run):
        return self.known is not None and key_of(table, run) not in self.known

    def _table(self, table):
        x, y = self.places[table["level"], table["page"]]
        if table["level"] == self.levels - 1:
            self._text(x, y - 27, self._region_of(table["page"]), 10, **{"font-weight": "bold"})
        self._text(x, y - 16, f"v{table['page'] << PAGE_SHIFT:#x}", 9, fill="#333")
        self._text(x, y - 5, f"P{table['level']} in frame {table['frame']:#x}", 9, fill="#777")
        self.parts.append(
            f'<rect x="{x}" y="{y}" width="{TABLE_WIDTH}" height="{TABLE_HEIGHT}" fill="#fafafa" stroke="#444"/>'
        )
        for run in table["runs"]:
            _, top, height = self._run_place(table, run)
            mark = f' stroke="{NEW}" stroke-width="2"' if self._is_new(table, run) else ""
            title = escape(self._describe(table, run))
            self.parts.append(
                f'<rect x="{x}" y="{number(top)}" width="{TABLE_WIDTH}" height="{number(height)}" '
                f'fill="{COLOURS[kind_of(run)]}"{mark}><title>{title}</title></rect>'
            )

    def _region_of(self, page):
        """Return the name of the part of the address space that a page belongs to."""
        names = [name for name, first, last in self.snapshot["regions"] if first <= page <= last]
        return names[0] if names else ""

    def _describe(self, table, run):
        index, count, frame, word, rights, is_leaf = run
        step = 1 << 9 * (table["level"] - 1)
        address = (table["page"] + index * step) << PAGE_SHIFT & (1 << 64) - 1
        place = f"entries {index} to {index + count - 1}" if count > 1 else f"entry {index}"
        if not word & PRESENT:
            return f"{place}: not present"
        user = " user" if rights & USER else ""
        what = f"p{frame << PAGE_SHIFT:#x}, {rights_of(rights)}{user}" if is_leaf else f"table in frame {frame:#x}"
        return f"{place}: v{address:#x} -> {what}"

    def _leads(self, table):
        """Draw what the entries of a table lead to: a curve to a table, a band to frames."""
        step = 1 << 9 * (table["level"] - 1)
        for run in table["runs"]:
            x, top, height = self._run_place(table, run)
            index, count, frame, word, _, is_leaf = run
            right = x + TABLE_WIDTH
            if is_leaf and word & PRESENT:
                first, last = self._ram_y(frame), self._ram_y(frame + count * step)
                self._band(right, top, height, first, max(last - first, SMALLEST), COLOURS[kind_of(run)])
                continue
            child = self._child_of(table, index, step)
            if child:
                self._curve(right, top + height / 2, *child)

    def _child_of(self, table, index, step):
        """Return where the table below an entry is drawn, or None if it holds nothing."""
        page = table["page"] + index * step
        if table["level"] == self.levels and index >= ENTRIES // 2:
            page += (1 << PAGE_BITS) - ENTRIES * step  # the sign bits of the upper half
        place = self.places.get((table["level"] - 1, page))
        return place and (place[0], place[1] + TABLE_HEIGHT / 2)

    def _curve(self, x, y, to_x, to_y):
        middle = (x + to_x) / 2
        self.parts.append(
            f'<path d="M{x},{number(y)} C{number(middle)},{number(y)} {number(middle)},{number(to_y)} '
            f'{to_x},{number(to_y)}" fill="none" stroke="#777" stroke-width="1"/>'
        )

    def _band(self, x, y, height, to_y, to_height, colour):
        to_x, middle = self.ram_x, number((x + self.ram_x) / 2)
        self.parts.append(
            f'<path d="M{x},{number(y)} C{middle},{number(y)} {middle},{number(to_y)} {to_x},{number(to_y)} '
            f"h{RAM_WIDTH} v{number(to_height)} h-{RAM_WIDTH} "
            f'C{middle},{number(to_y + to_height)} {middle},{number(y + height)} {x},{number(y + height)} Z" '
            f'fill="{colour}" fill-opacity="0.28" stroke="{colour}" stroke-opacity="0.5" stroke-width="0.5"/>'
        )

    def _gone(self):
        """Mark what the earlier snapshot had and this one has not, where its table is still drawn."""
        if self.before is None:
            return
        have = {key_of(table, run) for table in self.snapshot["tables"] for run in table["runs"]}
        for table in self.before["tables"]:
            if (table["level"], table["page"]) not in self.places:
                continue
            for run in table["runs"]:
                if key_of(table, run) not in have:
                    x, top, height = self._run_place(table, run)
                    self.parts.append(
                        f'<rect x="{x - 4}" y="{number(top)}" width="{TABLE_WIDTH + 8}" height="{number(height)}" '
                        f'fill="none" stroke="{GONE}" stroke-dasharray="3 2"/>'
                    )


def number(value):
    """Return a coordinate as short text."""
    return f"{value:.1f}".removesuffix(".0")


def of_fresh_machine(code):
    """Return [snapshot], or [before, after] if there is code to run in between, of a machine of our own."""
    sys.path.insert(0, str(ROOT / "tests"))
    from harness import Kernel, QemuGuest  # noqa: PLC0415 (only this needs the test harness)

    with QemuGuest() as guest:
        guest.console.wait_for_prompt(30)
        kernel = Kernel(guest, timeout=60)
        found = [json.loads(kernel.exec(SNAPSHOT))]
        if code:
            kernel.exec(code)
            found.append(json.loads(kernel.exec(SNAPSHOT)))
        return found


def of_device(path, code):
    """Return [snapshot], or [before, after], of a machine that runs already, through the path of its console."""
    from mpremote.transport_serial import SerialTransport  # noqa: PLC0415 (only this needs mpremote)

    transport = SerialTransport(path)
    transport.enter_raw_repl(soft_reset=False)
    try:
        found = [json.loads(transport.exec(SNAPSHOT))]
        if code:
            transport.exec(code)
            found.append(json.loads(transport.exec(SNAPSHOT)))
        return found
    finally:
        transport.exit_raw_repl()
        transport.close()


def main():
    """Read the command line, take the snapshots, write the picture."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("-o", "--output", type=Path, default=BUILD / "picture.svg")
    parser.add_argument("--code", default="", help="Python to run in the kernel first; \\n ends a line")
    parser.add_argument("--difference", action="store_true", help="mark what the code changed")
    parser.add_argument("--connect", metavar="PATH", help="the console of a machine that runs (make pty)")
    options = parser.parse_args()
    code = ast.literal_eval('"""' + options.code + '"""') if "\\n" in options.code else options.code
    found = of_device(options.connect, code) if options.connect else of_fresh_machine(code)
    before = found[0] if options.difference and len(found) > 1 else None
    options.output.write_text(Drawing(found[-1], before).svg())
    print(f"clew: drew {len(found[-1]['tables'])} tables into {options.output}", file=sys.stderr)


if __name__ == "__main__":
    main()
