"""What the reference says of public names: docstrings, which the compiler drops, and the build packs into the image.

tools/help_texts.py says how they are packed. Imported when somebody asks for help about something that is no command.
"""

import sys

from diagnostics.text import WIDTH, View, fitted
from help_texts import RECORD, TEXTS

NEWLINE = b"\n"
FUNCTIONS = "function", "closure", "generator"  # what a `def` makes
BOUND = "bound_method"
NEVER = "\n"


class Article(View):
    """What the reference says of one thing: `.names` (each "page:name"), `.signature`, `.text`.

    Several classes may share a method and its text: `asked`, one of the names without its page, is whose it is called.
    """

    def __init__(self, start, asked=None):
        end = TEXTS.find(RECORD, start + 1)
        record = str(TEXTS[start + 1 : end if end >= 0 else len(TEXTS)], "utf-8")
        names, self.signature, self.text = record.split("\n", 2)
        names = names.split(" ")
        asked = asked or names[0].split(":")[1]
        self.names = [name for name in names if name.split(":")[1] == asked] or names
        if asked:
            self.signature = asked + self.signature[len(self.signature.split("(")[0]) :]

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

    def is_about(self, value):
        """Answer whether a value is what one of the names stands for now."""
        return any([thing_called(*name.split(":")) is value for name in self.names])

    def note_on(self, attribute):
        """Return what the text says of an attribute in a row that begins with `.attribute`, as a function that takes
        a width; None if there is no such row."""
        rows = self.text.split("\n")
        for place, row in enumerate(rows):
            if row.split(" ")[0] == "." + attribute:
                note = " ".join(row.split(None)[1:])
                for more in rows[place + 1 :]:
                    if more[:1] != " ":
                        break
                    note += " " + more.strip()
                name = "%s.%s" % (self.names[0].split(":")[1], attribute)
                return lambda width=WIDTH: [name, ""] + fitted(note, width, 0)
        return None

    def members(self):
        """Return the names of what a class can be asked, inherited ones too; none for what is no class."""
        if "." in self.names[0].split(":")[1]:
            return []
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
        for name in names:
            short = name.split(":")[1]
            if word in (short, name.replace(":", ".").rstrip(".")) and word:
                whole.append((start, short))
            elif word == short.split(".")[-1] and word:
                part.append((start, short))
    return [Article(*each) for each in sorted(set(whole or part))]


def article_of(value):
    """Return the Article about a function, a method, a class or a module, or None where there is none."""
    if type(value) is type(sys):
        found = articles(value.__name__)
        return found[0] if found else None
    kind = type(value).__name__
    if not isinstance(value, type) and kind not in FUNCTIONS and kind != BOUND:
        return None
    text = repr(value) if kind == BOUND else None
    for start, names in all_names():
        for each in names:
            thing = thing_called(*each.split(":"))
            if thing is value or (text and text.endswith(ending_of(thing))):
                return Article(start, each.split(":")[1])
    return None


def ending_of(thing):
    """Return how the text of a method ends that is bound to something: as its function's, which has the address.

    MicroPython tells only in that text what function a bound method is. For what is no method, what no text ends with.
    """
    kind = type(thing).__name__
    if kind in FUNCTIONS:
        return ".%s>" % repr(thing)
    return "." + repr(thing).partition("'>.")[2] if kind == BOUND else NEVER


def thing_called(page, name):
    """Return what has a public name now, or None as long as its module is not in use."""
    thing = sys.modules.get(page)
    for part in name.split("."):
        thing = getattr(thing, part, None) if part else None
    return thing


def known_names():
    """Return all names that `help` knows: those of pages, and what they name, without them."""
    return {name.rstrip(":").split(":")[-1] for _, names in all_names() for name in names}
