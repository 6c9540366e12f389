"""The SVG of a snapshot of page tables: every table from the root to the leaves, and where they lead in RAM.

Heights are to scale within a table (512 entries) and within RAM, but no entry is thinner than can be seen. Colours, of
a palette that the colour-blind tell apart, are the rights that are left over all levels. What is new has an outline of
its own and a plus sign, what is gone a dashed one and a minus sign, so neither needs a colour. Text is drawn last, on
the background's colour, so that nothing crosses it. The same snapshot gives the same bytes.
"""

from xml.sax.saxutils import escape

ENTRIES = 512
PAGE_SHIFT = 12
PAGE_BITS = 64 - PAGE_SHIFT
PRESENT, WRITABLE, USER, NO_EXECUTE = 1 << 0, 1 << 1, 1 << 2, 1 << 23
KIB_OF_PAGE = 4

MARGIN, TOP = 34, 128
TABLE_WIDTH, TABLE_HEIGHT, TABLE_GAP = 96, 128, 58
COLUMN_STEP = 232
RAM_WIDTH, RAM_HEIGHT_LEAST, RAM_HEIGHT_MOST = 110, 480, 2400
LABELS_WIDTH = 190
SMALLEST = 3
LARGEST_LABEL_COUNT = 9
PLUS, MINUS = "+", "\N{MINUS SIGN}"
SIGN_SIZE, SIGN_HEIGHT = 14, 11
FONT = 'font-family="DejaVu Sans Mono, Menlo, Consolas, monospace"'
# What the legend says of each colour; the palette is Okabe and Ito's.
COLOURS = {
    "r--": "#0072b2",
    "rw-": "#009e73",
    "r-x": "#e69f00",
    "rwx": "#d55e00",
    "table": "#8c8c8c",
    "empty": "url(#empty)",
    "beyond": "url(#beyond)",
    "absent": "#b9b9b9",
}
LEGEND = {
    **{name: name for name in ("r--", "rw-", "r-x", "rwx")},
    "table": "leads to a table",
    "empty": "leads to an empty table",
    "beyond": "leads to where no RAM is",
    "absent": "not present, not zero",
}
# Whose colour a run has by what it leads to, where that is another word; pages have one where no RAM is behind them.
COLOUR_OF = {"pages": "beyond", "no RAM": "beyond", "root": "table"}
# Day and night: a picture follows whoever looks at it, the page's own choice goes first.
NIGHT = "svg{--ground:#14171c;--box:#1d2128;--ink:#e6e6e6;--pale:#9aa3ad;--line:#7d8792;--mark:#fff;--edge:#000}"
STYLE = f"""<style>
svg{{--ground:#fff;--box:#f8f8f8;--ink:#111;--pale:#666;--line:#777;--mark:#000;--edge:#fff}}
@media (prefers-color-scheme:dark){{{NIGHT}}}
text{{fill:var(--ink);paint-order:stroke;stroke:var(--ground);stroke-width:3px;stroke-linejoin:round}}
.ground{{fill:var(--ground)}} .pale{{fill:var(--pale)}} .bold{{font-weight:bold}}
.box{{fill:var(--box);stroke:var(--line)}} .lead{{fill:none;stroke:var(--line)}}
.edge{{fill:none;stroke:var(--edge);stroke-width:4}} .mark{{fill:none;stroke:var(--mark);stroke-width:2}}
.gone{{stroke-dasharray:4 3}} .sign{{font-weight:bold;fill:var(--mark)}}
</style>
<defs><pattern id="beyond" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
<rect width="6" height="6" fill="var(--box)"/><rect width="2" height="6" fill="var(--line)"/></pattern>
<pattern id="empty" width="5" height="5" patternUnits="userSpaceOnUse"><rect width="5" height="5" fill="var(--box)"/>
<circle cx="2.5" cy="2.5" r="1.2" fill="var(--line)"/></pattern></defs>"""


