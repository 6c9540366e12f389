"""The model of what the SDM allows: on cases whose outcomes are known, and on every named test."""

import pytest
from oracle.litmus import (
    BUFFER,
    FAULT,
    RELAXATIONS,
    SPECULATION,
    SPURIOUS,
    STALE,
    complaints,
    outcomes,
    violated,
    weak_outcomes,
)
from oracle.litmus_texts import FAMILIES, all_named, named, read_test

DATA = "start: x -> a writable accessed dirty; y -> b writable accessed dirty; a = 0; b = 0"
REMAPPED = "start: x -> a accessed; y -> c writable accessed dirty; a = 1; b = 2; c = 0"
READ_BOTH = "r1 = read y; r2 = read x"
CLEAN = "start: x -> a writable accessed; a = 1"
# What the results, or the values that are named, can be: every combination, and no other.
KNOWN = {
    "store buffering": (DATA, "write x 1; r1 = read y", "write y 1; r2 = read x", "r1 r2", "00 01 10 11"),
    "and fences": (DATA, "write x 1; fence; r1 = read y", "write y 1; fence; r2 = read x", "r1 r2", "01 10 11"),
    "message passing": (DATA, "write x 1; write y 1", READ_BOTH, "r1 r2", "00 01 11"),
    "load buffering": (DATA, "r1 = read x; write y 1", "r2 = read y; write x 1", "r1 r2", "00 01 10"),
    "two stores twice": (DATA, "write x 1; write y 2", "write y 1; write x 2", "a b", "12 21 22"),
    "read twice": (DATA, "write x 1", "r1 = read x; r2 = read x", "r1 r2", "00 01 11"),
    "own store first": (DATA, "write x 1; r1 = read x", "r2 = read x", "r1 r2", "10 11"),
    "a stale read": (REMAPPED, "x -> b accessed; invlpg x; write y 1", READ_BOTH, "r1 r2", "01 02 11 12"),
    "after a shootdown": (REMAPPED, "x -> b accessed; shootdown x; write y 1", READ_BOTH, "r1 r2", "01 02 12"),
    "after unmapping": (REMAPPED, "x -> nothing; shootdown x; write y 1", READ_BOTH, "r1 r2", "01 0f 1f"),
    "on one processor": (REMAPPED, "x -> b accessed; invlpg x; r1 = read x", "fence", "r1", "2"),
    "without a flush": (REMAPPED, "x -> b accessed; r1 = read x", "fence", "r1", "1 2"),
    "DIRTY and a plain store": (CLEAN, "x -> a writable accessed", "w1 = write x 5", "x", "D -"),
    "DIRTY and a locked AND": (CLEAN, "clear x global", "w1 = write x 5", "x", "D"),
    "a write and PRESENT taken": (CLEAN, "clear x present", "w1 = write x 5", "w1 x", "0D f-"),
    "a spurious fault": (
        "start: x -> a accessed; a = 1",
        "x -> a writable accessed dirty",
        "w1 = write x 5; w2 = write x 6",
        "w1 w2",
        "00 f0 0f ff",
    ),
    "a right that was taken": (
        "start: x -> a writable accessed dirty; a = 1",
        "x -> a accessed dirty; invlpg x; w1 = write x 6",
        "w2 = write x 5",
        "w1 w2",
        "f0 ff",
    ),
    "mapped": (
        "start: x -> nothing; y -> b writable accessed dirty; a = 1; b = 0",
        "x -> a accessed; write y 1",
        READ_BOTH,
        "r1 r2",
        "0f 01 11",
    ),
}


def letters_of(test, outcome, places):
    """Return the values of some places in one letter each: f for a fault; of an entry, D or -."""
    found = dict(zip(test.places(), outcome, strict=True))
    values = [found[place] for place in places.split()]
    return "".join(
        ("D" if "D" in value[1] else "-") if isinstance(value, tuple) else "f" if value == FAULT else str(value)
        for value in values
    )


@pytest.mark.parametrize("name", KNOWN)
def test_a_known_case_has_these_outcomes_and_no_others(name):
    start, first, second, places, expected = KNOWN[name]
    test = read_test(f"test t\n{start}\ncpu 0: {first}\ncpu 1: {second}")
    assert {letters_of(test, outcome, places) for outcome in outcomes(test)} == set(expected.split())


@pytest.mark.parametrize("family", FAMILIES)
def test_what_the_named_tests_say_follows_from_the_model(family):
    assert [text for test in named(family) for text in complaints(test)] == []


def test_a_wrong_never_and_a_wrong_may_are_found():
    text = f"test t\n{REMAPPED}\ncpu 0: x -> b accessed\ncpu 1: r1 = read x\n"
    assert complaints(read_test(text + "never: r1 = 2; r1 = 3\nmay: r1 = 1; r1 = fault")) == [
        "t: never: r1 = 2: the model allows it",
        "t: may: r1 = fault: the model forbids it",
    ]
    test = read_test(text + "never: r1 = 3 and b = 2; r1 = 3 and b = 3")
    outcome = (3, ("b", "PA"), ("c", "PWAD"), 1, 2, 0)
    assert violated(test, outcome) == ["r1 = 3 and b = 2"]


@pytest.mark.parametrize(
    ("name", "condition", "relaxations"),
    [
        ("store-buffering", "r1 = 0 and r2 = 0", {BUFFER}),
        ("stale-read-after-remap", "r1 = 1 and r2 = 1", {STALE}),
        ("dirty-cleared-without-a-flush", "r1 = 1 and w1 = ok and x not dirty", {STALE}),
        ("give-the-right-to-write", "r1 = 1 and w1 = fault", {SPURIOUS, STALE}),
        ("accessed-by-nobody", "x accessed", {SPECULATION}),
        ("store-of-an-entry-waits", "r1 = 0 and r2 = fault", {BUFFER}),
        ("dirty-lost-by-a-store", "a = 5 and x not dirty", set()),
    ],
)
def test_a_weak_outcome_is_put_down_to_what_allows_it(name, condition, relaxations):
    test = next(each for each in all_named() if each.name == name)
    places, wanted = test.places(), next(each for each in test.may if each.text == condition)
    weak = weak_outcomes(test)
    found = [weak.get(outcome, frozenset()) for outcome in outcomes(test) if wanted.holds(places, outcome)]
    assert relaxations in found


@pytest.mark.parametrize("test", all_named()[::7], ids=lambda test: test.name)
def test_each_relaxation_only_adds(test):
    every = outcomes(test)
    assert outcomes(test, ()) <= every
    assert all(outcomes(test, RELAXATIONS - {each}) <= every for each in RELAXATIONS)
