#!/usr/bin/env python3
"""Grade students' files of a lab: points for each check, by what the machine did.

    make grade LAB=copy_on_write FILE=mine.py
    make grade LAB=copy_on_write FILE=mine.py::a_copy_of_a_copy             that check only
    make grade LAB=copy_on_write FILE="*.py 'a b.py'" ARGS='--junit grades.xml --summary --jobs 4'

The exit status is 0 only if every file has all points. Each file has a machine of its own; each check begins on a
kernel that was just reset. What graders draw by chance follows from a seed, another one each time: the report has it.
"""

import argparse
import contextlib
import ctypes
import glob
import io
import os
import re
import secrets
import shlex
import signal
import tempfile
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest
from lab import add_limit, check_image
from labs.points import Grading
from labs.report import lines_of, summary_of
from labs.trouble import Trouble, source_of
from machine import ROOT
from say import interruptible, say, stop

LABS = ROOT / "docs" / "labs"
MOST_JOBS = 64
PR_SET_PDEATHSIG = 1  # of prctl(2): a signal for us when our parent dies


@dataclass
class Grades:
    """What came of one file: the Results of its checks, and the same as JUnit XML. refused: why it has none."""

    path: Path
    results: list
    junit: str
    refused: str = ""

    def has_all(self):
        """Answer whether no point is missing."""
        return not self.refused and not any(result.found for result in self.results)


def labs():
    """Return the names of the labs."""
    return sorted(path.parent.name for path in LABS.glob("*/grade.py"))


def checks_of(lab):
    """Return the names of a lab's checks."""
    return re.findall(r"^def test_(\w+)", (LABS / lab / "grade.py").read_text(), re.MULTILINE)


def whole(least, most):
    """Return a function that makes a number of a word, for argparse."""

    def number(text):
        if not text.isdecimal() or not least <= int(text) <= most:
            raise argparse.ArgumentTypeError(f"{text}: give a number from {least} to {most}")
        return int(text)

    return number


