"""Whoever sits at the console: how large their screen is, and whether it has colours.

`make run` says so on the kernel's command line when a person's terminal is there (`terminal=80x24 colour`); without
that word nobody is taken for a person, and text comes out whole and plain.
"""

import sys

from loader.handover import command_line

KEY, WORD = "terminal=", "colour"
MORE = "-- Space: more, Return: one line, q: enough --"
ERASE = "\r\x1b[K"
CTRL_C = "\x03"


class Terminal:
    """A screen of `.rows` rows (0: nobody looks), with `.has_colours` or without."""

    def __init__(self, rows=0, has_colours=False):
        self.rows = rows
        self.has_colours = has_colours

    def show(self, view):
        """Print a view, line by line, so that Ctrl-C can stop it; in pages if somebody looks."""
        if self.has_colours and hasattr(view, "coloured_lines"):
            lines = view.coloured_lines()
        else:
            lines = view.lines() if hasattr(view, "lines") else (str(view),)
        left = self.rows - 1
        for line in lines:
            if self.rows and left == 0:
                left = self._ask()
                if left == 0:
                    return
            print(line)
            left -= 1

    def _ask(self):
        """Wait for a key; return how many more lines are wanted."""
        sys.stdout.write(MORE)
        while True:
            key = sys.stdin.read(1)
            if key in (" ", "\r", "\n", "q", "Q", CTRL_C):
                sys.stdout.write(ERASE)
                return {" ": self.rows - 1, "\r": 1, "\n": 1}.get(key, 0)


def of_command_line():
    """Return the Terminal that the kernel's command line describes."""
    words = command_line().split()
    for word in words:
        if word.startswith(KEY):
            rows = word[len(KEY) :].partition("x")[2]
            return Terminal(int(rows) if rows.isdigit() and int(rows) > 1 else 0, WORD in words)
    return Terminal(0, WORD in words)