def rights_of(word):
    """Return rwx of a flag word."""
    return "r" + ("w" if word & WRITABLE else "-") + ("-" if word & NO_EXECUTE else "x")


def size_text(pages):
    """Return a number of 4 KiB pages as a size in the largest unit that has no fraction."""
    count, units = pages * KIB_OF_PAGE, ["KiB", "MiB", "GiB", "TiB", "PiB"]
    while count and count % 1024 == 0 and len(units) > 1:
        count, units = count // 1024, units[1:]
    return f"{count} {units[0]}"


def number(value):
    """Return a coordinate as short text."""
    return f"{value:.1f}".removesuffix(".0")


def entries_of(runs, step):
    """Return {index: what the entry is, apart from where it stands} of a table's runs."""
    found = {}
    for index, count, frame, word, rights, leads in runs:
        for place in range(count):
            named = None if leads == "empty" else frame + place * step if leads == "pages" else frame
            found[index + place] = (named, word, rights, leads)
    return found


def divided(runs, before, step):
    """Yield (run, whether it is new) of a table's runs, divided where only a part was so before."""
    for run in runs:
        index, count, frame, *rest = run
        now = entries_of([run], step)
        news = [now[place] != before.get(place) for place in range(index, index + count)]
        start = 0
        for end in range(1, count + 1):
            if end == count or news[end] != news[start]:
                first = frame + start * step if run[5] == "pages" else frame
                yield [index + start, end - start, first, *rest], news[start]
                start = end


def gone_from(runs, before):
    """Return the runs of entries that a table had, as places [index, entries], where it has nothing now."""
    have = set(entries_of(runs, 0))
    places = []
    for index in sorted(set(before) - have):
        if places and sum(places[-1]) == index:
            places[-1][1] += 1
        else:
            places.append([index, 1])
    return places


def overlap(first, last, stretches):
    """Yield (first, last) of each part of a stretch of frames that lies within others."""
    for low, high in stretches:
        if low <= last and first <= high:
            yield max(first, low), min(last, high)


def step_of(table):
    """Return how many pages an entry of a table covers."""
    return 1 << 9 * (table["level"] - 1)


def first_page(snapshot, table, index):
    """Return the number of an entry's first page with its sign bits."""
    page = table["page"] + index * step_of(table)
    if table["level"] == snapshot["levels"] and index >= ENTRIES // 2:
        page += (1 << PAGE_BITS) - ENTRIES * step_of(table)
    return page


def describe(snapshot, table, run):
    """Return in words what a run of a table is and where it leads."""
    index, count, frame, _, rights, leads = run
    place = f"entries {index} to {index + count - 1}" if count > 1 else f"entry {index}"
    start = f"{place}: v{first_page(snapshot, table, index) << PAGE_SHIFT:#x} -> "
    if leads == "absent":
        return f"{place}: not present"
    if leads != "pages":
        what = {"empty": ", which is empty", "root": ", a root: not followed", "no RAM": ", where no RAM is"}
        each = "tables, which are empty" if count > 1 else f"table in frame {frame:#x}{what.get(leads, '')}"
        return start + each
    frames = count * step_of(table)
    in_ram = sum(last - first + 1 for first, last in overlap(frame, frame + frames - 1, snapshot["ram"]))
    user = " user" if rights & USER else ""
    beyond = "" if in_ram == frames else f", {size_text(in_ram)} of it RAM" if in_ram else ", where no RAM is"
    return f"{start}p{frame << PAGE_SHIFT:#x}, {size_text(frames)}, {rights_of(rights)}{user}{beyond}"


