#!/usr/bin/env python3
"""Run the permission matrix: every case on a machine, against the oracle of the SDM. `make matrix ARGS='...'`.

    --machine qemu|bochs [--cpu NAME]     an emulator of this machine, one for each job
    --console tcp:HOST:PORT or a path     a machine that runs already and has a serial line; --known FILE says what it
                                          does otherwise than the SDM (tests/matrix/known_differences.py)
    PAGING=5 make matrix ...              all of it on the root's entry, and again on that of level 4 (QEMU only)
    --seed N --part anchor|left-out       the order of the blocks, and which of them
    --sample STATES                       only so many table states of each block; the seed says which
    --job N, --case BLOCK:STATE           one job of the campaign again, or one table state

The exit status is 0 only if no case disagreed and none was left undone.
"""

import os
import sys

import campaign
from machine import FOUR_LEVELS, ROOT, depth_word, wanted_levels
from say import stop

sys.path.insert(0, str(ROOT / "tests"))

from harness import GuestFailure
from matrix import jobs
from matrix.known_differences import parse


def arguments():
    """Return the parsed command line, with .machine as the jobs take it and .known as text."""
    parser = campaign.Parser(__doc__, prog="make matrix")
    parser.add_argument("--machine", choices=("qemu", "bochs"))
    parser.add_argument("--cpu", help="the emulator's name of another CPU, such as Bochs's tigerlake (protection keys)")
    parser.add_argument("--console", metavar="WHERE", help="tcp:HOST:PORT, or the path of a tty or pty")
    parser.add_argument("--known", metavar="FILE", help="the machine's known differences")
    parser.add_argument("--part", choices=("all", "anchor", "left-out"), default="all")
    parser.add_argument("--seed", type=campaign.whole, default=1)
    parser.add_argument("--sample", type=campaign.positive, metavar="STATES")
    parser.add_argument("--job", type=campaign.positive, metavar="N")
    parser.add_argument("--case", metavar="BLOCK:STATE")
    options = parser.parse_args()
    if options.console and (options.machine or options.cpu):
        parser.error("--console is a machine that runs already: neither --machine nor --cpu goes with it")
    if options.console and os.environ.get("SCHEDULER"):
        parser.error("--console is one machine, reached from here: SCHEDULER does not go with it")
    options.paging = wanted_levels()
    if options.paging != FOUR_LEVELS and options.machine == "bochs":
        parser.error("PAGING=5: no CPU of Bochs 2.7 has five levels of page tables")
    options.known_text = known_text(parser, options.known)
    return parser, options


def known_text(parser, path):
    """Return what a file of known differences says, or None without one; what is wrong with it ends the tool."""
    if path is None:
        return None
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        parse(text)
    except (OSError, ValueError) as error:
        parser.error(f"--known {path}: {error}")
    return text


def runs_wanted(parser, options):
    """Return (name of the job, its runs) pairs."""
    if options.case:
        block, colon, state = options.case.partition(":")
        numbered = jobs.catalogue()
        if not (colon and block.isdecimal() and state.isdecimal() and int(block) < len(numbered)):
            parser.error(f"--case {options.case}: BLOCK:STATE, with a block below {len(numbered)}")
        if int(state) >= numbered[int(block)].states:
            parser.error(f"--case {options.case}: block {block} has {numbered[int(block)].states} states")
        return [(f"case {options.case}", [[int(block), int(state), 1]])]
    found = list(jobs.divided(jobs.runs_of(options.part, options.seed, options.sample, options.paging)))
    if options.job and options.job > len(found):
        parser.error(f"--job {options.job}: there are {len(found)} jobs")
    named = [(f"job {number}", runs) for number, runs in enumerate(found, 1)]
    return [named[options.job - 1]] if options.job else named


def command(options, *words):
    """Return the command for the same machine with other options, for people to repeat something."""
    where = ["--console", options.console] if options.console else ["--machine", options.machine or "qemu"]
    where += ["--cpu", options.cpu] if options.cpu else []
    where += ["--known", options.known] if options.known else []
    return f"make matrix {depth_word()}ARGS='{' '.join([*where, *words])}'"


def jobs_of(parser, options):
    """Return the jobs that the options ask for."""
    machine = {"kind": "console" if options.console else options.machine or "qemu"}
    machine |= {"cpu": options.cpu, "console": options.console}
    machine |= {"paging": options.paging} if machine["kind"] == "qemu" else {}
    which = ["--part", options.part, "--seed", str(options.seed)]
    which += ["--sample", str(options.sample)] if options.sample else []
    one_case = command(options, "--case", "{case}")
    found = []
    for name, runs in runs_wanted(parser, options):
        again = command(options, *which, "--job", name.split()[1]) if name.startswith("job") else command(options)
        words = {"machine": machine, "runs": runs, "known": options.known_text, "again": one_case}
        found.append(campaign.Job(name, words, again, jobs.cases_of(runs)))
    return found


def find_machine(where):
    """Look whether somebody is on a serial line; end the tool with one line if not."""
    try:
        with jobs.kernel_of({"kind": "console", "console": where}):
            pass
    except (OSError, ValueError, GuestFailure) as error:
        stop(f"--console {where}: {campaign.first_line(error)}")


def main():
    """Run the matrix; return the exit status."""
    parser, options = arguments()
    wanted = jobs_of(parser, options)
    needs = ["tests/matrix", "tests/oracle", "tests/harness"]
    if options.console:
        find_machine(options.console)
    else:
        needs.append("build/kernel.elf" if options.machine != "bochs" else "build/kernel.iso")
    with campaign.Workers(1 if options.console else options.jobs, needs) as workers:
        name = f"matrix on {options.console or options.machine or 'qemu'}, seed {options.seed}"
        name += f", {options.paging} levels of tables" if options.paging != FOUR_LEVELS else ""
        total = workers.run(name, "matrix.jobs.perform", wanted)
        summed = {"cases": 0, "faults": 0, "disagreements": 0} | total.counts
        for part, cases in total.counts.items():
            if part not in {"cases", "faults", "disagreements"}:
                print(f"  {cases:12,}  {part}")
        print("  {cases:12,}  cases, {faults:,} faults, {disagreements:,} disagreements".format(**summed))
        said = sorted({result.said for result in total.results if result.said})
        print(f"  modelled by name: {'; '.join(said)}")
        return campaign.conclude(total, options)


if __name__ == "__main__":
    sys.exit(main())
