"""Random mutants are where they say, one small fault each, and keep their names when lines move."""

import ast
import os
import subprocess
import sys
from xml.etree import ElementTree

import mutant_jobs
import mutants
import mutations
import mutations_c
import mutations_python
import pytest
import relevance
from mutant_list.equivalent import EQUIVALENT

PYTHON = b'''"""A docstring, 1 < 2."""
LIMIT = 3


class Table:
    """Another."""

    def find(self, page: int = 7, *, wide=False) -> None:
        """A third."""
        if not self.has(page, wide) and page <= LIMIT:
            raise ValueError(f"{page < 4}")
        self.seen = page
        return page is not None
'''
C = b"""#define ONE(x) \\
    (1 + !(x))
#include <stdio.h>
static const int table[] = { 1, 2 };

/* 5 < 6 */
static int find(int page, bool wide) {
    uint64_t *entry = of(page, wide);
    asm volatile ("mov $1, %0" : "=r"(page) : "i"(8 < 9));
    if (!wide && page->bits < 0x10) {
        *entry = 0;
        entry_flush(page, f(wide, 'a'), "a, b");
        return;
    }
    for (int i = 0; i < 3; i++) {
        break;
    }
    return 7u;
}
"""


def shown(source, places):
    """Return {operator: [(function, old, new)]}."""
    found = {}
    for function, operator, start, end, new in places:
        found.setdefault(operator, []).append((function, source[start:end].decode(), new.decode()))
    return found


def test_the_faults_of_a_python_source():
    assert shown(PYTHON, mutations_python.places(PYTHON)) == {
        "constant": [
            ("module", "3", "4"),
            ("Table.find", "7", "8"),
            ("Table.find", "False", "True"),
        ],
        "dropped not": [("Table.find", "not self.has(page, wide)", "self.has(page, wide)")],
        "swapped argument": [("Table.find", "page, wide", "wide, page")],
        "compare": [("Table.find", "<=", "<"), ("Table.find", "is not", "is")],
        "deleted statement": [
            ("Table.find", "self.seen = page", "pass"),
            ("Table.find", "return page is not None", "pass"),
            ("Table.find", 'raise ValueError(f"{page < 4}")', "pass"),
        ],
    }


def test_the_faults_of_a_c_source_are_inside_of_functions_and_no_declarations():
    assert shown(C, mutations_c.places(C)) == {
        "compare": [("find", "<", "<="), ("find", "<", "<=")],
        "constant": [
            *(("find", "0x10", "0x11"), ("find", "0", "1"), ("find", "0", "1")),
            *(("find", "3", "4"), ("find", "7u", "8u")),
        ],
        "dropped not": [("find", "!", "")],
        "swapped argument": [
            ("find", "page, wide", "wide, page"),
            ("find", "page, f(wide, 'a')", "f(wide, 'a'), page"),
            ("find", "f(wide, 'a'), \"a, b\"", "\"a, b\", f(wide, 'a')"),
            ("find", "wide, 'a'", "'a', wide"),
        ],
        "deleted statement": [
            ("find", "*entry = 0", ""),
            ("find", "entry_flush(page, f(wide, 'a'), \"a, b\")", ""),
            ("find", "return", ""),
            ("find", "break", ""),
        ],
    }


def test_a_name_stays_when_lines_move_and_goes_when_its_line_changes():
    before = {one.name for one in mutations.of_file("kernel/x.py", PYTHON)}
    assert len(before) == 10
    assert {one.name for one in mutations.of_file("kernel/x.py", b"import y\n\n" + PYTHON)} == before
    changed = {one.name for one in mutations.of_file("kernel/x.py", PYTHON.replace(b"page <= LIMIT", b"page <= 9"))}
    assert 0 < len(before - changed) < len(before)
    twice = mutations.of_file("kernel/x.py", b"def f():\n    g()\n    g()\n")
    assert [one.key.endswith(" (#2)") for one in twice] == [False, True]


