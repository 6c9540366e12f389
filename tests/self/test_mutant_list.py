"""The faults that `make mutants` puts in can be put in, and the tests that ought to notice are there."""

import ast
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


def test_a_fault_in_python_is_still_python():
    """What does not even compile is caught by the build, and says nothing of the tests."""
    for what, file, right, wrong, _ in MUTANTS:
        assert right != wrong, what
        if file.endswith(".py"):
            ast.parse((machine.ROOT / file).read_text().replace(right, wrong))


def is_there(test):
    """Is there such a file, and such a function in it? `test` is a path, or path::function[parameters]."""
    path, _, function = test.partition("::")
    file = machine.ROOT / path
    return file.exists() and (not function or f"def {function.partition('[')[0]}(" in file.read_text())


def test_the_named_tests_are_there():
    named = {test for *_, tests in MUTANTS for test in shlex.split(tests)}
    assert {test for test in named if not is_there(test)} == set()
    assert len(named) > 5
    assert not is_there("tests/self/test_mutant_list.py::test_that_nobody_wrote")


def test_each_is_described_in_words_of_its_own():
    assert len({what for what, *_ in MUTANTS}) == len(MUTANTS)
