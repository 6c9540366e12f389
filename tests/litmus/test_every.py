"""The enumeration: every test is there once, and what is left out would have said nothing."""

import itertools
import random

from oracle import every_litmus as every
from oracle.litmus import outcomes
from oracle.litmus_texts import read_test

HOW_MANY = 22_783
SAMPLES = 40


def test_there_are_so_many_and_each_differs():
    texts = list(every.every_text())
    assert len(texts) == HOW_MANY
    bodies = {text.partition("\n")[2] for text in texts}
    assert len(bodies) == HOW_MANY
    pairs = set(every.all_pairs())
    assert not [pair for pair in pairs if pair[0] != pair[1] and pair[::-1] in pairs]
    for text in random.Random(3).sample(texts, 200):
        test = read_test(text)
        assert sum(map(len, test.cpus)) <= every.ACTS_MAX
        assert test.results()


def test_what_the_named_tests_teach_is_among_them():
    pairs = set(every.all_pairs())
    for first, second in (
        (("write x", "read y"), ("write y", "read x")),
        (("write x", "write y"), ("read y", "read x")),
        (("read x",), ("x -> nothing", "invlpg x", "write y")),
        (("clear x dirty",), ("write x",)),
        (("read x",), ("x -> c writable accessed dirty", "shootdown x", "read x")),
    ):
        assert {(first, second), (second, first)} & pairs


def without(acts, act):
    """Return a list without the first of an act."""
    place = acts.index(act)
    return acts[:place] + acts[place + 1 :]


def results_of(pair, start):
    """Return the outcomes that the model allows."""
    return outcomes(read_test(every.text_of("t", start, pair)))


def test_what_is_left_out_of_a_list_says_nothing():
    """A list that could not be told is one that has an act too many: without it, the outcomes are the same."""
    chance, tried = random.Random(5), 0
    lists = [acts for count in (2, 3) for acts in itertools.product(every.ACTS, repeat=count)]
    others = [acts for count in (1, 2) for acts in itertools.product(every.ACTS, repeat=count)]
    while tried < SAMPLES:
        acts, other = chance.choice(lists), chance.choice(others)
        too_many = [act for act in every.EMPTY_THE_BUFFER if act in acts and not every.is_telling(acts)]
        spare = [act for act in too_many if every.is_telling(without(acts, act)) and act not in every.CHANGE_ENTRY]
        both = every.SHOOTDOWN in acts and every.SHOOTDOWN in other
        if not spare or not every.is_telling(other) or both:
            continue
        start = chance.choice(sorted(every.STARTS))
        allowed = results_of((acts, other), start)
        assert any(results_of((without(acts, act), other), start) == allowed for act in spare), (acts, other, start)
        tried += 1


def test_invlpg_of_an_entry_that_nobody_changes_is_a_fence():
    pair = ("write x", every.INVLPG, "read y"), ("write y", "read x")
    fenced = ("write x", every.FENCE, "read y"), ("write y", "read x")
    assert not every.says_something(*pair)
    assert results_of(pair, "dirty") == results_of(fenced, "dirty")
    asked = ("write x", every.SHOOTDOWN, "read y"), ("write y", "read x")
    assert every.says_something(*asked)
    assert results_of(asked, "dirty") < results_of(fenced, "dirty")
