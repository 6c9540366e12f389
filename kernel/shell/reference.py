"""What the reference says of public names: docstrings, which the compiler drops, and the build packs into the image.

tools/help_texts.py says how they are packed. Imported when somebody asks for help about something that is no command.
"""

import sys

from diagnostics.text import WIDTH, View, fitted
from help_texts import RECORD, TEXTS

NEWLINE = b"\n"
FUNCTIONS = "function", "closure", "generator"  # what a `def` makes


class Article(View):
    """What the reference says of one thing: `.names` (each "page:name"), `.signature`, `.text`."""

    def __init__(self, start):
        end = TEXTS.find(RECORD, start + 1)
        record = str(TEXTS[start + 1 : end if end >= 0 else len(TEXTS)], "utf-8")
        names, self.signature, self.text = record.split("\n", 2)
        self.names = names.split(" ")

    def lines(self, width=WIDTH):
        """The signature, and the text: paragraphs broken anew, what is laid out by hand as it is."""
        yield from fitted(self.signature, width)
        pages = sorted({name.split(":")[0] for name in self.names if name[-1] != ":"})
        if pages:
            yield "from %s" % " or ".join(pages)
        if self.text:
            yield ""
            yield from self._text_lines(width)
        members = self.members()
        if members:
            yield ""
            yield "can be asked:"
            yield from fitted("  " + "  ".join(members), width, 2)

    def members(self):
        """Return the names of what a class can be asked, inherited ones too; none for what is no class."""
        begin = self.names[0] + "."
        return sorted([name[len(begin) :] for _, names in all_names() for name in names if name.startswith(begin)])

    def _text_lines(self, width):
        prose = []
        for line in self.text.split("\n"):
            if not line or line[0] == " " or "   " in line:
                yield from fitted(" ".join(prose), width, 0) if prose else ()
                prose = []
                yield from fitted(line, width)
            else:
                prose.append(line)
        yield from fitted(" ".join(prose), width, 0) if prose else ()


def all_names():
    """Yield (where the record begins, its names) of every record."""
    start = 0
    while start >= 0:
        yield start, str(TEXTS[start + 1 : TEXTS.find(NEWLINE, start)], "utf-8").split(" ")
        start = TEXTS.find(RECORD, start + 1)


def articles(word):
    """Return the Articles about a name, which may begin with its page: `remap`, `MappedPages.remap`, `memory.Page`.

    The whole name comes before a part of it: what is called `drop` itself hides the methods of that name.
    """
    whole, part = [], []
    for start, names in all_names():
        shorts = [name.split(":")[1] for name in names]
        if word in shorts or word in [name.replace(":", ".").rstrip(".") for name in names]:
            whole.append(start)
        elif word in [short.split(".")[-1] for short in shorts]:
            part.append(start)
    return [Article(start) for start in whole or part]


def article_of(value):
    """Return the Article about a function, a class or a module, or None where there is none."""
    if type(value) is type(sys):
        found = articles(value.__name__)
        return found[0] if found else None
    if not isinstance(value, type) and type(value).__name__ not in FUNCTIONS:
        return None
    for start, names in all_names():
        for each in names:
            page, name = each.split(":")
            if thing_called(page, name) is value:
                return Article(start)
    return None


def thing_called(page, name):
    """Return what has a public name now, or None as long as its module is not in use."""
    thing = sys.modules.get(page)
    for part in name.split("."):
        thing = getattr(thing, part, None) if part else None
    return thing


def known_names():
    """Return all names that `help` knows, without their pages."""
    return {name.split(":")[1] for _, names in all_names() for name in names if name[-1] != ":"}
