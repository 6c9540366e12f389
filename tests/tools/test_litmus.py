"""`make litmus`: what is forbidden is red and named with the command that shows it again; nothing is left out."""

import argparse
import subprocess
import sys

import litmus
import machine
import pytest
from oracle.litmus import FAULTS_KEEP, outcomes
from oracle.litmus_texts import all_named

OPTIONS = argparse.Namespace(runs=2000, each=8, sample=1, seed=1)


def shown(extra=()):
    """Return a stand-in for what a machine does: each test shows all that is allowed, and these besides."""

    def histograms(machine, tests, runs, seed):
        for test in tests:
            yield test, dict.fromkeys([*outcomes(test), *extra], 3)

    return histograms


def test_a_forbidden_outcome_is_told_with_the_command_that_shows_it_again(monkeypatch):
    monkeypatch.setattr(litmus, "histograms", shown())
    answer = litmus.perform("qemu", 9, 1, family="aliases")
    assert answer["disagreements"] == []
    assert answer["counts"]["qemu: tests"] == answer["counts"]["tests"] == len(litmus.named("aliases"))
    assert answer["counts"]["runs"] == 9 * answer["counts"]["tests"]
    stale = next(test for test in all_named() if test.name == "shootdown-unmap")
    forbidden = (1, 1, ("", ""), ("c", "PWAD"), 1, 1)
    monkeypatch.setattr(litmus, "named", lambda family: [stale])
    monkeypatch.setattr(litmus, "histograms", shown([forbidden]))
    ((text, again),) = litmus.perform("bochs", 9, 5, family="shootdown")["disagreements"]
    assert text == (
        "bochs, shootdown-unmap: 3 of 9 runs: r1 = 1, r2 = 1, x = nothing, y = c PWAD, a = 1, c = 1;"
        " never: r1 = 1 and r2 = 1"
    )
    assert again == "make litmus ARGS='--machine bochs --test shootdown-unmap --runs 9 --seed 5'"


def test_an_outcome_that_no_test_names_is_forbidden_too(monkeypatch):
    first = litmus.read_test(litmus.every()[0])
    wrong = tuple(
        9 if place[0] == "r" else value
        for place, value in zip(first.places(), min(outcomes(first), key=str), strict=True)
    )
    monkeypatch.setattr(litmus, "histograms", shown([wrong]))
    ((text, again),) = litmus.perform("qemu", 8, 1, numbers=[0])["disagreements"]
    assert text.startswith(f"qemu, {first.name}: 3 of 8 runs: r1 = 9, ")
    assert f"--test {first.name} " in again


def test_a_known_fault_of_an_emulator_is_counted_for_that_emulator_only(monkeypatch):
    """QEMU's TLB goes on with a page whose access has just faulted."""
    text = "test t\nstart: x -> a writable accessed; a = 1\ncpu 0: x -> nothing\ncpu 1: w1 = write x 5; r1 = read x"
    test = litmus.read_test(text)
    kept, forbidden = (255, 1, ("", ""), 1), (255, 5, ("", ""), 1)
    assert litmus.judge(test, {kept: 3}, litmus.KNOWN[litmus.QEMU]) == ([], {FAULTS_KEEP: 3})
    assert litmus.judge(test, {kept: 3}) == ([("w1 = fault, r1 = 1, x = nothing, a = 1", 3)], {})
    found, excused = litmus.judge(test, {forbidden: 2}, litmus.KNOWN[litmus.QEMU])
    assert (len(found), excused) == (1, {})
    monkeypatch.setattr(litmus, "read_test", lambda text: test)
    monkeypatch.setattr(litmus, "histograms", shown([kept]))
    answer = litmus.perform("qemu", 8, 1, numbers=[0])
    assert answer["disagreements"] == []
    assert answer["counts"][f"qemu: known fault, {FAULTS_KEEP}"] == 3
    assert len(litmus.perform("bochs", 8, 1, numbers=[0])["disagreements"]) == 1


def test_what_is_allowed_and_was_not_seen_is_counted_by_its_reason(monkeypatch):
    test = next(test for test in all_named() if test.name == "store-buffering")
    seen = {outcome: 1 for outcome in outcomes(test) if outcome[:2] != (0, 0)}
    assert litmus.weakness(test, seen) == ({"store buffer, allowed": 1, "store buffer, seen": 0}, ["r1 = 0 and r2 = 0"])
    both = dict.fromkeys(outcomes(test), 1)
    assert litmus.weakness(test, both) == ({"store buffer, allowed": 1, "store buffer, seen": 1}, [])


def test_every_test_is_in_a_job_on_each_machine():
    jobs = litmus.jobs_of(litmus.MACHINES, OPTIONS)
    assert len({job.name for job in jobs}) == len(jobs)
    for name in (litmus.QEMU, litmus.ONE_THREAD):
        words = [job.words for job in jobs if job.words["machine"] == name]
        numbers = [number for each in words for number in each.get("numbers", ())]
        assert numbers == list(range(len(litmus.every())))
        assert sum(each["runs"] * len(each["numbers"]) for each in words if "numbers" in each) >= 100_000
        named = {(each["family"], each["processors"]) for each in words if "family" in each}
        assert named >= {(family, len(test.cpus)) for family in litmus.FAMILIES for test in litmus.named(family)}
    rare = [job for job in jobs if job.words["machine"] == litmus.BOCHS and "numbers" in job.words]
    assert 0 < sum(len(job.words["numbers"]) for job in rare) < len(litmus.every()) / 10


def test_one_test_again_is_found_by_its_name():
    assert litmus.job_of_test("bochs", "three-shootdown", OPTIONS).words["processors"] == 3
    number = 7000
    name = litmus.every()[number].split()[1]
    assert litmus.job_of_test("qemu", name, OPTIONS).words["numbers"] == [number]
    assert litmus.job_of_test("qemu", "nobody", OPTIONS) is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--test nobody", "--test nobody: no named test"),
        ("--machine vmware", "invalid choice: 'vmware'"),
    ],
)
def test_a_wrong_option_is_told_in_one_line(words, said):
    command = [sys.executable, machine.ROOT / "tools" / "litmus.py", *words.split()]
    run = subprocess.run(command, check=False, capture_output=True, text=True)
    assert run.returncode == 1
    assert said in run.stderr
    assert len(run.stderr.splitlines()) == 1
