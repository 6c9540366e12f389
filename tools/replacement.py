#!/usr/bin/env python3
"""Judge the replacement policies: every fault on the MMU, and who goes, against the textbook. `make replacement`.

    --references N                   of each policy, in runs of 20,000 (a million)
    --seed N                         of the runs: which trace, how many pages and frames, how long an interval
    --policy NAME                    only this one
    --case KIND:PAGES:FRAMES:INTERVAL:SEED:REFERENCES      one run again

The references are loads and stores on page tables of the kernel; tests/oracle/replacement.py is fed with the same.
"""

import random
import struct
import sys
from base64 import b64decode

import campaign
from machine import ROOT

sys.path.insert(0, str(ROOT / "tests"))

from harness import Kernel, QemuGuest
from oracle.replacement import ALGORITHMS, NOBODY, faults_of

RUN = 20_000  # references of one run
RUNS = 10  # of one job
LOCAL = ("zipf", "favourites", "scan", "phases")  # as programs are; the others have no locality
KINDS = (*LOCAL, "uniform", "loop", "belady")
INTERVALS = (8, 32, 200)
PROGRAM = """
from binascii import b2a_base64
from replacement.laboratory import faults_in
from replacement.traces import made
def judged(policy, kind, pages, frames, interval, seed, references):
    trace = made(kind, references, pages, seed)
    print(b2a_base64(bytes(trace.references)).decode().strip())
    print(b2a_base64(bytes(faults_in(trace, policy, frames, interval))).decode().strip())
"""


def cases_of(seed, references, run=RUN):
    """Yield cases (kind, pages, frames, interval, seed, references) that the seed decides, in runs of so many."""
    chance = random.Random(seed)
    for number, first in enumerate(range(0, references, run)):
        # Four of five have locality: these fault less often, and are what policies are made for.
        kind = (*LOCAL, KINDS[len(LOCAL) + number // 5 % 3])[number % 5]
        pages = 5 if kind == "belady" else chance.randrange(8, 49)
        frames = chance.randrange(pages // 4, pages * 3 // 4) if kind in LOCAL else chance.randrange(1, pages)
        yield (
            kind,
            pages,
            frames,
            chance.choice(INTERVALS),
            chance.randrange(1, 1 << 20),
            min(run, references - first),
        )


def observed(kernel, policy, case):
    """Return ((page, is a write) references, (place, page that went) faults) of a case on the machine."""
    texts = kernel.exec(f"judged({policy!r}, *{tuple(case)})").split()
    words, numbers = (b64decode(text) for text in texts)
    references = [(word >> 1, bool(word & 1)) for (word,) in struct.iter_unpack("<H", words)]
    return references, list(struct.iter_unpack("<ii", numbers))


def difference(seen, expected):
    """Return in words where two lists of faults differ first; "" if nowhere."""
    for number, (here, there) in enumerate(zip([*seen, None], [*expected, None], strict=False)):
        if here != there:
            return f"fault {number} is {said(here)}, the textbook's {said(there)}"
    return ""


def said(fault):
    """Return a fault in words."""
    if fault is None:
        return "none"
    return f"at reference {fault[0]} and " + (f"page {fault[1]} goes" if fault[1] != NOBODY else "nobody goes")


def judge(kernel, policy, case):
    """Run a case; return how many faults there were, and in words what differs from the textbook, or ""."""
    references, seen = observed(kernel, policy, case)
    *_, frames, interval, _, count = case
    if len(references) != count:
        return 0, f"{len(references)} references were made, not {count}"
    return len(seen), difference(seen, faults_of(policy, references, frames, interval))


def perform(policy, cases):
    """Do one job of the campaign."""
    counts, pairs = {"runs": 0, "references": 0, "faults": 0}, []
    with QemuGuest() as guest:
        guest.console.wait_for_prompt(60)
        kernel = Kernel(guest, timeout=300)
        kernel.exec(PROGRAM)
        for case in cases:
            faults, differs = judge(kernel, policy, case)
            counts["runs"] += 1
            counts["references"] += case[-1]
            counts["faults"] += faults
            if differs:
                name = ":".join(map(str, case))
                pairs.append(
                    (f"{policy}, {name}: {differs}", f"make replacement ARGS='--policy {policy} --case {name}'")
                )
    return {"counts": counts | {f"{policy}: references": counts["references"]}, "disagreements": pairs}


def jobs_of(policies, cases, seed):
    """Return the jobs: for each policy the cases, RUNS at a time."""
    cases = list(cases)
    return [
        campaign.Job(
            f"{policy} {first // RUNS}",
            {"policy": policy, "cases": cases[first : first + RUNS]},
            f"make replacement ARGS='--policy {policy} --seed {seed}'",
        )
        for first in range(0, len(cases), RUNS)
        for policy in policies
    ]


def case_of(text):
    """Return a case as --case has it."""
    kind, _, rest = text.partition(":")
    numbers = rest.split(":")
    if kind not in KINDS or len(numbers) != 5 or not all(number.isdigit() and int(number) for number in numbers):
        raise campaign.argparse.ArgumentTypeError(f"{text!r}: KIND:PAGES:FRAMES:INTERVAL:SEED:REFERENCES expected")
    return (kind, *map(int, numbers))


def main():
    """Run the campaign; return the exit status."""
    parser = campaign.Parser(__doc__, prog="make replacement")
    parser.add_argument("--references", type=campaign.positive, default=1_000_000)
    parser.add_argument("--seed", type=campaign.whole, default=1)
    parser.add_argument("--policy", choices=sorted(ALGORITHMS))
    parser.add_argument("--case", type=case_of)
    options = parser.parse_args()
    cases = [options.case] if options.case else cases_of(options.seed, options.references)
    wanted = jobs_of([options.policy] if options.policy else list(ALGORITHMS), cases, options.seed)
    with campaign.Workers(options.jobs, needs=["build/kernel.elf", "tests/oracle", "tools/replacement.py"]) as workers:
        total = workers.run(f"replacement, seed {options.seed}", "replacement.perform", wanted)
        summed = {"references": 0, "faults": 0} | total.counts
        for name in ALGORITHMS:
            print(f"  {summed.get(f'{name}: references', 0):12,}  {name}")
        differing = f"{len(total.disagreements) or 'no'} disagreements"
        print("  {references:12,}  references, {faults:,} faults".format(**summed) + f", {differing}")
        return campaign.conclude(total, options)


if __name__ == "__main__":
    sys.exit(main())
