"""The permission matrix as a campaign: its runs, divided into jobs, and what does one."""

import contextlib
import dataclasses
import functools
import random
from collections import Counter

from harness import BochsGuest, Kernel, QemuGuest
from harness.serial_line import SerialGuest
from machine import FOUR_LEVELS

from matrix import blocks
from matrix.judge import LIBERTIES, Judge, lacking, processor_of
from matrix.known_differences import parse

BOOT_TIMEOUT_S = 60
JOBS, CASES_MIN = 48, 100_000
"""Into how many jobs the whole is divided, and how many cases a job has at least."""


@functools.cache
def catalogue():
    """Return all blocks; made once in a process."""
    return blocks.catalogue()


def runs_of(part, seed, states=None, paging=FOUR_LEVELS):
    """Return [block's number, first state, number of states] lists, in an order that the seed decides.

    part: "all", "anchor" or "left-out". states: take only so many of each block, which ones decides the seed. paging:
    how many levels of tables there are; what is below the root is tried where level 4 is not the root's.
    """
    numbers = [
        n
        for n, block in enumerate(catalogue())
        if (part == "all" or (block.name == "anchor") == (part == "anchor"))
        and (paging != FOUR_LEVELS or not block.below_root)
    ]
    chance = random.Random(seed)
    chance.shuffle(numbers)
    found = []
    for number in numbers:
        count = catalogue()[number].states
        taken = min(states or count, count)
        found.append([number, chance.randrange(count - taken + 1), taken])
    return found


def cases_of(runs):
    """Return how many cases runs have."""
    return sum(count * len(catalogue()[number].accesses) for number, _, count in runs)


def divided(runs):
    """Yield parts of runs, in order, with about as many cases each."""
    limit, part, cases = max(CASES_MIN, cases_of(runs) // JOBS), [], 0
    for run in runs:
        part.append(run)
        cases += cases_of([run])
        if cases >= limit:
            yield part
            part, cases = [], 0
    if part:
        yield part


@contextlib.contextmanager
def kernel_of(machine):
    """Boot a machine, or find the one on a serial line, and yield its kernel.

    machine: {"kind": "qemu", "bochs" or "console", "cpu": name or None, "console": tcp:HOST:PORT or a path}; in QEMU
    "paging" is how many levels of tables it has.
    """
    if machine["kind"] == "console":
        guest = SerialGuest(machine["console"])
    else:
        settings = {"cpu": machine["cpu"]} if machine["cpu"] else {}
        settings |= {"paging": machine["paging"]} if "paging" in machine else {}
        guest = (QemuGuest if machine["kind"] == "qemu" else BochsGuest)(**settings)
    with guest:
        if machine["kind"] == "console":
            guest.wait_for_prompt(BOOT_TIMEOUT_S)
        else:
            guest.console.expect(rb"> $", BOOT_TIMEOUT_S)
        kernel = Kernel(guest, timeout=BOOT_TIMEOUT_S)
        if machine["kind"] == "console":
            kernel.soft_reset()
        yield kernel


def judge_for(kernel, known):
    """Return a judge. known: the text of a file of known differences; without one a processor is known by its CPUID."""
    processor = processor_of(kernel)
    if known is None:
        return Judge(kernel, processor)
    found = parse(known)
    liberties = {name: name in found.liberties for name in LIBERTIES}
    return Judge(kernel, dataclasses.replace(processor, **liberties), found)


def perform(machine, runs, known, again):
    """Do one job: perform runs and judge them. again: the command that shows one case again, but for its number."""
    everything = [(number, catalogue()[number], first, count) for number, first, count in runs]
    counts = Counter()
    with kernel_of(machine) as kernel:
        judge, without = judge_for(kernel, known), lacking(kernel)
        possible = []
        for _, block, first, count in everything:
            lacks = [name.upper() for name in sorted(without) if getattr(block.settings, name)]
            counts[f"left out, for the CPU lacks {' and '.join(lacks)}" if lacks else block.name] += count * len(
                block.accesses
            )
            if not lacks:
                possible.append((block, first, count))
        judge.run(possible)
    for why, cases in judge.excused.items():
        counts[f"known: {why}"] += cases
    counts.update(cases=judge.cases, faults=judge.faults, disagreements=judge.disagreeing)
    numbers = {block: number for number, block, _, _ in everything}
    pairs = [(str(found), again.format(case=f"{numbers[found.block]}:{found.state}")) for found in judge.disagreements]
    modelled = [name for name in LIBERTIES if getattr(judge.processor, name)]
    if "pke" in without and known is None:
        modelled = [name for name in modelled if name != "bochs_pku"]
    return {"counts": counts, "disagreements": pairs, "said": ", ".join(modelled) or "nothing"}
