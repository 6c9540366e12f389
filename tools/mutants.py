#!/usr/bin/env python3
"""Put one small fault after the other into a copy of the tree, and see that the tests notice each.

    tools/mutants.py [--only TEXT] [--output build/mutants.txt]

The list is tests/mutant_list. A mutant is caught when its tests fail, or when it doesn't even build or boot.
"""

import argparse
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from machine import BUILD, ROOT
from say import say, stop

sys.path.insert(0, str(ROOT / "tests"))

from mutant_list import MUTANTS

LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "*.iso", "unix", "__pycache__", ".pytest_cache")
TEST_TIMEOUT_S = 400


def copy_tree(folder):
    """Copy the tree, what is built included, and return where."""
    copy = Path(folder) / "clew"
    shutil.copytree(ROOT, copy, symlinks=True, ignore=LEFT_OUT)
    (copy / ".venv").symlink_to((ROOT / ".venv").resolve())
    return copy


def run(copy, *words, timeout=None):
    """Run a command in the copy; return (exit status, what it printed)."""
    try:
        options = {"cwd": copy, "capture_output": True, "text": True, "errors": "replace", "timeout": timeout}
        done = subprocess.run(words, check=False, **options)
    except subprocess.TimeoutExpired as late:
        return 124, f"took longer than {late.timeout} s"
    return done.returncode, done.stdout + done.stderr


def judge(copy, tests):
    """Build the copy and run tests; return by what the fault was caught, or None."""
    status, _ = run(copy, "make", "build/kernel.elf")
    if status:
        return "the build"
    python = str(copy / ".venv" / "bin" / "python")
    status, output = run(
        copy, python, "-m", "pytest", "-x", "-q", "-n", "2", *shlex.split(tests), timeout=TEST_TIMEOUT_S
    )
    if status == 0:
        return None
    failed = re.search(r"^(?:FAILED|ERROR) (\S+?::\S+)", output, re.MULTILINE)
    return failed[1].removeprefix("tests/") if failed else "a run that did not end well"


def try_mutant(copy, mutant):
    """Apply a mutant, judge it, take it back; return by what it was caught."""
    _, file, right, wrong, tests = mutant
    path = copy / file
    text = path.read_text()
    if text.count(right) != 1:
        stop(f"{file} does not have this text once: {right!r}")
    path.write_text(text.replace(right, wrong))
    try:
        return judge(copy, tests)
    finally:
        path.write_text(text)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="those whose description contains this text")
    parser.add_argument("--output", type=Path, default=BUILD / "mutants.txt")
    options = parser.parse_args()
    wanted = [mutant for mutant in MUTANTS if options.only in mutant[0]]
    lines, escaped = [], 0
    with tempfile.TemporaryDirectory(prefix="clew-mutants-") as folder:
        copy = copy_tree(folder)
        for number, mutant in enumerate(wanted, 1):
            caught = try_mutant(copy, mutant)
            escaped += caught is None
            lines.append(f"{number:3} {mutant[0]:70} {caught or 'ESCAPED'}")
            print(lines[-1], flush=True)
            options.output.write_text("\n".join(lines) + "\n")
    say(f"{len(wanted) - escaped} of {len(wanted)} mutants were caught; the table is in {options.output}")
    if escaped:
        stop(f"{escaped} mutants escaped")


if __name__ == "__main__":
    main()
