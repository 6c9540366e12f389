"""Whoever sits at the console: how large their screen is, and whether it has colours.

`make run` says so on the kernel's command line when a person's terminal is there (`terminal=80x24 colour`), and the
command `terminal` asks the terminal itself, or is told. Until then nobody is taken for a person: tables are laid out
for 80 columns, lines come out whole, without pages and plain, and nothing is ever asked of whoever reads.
"""

import select
import sys

from diagnostics.text import WIDTH, fitted
from loader.handover import command_line
from paging.natives import console

KEY, WORD = "terminal=", "colour"
MORE = "-- Space: more, Return: one line, q: enough --"
ERASE = "\r\x1b[K"
CTRL_C = "\x03"
NARROWEST, LOWEST = 20, 5
# Remember the place, go as far down and right as it goes, tell where that is, come back (ECMA-48's CPR).
WHERE_IS_THE_CORNER = "\x1b7\x1b[999;999H\x1b[6n\x1b8"
OPENING = "\x1b["
ANSWER_MS = 1000


class Terminal:
    """A screen of `.columns` and `.rows` (each 0: unknown), with `.has_colours` or without."""

    def __init__(self, columns=0, rows=0, has_colours=False):
        self.has_colours = has_colours
        self.resize(columns, rows)

    def resize(self, columns, rows):
        """Lay out for another screen from now on; 0 rows: without pages."""
        self.columns = columns
        self.rows = rows
        self.begin()

    def description(self):
        """Return in words what is known."""
        if not self.columns:
            return "unknown: tables for %d columns, lines whole, no pages" % WIDTH
        return "%d columns, %s" % (self.columns, "pages of %d rows" % self.rows if self.rows else "no pages")

    def begin(self):
        """Begin with a new page: a person has just pressed Return."""
        self._left = self.rows - 1

    def lines_of(self, view):
        """Return the lines of something to look at, laid out for this screen."""
        width = self.columns or WIDTH
        if self.has_colours and hasattr(view, "coloured_lines"):
            return view.coloured_lines(width)
        return view.lines(width) if hasattr(view, "lines") else str(view).split("\n")

    def show(self, view):
        """Print something to look at, line by line, so that Ctrl-C can stop it; in pages if somebody looks."""
        for line in self.lines_of(view):
            for row in self._rows_of(line):
                if not self.put(row):
                    return

    def put(self, line):
        """Print a line as it is, after a key if the page is full; return whether it was wanted."""
        if self.rows and self._left <= 0 and not self._goes_on():
            return False
        print(line)
        self._left -= (len(line) + self.columns - 1) // self.columns or 1 if self.columns and "\x1b" not in line else 1
        return True

    def say(self, text):
        """Print a text, however long, as rows of whole words."""
        self.show(text)

    def _rows_of(self, line):
        is_whole = not self.columns or "\x1b" in line
        return (line,) if is_whole else fitted(line, self.columns)

    def _goes_on(self):
        """Wait for a key; return whether more is wanted."""
        sys.stdout.write(MORE[: self.columns - 1])
        try:
            key = ""
            while key not in (" ", "\r", "\n", "q", "Q", CTRL_C):
                key = sys.stdin.read(1)
        finally:
            sys.stdout.write(ERASE)
        self._left = 1 if key in ("\r", "\n") else self.rows - 1
        return key in (" ", "\r", "\n")

    def ask(self):
        """Ask the terminal how large it is; return whether it answered. What was typed meanwhile is not lost."""
        sys.stdout.write(WHERE_IS_THE_CORNER)
        answer = read_answer()
        if answer is None:
            if not self.columns:
                self.resize(WIDTH, 0)
            return False
        self.resize(answer[1], answer[0])
        self.has_colours = True
        return True


def read_answer():
    """Return (row, column) as a terminal says where its cursor is, or None if something else comes, or nothing."""
    waiting = select.poll()
    waiting.register(sys.stdin, select.POLLIN)
    text = ""
    while waiting.poll(ANSWER_MS):
        letter = sys.stdin.read(1)
        if not (letter == OPENING[len(text)] if len(text) < 2 else letter.isdigit() or letter in ";R"):
            console.unread(len(text) + 1)
            return None
        text += letter
        if letter == "R":
            row, _, column = text[2:-1].partition(";")
            return (int(row), int(column)) if row.isdigit() and column.isdigit() else None
    return None


def size_of(text):
    """Return (columns, rows) that a text such as `80x24` means, or None."""
    columns, _, rows = text.partition("x")
    if not (columns.isdigit() and rows.isdigit()) or int(columns) < NARROWEST or int(rows) < LOWEST:
        return None
    return int(columns), int(rows)


def of_command_line():
    """Return the Terminal that the kernel's command line describes."""
    words = command_line().split()
    for word in words:
        size = size_of(word[len(KEY) :]) if word.startswith(KEY) else None
        if size:
            return Terminal(size[0], size[1], WORD in words)
    return Terminal(0, 0, WORD in words)


TERMINAL = of_command_line()
