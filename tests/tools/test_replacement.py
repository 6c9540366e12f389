"""The judge of replacement policies itself: it says where a policy and its textbook part, and how to see it again."""

import subprocess
import sys

import machine
import pytest
import replacement

CASE = ("zipf", 12, 4, 32, 5, 400)


def test_a_difference_is_told_with_the_command_that_shows_it_again(monkeypatch):
    textbook = replacement.faults_of
    assert replacement.perform("fifo", [CASE])["disagreements"] == []

    def wrong(policy, references, frames, interval):
        found = textbook(policy, references, frames, interval)
        found[9] = (found[9][0], found[9][1] + 1)
        return found

    monkeypatch.setattr(replacement, "faults_of", wrong)
    answer = replacement.perform("fifo", [CASE])
    ((text, again),) = answer["disagreements"]
    assert text.startswith("fifo, zipf:12:4:32:5:400: fault 9 is at reference ")
    assert again == "make replacement ARGS='--policy fifo --case zipf:12:4:32:5:400'"
    assert replacement.case_of("zipf:12:4:32:5:400") == CASE
    assert answer["counts"]["references"] == 400


@pytest.mark.parametrize(
    ("seen", "expected", "said"),
    [
        ([(1, -1)], [(1, -1)], ""),
        ([(1, -1)], [], "fault 0 is at reference 1 and nobody goes, the textbook's none"),
        ([(1, -1)], [(1, -1), (4, 2)], "fault 1 is none, the textbook's at reference 4 and page 2 goes"),
    ],
)
def test_a_difference_in_words(seen, expected, said):
    assert replacement.difference(seen, expected) == said


def test_a_million_references_of_a_policy_are_of_every_kind_and_those_of_a_seed_the_same():
    cases = list(replacement.cases_of(1, 1_000_000))
    assert sum(case[-1] for case in cases) == 1_000_000
    assert {case[0] for case in cases} == set(replacement.KINDS)
    assert cases == list(replacement.cases_of(1, 1_000_000)) != list(replacement.cases_of(2, 1_000_000))
    assert all(1 <= frames < pages for _, pages, frames, *_ in cases)
    jobs = replacement.jobs_of(["fifo", "opt"], cases, 1)
    assert len({job.name for job in jobs}) == len(jobs) == 10


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--case zipf:1:2", "KIND:PAGES:FRAMES:INTERVAL:SEED:REFERENCES expected"),
        ("--case zip:12:4:32:5:400", "KIND:PAGES"),
        ("--policy lru", "invalid choice: 'lru'"),
        ("--references 0", "at least 1"),
    ],
)
def test_a_wrong_option_is_told_in_one_line(words, said):
    command = [sys.executable, machine.ROOT / "tools" / "replacement.py", *words.split()]
    run = subprocess.run(command, check=False, capture_output=True, text=True)
    assert run.returncode == 1
    assert said in run.stderr
    assert len(run.stderr.splitlines()) == 1
