"""Which tests are about a place in the sources: the likeliest first, so that a fault there is seen soon.

A test file is about a place if the hand-written mutants of that source file name it, and the more words it shares with
the place that few other test files have: the function's name, its class's, its module's, the names on the line, the
modules that call it. What a test has run on the target (on_target.source("...")) is part of its text.
"""

import math
import re
import shlex
from collections import Counter
from pathlib import PurePath

from machine import ROOT
from mutant_list import MUTANTS

WORD = re.compile(r"[A-Za-z_]\w{2,}")
NAMED_BY_HAND = 6.0
SAME_ROOM = 3.0
AT_THE_PLACE = 3.0
"""What they weigh; a word that one test file of a hundred has weighs 4.6, at the place itself three times that."""
CALLERS = 5
"""A name that more other source files have says nothing about who calls."""
NO_JUDGES = ("tests/self/", "tests/house/")
"""Tests of the tests and of how sources look: what they say of a fault is not what it does."""


def judges(root=ROOT):
    """Return the paths of the test files that may judge a random mutant."""
    paths = [str(path.relative_to(root)) for path in sorted(root.glob("tests/**/test_*.py"))]
    return [path for path in paths if not path.startswith(NO_JUDGES)]


class Relevance:
    """The words of every test file, and in how many files each is."""

    def __init__(self, root=ROOT):
        self.root = root
        self.words = {path: self.words_of(path) for path in judges(root)}
        self.count = Counter(word for words in self.words.values() for word in words)
        self.sources = {}
        for path in [*root.glob("kernel/**/*.py"), *root.glob("port/**/*.c")]:
            self.sources.setdefault(path.stem, set()).update(WORD.findall(path.read_text()))
        self.by_hand = {}
        for _, file, _, _, tests in MUTANTS:
            named = [test.partition("::")[0] for test in shlex.split(tests)]
            self.by_hand.setdefault(file, Counter()).update(named)

    def words_of(self, path):
        """Return the words of a test file and of what it runs on the target."""
        text = (self.root / path).read_text()
        for name in re.findall(r'source\("([\w/]+)"', text):
            on_target = self.root / "tests/on_target" / f"{name}.py"
            text += on_target.read_text() if on_target.exists() else ""
        return set(WORD.findall(text))

    def rarity(self, word):
        """Return what it says that a test file has a word."""
        return math.log(len(self.words) / self.count[word]) if self.count[word] else 0

    def callers(self, path, names):
        """Return the stems of the other sources that have one of a place's names, if these are few."""
        found = [{stem for stem, words in self.sources.items() if name in words} for name in names]
        return {stem for stems in found if len(stems) <= CALLERS for stem in stems} - {path.stem}

    def ranked(self, file, function, line):
        """Return all test files, those first that are about a place: its file, function ("Class.method") and line."""
        path = PurePath(file)
        here = {*WORD.findall(function), path.stem}
        around = {*WORD.findall(line), *path.parts, *self.callers(path, here - {path.stem})} - here
        rooms = {part for part in path.parts[:-1] if part not in {"kernel", "port"}}

        def score(test):
            words = self.words[test]
            found = AT_THE_PLACE * sum(self.rarity(word) for word in here & words)
            found += sum(self.rarity(word) for word in around & words)
            found += NAMED_BY_HAND if test in self.by_hand.get(file, ()) else 0
            return found + SAME_ROOM * len(rooms & set(PurePath(test).parts))

        return sorted(self.words, key=lambda test: (-score(test), test))
