"""Reference strings: which pages a program refers to, one after the other, and whether it writes.

Trace([7, 0, 1, 2, 0, 3])            of your own
made("zipf", 2000, pages=32, seed=7)  of a kind that KINDS names
read("ls.trace")                      a file, as `valgrind --tool=lackey --trace-mem=yes` writes it, or trace.save()
"""

from array import array

from .numbers import Numbers
from .refusals import BadReference, BadTraceLine, EmptyTrace, NoSuchNumber, UnknownTrace

__all__ = (
    "BELADY",
    "KINDS",
    "Trace",
    "made",
    "read",
)

PAGE_SHIFT = 12
PAGES_MAX = 1 << 15
"""How many pages a trace can have: a reference is 16 bits, the page's number * 2 + 1 if it is a write."""
REFERENCES, REFERENCES_MAX = 400, 1 << 20
BELADY = (1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5)
"""References for which first-in-first-out faults more often with 4 frames than with 3 (Belady and others, 1969)."""
WRITES = 25
"""Of a hundred references of a made trace, about so many are writes."""
ACCESSES = {"L": 0, "S": 1, "M": 1, "I": 0}  # lackey's letters: load, store, modify, instruction; 1 is a write
COMMENT = "=="  # how valgrind's own lines begin


class Trace:
    """A reference string. `.name`; `.references` is an array of page number * 2 + 1 if it is a write.

    numbers: a sequence of page numbers from 0 to 32767. writes: as many bools, or nothing if all are reads. Raises
    EmptyTrace or BadReference.
    """

    def __init__(self, numbers, writes=(), name="your own"):
        self.name = name
        self.references = references = array("H", bytes(2 * len(numbers)))
        for place, number in enumerate(numbers):
            if type(number) is not int or not 0 <= number < PAGES_MAX:
                raise BadReference(place, number, PAGES_MAX - 1)
            references[place] = number * 2 + (1 if place < len(writes) and writes[place] else 0)
        if not references:
            raise EmptyTrace(name)

    def __len__(self):
        return len(self.references)

    def numbers(self):
        """Return the page numbers, in order."""
        return [each >> 1 for each in self.references]

    @property
    def pages(self):
        """How many different pages it refers to."""
        return len(set(self.numbers()))

    @property
    def span(self):
        """How many pages a range needs for it: the highest number, and one."""
        return (max(self.references) >> 1) + 1

    def save(self, path):
        """Write a text file, a line for each reference: ` L 3000,1` reads page 3, ` S 7000,1` writes page 7."""
        with open(path, "w") as file:
            for each in self.references:
                file.write(" %s %x,1\n" % ("LS"[each & 1], each >> 1 << PAGE_SHIFT))

    def __repr__(self):
        written = sum([each & 1 for each in self.references])
        return "%s: %d references to %d pages, %d of them writes" % (self.name, len(self), self.pages, written)


def read(path):
    """Return the Trace in a file: lines of a letter (L, S, M or I), an address and a size, as lackey writes them.

    Page numbers count the pages that occur, from 0 on in the order of their addresses. What crosses into the next page
    refers to both. Empty lines, and those that begin with == (valgrind's own), are passed over. Raises OSError,
    BadTraceLine or EmptyTrace.
    """
    places, found, writes = {}, [], []
    with open(path, "rb") as file:
        for number, raw in enumerate(file):
            line = text_of(raw, path, number + 1)
            if line.strip() and not line.startswith(COMMENT):
                is_write, first, last = parsed(line, path, number + 1)
                for page in range(first, last + 1):
                    if page not in places and len(places) == PAGES_MAX:
                        raise BadTraceLine(path, number + 1, line, "it is about the page after %d others" % PAGES_MAX)
                    found.append(places.setdefault(page, len(places)))
                    writes.append(is_write)
                if len(found) > REFERENCES_MAX:
                    raise BadTraceLine(path, number + 1, line, "%d references are enough" % REFERENCES_MAX)
    order = array("H", bytes(2 * len(places)))
    for rank, page in enumerate(sorted(places)):
        order[places[page]] = rank
    return Trace([order[each] for each in found], writes, path)


