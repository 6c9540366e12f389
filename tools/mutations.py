"""Random mutants: every place in kernel/ and port/ where one of five small faults can be put in, found in the sources.

compare (`<` for `<=`, `!=` for `==`, `in` for `not in`), constant (a number and one more, True for False), deleted
statement, swapped argument, dropped `not`. Python is read by its own parser (mutations_python), C token by token
(mutations_c). A place is known by its words, not by its line: its key stays when lines move.
"""

import hashlib
from collections import Counter
from dataclasses import dataclass

import mutations_c
import mutations_python
from machine import ROOT

FILES = ("kernel/**/*.py", "port/**/*.c", "port/**/*.h")


@dataclass(frozen=True)
class Mutation:
    """One fault: in `file`, the bytes `old` at `start` become `new`. key: file, function, operator and both lines."""

    file: str
    start: int
    old: bytes
    new: bytes
    key: str

    @property
    def name(self):
        """Eight digits that name it on a command line."""
        return hashlib.sha256(self.key.encode()).hexdigest()[:8]

    @property
    def operator(self):
        """Which of the five it is."""
        return self.key.split(": ")[1]


def line_around(source, start, end):
    """Return the (start, end) of the lines that a span lies in."""
    return source.rfind(b"\n", 0, start) + 1, (source.find(b"\n", end) + 1 or len(source) + 1) - 1


def words(source):
    """Return source bytes as text on one line."""
    return " ".join(source.decode().split())


def of_file(file, source):
    """Return the mutations of one file's bytes."""
    places = (mutations_python if file.endswith(".py") else mutations_c).places(source)
    found, seen = [], Counter()
    for function, operator, start, end, new in places:
        first, last = line_around(source, start, end)
        changed = source[first:start] + new + source[end:last]
        key = f"{file}:{function}: {operator}: {words(source[first:last])} -> {words(changed)}"
        seen[key] += 1
        number = f" (#{seen[key]})" if seen[key] > 1 else ""
        found.append(Mutation(file, start, source[start:end], new, key + number))
    return found


def everywhere(root=ROOT):
    """Return all mutations of the tree."""
    paths = sorted(path for pattern in FILES for path in root.glob(pattern))
    return [one for path in paths for one in of_file(str(path.relative_to(root)), path.read_bytes())]


def drawn(mutations, seed):
    """Return mutations in a random order: each key has its own place, so that an edit elsewhere leaves it there."""
    return sorted(mutations, key=lambda one: hashlib.sha256(f"{seed} {one.key}".encode()).digest())
