"""What the README shows is what happens: its transcripts are replayed on a fresh machine."""

import re

import machine
import pytest
from harness.guard import SHOWS_ALL
from harness.sessions import typed_in_a_machine
from harness.transcripts import Numbers, sessions

README = (machine.ROOT / "README.md").read_text()
NO_ROOMS = {"__pycache__", "typings"}
"""Contracts are no room."""


SESSIONS = sessions(README, "README.md")


@SHOWS_ALL
@pytest.mark.four_levels
@pytest.mark.parametrize("number", range(len(SESSIONS)))
def test_a_transcript_happens_as_shown(boot, tmp_path, number):
    typed_in_a_machine(boot, tmp_path, README, "README.md", SESSIONS[number], Numbers(README, "README.md"))


def test_there_is_a_transcript_and_it_is_first():
    assert SESSIONS
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
