"""The numbers that README and CHANGELOG state are found, and brought up to date, by `make numbers`."""

import json
import re

import machine
import numbers_of_runs as numbers
import pytest

TEXTS = {file: (machine.ROOT / file).read_text() for file in (numbers.README, numbers.CHANGELOG)}
JUNIT = (
    '<testsuites><testsuite name="pytest" errors="0" failures="{}" skipped="1" tests="4322" time="361.2"/></testsuites>'
)


@pytest.fixture
def build(tmp_path, monkeypatch):
    """A build/ where every target has run whole, with numbers that nobody has measured."""
    monkeypatch.setattr(numbers, "BUILD", tmp_path)
    campaign = {"jobs": 77, "done": 77, "interrupted": False, "disagreements": []}
    results = {
        "matrix.json": campaign | {"counts": {"cases": 99_000_001}},
        "fuzz-objects.json": campaign | {"counts": {"files": 19_999, "loaded": 5}},
        "replacement.json": campaign | {"counts": {"references": 88_000_001}},
        "litmus.json": campaign | {"counts": {"runs": 77_000_001, "tests": 66_001}},
        "mutants.json": campaign | {"counts": {"caught": 76, "escaped": 1}},
        "mutants-random.json": campaign | {"counts": {"caught": 57, "escaped": 3, "no program": 17}},
        "micropython-tests.json": {"bytecode": [11, 12], "native": [13, 14]},
        "bench.json": {"rows": {name: {"instructions": 1234.56} for name in numbers.BENCH_ROWS}},
        "bench-boot.json": {"pvh": 1.0, "iso": 2.0, "uefi": 3.0, "soft reset": 4.0},
    }
    for name, found in results.items():
        (tmp_path / name).write_text(json.dumps(found))
    (tmp_path / "tests.xml").write_text(JUNIT.format(0))
    return tmp_path


def without_numbers(text):
    """Return a text without its numbers."""
    return re.sub(r"[\d,.]+", "N", text)


def test_every_sentence_with_numbers_of_a_run_is_there_once():
    for file, pattern, _, _ in numbers.PLACES:
        assert len(re.findall(pattern, TEXTS[file])) == 1, pattern


def test_numbers_are_brought_up_to_date_and_nothing_else_changes(build):
    texts, old, unknown = numbers.brought_up_to_date(TEXTS)
    assert unknown == []
    assert len(old) == len(numbers.PLACES)
    for said in (
        *("| 4,321 passed; 6 minutes", "| 99,000,001 accesses", "| 76 of 77 caught", "| 19,999 files, each"),
        "| 88,000,001 references",
        "| 77,000,001 runs of 66,001 tests",
        *("bytecode 11 of 12, native 13 of 14;", "map a page by numbers 1,235,", "PVH 1.00 s, ISO 2.00 s, UEFI 3.0 s;"),
    ):
        assert said in texts[numbers.README]
    assert "`make matrix`: 99,000,001 accesses" in texts[numbers.CHANGELOG]
    assert {file: without_numbers(text) for file, text in texts.items()} == {
        file: without_numbers(text) for file, text in TEXTS.items()
    }
    assert numbers.brought_up_to_date(texts) == (texts, [], [])


def test_what_failed_or_did_not_run_whole_says_nothing(build):
    (build / "tests.xml").write_text(JUNIT.format(3))
    (build / "matrix.json").write_text(json.dumps({"jobs": 48, "done": 47, "disagreements": [], "counts": {}}))
    (build / "bench.json").write_text('{"rows": {}}')
    (build / "bench-boot.json").unlink()
    texts, old, unknown = numbers.brought_up_to_date(TEXTS)
    assert len(unknown) == 5
    assert len(old) == len(numbers.PLACES) - 5
    assert "3 tests failed" in unknown[0]
    assert "1 jobs missing" in unknown[1]
    passed = [re.search(numbers.PLACES[0][1], text[numbers.README])[0] for text in (texts, TEXTS)]
    assert passed[0] == passed[1]


def test_looking_changes_nothing_and_fails_when_a_number_is_old(build, monkeypatch, tmp_path):
    monkeypatch.setattr(numbers, "ROOT", tmp_path)
    for file, text in TEXTS.items():
        (tmp_path / file).write_text(text)
    monkeypatch.setattr("sys.argv", ["numbers", "--check"])
    with pytest.raises(SystemExit, match="these numbers are old"):
        numbers.main()
    assert (tmp_path / numbers.README).read_text() == TEXTS[numbers.README]
    monkeypatch.setattr("sys.argv", ["numbers"])
    numbers.main()
    assert "4,321 passed" in (tmp_path / numbers.README).read_text()
    monkeypatch.setattr("sys.argv", ["numbers", "--check"])
    numbers.main()
