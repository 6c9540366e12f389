#!/usr/bin/env python3
"""Run litmus tests for page tables: all that have a name, and every small one. `make litmus`.

    --runs N                of each named test, on each machine (2,000)
    --each N                of each enumerated test (8)
    --seed N                of the delays between the processors
    --machine NAME          only this one: qemu (a thread for each processor), qemu-one-thread, bochs
    --sample N              every N-th enumerated test (1; on Bochs, which takes longer, 20 times as rare)
    --test NAME             one test again, by its name or its number in the enumeration

What the processors show is judged by tests/oracle/litmus.py: an outcome that it does not allow is red, unless it is a
known fault of that emulator (KNOWN), which is counted. What is allowed and nobody showed is counted by the reason why
it would be possible.
"""

import ast
import functools
import sys
from collections import Counter

import campaign
from machine import ROOT

sys.path.insert(0, str(ROOT / "tests"))

from harness import BochsGuest, Kernel, QemuGuest
from oracle.every_litmus import every_text
from oracle.litmus import FAULTS_KEEP, RELAXATIONS, outcomes, violated, weak_outcomes
from oracle.litmus_texts import FAMILIES, all_named, describe, named, read_test

QEMU, ONE_THREAD, BOCHS = MACHINES = ("qemu", "qemu-one-thread", "bochs")
# What a machine is known to do otherwise than the SDM says; counted, and not red.
KNOWN = {QEMU: (FAULTS_KEEP,), ONE_THREAD: (FAULTS_KEEP,)}
AT_ONCE, PER_JOB, BOCHS_SAMPLE = 10, 250, 20
ANSWER_TIMEOUT_S, BOOT_TIMEOUT_S = 900, 120
NEEDS = ["build/kernel.elf", "build/kernel.iso", "tests/oracle", "kernel/litmus", "tools/litmus.py"]
PROGRAM = """
from litmus.places import Places
from litmus.runs import run
from litmus.text import read_test
def tried(texts, runs, seed):
    with Places() as places:
        for text in texts:
            print(repr(run(read_test(text), places, runs, seed)))
"""


@functools.cache
def every():
    """Return the texts of all enumerated tests."""
    return list(every_text())


def started(machine, processors):
    """Return a guest on one of the MACHINES."""
    if machine == BOCHS:
        return BochsGuest(start_timeout=BOOT_TIMEOUT_S, processors=processors)
    return QemuGuest(processors=processors, accelerator="tcg,thread=single" if machine == ONE_THREAD else "tcg")


def histograms(machine, tests, runs, seed):
    """Run Tests in a machine of their own; yield (test, {outcome: how often}), in their order."""
    with started(machine, max(len(test.cpus) for test in tests)) as guest:
        guest.console.wait_for_prompt(BOOT_TIMEOUT_S)
        kernel = Kernel(guest, timeout=ANSWER_TIMEOUT_S)
        kernel.exec(PROGRAM)
        for first in range(0, len(tests), AT_ONCE):
            several = tests[first : first + AT_ONCE]
            lines = kernel.exec(f"tried({[test.text() for test in several]!r}, {runs}, {seed})").splitlines()
            yield from zip(several, map(ast.literal_eval, lines), strict=True)


def judge(test, counts, known=()):
    """Return ([(forbidden outcome in words, how often), ...], {known fault: how often}) of what a test has shown."""
    allowed, found, excused = outcomes(test), [], Counter()
    for outcome, often in counts.items():
        if outcome not in allowed:
            reason = next((each for each in known if outcome in outcomes(test, RELAXATIONS | {each})), None)
            if reason:
                excused[reason] += often
                continue
            words = [describe(test, outcome), *(f"never: {text}" for text in violated(test, outcome))]
            found.append(("; ".join(words), often))
    return found, excused


def weakness(test, counts):
    """Return (Counter of weak outcomes by reason, allowed and seen; the texts of `may` that were not seen)."""
    found = Counter()
    for outcome, reasons in weak_outcomes(test).items():
        for reason in sorted(reasons) or ["one of several"]:
            found[f"{reason}, allowed"] += 1
            found[f"{reason}, seen"] += outcome in counts
    places = test.places()
    unseen = [each.text for each in test.may if not any(each.holds(places, outcome) for outcome in counts)]
    return found, unseen


def perform(machine, runs, seed, family="", numbers=(), processors=2, only=""):
    """Do one job of the campaign: a family's tests for so many processors (or one of them), or some numbers."""
    tests = [read_test(every()[number]) for number in numbers]
    tests += [test for test in named(family) if len(test.cpus) == processors] if family else []
    tests = [test for test in tests if not only or test.name == only]
    counts, pairs, said = Counter(), [], {}
    for test, shown in histograms(machine, tests, runs, seed):
        again = f"make litmus ARGS='--machine {machine} --test {test.name} --runs {runs} --seed {seed}'"
        found, excused = judge(test, shown, KNOWN.get(machine, ()))
        counts += Counter({f"{machine}: known fault, {reason}": often for reason, often in excused.items()})
        for text, often in found:
            pairs.append((f"{machine}, {test.name}: {often} of {runs} runs: {text}", again))
        counts += Counter({"tests": 1, "runs": runs, f"{machine}: tests": 1, f"{machine}: runs": runs})
        counts["outcomes"] += len(shown)
        part = {"outcomes": {describe(test, outcome): often for outcome, often in sorted(shown.items(), key=str)}}
        if test.may or test.never:
            weak, part["unseen"] = weakness(test, shown)
            counts += Counter({f"{machine}: {name}": number for name, number in weak.items()})
        said[test.name] = part
    return {"counts": dict(counts), "disagreements": pairs, "said": said}


