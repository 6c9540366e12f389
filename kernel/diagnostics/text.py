"""How numbers look, and the base of everything that a command returns."""

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


def columns(rows, right=()):
    """Return rows of texts as lines with aligned columns; those with their number in `right` are set to the right."""
    widths = []
    for row in rows:
        for place, cell in enumerate(row):
            if place == len(widths):
                widths.append(0)
            widths[place] = max(widths[place], len(cell))
    return [_line(row, widths, right) for row in rows]


def _line(row, widths, right):
    cells = []
    for place, cell in enumerate(row):
        padding = " " * (widths[place] - len(cell))
        cells.append(padding + cell if place in right else cell + padding)
    return "  ".join(cells).rstrip()


def wrapped(words, separator=", ", width=80):
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
    """Something to look at: its `repr` is what the command prints. Subclasses have `lines()`."""

    def lines(self):
        """Return the text as an iterable of lines."""
        return ()

    def __repr__(self):
        return "\n".join(self.lines())


class Lines(View):
    """Ready text, one line after the other."""

    def __init__(self, lines):
        self._lines = lines

    def lines(self):
        return self._lines
