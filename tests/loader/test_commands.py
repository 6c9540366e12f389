"""The commands of the prompt: load, objects, symbol, replace, unload; with Tab, and with what is wrong in one line."""

import pytest
from harness.objects import compiled, put_files
from loader.sources import COUNTER, MATH, TIMES


@pytest.fixture
def prompt(console, guest):
    """A console whose RAM disk has math.o, counter.o and math2.o."""
    put_files(guest, {"math.o": compiled(MATH), "counter.o": compiled(COUNTER), "math2.o": compiled(TIMES)})
    return console


def test_from_files_to_calls_and_back(prompt):
    assert prompt.command("objects") == "no object is loaded: help load\n"
    loaded = prompt.command("load counter.o math.o").splitlines()
    assert [line.split(":")[0] for line in loaded] == ["counter.o", "math.o"]
    assert loaded[1].startswith("math.o: text r-x 0x")
    assert loaded[1].endswith("5 symbols")
    shown = prompt.command("objects")
    assert "counter.o  v0xffffffffa0000000  text r-x" in shown
    assert prompt.command("from loader import symbol") == ""
    assert prompt.command('add3 = symbol("add3").as_func("q(qqq)"); add3(1, 2, 39)') == "42\n"
    seen = prompt.command("symbol add3")
    assert "bytes at v0xffffffffa000" in seen
    assert "in .text of math.o" in seen
    assert "used by .data.rel of counter.o, .text of counter.o" in seen
    assert prompt.command('symbol("add3").as_func("q(qqq)")(1, 1, 1)') == "3\n"
    assert prompt.command("unload math.o").startswith("ObjectNeeded: math.o: needed by ")
    assert prompt.command("replace math.o math2.o").startswith("math2.o: text r-x")
    assert prompt.command('add3(1, 2, 39), symbol("add3").as_func("q(qqq)")(1, 2, 39)') == "(42, 78)\n"
    assert "math.o (replaced, still held)" in prompt.command("objects")
    assert prompt.command("add3.release()") == ""
    assert prompt.command("unload math2.o counter.o") == ""
    assert prompt.command("objects") == "no object is loaded: help load\n"
    assert "nothing to complain of" in prompt.command("verify")


MISTAKES = {
    "load": "UsageError: file is missing: load FILE ...",
    "load nothing.o": "UsageError: nothing.o can't be read (",
    "load(5)": "UsageError: file must be a str, not int",
    "load math.o": "UnresolvedSymbol: math.o: .text: counted, to which offset",
    "symbol nothing": "NoSuchSymbol: no loaded object has a symbol nothing",
    "unload nothing.o": "NoSuchObject: nothing.o: it is not loaded (what is: none)",
    "unload": "UsageError: object is missing: unload OBJECT ...",
    "replace math.o math2.o": "NoSuchObject: math.o: it is not loaded",
    "replace math.o": "UsageError: file is missing: replace OBJECT FILE",
}


def test_what_is_wrong_is_said_in_one_line(prompt):
    for line, said in MISTAKES.items():
        shown = prompt.command(line)
        assert shown.replace("\n    ", " ").startswith(said), line
        assert shown.count("Error") <= 1


def test_tab_completes_files_objects_and_symbols(prompt):
    prompt.send("load cou\t\r")
    prompt.expect_exact("UnresolvedSymbol: counter.o")
    prompt.expect_exact("clew> ")
    prompt.command("load counter.o math.o")
    prompt.send("symbol how\t\r")
    prompt.expect_exact("how_often: 0x")
    prompt.expect_exact("clew> ")
    prompt.send("unload coun\t math.o\r")
    prompt.expect_exact("clew> ")
    assert prompt.command("objects") == "no object is loaded: help load\n"