def jobs_of(machines, options):
    """Return the jobs: families by the processors that they need, then the enumerated tests."""
    found, seed = [], options.seed
    for machine in machines:
        for family in FAMILIES:
            for processors in sorted({len(test.cpus) for test in named(family)}):
                words = {"machine": machine, "family": family, "processors": processors}
                found.append(job(f"{machine}, {family}, {processors} CPUs", words, options.runs, seed, 20))
        step = options.sample * (BOCHS_SAMPLE if machine == BOCHS else 1)
        numbers = list(range(0, len(every()), step)) if options.each else []
        for first in range(0, len(numbers), PER_JOB):
            words = {"machine": machine, "numbers": numbers[first : first + PER_JOB]}
            found.append(job(f"{machine}, from test {numbers[first]} on", words, options.each, seed, PER_JOB))
    return found


def job(name, words, runs, seed, weight):
    """Return a Job."""
    command = f"make litmus ARGS='--machine {words['machine']} --seed {seed}'"
    return campaign.Job(name, words | {"runs": runs, "seed": seed}, command, weight)


def job_of_test(machine, name, options):
    """Return the Job of one test; None if there is none of that name."""
    for family in FAMILIES:
        for test in named(family):
            if test.name == name:
                words = {"machine": machine, "family": family, "processors": len(test.cpus), "only": name}
                return job(f"{machine}, {name}", words, options.runs, options.seed, 1)
    for number, text in enumerate(every()):
        if text.startswith(f"test {name}\n"):
            words = {"machine": machine, "numbers": [number]}
            return job(f"{machine}, {name}", words, options.runs, options.seed, 1)
    return None


def show(total):
    """Print what was run, and which outcomes are allowed and were never seen."""
    counts = Counter(total.counts)
    for machine in MACHINES:
        if counts[f"{machine}: runs"]:
            print(f"  {counts[f'{machine}: runs']:10,}  runs of {counts[f'{machine}: tests']:,} tests on {machine}")
        for name in counts:
            if name.startswith(f"{machine}: known fault, "):
                print(
                    f"              {counts[name]:,} runs by a {name.removeprefix(f'{machine}: ')} (the SDM forbids it)"
                )
        pairs = [name.removeprefix(f"{machine}: ") for name in counts if name.startswith(f"{machine}: ")]
        for reason in sorted(name.removesuffix(", allowed") for name in pairs if name.endswith(", allowed")):
            allowed, seen = (counts[f"{machine}: {reason}, {which}"] for which in ("allowed", "seen"))
            print(f"              {reason}: {seen} of {allowed} outcomes that need it were seen")
    unseen = {}
    for result in total.results:
        for name, part in (result.said or {}).items():
            for text in part.get("unseen", ()):
                unseen.setdefault(f"{name}: {text}", []).append(result.job.words["machine"])
    for text, where in sorted(unseen.items()):
        print(f"  allowed and not seen on {', '.join(where)}: {text}")


def main():
    """Run the campaign; return the exit status."""
    parser = campaign.Parser(__doc__, prog="make litmus")
    parser.set_defaults(jobs=1)  # a machine has two or three threads of its own
    parser.add_argument("--runs", type=campaign.positive, default=2000)
    parser.add_argument("--each", type=campaign.whole, default=8)
    parser.add_argument("--sample", type=campaign.positive, default=1)
    parser.add_argument("--seed", type=campaign.positive, default=1)
    parser.add_argument("--machine", choices=MACHINES, action="append")
    parser.add_argument("--test")
    options = parser.parse_args()
    machines = options.machine or MACHINES
    if options.test:
        jobs = [job_of_test(machine, options.test, options) for machine in machines]
        if None in jobs:
            parser.error(f"--test {options.test}: no named test ({len(all_named())} are) and none of the enumeration")
    else:
        jobs = jobs_of(machines, options)
    with campaign.Workers(options.jobs, needs=NEEDS) as workers:
        total = workers.run(f"litmus, seed {options.seed}", "litmus.perform", jobs)
        show(total)
        runs, tests = total.counts.get("runs", 0), total.counts.get("tests", 0)
        print(f"  {runs:10,}  runs of {tests:,} tests, {len(total.disagreements) or 'no'} forbidden outcomes")
        return campaign.conclude(total, options)


if __name__ == "__main__":
    sys.exit(main())
