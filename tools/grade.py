#!/usr/bin/env python3
"""Grade students' files of a lab: points for each check, by what the machine did.

    make grade LAB=copy_on_write FILE=mine.py
    make grade LAB=copy_on_write FILE=mine.py::a_copy_of_a_copy             that check only
    make grade LAB=copy_on_write FILE="*.py" ARGS='--junit grades.xml --summary'

The exit status is 0 only if every file has all points. Each file has a machine of its own; each check begins on a
kernel that was just reset.
"""

import argparse
import contextlib
import io
import os
import re
import sys
from pathlib import Path

import pytest
from lab import add_limit, check_image
from labs.points import Grading
from labs.report import lines_of, total
from labs.trouble import Trouble, source_of
from machine import ROOT
from say import stop

LABS = ROOT / "docs" / "labs"


def labs():
    """Return the names of the labs."""
    return sorted(path.parent.name for path in LABS.glob("*/grade.py"))


def main():
    """Grade what the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lab", help=", ".join(labs()))
    parser.add_argument("files", nargs="*", metavar="FILE[::CHECK]")
    parser.add_argument("--junit", metavar="FILE", help="write the checks as JUnit XML, too")
    parser.add_argument("--summary", action="store_true", help="one line for each file")
    add_limit(parser)
    arguments = parser.parse_intermixed_args()
    if arguments.lab not in labs():
        stop(f"LAB={arguments.lab}: there is no such lab: choose {', '.join(labs())}")
    if not arguments.files:
        stop("FILE is missing: give a file, or several, as in make grade LAB=translate FILE=mine.py")
    check_image()
    wanted = wanted_of(arguments.files)
    if unknown := {check for checks in wanted.values() for check in checks} - set(checks_of(arguments.lab)):
        stop(f"{min(unknown)}: there is no such check: choose {', '.join(checks_of(arguments.lab))}")
    unusable = refused(wanted)
    for path, why in unusable.items():
        print(f"clew: {path}: {why}", file=sys.stderr)
    files = {path: checks for path, checks in wanted.items() if path not in unusable}
    results, log = graded(arguments.lab, files, arguments.limit, arguments.junit)
    if not results and files:
        stop(f"the grader of {arguments.lab} failed:\n{log}")
    for path in files:
        of_file = [result for result in results if result.file == str(path)]
        if arguments.summary:
            print(f"{total(of_file):4} of {sum(result.of for result in of_file)}  {path}")
        else:
            print("\n".join(lines_of(path, arguments.lab, of_file)), end="\n\n")
    raise SystemExit(1 if unusable or any(result.found for result in results) else 0)


def wanted_of(words):
    """Return {file: the names of the checks that are wanted of it, none for all}."""
    found = {}
    for word in words:
        name, _, check = word.partition("::")
        found.setdefault(Path(name), []).extend([check] if check else [])
    return found


def checks_of(lab):
    """Return the names of a lab's checks."""
    return re.findall(r"^def test_(\w+)", (LABS / lab / "grade.py").read_text(), re.MULTILINE)


def refused(files):
    """Return {path: why} for what is no text of Python."""
    found = {}
    for path in files:
        try:
            source_of(path)
        except Trouble as trouble:
            found[path] = str(trouble)
    return found


def graded(lab, files, limit_s, junit=None):
    """Have pytest do the checks of a lab for each file; return (the Results, what pytest said)."""
    if not files:
        return [], ""
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    grading = Grading(files, limit_s)
    words = [str(LABS / lab / "grade.py"), "-c", os.devnull, "--rootdir", str(LABS), "-p", "no:cacheprovider"]
    words += ["--import-mode=importlib", "--assert=plain", "-q"]
    words += [f"--junitxml={Path(junit).absolute()}"] if junit else []
    log = io.StringIO()
    try:
        with contextlib.redirect_stdout(log):
            pytest.main(words, plugins=[grading])
    finally:
        grading.stop()
    return grading.results, log.getvalue()


if __name__ == "__main__":
    main()
