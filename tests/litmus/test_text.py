"""The text of a litmus test: what it says arrives, and each mistake has an error of its own, with its line."""

import pytest
from oracle.litmus_texts import FAMILIES, FOLDER, LitmusError, all_named, read_test, read_tests, reader

WHOLE = """\
# Above the first test anything may be remarked.

test stale-read
# What is flushed here
# is remembered there.
start: x -> a accessed writable; y -> nothing; a = 1; b = 250
cpu 0: x -> b global; clear x dirty accessed; invlpg x; fence; r1 = read x; shootdown y
cpu 1: w1 = write x 5; write y 6; y -> nothing; r12 = read y
may: r1 = 1 and w1 = ok and x dirty; r12 = fault
never: a = 3 and x not dirty
never: w1 = fault
"""


def test_what_a_text_says_arrives():
    test = read_test(WHOLE)
    assert (test.name, test.about) == ("stale-read", ["What is flushed here", "is remembered there."])
    assert test.entries == {"x": ("a", "PWA"), "y": ("", "")}
    assert test.memory == {"a": 1, "b": 250}
    acts = [[(act.kind, act.page, act.what, act.result) for act in cpu] for cpu in test.cpus]
    assert acts == [
        [
            ("entry", "x", ("b", "PG"), ""),
            ("clear", "x", "AD", ""),
            ("invlpg", "x", None, ""),
            ("fence", "", None, ""),
            ("read", "x", None, "r1"),
            ("shootdown", "y", None, ""),
        ],
        [
            ("write", "x", 5, "w1"),
            ("write", "y", 6, ""),
            ("entry", "y", ("", ""), ""),
            ("read", "y", None, "r12"),
        ],
    ]
    assert test.places() == ["r1", "w1", "r12", "x", "y", "a", "b"]
    assert [each.terms for each in test.may] == [
        [("r1", 1, True), ("w1", 0, True), ("x", "D", True)],
        [("r12", 255, True)],
    ]
    assert [each.text for each in test.never] == ["a = 3 and x not dirty", "w1 = fault"]
    assert read_test(test.text()).lines == test.lines


@pytest.mark.parametrize(
    ("outcome", "holds"),
    [
        ((1, 0, 255, ("a", "PWAD"), ("", ""), 3, 250), [True, True, False, False]),
        ((1, 0, 7, ("a", "PWA"), ("", ""), 3, 250), [False, False, True, False]),
        ((2, 255, 7, ("", ""), ("", ""), 4, 250), [False, False, False, True]),
    ],
)
def test_a_condition_holds_in_outcomes_that_are_so(outcome, holds):
    test = read_test(WHOLE)
    assert [each.holds(test.places(), outcome) for each in (*test.may, *test.never)] == holds


def test_values_are_said_in_the_words_of_the_texts():
    kinds = reader.kinds_of(read_test(WHOLE))
    values = {"r1": 0, "w1": 0, "r12": 255, "x": ("a", "PWA"), "y": ("", ""), "a": 0}
    said = [reader.said(place, value, kinds) for place, value in values.items()]
    assert said == ["0", "ok", "fault", "a PWA", "nothing", "0"]


