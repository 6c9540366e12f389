"""What the README shows is what happens: its transcripts are replayed on a fresh machine."""

import re

import machine
import pytest
from harness.objects import compiled, put_files

README = (machine.ROOT / "README.md").read_text()
PROMPTS = re.compile(r"^(clew> |\.\.\. ?)(.*)$")
NO_ROOMS = {"__pycache__", "typings"}
"""Contracts are no room."""


def transcripts():
    """Return each ```clew block as a list of (typed line, [printed lines])."""
    found = []
    for block in re.findall(r"^```clew\n(.*?)^```$", README, re.MULTILINE | re.DOTALL):
        exchange = []
        for line in block.splitlines():
            if prompt := PROMPTS.match(line):
                exchange.append((prompt[2], []))
            else:
                exchange[-1][1].append(line)
        found.append(exchange)
    return found


def c_files():
    """Return {name without .c: text} of the C files in ```c blocks; each begins with its name in a comment."""
    blocks = re.findall(r"^```c\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    return dict(re.findall(r"^/\* (\w+)\.c \*/\n(.*?)(?=^/\*|\Z)", "".join(blocks), re.MULTILINE | re.DOTALL))


NUMBER = re.compile(r"0x[0-9a-f]+|\b\d{2,}\b")


def normal(line):
    """Return a line without what differs from build to build: where things lie, and how wide that makes a column."""
    return re.sub(r" +", " ", NUMBER.sub("N", re.sub(r"\[\d+\]", "[]", line))).strip()


def numbers_of(lines):
    """Return the numbers that normal() takes out, as they are written."""
    return [number for line in lines for number in NUMBER.findall(re.sub(r"\[\d+\]", "[]", line))]


def contradictions(shown, printed):
    """Return what can't be the same session with things lying elsewhere: numbers, in pairs, that are the same once and
    differ once; and small ones, which say nothing about places, that differ."""
    pairs = set(zip(shown, printed, strict=True))
    wrong = [pair for pair in pairs if pair[0] != pair[1] and 0 < min(int(number, 0) for number in pair) < 100]
    for side in 0, 1:
        found = [pair[side] for pair in pairs]
        wrong += [pair for pair in pairs if found.count(pair[side]) > 1]
    return wrong


@pytest.mark.parametrize("number", range(len(transcripts())))
def test_a_transcript_happens_as_shown(guest, number):
    console = guest.console
    if transcripts()[number][0][0].startswith("load "):
        put_files(guest, {f"{name}.o": compiled(text) for name, text in c_files().items()})
    here, there = [], []
    for typed, printed in transcripts()[number]:
        if typed == "exit":
            console.sendline(typed)
            guest.expect_exit(33)
            break
        # In a block the editor indents by itself: take that away first.
        console.send(b"\x15" + typed.encode() + b"\r")
        console.expect([rb"clew> $", rb"\.\.\. +$|\.\.\. $"])
        shown = plain(console.before).split("\n")[1:]
        assert [normal(line) for line in shown if line] == [normal(line) for line in printed]
        here += [*numbers_of([typed]), *numbers_of(shown)]
        there += [*numbers_of([typed]), *numbers_of(printed)]
    assert contradictions(here, there) == []


def test_a_transcript_that_contradicts_itself_is_found():
    numbers = ["0xffffc00000900000", "42", "0x2a", "1054854", "0xffffc00000900000"]
    assert contradictions(numbers, numbers) == []
    assert contradictions(["0x5000", "0x5000"], ["0x7000", "0x7000"]) == [], "it lies elsewhere"
    assert contradictions(["0x5000", "0x5000"], ["0x7000", "0x8000"]) != [], "one address became two"
    assert contradictions(["0x5000", "0x6000"], ["0x7000", "0x7000"]) != [], "two became one"
    assert contradictions(["0x2a"], ["0x2b"]) != [], "a value is no place"


def plain(data):
    """Return console bytes as text."""
    return re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", data.decode()).replace("\r\n", "\n")


def test_there_is_a_transcript_and_it_is_first():
    assert transcripts()
    assert README.index("```clew") < README.index("## ")


def test_the_folder_map_names_what_is_there_and_nothing_else():
    shown = set(re.findall(r"^(\w+)/ ", README, re.MULTILINE))
    assert {name for name in shown if not (machine.ROOT / name).is_dir()} == set()
    for folder in "port", "kernel":
        rooms = re.search(rf"^{folder}/ .*\n((?:          .*\n)+)", README, re.MULTILINE)[1]
        there = {path.name for path in (machine.ROOT / folder).iterdir() if path.is_dir()}
        assert set(re.findall(r"^          (\w+)/ ", rooms, re.MULTILINE)) == there - NO_ROOMS


CONTRIBUTING = (machine.ROOT / "CONTRIBUTING.md").read_text()


def test_the_map_of_the_tests_names_every_room_and_nothing_else():
    rooms = re.search(r"^tests/boot/ .*\n(?:      .*\n)+", CONTRIBUTING, re.MULTILINE)[0]
    named = set(re.findall(r"(?:^      |^tests/|  )(\w+)/", rooms, re.MULTILINE))
    there = {path.name for path in (machine.ROOT / "tests").iterdir() if path.is_dir()}
    assert named == there - {"__pycache__"}


@pytest.mark.parametrize("text", [README, CONTRIBUTING], ids=["README", "CONTRIBUTING"])
def test_what_to_type_and_where_to_look_exists(text):
    """Targets of make, and paths in code spans; a star stands for any name, and what build/ has is made."""
    targets = set(re.findall(r"^([a-z-]+):", (machine.ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)", text)) <= targets
    paths = re.findall(r"`((?:kernel|port|tests|tools|boot|docs)/[\w./*-]+)`", text)
    paths = {path for path in paths if "_name." not in path} | set(re.findall(r"\]\(([\w./-]+)\)", text))
    assert {path for path in paths if not list(machine.ROOT.glob(path))} == set()
