"""What a worker does for `make mutants`: a copy of the tree, a fault in it, built, and the tests on that."""

import os
import re
import shutil
import tempfile
import threading
from pathlib import Path
from xml.etree import ElementTree

import together
from distributed import get_worker
from machine import ROOT

LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", "*.iso", "micropython-tests", "__pycache__", ".pytest_cache", ".ruff_cache", "run-*"
)
PRODUCTS = ("build/kernel.elf", "build/kernel.iso")
MAKES_OWN = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "ARGS", "SCHEDULER")
"""What the make that started this tells those below; a copy's make is none of these."""
PASSED, FAILED, NO_TESTS = 0, 1, 5
"""pytest's exit statuses that answer something."""
BUILD_TIMEOUT_S = 300
QUICK, THOROUGH = "not slow and not bochs", "slow or bochs"
"""The marks of a random mutant's tests: first the quick ones of all files, then the others of some."""
THOROUGH_FILES = 5

_own = threading.local()


class Trouble(Exception):
    """The tools failed, not the tests: no answer about a mutant."""


def copy_of_tree():
    """Return this worker's own copy of the tree, what is built included; made once. It goes with the worker's files."""
    if not hasattr(_own, "copy"):
        folder = Path(tempfile.mkdtemp(prefix="clew-mutants-", dir=get_worker().local_directory))
        shutil.copytree(ROOT, folder / "clew", symlinks=True, ignore=LEFT_OUT)
        (folder / "clew" / ".venv").symlink_to((ROOT / ".venv").resolve())
        _own.copy = folder / "clew"
    return _own.copy


def run(copy, *words, timeout=None):
    """Run a command in the copy; return (exit status, or None when it took too long; what it printed)."""
    environment = {name: value for name, value in os.environ.items() if name not in MAKES_OWN}
    return together.run(words, timeout=timeout, cwd=copy, env=environment)


def build(copy):
    """Build what the tests boot, the ISO included; return whether that worked, and what was said."""
    status, output = run(copy, "make", *PRODUCTS, timeout=BUILD_TIMEOUT_S)
    return status == 0, output


def run_tests(copy, tests, limit, *options):
    """Run tests in the copy up to the first that fails; return as `run`."""
    always = ("-x", "-q", "-n", "0", "-p", "no:cacheprovider", "--timeout", str(min(limit, 120)))
    return run(copy, str(copy / ".venv/bin/python"), "-m", "pytest", *always, *options, *tests, timeout=limit)


def baseline(tests, limit, marks):
    """Run tests without a fault: they must pass, or nothing that they say of a fault means anything.

    Returns with .said how many seconds the quick tests of each file took.
    """
    copy = copy_of_tree()
    done, output = build(copy)
    if not done:
        raise Trouble(f"the copy without a fault was not built: {last_line(output)}")
    report = copy / "build" / "baseline.xml"
    status, output = run_tests(copy, tests, limit, "--junitxml", str(report), *marks)
    if status not in (PASSED, NO_TESTS):
        failed = failed_test(output)
        what = f"{failed} fails without a fault" if failed else f"status {status}: {last_line(output)}"
        return {"counts": {"failed": 1}, "disagreements": [(what, f"make test ARGS='{failed or ' '.join(tests)}'")]}
    cases = list(ElementTree.parse(report).iter("testcase"))
    return {"counts": {"passed": len(cases)}, "said": seconds_of(cases)}


def seconds_of(cases):
    """Return {test file: seconds that its quick tests took}, of the elements of a report."""
    seconds = {}
    for case in cases:
        file = case.get("classname", "").replace(".", "/") + ".py"
        is_quick = case.find("properties/property[@name='mark']") is None
        seconds[file] = seconds.get(file, 0) + float(case.get("time", 0)) * is_quick
    return seconds


def perform(change, stages, again, is_random):
    """Put a fault into the copy, build it and run tests in stages until one fails; take the fault back.

    change: (file, start, old, new), bytes as latin-1 text. stages: (tests, time limit in s, pytest's options) each.
    again: the command that tries it again. What doesn't build is caught by the build; a random one was no program.
    """
    file, start, *texts = change
    old, new = (text.encode("latin-1") for text in texts)
    path = copy_of_tree() / file
    source = path.read_bytes()
    if source[start : start + len(old)] != old:
        raise Trouble(f"{file} does not have {old!r} there")
    try:
        path.write_bytes(source[:start] + new + source[start + len(old) :])
        if not build(copy_of_tree())[0]:
            return {"counts": {"no program" if is_random else "caught": 1}, "said": "the build"}
        seen = judge(stages)
    finally:
        path.write_bytes(source)
    if seen is None:
        return {"counts": {"escaped": 1}, "disagreements": [("ESCAPED", again)], "said": "ESCAPED"}
    return {"counts": {"caught": 1}, "said": seen}


def judge(stages):
    """Run tests in stages; return by what the fault was caught, in one line, or None. Raises Trouble."""
    for tests, limit, options in stages:
        status, output = run_tests(copy_of_tree(), tests, limit, *options)
        if status is None:
            raise Trouble(f"its tests took longer than {limit} s, though each has a time limit: is this machine busy?")
        if status in (PASSED, NO_TESTS):
            continue
        failed = failed_test(output)
        if status == FAILED and failed:
            return f"{failed.removeprefix('tests/')}: {said_by(output)}"
        raise Trouble(f"pytest ended with status {status}: {last_line(output)}")
    return None


def failed_test(output):
    """Return the first test that failed, by what pytest printed, or ""."""
    failed = re.search(r"^(?:FAILED|ERROR) (tests/\S+?::[^\s\[]+)", output, re.MULTILINE)
    return failed[1] if failed else ""


def said_by(output):
    """What the first test that failed said, in one line; of a traceback of the kernel's, the last."""
    lines = re.search(r"^E .*(?:\nE .*)*", output, re.MULTILINE)
    lines = [line[1:].strip() for line in lines[0].splitlines()] if lines else ["nothing"]
    return lines[-1] if "Traceback" in lines[0] else lines[0]


def last_line(output):
    """Return the last line that says something."""
    return next((line for line in reversed(output.splitlines()) if line.strip()), "nothing was said")