@pytest.fixture(scope="module")
def everywhere():
    return mutations.everywhere()


def test_the_tree_has_thousands_of_every_operator_in_both_languages(everywhere):
    assert len({one.name for one in everywhere}) == len(everywhere) > 10_000
    for folder in "kernel", "port":
        found = {one.operator for one in everywhere if one.file.startswith(folder)}
        assert found == {"compare", "constant", "deleted statement", "swapped argument", "dropped not"}


def test_a_seed_draws_the_same_ones_and_more_of_them_are_the_same_and_others(everywhere):
    few, many = mutations.drawn(everywhere, 7)[:40], mutations.drawn(everywhere, 7)[:200]
    assert many[:40] == few
    assert mutations.drawn(everywhere, 8)[:40] != few
    without = [one for one in everywhere if one not in few[::2]]
    assert mutations.drawn(without, 7)[:20] == few[1::2]


def test_a_random_fault_in_python_is_still_python_and_a_change(everywhere):
    for one in mutations.drawn([one for one in everywhere if one.file.endswith(".py")], 1)[:100]:
        source = (mutations.ROOT / one.file).read_bytes()
        assert source[one.start : one.start + len(one.old)] == one.old
        changed = source[: one.start] + one.new + source[one.start + len(one.old) :]
        assert ast.dump(ast.parse(changed)) != ast.dump(ast.parse(source)), one.key


def test_each_equivalent_one_is_still_there_and_has_its_reason(everywhere):
    assert set(EQUIVALENT) - {one.key for one in everywhere} == set(), "these lines have changed: judge them anew"
    assert all(len(reason.split()) > 3 for reason in EQUIVALENT.values())


def test_the_likeliest_tests_come_first_and_none_that_only_looks_at_sources():
    found = relevance.Relevance()
    first = found.ranked("kernel/paging/leaves.py", "extent", "shift = 9 * (level - 1)")
    assert set(first) == set(relevance.judges())
    assert all(test.startswith("tests/paging/") for test in first[:4])
    assert "tests/faults/test_examples.py" in found.ranked("kernel/examples/zero_fill.py", "answer", "return 1")[:4]
    assert "tests/micropython/test_language.py" in found.ranked("port/quick/binary.c", "mp_binary_op", "a - b")[:3]
    assert not [test for test in first if test.startswith(("tests/house", "tests/self"))]


def test_a_budget_is_spent_on_the_likeliest_that_fit_and_never_on_one_that_takes_all():
    seconds = {"long": 95.0, "first": 40.0, "second": 45.0, "third": 10.0}
    assert mutants.within(["long", "first", "unknown", "second", "third"], seconds, 90) == (["first", "second"], 85.0)
    assert mutants.within(["long", "unknown"], seconds, 90) == (["long"], 95.0)


def test_only_quick_tests_count_for_a_budget(tmp_path):
    """What pytest's own report says of tests that are marked; how long they take is said here."""
    file = tmp_path / "test_some.py"
    marks = "@pytest.mark.slow", "@pytest.mark.bochs", ""
    bodies = [f"{mark}\ndef test_{number}(): pass\n" for number, mark in enumerate(marks)]
    file.write_text("import pytest\n" + "".join(bodies))
    report = tmp_path / "report.xml"
    tests, tools = mutations.ROOT / "tests", mutations.ROOT / "tools"
    options = ["-c", str(mutations.ROOT / "pyproject.toml"), "-p", "conftest", "-p", "no:cacheprovider", "-n", "0"]
    command = [sys.executable, "-m", "pytest", *options, "--junitxml", str(report), "-q", str(file)]
    ran = subprocess.run(
        command,
        env=os.environ | {"PYTHONPATH": f"{tests}:{tools}"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    cases = list(ElementTree.parse(report).iter("testcase"))
    for case in cases:
        case.set("time", "2")
    assert len(cases) == 3
    assert list(mutant_jobs.seconds_of(cases).values()) == [2.0]
