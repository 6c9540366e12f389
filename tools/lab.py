#!/usr/bin/env python3
"""Run a student's file on a fresh machine, with a time limit.

    make lab FILE=mine.py                     what it prints, as it comes, and if it ends by an exception, where and why
    make lab FILE=mine.py ARGS='--limit 60'   with more time than 10 seconds

The exit status is 0 only if the file came to its end.
"""

import argparse
import sys

from machine import BUILD, ROOT
from say import interruptible, stop

sys.path.insert(0, str(ROOT / "tests"))
from labs.student import LIMIT_IN_S, Student
from labs.trouble import Trouble


def seconds(text):
    """Return a time limit. Raises ValueError."""
    found = float(text)
    if not 0 < found <= 3600:
        raise ValueError
    return found


def check_image():
    """Stop if there is no kernel to boot."""
    if not (BUILD / "kernel.elf").exists():
        stop(f"{BUILD / 'kernel.elf'} is not there: make all builds it")


def add_limit(parser):
    """Give a parser the option of the time limit."""
    parser.add_argument(
        "--limit", type=seconds, default=LIMIT_IN_S, metavar="SECONDS", help="of each run in the file (default: 10)"
    )


def main():
    """Run the file that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", default="")
    add_limit(parser)
    parser.add_argument("--processors", type=int, default=1, choices=range(1, 65), metavar="N")
    arguments = parser.parse_args()
    if not arguments.file:
        stop("FILE is missing: give a file, as in make lab FILE=mine.py")
    check_image()
    words = {"as_name": "__main__", "processors": arguments.processors, "show": show}
    with interruptible(lambda: f"{arguments.file}: interrupted; its machine is stopped"):
        try:
            with Student(arguments.file, arguments.limit, **words) as student:
                student.start()
        except Trouble as trouble:
            stop(f"{arguments.file}: {trouble}")


def show(text):
    """Print what the file prints, as it comes; letters that this terminal lacks, as question marks."""
    coding = sys.stdout.encoding
    sys.stdout.write(text.encode(coding, "replace").decode(coding))
    sys.stdout.flush()


if __name__ == "__main__":
    main()
