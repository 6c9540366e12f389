#!/usr/bin/env python3
"""Print the answers to the exercises at the prompt, for many seeds.

    make answers SEEDS=1-200            a line for each exercise and seed; build/answers.csv has them, too
    make answers SEEDS=3,7-9 ARGS='--exercise 3 --csv sheet.csv'

They are what a kernel answers that was just booted; a seed has the same numbers on every machine.
"""

import argparse
import ast
import csv
import os
import sys
from pathlib import Path

from machine import BUILD, ROOT
from say import interruptible, stop
from settings import check_seeds, seeds

# Seeds of one run in the kernel: their answers come together.
AT_ONCE = 25
IN_THE_KERNEL = """
from shell.exercises import MAKERS, Exercise
def answers_of(number, seed):
    made = Exercise(number, seed)
    made.end()
    return made.title, made.written()
"""


def answers(kernel, wanted, numbers=None):
    """Yield (exercise, seed, title, [its answer as the kernel writes it]), exercise by exercise."""
    kernel.exec(IN_THE_KERNEL)
    for number in numbers or range(1, kernel.eval("len(MAKERS)") + 1):
        for start in range(0, len(wanted), AT_ONCE):
            some = wanted[start : start + AT_ONCE]
            found = kernel.exec(f"for seed in {some}: print(repr(answers_of({number}, seed)))", timeout=300)
            for seed, line in zip(some, found.splitlines(), strict=True):
                yield (number, seed, *ast.literal_eval(line))


def fresh_kernel():
    """Boot a machine; return its kernel."""
    sys.path.insert(0, str(ROOT / "tests"))
    from harness import Kernel, QemuGuest  # noqa: PLC0415 (only this needs the test harness)

    guest = QemuGuest()
    guest.console.wait_for_prompt(60)
    return Kernel(guest, timeout=60)


def main():
    """Print what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--exercise", type=int, action="append", choices=range(1, 8), metavar="N", help="only this one")
    parser.add_argument("--csv", type=Path, default=BUILD / "answers.csv", metavar="FILE")
    arguments = parser.parse_args()
    text = os.environ.get("SEEDS") or "1-20"
    if wrong := check_seeds(text):
        stop(f"SEEDS={text}: {wrong}")
    if not os.access(arguments.csv.absolute().parent, os.W_OK) or arguments.csv.is_dir():
        stop(f"--csv {arguments.csv}: nothing can be written there")
    rows, before = [("exercise", "seed", "answer")], None
    with interruptible(lambda: f"interrupted: {arguments.csv} is as it was"):
        kernel = fresh_kernel()
        try:
            for number, seed, title, answer in answers(kernel, seeds(text), arguments.exercise):
                if number != before:
                    print(f"{'' if before is None else chr(10)}exercise {number}: {title}")
                    before = number
                print(f"{seed:>8}  {' '.join(answer)}", flush=True)
                rows.append((number, seed, " ".join(answer)))
        finally:
            kernel.guest.stop()
    with open(arguments.csv, "w", newline="") as file:
        csv.writer(file).writerows(rows)


if __name__ == "__main__":
    main()
