"""Each policy does what its textbook says, fault by fault and page by page, on the MMU's own bits and faults."""

import ast
import re

import machine
import pytest
import replacement
from oracle.replacement import ALGORITHMS

FILES = sorted((machine.ROOT / "kernel" / "replacement" / "policies").glob("[a-z]*.py"))
LINES_MAX = 30
SEED = 7
# Of each kind: pages, frames, references from one tick to the next, references. A quarter of these are writes.
SETTINGS = {
    "uniform": (12, 9, 32, 1_500),
    "zipf": (24, 16, 8, 4_000),
    "favourites": (24, 14, 32, 4_000),
    "loop": (9, 8, 32, 500),
    "scan": (20, 12, 32, 4_000),
    "phases": (32, 9, 32, 5_500),
    "belady": (5, 3, 1, 500),
}


def test_there_are_twenty_thousand_references_of_every_kind():
    assert set(SETTINGS) == set(replacement.KINDS)
    assert sum(references for *_, references in SETTINGS.values()) == 20_000


@pytest.mark.parametrize("policy", ALGORITHMS)
def test_a_policy_faults_as_its_textbook_says(kernel, policy):
    kernel.timeout = 60
    kernel.exec(replacement.PROGRAM)
    for kind, (pages, frames, interval, references) in SETTINGS.items():
        count, differs = replacement.judge(kernel, policy, (kind, pages, frames, interval, SEED, references))
        assert differs == "", f"{kind}: {differs}"
        assert count > pages


def lines_of_code(node):
    """Return how many lines of a class are neither empty nor a docstring."""
    lines = set(range(node.lineno, node.end_lineno + 1))
    for each in ast.walk(node):
        if isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant) and isinstance(each.value.value, str):
            lines -= set(range(each.lineno, each.end_lineno + 1))
    return lines


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_policy_is_short_and_says_where_it_is_from(path):
    source = path.read_text()
    module = ast.parse(source)
    for node in module.body:
        if isinstance(node, ast.ClassDef):
            text = source.splitlines()
            assert len([line for line in lines_of_code(node) if text[line - 1].strip()]) <= LINES_MAX
            assert len(ast.get_docstring(node)) > 60
    assert path.stem == "random" or re.search(r"\(.+, \"", ast.get_docstring(module)), "author and title"


def test_every_policy_takes_over_amid_a_program_whose_store_fails(swapped):
    """Nothing is lost: each is told of the pages that are there, and asked again after a victim could not go."""
    swapped.exec("""
        from replacement.numbers import Numbers
        from replacement.policies import NAMES
        new(interval=5)
        numbers, refused = Numbers(7), []
        for name in 2 * [each for each in NAMES if each != "opt"]:
            s.policy = name
            for step in range(40):
                page, value = numbers.below(PAGES), numbers.below(251)
                if step % 7 == 3: store.fails = "write", 1, OSError(5)
                try:
                    assert memory[page * PAGE_SIZE] == expected[page]
                    memory[page * PAGE_SIZE] = expected[page] = value
                except StoreError:
                    refused.append(name)
            assert s.policy.name == name and len(s.resident) == 3
            store.fails = None
        """)
    assert swapped.eval("len(set(refused)) == len(NAMES) - 1")
    assert swapped.eval("[memory[page * PAGE_SIZE] for page in range(PAGES)] == expected")
    with swapped.raises("PolicyFailed", "policy opt can't be made: .*"):
        swapped.exec("s.policy = 'opt'")
    assert swapped.eval("s.policy.name") == "random"
    swapped.exec("s.drop()")
