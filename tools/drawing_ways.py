"""The SVG of the ways of a few addresses through the page tables: a bar for each table, with the entry that is used.

Ways are drawn side by side, from CR3 downwards. A table, or a page, that several of them share is drawn once, over all
of them; so ways that share should stand beside each other. Below each entry is what it says, and which rights are left.
"""

from itertools import groupby
from xml.sax.saxutils import escape

from drawing import COLOURS, ENTRIES, FONT, MARGIN, STYLE

LANE, GAP, TOP = 300, 24, 76
BAR, ROW, MARK = 20, 104, 4
SIZES = {1: "4 KiB", 2: "2 MiB", 3: "1 GiB"}
# Run in the kernel, with PLACES for expressions; prints ways as `Ways` takes them.
PROGRAM = """
import json
from diagnostics.places import address_of
from diagnostics.rights import raw_names, rights_of
from diagnostics.walks import WalkView
def way(name, place):
    view = WalkView(address_of(place))
    steps = [(e.level, e.table.number, e.index, raw_names(word, e.level) if e.is_present else None, rights_of(rights))
        for e, word, rights in view.steps]
    return {"name": name, "address": view.address.value, "steps": steps, "physical": view.physical}
print(json.dumps([way(name, place) for name, place in PLACES]))
"""


class Ways:
    """The SVG of ways: [{"name", "address", "steps", "physical"}], a step for each entry that is looked at.

    A step is [level, the table's frame, index, the entry's bits as words or None if not present, rights left]; physical
    is where the address leads, or None.
    """

    def __init__(self, ways, title):
        self.ways = ways
        self.title = title
        self.levels = ways[0]["steps"][0][0]
        self.shapes, self.labels = [], []

    def svg(self):
        """Return the whole picture as text."""
        self._text(MARGIN, 28, self.title, 15)
        for place, way in enumerate(self.ways):
            self._text(self._lane(place), 52, f"{way['name']}: v{way['address']:#x}", 13, "bold")
        for row in range(self.levels):
            self._tables(row)
        self._pages()
        width = self._lane(len(self.ways)) - GAP + MARGIN
        height = TOP + max(len(way["steps"]) for way in self.ways) * ROW + BAR + 40
        head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" {FONT}>'
        ground = f'<rect class="ground" width="{width}" height="{height}"/>'
        return "\n".join([head, STYLE, ground, *self.shapes, *self.labels, "</svg>\n"])

    def _lane(self, place):
        """Return where a way's part of the picture begins."""
        return MARGIN + place * (LANE + GAP)

    def _shared(self, key):
        """Yield [(place, way)] of each run of neighbours with the same key, but for those whose key is None."""
        for found, group in groupby(enumerate(self.ways), lambda each: key(each[1])):
            if found is not None:
                yield list(group)

    def _tables(self, row):
        """Draw the tables that the ways go through at one level."""
        y = TOP + row * ROW
        for group in self._shared(lambda way: way["steps"][row][1] if row < len(way["steps"]) else None):
            first, last = group[0][0], group[-1][0]
            x, width = self._lane(first), self._lane(last) + LANE - self._lane(first)
            level, frame = group[0][1]["steps"][row][:2]
            name = f"P{level}, which CR3 names" if row == 0 else f"P{level}"
            self._text(x, y - 4, f"{name}: frame {frame:#x}", 12)
            self._rect(x, y, width, BAR, 'class="box"')
            for place, way in group:
                _, _, index, names, rights = way["steps"][row]
                is_last = row == len(way["steps"]) - 1
                colour = COLOURS["absent" if names is None else rights[:3] if is_last else "table"]
                mark = x + index * (width - MARK) / ENTRIES
                self._rect(mark, y, MARK, BAR, f'fill="{colour}"')
                self._lead(mark + MARK / 2, y + BAR, self._lane(place) + 7, y + ROW - 20, names is None)
                said = "not present" if names is None else names
                self._text(self._lane(place) + 22, y + BAR + 26, f"entry {index}: {said}", 12)
                if names is not None:
                    self._text(self._lane(place) + 22, y + BAR + 43, f"left: {rights}", 12, "bold" if is_last else "")

    def _pages(self):
        """Draw what the ways end at: a page, which several may share, or a page fault."""
        for group in self._shared(lambda way: (len(way["steps"]), way["physical"] and way["physical"] >> 12)):
            first, last = group[0][0], group[-1][0]
            x, width = self._lane(first), self._lane(last) + LANE - self._lane(first)
            y = TOP + len(group[0][1]["steps"]) * ROW - 18
            level, _, _, names, rights = group[0][1]["steps"][-1]
            if names is None:
                self._rect(x, y, width, BAR, 'class="mark gone"')
                self._text(x, y + BAR + 16, f"page fault: not present at P{level}", 13, "bold")
                continue
            self._rect(x, y, width, BAR, f'fill="{COLOURS[rights[:3]]}"')
            frame = group[0][1]["physical"] & -(1 << 12 + 9 * (level - 1))
            self._text(x, y + BAR + 16, f"{SIZES[level]} at p{frame:#x}", 13, "bold")

    def _lead(self, x, y, to_x, to_y, is_gone):
        """Draw the line from an entry to what it leads to, on the left of its label."""
        kind = "lead gone" if is_gone else "lead"
        self.shapes.append(
            f'<path class="{kind}" d="M{x:.1f},{y} C{x:.1f},{y + 10} {to_x},{y + 4} {to_x},{y + 15} V{to_y}"/>'
        )

    def _rect(self, x, y, width, height, rest):
        self.shapes.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height}" {rest}/>')

    def _text(self, x, y, text, size, kind=""):
        extra = f' class="{kind}"' if kind else ""
        self.labels.append(f'<text x="{x}" y="{y}" font-size="{size}"{extra}>{escape(text)}</text>')
