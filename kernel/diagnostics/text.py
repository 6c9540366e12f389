"""How numbers look, and the base of everything that a command returns."""

# How wide a screen is of which nobody knows more.
WIDTH = 80
# Between columns; in front of what goes below; and how narrow a column of words may become.
GAP, SET_IN, NARROWEST = "  ", "    ", 20
UNITS = (("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10))


def hexadecimal(number, digits=1):
    """Return a number as `0x…`, lower case, with at least that many digits."""
    return "0x%0*x" % (digits, number)


def size(number_of_bytes):
    """Return a number of bytes as people say it: `4 KiB`, `127.9 MiB`, `512 bytes`."""
    for name, unit in UNITS:
        if number_of_bytes >= unit:
            if number_of_bytes % unit == 0:
                return "%d %s" % (number_of_bytes // unit, name)
            return "%d.%d %s" % (number_of_bytes // unit, number_of_bytes % unit * 10 // unit, name)
    return "%d bytes" % number_of_bytes


def columns(rows, right=(), width=WIDTH, fold=None):
    """Return rows of texts as lines with aligned columns; those with their number in `right` are set to the right.

    Where `width` characters are not enough, the columns from `fold` on go below the others, set in; without it, the
    last one is broken between its words, and as many columns go below as must.
    """
    widths = []
    for row in rows:
        for place, cell in enumerate(row):
            if place == len(widths):
                widths.append(0)
            widths[place] = max(widths[place], len(cell))
    lines = []
    groups = _groups(widths, width, fold)
    for row in rows:
        for start, end in groups:
            indent = SET_IN if start else ""
            line = indent + _line(row, start, min(end, len(row)), widths, right)
            if line.strip():
                left = len(indent) + sum(widths[start : end - 1]) + len(GAP) * (end - 1 - start)
                lines += fitted(line, width, left if width - left >= NARROWEST else len(indent) + len(SET_IN))
            elif end == len(widths) == 1:
                lines.append("")
    return lines


def _groups(widths, width, fold):
    """Return (start, end) of the columns that go on one line, for each line of a row."""
    groups, start, used = [], 0, 0
    if sum(widths) + len(GAP) * (len(widths) - 1) <= width:
        fold = None
    for place, cell in enumerate(widths):
        is_last = place == len(widths) - 1
        needed = min(cell, NARROWEST) if is_last and fold is None else cell
        if place > start and (place == fold or used + needed > width):
            groups.append((start, place))
            start, used = place, len(SET_IN)
        used += cell + len(GAP)
    groups.append((start, len(widths)))
    return groups


def _line(row, start, end, widths, right):
    cells = []
    for place in range(start, end):
        padding = " " * (widths[place] - len(row[place]))
        cells.append(padding + row[place] if place in right else row[place] + padding)
    return GAP.join(cells).rstrip()


def fitted(line, width, indent=None):
    """Return a line as rows of at most `width` characters, broken between words.

    The rows below the first are set in by `indent`: by a little more than the line itself, if None. A word that is
    longer than a row is broken, for want of a better place.
    """
    if len(line) <= width:
        return [line]
    if indent is None:
        indent = len(line) - len(line.lstrip()) + len(SET_IN)
    indent = min(indent, width // 2)
    rows, begin = [], 0
    while len(line) > width:
        place = line.rfind(" ", begin, width + 1)
        if not line[begin : max(place, 0)].strip():
            place = width
        rows.append(line[:place].rstrip())
        begin = indent
        line = " " * indent + line[place:].lstrip()
    return rows + [line]


def paragraphs(lines, width):
    """Return prose, broken anew between its words into rows of at most `width` characters.

    A line that is set in stands for itself.
    """
    rows, prose = [], []
    for line in lines:
        if line[:1] == " ":
            rows += fitted(" ".join(prose), width, 0) if prose else []
            rows += fitted(line, width)
            prose = []
        else:
            prose.append(line)
    return rows + (fitted(" ".join(prose), width, 0) if prose else [])


def wrapped(words, separator=", ", width=WIDTH):
    """Return words joined into lines of at most `width` characters."""
    lines = [""]
    for word in words:
        text = lines[-1] + (separator if lines[-1] else "") + word
        if len(text) > width:
            lines.append(word)
        else:
            lines[-1] = text
    return lines


class View:
    """Something to look at: its `repr` is what the command prints. Subclasses have `lines()`.

    Lines that are prose or data may be longer than `width`: whoever shows them on a screen has them `fitted`.
    """

    def lines(self, width=WIDTH):
        """Return the text as an iterable of lines, laid out for a screen of that many columns."""
        return ()

    def __repr__(self):
        return "\n".join(self.lines())


class Lines(View):
    """Ready text, one line after the other."""

    def __init__(self, lines):
        self._lines = lines

    def lines(self, width=WIDTH):
        return self._lines


class Prose(Lines):
    """Sentences, broken into rows anew."""

    def lines(self, width=WIDTH):
        return paragraphs(self._lines, width)


class Table(View):
    """Rows of texts in columns; `foot` are lines of prose below."""

    def __init__(self, rows, right=(), foot=()):
        self.rows = rows
        self.foot = foot
        self._right = right

    def lines(self, width=WIDTH):
        foot = [row for line in self.foot for row in fitted(line, width, 0)]
        return columns(self.rows, self._right, width) + foot