HEAD = "test t\nstart: x -> a writable; y -> b; a = 1; b = 2\n"
CPUS = HEAD + "cpu 0: r1 = read x\ncpu 1: w1 = write x 5\n"
MISTAKES = {
    "": "line 1: there is no test",
    "# nothing but a remark": "line 1: there is no test",
    "start: a = 1": "line 1: a test begins with `test NAME`",
    "test": "line 1: the test has no name: test NAME",
    "test Big": "line 1: Big is no name",
    "test two words": "line 1: two words is no name",
    "test " + "n" * 41: "is no name: at most 40",
    CPUS + CPUS: "line 5: there are two tests t",
    "test t": "line 1: t has 0 cpus: two at least",
    HEAD + "cpu 0: fence": "line 3: t has 1 cpus: two at least",
    HEAD + "cpu 0: fence\ntest u": "line 3: t has 1 cpus: two at least",
    HEAD + "whatever": "line 3: whatever: start:, cpu 0:, may:, never: or # was expected",
    HEAD + "sometimes: r1 = 1": "line 3: sometimes: is none of start, cpu 0, may, never",
    HEAD + ": r1 = 1": "start:, cpu 0:, may:, never: or # was expected",
    CPUS + "start: c = 1": "line 5: start stands above the cpus",
    HEAD + "may: r1 = 1": "line 3: may stands below the cpus",
    HEAD + "never: r1 = 1": "line 3: never stands below the cpus",
    "test t\nstart: x is mapped": "line 2: 'x is mapped' is no start",
    "test t\nstart:": "line 2: '' is no start",
    "test t\nstart: z -> a": "line 2: z is no page: x, y",
    "test t\nstart: x -> e": "line 2: e is no frame: a, b, c, d",
    "test t\nstart: x ->": "an entry is a frame with flags, or `nothing` alone",
    "test t\nstart: x -> nothing writable": "an entry is a frame with flags, or `nothing` alone",
    "test t\nstart: x -> a huge": "line 2: huge is no flag: present, writable, accessed, dirty, global",
    "test t\nstart: e = 1": "line 2: e is no frame: a, b, c, d",
    "test t\nstart: a = 251": "line 2: 251 is no value: 0 to 250",
    "test t\nstart: a = -1": "line 2: -1 is no value: 0 to 250",
    "test t\nstart: a = 1; a = 2": "line 2: a has two values to start with",
    "test t\nstart: x -> a; x -> b": "line 2: x has two entries to start with",
    HEAD + "cpu 1: fence": "line 3: cpu 0: was expected, cpus are numbered from 0 on",
    HEAD + "cpu: fence": "line 3: cpu 0: was expected",
    CPUS + "cpu 1: fence": "line 5: cpu 2: was expected",
    CPUS + "cpu 2: fence\ncpu 3: fence": "line 6: a test has at most 3 cpus",
    HEAD + "cpu 0: " + "; ".join(["fence"] * 7): "line 3: a cpu does at most 6 acts, not 7",
    HEAD + "cpu 0: jump": "line 3: jump is no act: r1 = read x, write x 5, x -> a writable, ",
    HEAD + "cpu 0: fence;": "line 3: an act is missing",
    HEAD + "cpu 0:": "line 3: an act is missing",
    HEAD + "cpu 0: r1 =": "line 3: an act is missing",
    HEAD + "cpu 0: read x": "line 3: what is read needs a name: r1 = read x",
    HEAD + "cpu 0: r1 = read": "line 3: r1 = read is no act",
    HEAD + "cpu 0: r1 = read z": "line 3: z is no page: x, y",
    HEAD + "cpu 0: q1 = read x": "line 3: q1 is no name of a result: r1, w2",
    HEAD + "cpu 0: r = read x": "line 3: r is no name of a result: r1, w2",
    HEAD + "cpu 0: r1 = fence": "line 3: r1 = fence leaves nothing: only read and write do",
    HEAD + "cpu 0: r1 = x -> a": "leaves nothing: only read and write do",
    HEAD + "cpu 0: r1 = read x; r1 = read y": "line 3: two acts leave r1",
    HEAD + "cpu 0: r1 = read x\ncpu 1: r1 = read x": "line 4: two acts leave r1",
    HEAD + "cpu 0: write x": "line 3: write x is no act",
    HEAD + "cpu 0: write x 300": "line 3: 300 is no value: 0 to 250",
    HEAD + "cpu 0: clear x": "line 3: clear x is no act",
    HEAD + "cpu 0: clear x huge": "line 3: huge is no flag",
    HEAD + "cpu 0: invlpg": "line 3: invlpg is no act",
    HEAD + "cpu 0: invlpg x y": "line 3: invlpg x y is no act",
    HEAD + "cpu 0: shootdown q": "line 3: q is no page: x, y",
    HEAD + "cpu 0: shootdown x\ncpu 1: shootdown y": "line 4: t: only one cpu can shoot down, the one that runs Python",
    "test t\nstart: x -> a; a = 1\ncpu 0: r1 = read y\ncpu 1: fence": "t has no entry for y to start with",
    "test t\nstart: x -> a; b = 1\ncpu 0: r1 = read x\ncpu 1: fence": "t has no value for frame a to start with",
    HEAD + "cpu 0: x -> c\ncpu 1: fence": "t has no value for frame c to start with",
    CPUS + "never: r2 = 1": "line 5: r2 is neither a result nor a frame of this test",
    CPUS + "never: c = 1": "line 5: c is neither a result nor a frame of this test",
    CPUS + "never: w1 = 5": "line 5: a write is ok or fault, not 5",
    CPUS + "never: r1 = ok": "line 5: ok is no value: 0 to 250",
    CPUS + "never: r1 is 1": "line 5: 'r1 is 1' can't be so: r1 = 1, w1 = fault, a = 2, x dirty, x not dirty",
    CPUS + "never: r1 = 1 and": "line 5: 'r1 = 1 and' can't be so",
    CPUS + "never:": "line 5: '' can't be so",
    CPUS + "never: x dusty": "line 5: dusty is no flag",
    CPUS + "may: x no dirty": "line 5: 'x no dirty' can't be so",
}


@pytest.mark.parametrize("text", MISTAKES, ids=range(len(MISTAKES)))
def test_a_mistake_is_told_with_its_line(text):
    with pytest.raises(LitmusError) as caught:
        read_tests(text)
    said = str(caught.value)
    assert MISTAKES[text] in said
    assert said.startswith(f"line {caught.value.line}: ")


def test_micropython_reads_them_and_says_the_same(unix_python):
    """The kernel and the host read with one file, in two languages."""
    unix_python.exec(f"MISTAKES = {list(MISTAKES)!r}\nfrom litmus.text import read_tests, LitmusError")
    unix_python.exec("""
        def said(text):
            try:
                return [each.places() for each in read_tests(text)]
            except LitmusError as error:
                return str(error)
    """)
    for text in MISTAKES:
        with pytest.raises(LitmusError) as caught:
            read_tests(text)
        assert unix_python.eval(f"said({text!r})") == str(caught.value)
    unix_python.exec("from litmus.families import NAMES, names_of, text_of, text_of_test")
    tests = unix_python.eval("[each for family in NAMES for each in said(text_of(family))]")
    assert tests == [test.places() for test in all_named()]
    names = unix_python.eval("[name for family in NAMES for name in names_of(family)]")
    assert names == [test.name for test in all_named()]
    for test in all_named():
        lines = unix_python.eval(f"text_of_test({test.name!r}).split('\\n')")
        assert [line for line in lines if line] == test.lines
    assert unix_python.eval("text_of_test('stale')") is None


def test_one_test_is_one():
    with pytest.raises(LitmusError, match="one test was expected, not 2"):
        read_test(CPUS + CPUS.replace("test t", "test u"))


def test_each_family_is_a_file_and_each_test_says_what_it_teaches():
    assert sorted(FAMILIES) == sorted(path.stem for path in (FOLDER / "families").glob("[a-z]*.py"))
    tests = all_named()
    assert len(tests) == len({test.name for test in tests}) >= 60
    assert [test.name for test in tests if not test.about or not (test.may or test.never)] == []