def places_of(runs, height):
    """Return (top, height) of each run within its table: to scale, none too thin, none over another while room is."""
    least = min(SMALLEST, height / max(len(runs), 1))
    heights = [max(least, run[1] * height / ENTRIES) for run in runs]
    spare = height - sum(heights)
    if spare < 0:  # the thin ones keep their height, the others give
        thick = sum(each - least for each in heights)
        heights = [least + (each - least) * (1 + spare / thick) for each in heights]
    tops, below = [], 0.0
    for run, each in zip(runs, heights, strict=True):
        tops.append(max(below, run[0] * height / ENTRIES))
        below = tops[-1] + each
    above = height
    for place in range(len(runs) - 1, -1, -1):
        tops[place] = min(tops[place], above - heights[place])
        above = tops[place]
    return list(zip(tops, heights, strict=True))


def joined(places):
    """Return (top, height) of places that are in order; those that touch are one."""
    found = []
    for top, height in places:
        if found and top - found[-1][1] < 1:
            found[-1][1] = max(top + height, found[-1][1])
        else:
            found.append([top, top + height])
    return [(top, end - top) for top, end in found]


class Drawing:
    """The SVG of one snapshot (kernel/diagnostics/snapshot.py), with what another one did not have marked.

    title: what the picture is called. `.changes` is how many places have something new or gone.
    """

    def __init__(self, snapshot, before=None, title="Clew: the active page tables"):
        self.snapshot = snapshot
        self.levels = snapshot["levels"]
        self.before = before
        self.title = title
        self.shapes, self.bands, self.marks, self.labels = [], [], [], []
        self.places, self.runs = {}, {}
        self.known = {(table["level"], table["page"]): table for table in before["tables"]} if before else {}
        self.changes = 0
        self._place_tables()
        self.ram_x = MARGIN + self.levels * COLUMN_STEP
        bottoms = [y + TABLE_HEIGHT for _, y in self.places.values()]
        self.ram_height = min(max([*bottoms, TOP + RAM_HEIGHT_LEAST]) - TOP, RAM_HEIGHT_MOST)
        self.height = max([*bottoms, TOP + self.ram_height]) + 40
        self.end_of_ram = max(last for _, last in snapshot["ram"]) + 1

    def _place_tables(self):
        """Put each level into a column of its own, from the top in order of addresses."""
        next_y = dict.fromkeys(range(1, self.levels + 1), TOP)
        for table in self.snapshot["tables"]:
            level, key = table["level"], (table["level"], table["page"])
            self.places[key] = (self._column(level), next_y[level])
            self.runs[key] = list(divided(table["runs"], self._entries_before(table), step_of(table)))
            next_y[level] += TABLE_HEIGHT + TABLE_GAP

    def _entries_before(self, table):
        """Return the entries that a table had in the other snapshot; without one, those that it has."""
        before = table if self.before is None else self.known.get((table["level"], table["page"]), {"runs": ()})
        return entries_of(before["runs"], step_of(table))

    def _column(self, level):
        """Return where the column of a level's tables begins."""
        return MARGIN + (self.levels - level) * COLUMN_STEP

    def svg(self):
        """Return the whole picture as text."""
        self._ram()
        for table in self.snapshot["tables"]:
            self._table(table)
        self._heading()
        width = self.ram_x + RAM_WIDTH + LABELS_WIDTH
        head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {number(self.height)}" {FONT}>'
        ground = f'<rect class="ground" width="{width}" height="{number(self.height)}"/>'
        parts = [head, STYLE, ground, *self.bands, *self.shapes, *self.marks, *self.labels, "</svg>\n"]
        return "\n".join(parts)

    def _text(self, x, y, text, size=11, kind=""):
        extra = f' class="{kind}"' if kind else ""
        self.labels.append(f'<text x="{number(x)}" y="{number(y)}" font-size="{size}"{extra}>{escape(text)}</text>')

    def _rect(self, into, x, y, width, height, rest):
        into.append(f'<rect x="{number(x)}" y="{number(y)}" width="{number(width)}" height="{number(height)}" {rest}/>')

    def _heading(self):
        left_out = self.snapshot.get("left_out")
        self._text(MARGIN, 30, self.title + (f"; {left_out} tables more are not drawn" if left_out else ""), 18)
        for level in range(self.levels, 0, -1):
            name = f"P{level} (root)" if level == self.levels else f"P{level}"
            self._text(self._column(level), 84, name, 13, "bold")
        self._text(self.ram_x, 84, f"RAM: {size_text(sum(b - a + 1 for a, b in self.snapshot['ram']))}", 13, "bold")
        x = MARGIN
        for name, label in LEGEND.items():
            self._rect(self.shapes, x, 43, 12, 12, f'fill="{COLOURS[name]}"')
            self._text(x + 17, 53, label)
            x += 34 + 7 * len(label)
        if self.before is not None:
            for sign, label in ((PLUS, "new"), (MINUS, "gone")):
                self._mark(x + 22, 44, 12, 10, sign)
                self._text(x + 41, 53, label)
                x += 76

    def _ram(self):
        """Draw the bar of RAM, with its holes, and labels at round sizes."""
        for first, last in self.snapshot["ram"]:
            top, end = self._ram_y(first), self._ram_y(last + 1)
            self._rect(self.shapes, self.ram_x, top, RAM_WIDTH, end - top, 'class="lead ram"')
            self._rect(self.bands, self.ram_x, top, RAM_WIDTH, end - top, 'class="box"')
        step = 1
        while self.end_of_ram / step > LARGEST_LABEL_COUNT - 1:
            step *= 2
        for frame in range(0, self.end_of_ram + 1, step):
            y = self._ram_y(frame)
            self.shapes.append(f'<path class="lead" d="M{self.ram_x + RAM_WIDTH},{number(y)} h5"/>')
            text = f"{size_text(frame) if frame else '0'}, p{frame << PAGE_SHIFT:#x}"
            self._text(self.ram_x + RAM_WIDTH + 9, y + 4, text, 10)
        if self.end_of_ram % step:
            y = self._ram_y(self.end_of_ram) + 16
            self._text(self.ram_x, y, f"ends at p{self.end_of_ram << PAGE_SHIFT:#x}", 10)

    def _ram_y(self, frame):
        """Return the height of a frame of RAM in its bar."""
        return TOP + frame * self.ram_height / self.end_of_ram

    def _table(self, table):
        key = table["level"], table["page"]
        x, y = self.places[key]
        if table["level"] == self.levels - 1:
            self._text(x, y - 29, self._region_of(table["page"]), 10, "bold")
        self._text(x, y - 17, f"v{table['page'] << PAGE_SHIFT:#x}", 10)
        self._text(x, y - 5, f"P{table['level']} in frame {table['frame']:#x}", 9, "pale")
        self._rect(self.shapes, x, y, TABLE_WIDTH, TABLE_HEIGHT, 'class="box"')
        runs, new, gone = [run for run, _ in self.runs[key]], [], []
        for (run, is_new), (top, height) in zip(self.runs[key], places_of(runs, TABLE_HEIGHT), strict=True):
            self._entry(table, run, y + top, height)
            self._lead(table, run, y + top, height)
            if is_new:
                new.append((y + top, height))
        for index, count in gone_from(table["runs"], self._entries_before(table)):
            height = max(SMALLEST, count * TABLE_HEIGHT / ENTRIES)
            gone.append((y + min(index * TABLE_HEIGHT / ENTRIES, TABLE_HEIGHT - height), height))
        for sign, places in ((PLUS, new), (MINUS, gone)):
            free = y - SIGN_HEIGHT  # from here on no sign hides another
            for top, height in joined(places):
                has_room = top + height / 2 >= free
                self._change(x, top, height, sign, has_room)
                free = top + height / 2 + SIGN_HEIGHT if has_room else free

    def _entry(self, table, run, top, height):
        """Draw the rectangle of a run: of pages, what part of it leads to RAM in its colour."""
        x = self.places[table["level"], table["page"]][0]
        index, count, frame, _, rights, leads = run
        where = f'data-level="{table["level"]}" data-page="{first_page(self.snapshot, table, index):x}"'
        title = escape(describe(self.snapshot, table, run))
        self.shapes.append(f'<g class="entry" {where} data-count="{count}"><title>{title}</title>')
        frames = count * step_of(table)
        in_ram = list(overlap(frame, frame + frames - 1, self.snapshot["ram"])) if leads == "pages" else []
        if sum(last - first + 1 for first, last in in_ram) != frames:
            colour = COLOURS[COLOUR_OF.get(leads, leads)]
            self._rect(self.shapes, x, top, TABLE_WIDTH, height, f'fill="{colour}"')
        for first, last in in_ram:
            part_top, part = top + (first - frame) * height / frames, (last - first + 1) * height / frames
            fill = f'fill="{COLOURS[rights_of(rights)]}"'
            self._rect(self.shapes, x, part_top, TABLE_WIDTH, max(part, min(height, SMALLEST / 2)), fill)
        self.shapes.append("</g>")

    def _region_of(self, page):
        """Return the name of the part of the address space that a page belongs to."""
        names = [name for name, first, last in self.snapshot["regions"] if first <= page <= last]
        return names[0] if names else ""

    def _lead(self, table, run, top, height):
        """Draw what a run leads to: a curve to a table, a band to frames of RAM."""
        x = self.places[table["level"], table["page"]][0] + TABLE_WIDTH
        index, count, frame, _, rights, leads = run
        if leads == "pages":
            frames = count * step_of(table)
            for first, last in overlap(frame, frame + frames - 1, self.snapshot["ram"]):
                part_top, part = top + (first - frame) * height / frames, (last - first + 1) * height / frames
                y, end = self._ram_y(first), self._ram_y(last + 1)
                self._band(x, part_top, max(part, SMALLEST / 2), y, max(end - y, 1), COLOURS[rights_of(rights)])
            return
        page = first_page(self.snapshot, table, index)
        child = self.places.get((table["level"] - 1, page)) if leads == "table" else None
        if child:
            self._curve(x, top + height / 2, child[0], child[1] + TABLE_HEIGHT / 2)

    def _curve(self, x, y, to_x, to_y):
        middle = number((x + to_x) / 2)
        self.bands.append(
            f'<path class="lead" d="M{x},{number(y)} C{middle},{number(y)} {middle},{number(to_y)} '
            f'{to_x},{number(to_y)}"/>'
        )

    def _band(self, x, y, height, to_y, to_height, colour):
        to_x, middle = self.ram_x, number((x + self.ram_x) / 2)
        self.bands.append(
            f'<path d="M{x},{number(y)} C{middle},{number(y)} {middle},{number(to_y)} {to_x},{number(to_y)} '
            f"h{RAM_WIDTH} v{number(to_height)} h-{RAM_WIDTH} "
            f'C{middle},{number(to_y + to_height)} {middle},{number(y + height)} {x},{number(y + height)} Z" '
            f'fill="{colour}" fill-opacity=".25" stroke="{colour}" stroke-opacity=".5" stroke-width=".5"/>'
        )

    def _change(self, x, y, height, sign, has_room):
        """Mark what is new (a plus) or gone (a minus) in a table; where signs have no room, by its outline alone."""
        self.marks.append('<g class="changed">')
        self._mark(x, y, TABLE_WIDTH, height, sign, has_room)
        self.marks.append("</g>")
        self.changes += 1

    def _mark(self, x, y, width, height, sign, has_room=True):
        """Outline a rectangle so that it shows on every colour, with a sign beside it."""
        kind = "mark" if sign == PLUS else "mark gone"
        self._rect(self.marks, x - 2, y - 2, width + 4, height + 4, 'class="edge"')
        self._rect(self.marks, x - 2, y - 2, width + 4, height + 4, f'class="{kind}"')
        if has_room:
            self._text(x - (13 if sign == PLUS else 22), y + height / 2 + 5, sign, SIGN_SIZE, "sign")