def arguments_of(words=None):
    """Return what the command line asks for; FILE in the environment has files as a shell reads them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lab", help=", ".join(labs()))
    parser.add_argument("files", nargs="*", metavar="FILE[::CHECK]")
    parser.add_argument("--junit", type=Path, metavar="FILE", help="write the checks as JUnit XML, too")
    parser.add_argument("--summary", action="store_true", help="one line for each file")
    parser.add_argument("--jobs", type=whole(1, MOST_JOBS), default=min(os.cpu_count() or 1, MOST_JOBS), metavar="N")
    parser.add_argument("--together", action="store_true", help="all files on one machine, of people whom you trust")
    parser.add_argument("--seed", type=whole(0, 1 << 32), default=secrets.randbelow(1000000), metavar="N")
    add_limit(parser)
    found = parser.parse_intermixed_args(words)
    if found.lab not in labs():
        stop(f"LAB={found.lab}: there is no such lab: choose {', '.join(labs())}")
    if not found.files:
        found.files = words_of(os.environ.get("FILE", ""))
    if not found.files:
        stop("FILE is missing: give a file, or several, as in make grade LAB=translate FILE=mine.py")
    if found.junit and not os.access(found.junit.absolute().parent, os.W_OK):
        stop(f"--junit {found.junit}: nothing can be written there")
    return found


def words_of(text):
    """Return the words of a text as a shell reads them, with the files that a pattern stands for."""
    try:
        words = shlex.split(text)
    except ValueError as error:
        stop(f"FILE={text}: a shell can't read these words ({error})")
    return [name for word in words for name in sorted(glob.glob(word)) or [word]]


def wanted_of(words, lab):
    """Return {file: the names of the checks that are wanted of it, none for all}."""
    found = {}
    for word in words:
        name, _, check = word.partition("::")
        if check and check not in checks_of(lab):
            stop(f"{check}: there is no such check: choose {', '.join(checks_of(lab))}")
        found.setdefault(Path(name), []).extend([check] if check else [])
    return found


def graded(lab, path, wanted, grading):
    """Have pytest do the checks of a lab for a file; return its Grades. Raises KeyboardInterrupt, RuntimeError."""
    try:
        source_of(path)
    except Trouble as trouble:
        return Grades(path, [], refusal_of(path, str(trouble)), str(trouble))
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    grading.begin(path, wanted)
    log = io.StringIO()
    with tempfile.TemporaryDirectory() as folder:
        junit = Path(folder) / "junit.xml"
        words = [str(LABS / lab / "grade.py"), "-c", os.devnull, "--rootdir", str(LABS), "-p", "no:cacheprovider"]
        words += ["--import-mode=importlib", "--assert=plain", "-q"]
        words += [f"--junitxml={junit}", "-o", f"junit_suite_name={path}"]
        with contextlib.redirect_stdout(log):
            status = pytest.main(words, plugins=[grading])
        if status == pytest.ExitCode.INTERRUPTED:
            raise KeyboardInterrupt
        if not grading.results:
            raise RuntimeError(f"the grader of {lab} failed:\n{log.getvalue()}")
        return Grades(path, grading.results, junit.read_text())


class Worker:
    """What a process that grades for this one remembers: whether Ctrl-C has ended a file already."""

    is_interrupted = False


def ignore_interrupts():
    """Have a process that waits for a file take no notice of Ctrl-C: it gets no other one then."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def begin_worker():
    """Begin a process that grades for another one, and ends with it, its machine too."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    ignore_interrupts()


def graded_alone(lab, path, wanted, limit_s, seed):
    """As graded(), in a process of its own, on a machine that no other file has had."""
    if Worker.is_interrupted:
        raise KeyboardInterrupt
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with Grading(limit_s, seed) as grading:
            return graded(lab, path, wanted, grading)
    except KeyboardInterrupt:
        Worker.is_interrupted = True
        raise
    finally:
        ignore_interrupts()


def refusal_of(path, why):
    """Return JUnit XML about a file that no check can begin with."""
    root = ElementTree.Element("testsuites")
    suite = ElementTree.SubElement(root, "testsuite", name=str(path), tests="1", errors="1", failures="0", skipped="0")
    case = ElementTree.SubElement(suite, "testcase", classname="grade", name=f"file[{path}]")
    ElementTree.SubElement(case, "error", message=why)
    return ElementTree.tostring(root, encoding="unicode")


def joined(texts):
    """Return JUnit XML with the test suites of several."""
    root = ElementTree.Element("testsuites", name="labs")
    for text in texts:
        root.extend(ElementTree.fromstring(text))
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True)


def all_graded(arguments, files):
    """Yield the Grades of files in their order, several being graded at once. Raises as graded() does."""
    jobs = min(arguments.jobs, len(files))
    rest = arguments.limit, arguments.seed
    if jobs == 1 or arguments.together:
        with Grading(*rest) as grading:
            for path, wanted in files.items():
                yield graded(arguments.lab, path, wanted, grading)
                if not arguments.together:
                    grading.stop()
        return
    with ProcessPoolExecutor(jobs, initializer=begin_worker) as pool:
        waiting = [pool.submit(graded_alone, arguments.lab, *file, *rest) for file in files.items()]
        try:
            for future in waiting:
                yield future.result()
        finally:
            pool.shutdown(cancel_futures=True)


def main():
    """Grade what the command line names."""
    arguments = arguments_of()
    check_image()
    files, done = wanted_of(arguments.files, arguments.lab), []
    with interruptible(lambda: f"interrupted: {len(done)} of {len(files)} files are graded"):
        try:
            for grades in all_graded(arguments, files):
                done.append(grades)
                lines = summary_of(grades) if arguments.summary else lines_of(arguments.lab, grades)
                print("\n".join(lines), flush=True)
        except BrokenProcessPool:
            stop(f"a process of the grader's died after {len(done)} of {len(files)} files: --jobs 1 grades in one")
        except RuntimeError as error:
            stop(str(error))
    if arguments.junit:
        arguments.junit.write_text(joined(grades.junit for grades in done))
    having_all = sum(grades.has_all() for grades in done)
    say(f"{having_all} of {len(done)} with all points; ARGS='--seed {arguments.seed}' draws the same numbers")
    raise SystemExit(0 if having_all == len(done) else 1)


if __name__ == "__main__":
    main()
