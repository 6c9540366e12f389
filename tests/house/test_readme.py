"""What the README shows is what happens: its transcripts are replayed on a fresh machine."""

import re

import machine
import pytest

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


def normal(line):
    """Return a line without what differs from build to build: where things lie, and how wide that makes a column."""
    line = re.sub(r"0x[0-9a-f]+", "0x", re.sub(r"\[\d+\]", "[]", line))
    return re.sub(r" +", " ", re.sub(r"\b\d{2,}\b", "N", line)).strip()


@pytest.mark.parametrize("number", range(len(transcripts())))
def test_a_transcript_happens_as_shown(guest, number):
    console = guest.console
    for typed, printed in transcripts()[number]:
        if typed == "exit":
            console.sendline(typed)
            guest.expect_exit(33)
            return
        # In a block the editor indents by itself: take that away first.
        console.send(b"\x15" + typed.encode() + b"\r")
        console.expect([rb"clew> $", rb"\.\.\. +$|\.\.\. $"])
        shown = plain(console.before).split("\n")[1:]
        assert [normal(line) for line in shown if line] == [normal(line) for line in printed]


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
