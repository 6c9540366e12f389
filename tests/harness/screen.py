"""What a person sees: a terminal emulator on a guest's console, and somebody who turns the pages."""

import re

import pyte

from harness.console import PROMPT, plain

PROMPT_PATTERN = re.escape(PROMPT)
MORE = b"-- Space: more, Return: one line, q: enough --"
ERASED = "\r"


class Display(pyte.Screen):
    """A terminal's screen. `wraps`: texts that were broken because they did not fit on their lines."""

    def __init__(self, columns, rows):
        super().__init__(columns, rows)
        self.wraps = []

    def draw(self, data):
        """Take printable characters; note it if their line has no room for them all."""
        if self.cursor.x + len(data) > self.columns:
            self.wraps.append(data)
        super().draw(data)


class Page:
    """What was printed up to a key that is awaited, `.printed`, and what the screen shows then, `.shown`: rows."""

    def __init__(self, printed, display):
        self.printed = [row.rpartition(ERASED)[2].rstrip() for row in printed.split("\n")]
        self.shown = [row.rstrip() for row in display.display]

    def unseen(self):
        """Return the rows that had scrolled away when the key was awaited."""
        return [row for row in self.printed if row not in self.shown]


class Reader:
    """A person at a guest's console, with a terminal of some size; the guest must know how large it is."""

    def __init__(self, guest, columns, rows):
        self.console = guest.console
        self.columns, self.rows = columns, rows
        self.display = None

    def read(self, line, **options):
        """Type a line, and read what it prints on an empty screen; return the pages."""
        self.console.sendline(line)
        self.console.expect_exact("\r\n")
        return self.pages(**options)

    def pages(self, until=PROMPT_PATTERN, enough=100, timeout=60):
        """Turn pages until the prompt is there, or a pattern that ends with it; return them. So many are `enough`."""
        self.display = Display(self.columns, self.rows)
        stream = pyte.ByteStream(self.display)
        pages = []
        while True:
            found = self.console.expect([until, re.escape(MORE[: self.columns - 1])], timeout=timeout)
            stream.feed(self.console.before)
            pages.append(Page(plain(self.console.before), self.display))
            if found == 0:
                return pages
            stream.feed(self.console.after)
            self.console.send(" " if len(pages) < enough else "q")
