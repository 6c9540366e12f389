#!/usr/bin/env python3
"""Bring the numbers of README.md and CHANGELOG.md up to date with what the last whole runs said: `make numbers`.

    tools/numbers_of_runs.py [--check]

make test, matrix, replacement, litmus, mutants, fuzz-objects, bench, bench-boot and test-micropython each leave what
they found in build/ when they ran whole. What has not run keeps its numbers, and is named. --check changes nothing; its
status is 1 if a number is old.
"""

import argparse
import json
import re
import sys
from pathlib import Path
from xml.etree import ElementTree

from machine import BUILD, ROOT
from say import say, stop

README, CHANGELOG = "README.md", "CHANGELOG.md"
N = r"([\d,]+(?:\.\d+)?)"
"""A number as people write it; each group of a pattern is one."""


def read(name):
    """Return what a run left in build/, as JSON."""
    return json.loads((BUILD / name).read_text())


def of_tests():
    """How many tests passed, and in how many minutes."""
    suite = next(ElementTree.parse(BUILD / "tests.xml").iter("testsuite"))
    bad = int(suite.get("failures")) + int(suite.get("errors"))
    if bad:
        raise ValueError(f"{bad} tests failed")
    passed = int(suite.get("tests")) - int(suite.get("skipped"))
    return f"{passed:,}", str(round(float(suite.get("time")) / 60))


def of_matrix():
    """How many accesses agreed."""
    found = whole("matrix.json")
    return (f"{found['counts']['cases']:,}",)


def of_replacement():
    """How many references agreed."""
    return (f"{whole('replacement.json')['counts']['references']:,}",)


def of_litmus():
    """How many runs of litmus tests there were, and of how many tests."""
    counts = whole("litmus.json")["counts"]
    return f"{counts['runs']:,}", f"{counts['tests']:,}"


def of_mutants():
    """How many mutants were caught, of how many."""
    found = read("mutants.json")
    return str(found["counts"].get("caught", 0)), str(found["jobs"])


def of_objects():
    """How many damaged object files were tried."""
    return (f"{whole('fuzz-objects.json')['counts']['files']:,}",)


def whole(name):
    """Return a campaign's sum; ValueError if it was interrupted or something disagreed."""
    found = read(name)
    if found["done"] != found["jobs"] or found["disagreements"]:
        raise ValueError(f"{found['jobs'] - found['done']} jobs missing, {len(found['disagreements'])} disagreements")
    return found


def of_micropython():
    """How many of MicroPython's tests passed, of how many, as bytecode and as native code."""
    found = read("micropython-tests.json")
    return tuple(str(number) for mode in ("bytecode", "native") for number in found[mode])


def of_bench():
    """Guest instructions of the rows that the README names."""
    rows = read("bench.json")["rows"]
    costs = [rows[name]["instructions"] for name in BENCH_ROWS]
    return tuple(f"{cost:,.0f}" if cost >= 100 else f"{cost:.1f}" for cost in costs)


def of_boots():
    """Seconds from QEMU's start to the prompt, and of a soft reset."""
    found = read("bench-boot.json")
    digits = {"pvh": 2, "iso": 2, "uefi": 1, "soft reset": 3}
    return tuple(f"{found[name]:.{count}f}" for name, count in digits.items())


BENCH_ROWS = (
    "paging: map a page by numbers",
    "ownership: create_mapping of a page and drop",
    "paging: map a range of 262,144",
    "faults: fault to except",
    "view: read one byte, checked",
)
# (file, the sentence with its numbers as groups, the target that measures them, what it said)
PLACES = (
    (README, rf"\| {N} passed; {N} minutes on two cores \|", "test", of_tests),
    (README, rf"\| {N} accesses, no disagreement but for", "matrix", of_matrix),
    (CHANGELOG, rf"`make matrix`: {N} accesses, each judged", "matrix", of_matrix),
    (README, rf"\| {N} references to real page tables, no disagreement", "replacement", of_replacement),
    (README, rf"\| {N} runs of {N} tests, none with a forbidden outcome", "litmus", of_litmus),
    (README, rf"\| {N} of {N} caught, each by the tests that it names", "mutants", of_mutants),
    (README, rf"\| {N} files, each loaded and unloaded or refused", "fuzz-objects", of_objects),
    (README, rf"bytecode {N} of {N}, native {N} of {N};", "test-micropython", of_micropython),
    (
        README,
        rf"by numbers {N}, `create_mapping` and drop {N}, a range {N} a page \(one store is the floor\), "
        rf"fault to `except` {N}, a checked byte through a view {N} \|",
        "bench",
        of_bench,
    ),
    (README, rf"to the prompt: PVH {N} s, ISO {N} s, UEFI {N} s; a soft reset {N} s", "bench-boot", of_boots),
)


def with_numbers(text, pattern, numbers):
    """Return a text with a sentence's numbers replaced. ValueError unless the sentence is there once."""
    found = list(re.finditer(pattern, text))
    if len(found) != 1:
        raise ValueError(f"{pattern!r} is there {len(found)} times")
    for group in reversed(range(1, found[0].re.groups + 1)):
        start, end = found[0].span(group)
        text = text[:start] + numbers[group - 1] + text[end:]
    return text


def brought_up_to_date(texts):
    """Return ({file: its new text}, [what is old], [what is unknown]); texts: {file: its text}."""
    old, unknown, texts = [], [], dict(texts)
    for file, pattern, target, source in PLACES:
        try:
            numbers = source()
        except (OSError, KeyError, ValueError) as error:
            unknown.append(f"{file}: make {target} has not run whole ({type(error).__name__}: {error})")
            continue
        text = with_numbers(texts[file], pattern, numbers)
        if text != texts[file]:
            old.append(f"{file}: make {target} says {', '.join(numbers)}")
        texts[file] = text
    return texts, old, unknown


def main():
    """Write the numbers, or look whether they are old."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing; status 1 if a number is old")
    options = parser.parse_args()
    files = {file: Path(ROOT / file).read_text() for file in (README, CHANGELOG)}
    texts, old, unknown = brought_up_to_date(files)
    for line in unknown:
        say(f"as it was: {line}")
    for line in old:
        say(line)
    if options.check:
        if old:
            stop("these numbers are old: make numbers")
        return
    for file, text in texts.items():
        Path(ROOT / file).write_text(text)


if __name__ == "__main__":
    sys.exit(main())