def text_of(raw, path, number):
    """Return a line's bytes as text. Raises BadTraceLine."""
    try:
        return raw.decode()
    except UnicodeError:
        raise BadTraceLine(path, number, repr(raw)[2:-1], "it is no text")


def parsed(line, path, number):
    """Return (is it a write, first page, last page) of a line. Raises BadTraceLine."""
    letter, _, rest = line.strip().partition(" ")
    address, comma, size = rest.strip().partition(",")
    if letter not in ACCESSES:
        raise BadTraceLine(path, number, line, "it has to begin with L, S, M or I")
    try:
        first, length = int(address, 16), int(size)
    except ValueError:
        first, length = -1, 0
    if not comma or not 0 <= first < 1 << 64 or not 0 < length <= 4096:
        raise BadTraceLine(path, number, line, "an address in hexadecimal, a comma and a size from 1 to 4096 follow")
    return ACCESSES[letter], first >> PAGE_SHIFT, first + length - 1 >> PAGE_SHIFT


# --- Those that are made: each yields page numbers below `pages`, without end. ---


def uniform(numbers, pages):
    """Any page."""
    while True:
        yield numbers.below(pages)


def zipf(numbers, pages):
    """Page k with a weight of 1 / (k + 1): few are popular, many are rare."""
    sums = [0]
    for page in range(pages):
        sums.append(sums[-1] + (1 << 20) // (page + 1))
    while True:
        drawn, low, high = numbers.below(sums[-1]), 0, pages
        while high - low > 1:
            middle = low + high >> 1
            low, high = (middle, high) if sums[middle] <= drawn else (low, middle)
        yield low


def favourites(numbers, pages):
    """Four in five among the first quarter of the pages, the others anywhere."""
    while True:
        yield numbers.below(max(1, pages >> 2) if numbers.below(5) else pages)


def loop(numbers, pages):
    """All pages in order, again and again."""
    while True:
        yield from range(pages)


def scan(numbers, pages):
    """Favourites, and a scan of all pages in order after every 8 * pages of them."""
    popular = favourites(numbers, pages)
    while True:
        for _ in range(8 * pages):
            yield next(popular)
        yield from range(pages)


def phases(numbers, pages):
    """A working set of a quarter of the pages, which lies elsewhere after every 8 * pages references."""
    while True:
        first = numbers.below(pages)
        for _ in range(8 * pages):
            yield (first + numbers.below(max(1, pages >> 2))) % pages


def belady(numbers, pages):
    """BELADY, again and again; its pages are five, from 1 on."""
    while True:
        yield from BELADY


MAKERS = (uniform, zipf, favourites, loop, scan, phases, belady)
KINDS = tuple([each.__name__ for each in MAKERS])


def made(kind, references=None, pages=16, seed=1, writes=WRITES):
    """Return a Trace of a kind that KINDS names, with so many references: 400, or BELADY's twelve, unless given.

    pages: how many it may refer to. writes: how many of a hundred are writes, about. The same numbers give the same
    trace everywhere. Raises UnknownTrace or NoSuchNumber.
    """
    if kind not in KINDS:
        raise UnknownTrace(kind, KINDS)
    if references is None:
        references = len(BELADY) if kind == belady.__name__ else REFERENCES
    limits = ("references", references, 1, REFERENCES_MAX), ("pages", pages, 1, PAGES_MAX), ("writes", writes, 0, 100)
    for what, number, first, last in limits:
        if type(number) is not int or not first <= number <= last:
            raise NoSuchNumber(what, number, first, last)
    numbers = Numbers(seed)
    source, below = MAKERS[KINDS.index(kind)](numbers, pages), numbers.below
    found, written = [0] * references, bytearray(references)
    for place in range(references):
        found[place] = next(source)
        written[place] = below(100) < writes
    return Trace(found, written, kind)
