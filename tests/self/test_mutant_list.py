"""The faults that `make mutants` puts in can be put in, and the tests that ought to notice are there."""

import shlex

import machine
from mutant_list import MUTANTS


def test_each_fault_has_its_place_once():
    lost = [
        (what, file)
        for what, file, right, _, _ in MUTANTS
        if not (machine.ROOT / file).exists() or (machine.ROOT / file).read_text().count(right) != 1
    ]
    assert lost == [], "these say what is to be replaced in words that the file does not have exactly once"


def test_the_named_tests_are_there():
    named = {path for *_, tests in MUTANTS for path in shlex.split(tests) if path.startswith("tests/")}
    assert {path for path in named if not (machine.ROOT / path).exists()} == set()
    assert len(named) > 5


def test_each_is_described_in_words_of_its_own():
    assert len({what for what, *_ in MUTANTS}) == len(MUTANTS)
