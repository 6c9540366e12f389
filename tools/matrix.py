#!/usr/bin/env python3
"""Run the permission matrix: every case on the machine, against the oracle of the SDM. `make matrix`.

    tools/matrix.py [--machine qemu|bochs] [--cpu NAME] [--seed N] [--part anchor|left-out] [--sample STATES]

Without --sample the whole product is performed, in an order that the seed decides. The exit status is 0 only if no
case disagreed.
"""

import argparse
import random
import sys
import time
from collections import Counter

from say import say

sys.path[:0] = ["tests"]

from harness import BochsGuest, Kernel, QemuGuest  # noqa: E402 (tests/ has to be on the path first)
from matrix import blocks  # noqa: E402
from matrix.judge import LIBERTIES, Judge, has_keys  # noqa: E402

SHOWN = 20
PROGRESS_INTERVAL_S = 10


def arguments():
    """Return the parsed command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--machine", choices=("qemu", "bochs"), default="qemu")
    parser.add_argument("--cpu", help="the emulator's name of another CPU, such as Bochs's tigerlake (protection keys)")
    parser.add_argument("--part", choices=("all", "anchor", "left-out"), default="all")
    parser.add_argument("--seed", type=int, default=1, help="order of the blocks, and which states a sample takes")
    parser.add_argument("--sample", type=int, metavar="STATES", help="only so many table states of each block")
    return parser.parse_args()


def runs_of(options, keys):
    """Return the (block, first state, number of states) runs that the options ask for."""
    chosen = list(blocks.anchor(keys)) if options.part != "left-out" else []
    chosen += blocks.left_out(keys) if options.part != "anchor" else []
    random.Random(options.seed).shuffle(chosen)
    if options.sample:
        return list(blocks.sample(chosen, options.sample, options.seed))
    return [(block, 0, block.states) for block in chosen]


def show_progress(total, start):
    """Return a function that says how far the judge is: one line rewritten on a terminal, else one in ten seconds."""
    said = [start]

    def show(judge):
        seconds = time.monotonic() - start
        if not sys.stderr.isatty() and time.monotonic() - said[0] < PROGRESS_INTERVAL_S:
            return
        said[0] = time.monotonic()
        line = f"{judge.cases:,} of {total:,} cases, {judge.cases / seconds:,.0f}/s, {judge.disagreeing} disagree"
        print(f"\r  {line}", end="" if sys.stderr.isatty() else "\n", file=sys.stderr, flush=True)

    return show


def main():
    """Run the matrix; return the exit status."""
    options = arguments()
    settings = {"cpu": options.cpu} if options.cpu else {}
    with QemuGuest(**settings) if options.machine == "qemu" else BochsGuest(**settings) as guest:
        guest.console.expect(rb"> $", 60)
        kernel = Kernel(guest, timeout=60)
        keys = has_keys(kernel)
        runs = runs_of(options, keys)
        judge = Judge(kernel)
        total = sum(count * len(block.accesses) for block, _, count in runs)
        say(f"permission matrix on {options.machine}, seed {options.seed}: {total:,} cases in {len(runs):,} blocks")
        start = time.monotonic()
        judge.run(runs, show_progress(total, start))
    seconds = time.monotonic() - start
    print(file=sys.stderr)
    parts = Counter()
    for block, _, count in runs:
        parts[block.name] += count * len(block.accesses)
    for name, cases in sorted(parts.items()):
        print(f"  {cases:12,}  {name}")
    print(f"  {judge.cases:12,}  cases, {judge.faults:,} faults, {judge.disagreeing} disagreements, {seconds:.0f} s")
    modelled = [name for name in LIBERTIES if getattr(judge.processor, name) and (keys or name != "bochs_pku")]
    print(f"  modelled by name: {', '.join(modelled) or 'nothing'}")
    for disagreement in judge.disagreements[:SHOWN]:
        print(f"  {disagreement}")
    return 1 if judge.disagreeing else 0


if __name__ == "__main__":
    sys.exit(main())
