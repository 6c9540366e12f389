#!/usr/bin/env python3
"""Put one small fault after the other into copies of the tree, and see that the tests notice each.

    tools/mutants.py [--only TEXT] [--jobs N] [--output build/mutants.txt]

The list is tests/mutant_list. First all tests that it names run without a fault: they must pass, or nothing that they
say of a fault means anything. Then each mutant is built, kernel and ISO, and its tests run: it is caught when one of
them fails, or when it doesn't even build. What was said first is in the table, so that a reader can tell whether a
mutant was caught for the right reason.
"""

import argparse
import os
import queue
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from machine import BUILD, DIE_WITH_PARENT, ROOT
from say import say, stop

sys.path.insert(0, str(ROOT / "tests"))

from mutant_list import MUTANTS

LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "*.iso", "micropython-tests", "__pycache__", ".pytest_cache")
PRODUCTS = ("build/kernel.elf", "build/kernel.iso")
TESTS_FAILED = 1  # pytest's exit status; others say that it did not come to run them
TEST_TIMEOUT_S = 400
BASELINE_TIMEOUT_S = 3600


class Trouble(Exception):
    """The tools failed, not the tests: no answer about a mutant."""


def copy_tree(folder, number):
    """Copy the tree, what is built included, and return where."""
    copy = Path(folder) / str(number) / "clew"
    shutil.copytree(ROOT, copy, symlinks=True, ignore=LEFT_OUT)
    (copy / ".venv").symlink_to((ROOT / ".venv").resolve())
    return copy


def run(copy, *words, timeout=None):
    """Run a command in the copy; return (exit status, or None when it took too long; what it printed)."""
    options = {"cwd": copy, "capture_output": True, "text": True, "errors": "replace", "timeout": timeout}
    try:
        done = subprocess.run([*DIE_WITH_PARENT, *words], check=False, **options)
    except subprocess.TimeoutExpired:
        return None, ""
    return done.returncode, done.stdout + done.stderr


def build(copy):
    """Build what the tests boot. Returns whether that worked, and what was said."""
    status, output = run(copy, "make", *PRODUCTS)
    return status == 0, output


def run_tests(copy, tests, workers, timeout):
    """Run tests in the copy up to the first that fails; return as `run`."""
    options = ("-x", "-q", "-n", str(workers), "-p", "no:cacheprovider")
    return run(copy, str(copy / ".venv/bin/python"), "-m", "pytest", *options, *tests, timeout=timeout)


def check_baseline(copy, mutants, jobs):
    """Without a fault all tests that the mutants name must pass; else this ends here."""
    named = sorted({test for *_, tests in mutants for test in shlex.split(tests)})
    say(f"without a fault first: {len(named)} files and tests ...")
    done, output = build(copy)
    if not done:
        stop(f"the copy without a fault was not built:\n{output}")
    status, output = run_tests(copy, named, jobs, BASELINE_TIMEOUT_S)
    if status != 0:
        stop(f"tests fail without a fault, so they can't judge one:\n{output[-4000:]}")
    say(re.findall(r"^.*passed.*$", output, re.MULTILINE)[-1].strip("= "))


def judge(copy, tests):
    """Build the copy and run tests; return by what the fault was caught, or None. Raises Trouble."""
    if not build(copy)[0]:
        return "the build"
    status, output = run_tests(copy, shlex.split(tests), 0, TEST_TIMEOUT_S)
    if status == 0:
        return None
    if status is None:
        return f"tests that took longer than {TEST_TIMEOUT_S} s"
    failed = re.search(r"^(?:FAILED|ERROR) tests/(\S+?::[^\s\[]+)", output, re.MULTILINE)
    if status != TESTS_FAILED or not failed:
        raise Trouble(f"pytest ended with status {status}:\n{output[-4000:]}")
    return f"{failed[1]}: {said_by(output)}"


def said_by(output):
    """What the first test that failed said, in one line; of a traceback of the kernel's, the last."""
    lines = re.search(r"^E .*(?:\nE .*)*", output, re.MULTILINE)
    lines = [line[1:].strip() for line in lines[0].splitlines()] if lines else ["nothing"]
    return lines[-1] if "Traceback" in lines[0] else lines[0]


def try_mutant(copies, mutant):
    """Apply a mutant in a free copy, judge it, take it back; return by what it was caught, and in how many seconds."""
    _, file, right, wrong, tests = mutant
    copy, begun = copies.get(), time.monotonic()
    path = copy / file
    text = path.read_text()
    try:
        if text.count(right) != 1:
            raise Trouble(f"{file} does not have this text once: {right!r}")
        path.write_text(text.replace(right, wrong))
        return judge(copy, tests), time.monotonic() - begun
    finally:
        path.write_text(text)
        copies.put(copy)


def report(number, of, caught, begun, line):
    """One line for each mutant: how far it is."""
    minutes, seconds = divmod(int(time.monotonic() - begun), 60)
    print(f"{number} of {of}, {caught} caught, {minutes}:{seconds:02}  {line}", flush=True)


def try_all(mutants, copies, jobs, output):
    """Try mutants, so many at a time; returns those that escaped. The table is in the order of the list."""
    begun, lines, escaped = time.monotonic(), {}, []
    executor = ThreadPoolExecutor(jobs)
    try:
        numbers = {executor.submit(try_mutant, copies, mutant): at for at, mutant in enumerate(mutants)}
        for done in as_completed(numbers):
            at = numbers[done]
            caught, seconds = done.result()
            if caught is None:
                escaped.append(mutants[at])
            lines[at] = f"{at + 1:3} {seconds:4.0f} s  {mutants[at][0]:75} {(caught or 'ESCAPED')[:200]}"
            report(len(lines), len(mutants), len(lines) - len(escaped), begun, lines[at])
            output.write_text("".join(f"{lines[at]}\n" for at in sorted(lines)))
    finally:
        executor.shutdown(cancel_futures=True)
    return escaped


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="those whose description or file contains this text")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="how many at a time (all CPUs)")
    parser.add_argument("--output", type=Path, default=BUILD / "mutants.txt")
    options = parser.parse_args()
    wanted = [mutant for mutant in MUTANTS if options.only in mutant[0] or options.only in mutant[1]]
    if not wanted:
        stop(f"no mutant has {options.only!r} in its description or file")
    with tempfile.TemporaryDirectory(prefix="clew-mutants-") as folder:
        copies = queue.SimpleQueue()
        for number in range(options.jobs):
            copies.put(copy_tree(folder, number))
        first = copies.get()
        check_baseline(first, wanted, options.jobs)
        copies.put(first)
        try:
            escaped = try_all(wanted, copies, options.jobs, options.output)
        except Trouble as trouble:
            stop(trouble)
    say(f"{len(wanted) - len(escaped)} of {len(wanted)} mutants were caught; the table is in {options.output}")
    if escaped:
        stop(f"{len(escaped)} escaped:\n" + "\n".join(f"  {what}" for what, *_ in escaped))


if __name__ == "__main__":
    main()
