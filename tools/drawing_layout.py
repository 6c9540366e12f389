"""The SVG of the address space: what each entry of the root is for, and beside it what lies in the last 2 GiB.

Heights are to scale within each of the two columns; what would be too thin to see is given some height of its own.
"""

from xml.sax.saxutils import escape

from drawing import ENTRIES, FONT, MARGIN, PAGE_SHIFT, STYLE, size_text

TOP, HEIGHT, WIDTH, COLUMN = 84, 460, 60, 450
LEAST = 22
END_PAGES = 1 << 19
PALETTE = ("#0072b2", "#009e73", "#e69f00", "#8c8c8c")


def heights_of(sizes):
    """Return a height for each size: to scale, but for those that get the least."""
    small = [LEAST if size * HEIGHT < LEAST * sum(sizes) else 0 for size in sizes]
    rest = sum(size for size, least in zip(sizes, small, strict=True) if not least)
    return [least or (HEIGHT - sum(small)) * size / rest for size, least in zip(sizes, small, strict=True)]


def column(x, parts):
    """Return the shapes of a column of parts [(name, first page, pages, note)], the lowest addresses at the bottom."""
    shapes, bottom = [], TOP + HEIGHT
    for place, ((name, first, _, note), height) in enumerate(
        zip(parts, heights_of([p[2] for p in parts]), strict=True)
    ):
        bottom -= height
        fill = PALETTE[place % len(PALETTE)]
        shapes.append(f'<rect x="{x}" y="{bottom:.1f}" width="{WIDTH}" height="{height:.1f}" fill="{fill}"/>')
        shapes.append(f'<path class="lead" d="M{x},{bottom + height:.1f} h{WIDTH + 8}"/>')
        y = bottom + height - 5
        shapes.append(f'<text x="{x + WIDTH + 12}" y="{y:.1f}" font-size="11">v{first << PAGE_SHIFT:#018x}</text>')
        if height >= 2 * LEAST:
            y -= 16
            shapes.append(f'<text x="{x + WIDTH + 12}" y="{y:.1f}" font-size="12" class="bold">{escape(name)}</text>')
            shapes.append(f'<text x="{x + WIDTH + 12}" y="{y - 15:.1f}" font-size="11">{escape(note)}</text>')
        else:
            label = f'<text x="{x + WIDTH + 150}" y="{y:.1f}" font-size="11" class="bold">{escape(name)}</text>'
            shapes.append(label)
    return shapes


def svg(snapshot):
    """Return the picture of a snapshot's regions (kernel/diagnostics/snapshot.py) as text."""
    covers = 1 << 9 * (snapshot["levels"] - 1)
    after = snapshot["regions"][-1][2] + 1
    whole, last = [], []
    for name, first, end in snapshot["regions"]:
        entries = (end - first + 1) // covers
        first = first if entries else max(first, after - END_PAGES)
        size = size_text(end - first + 1)
        row = (name, first, end - first + 1, f"{entries} entries, {size}" if entries else size)
        (whole if entries else last).append(row)
    whole.append(("the kernel", after - covers, covers, ""))
    parts = [f'<text x="{MARGIN}" y="30" font-size="16">The address space of the kernel</text>']
    parts.append(f'<text x="{MARGIN}" y="64" font-size="12">the {ENTRIES} entries of the root</text>')
    parts.append(f'<text x="{MARGIN + COLUMN}" y="64" font-size="12">the last 2 GiB, in the last entry</text>')
    parts += column(MARGIN, whole) + column(MARGIN + COLUMN, last)
    width, height = MARGIN + COLUMN + 300, TOP + HEIGHT + 20
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" {FONT}>'
    return "\n".join([head, STYLE, f'<rect class="ground" width="{width}" height="{height}"/>', *parts, "</svg>\n"])
