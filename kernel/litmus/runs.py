"""Litmus tests run on the processors of this machine."""

import memory
from memory.views.loaded_section import LoadedSection
from processors import processor, processors

from litmus.places import RUNS_AT_ONCE, WRITABLE_DATA, Places
from litmus.programs import RECORD_BYTES, Program, outcome_of
from litmus.text import SHOOTDOWN

WAIT_MS = 60_000  # longer than a program is patient


class TooFewProcessors(memory.KernelError):
    """A test needs more processors than there are: `needed`, `there`."""

    def __init__(self, name, needed, there):
        self.needed, self.there = needed, there
        super().__init__("%s needs %d CPUs, this machine has %d: make run CPUS=%d" % (name, needed, there, needed))


class NotTogether(memory.KernelError):
    """The processors did not meet: one of them did not come. `left` runs were not done."""

    def __init__(self, name, left):
        self.left = left
        super().__init__("%s: the CPUs did not meet, %d runs were not done" % (name, left))


class Function:
    """A processor's program as something to call; `drop()` gives its page back."""

    def __init__(self, instructions):
        self.mapping = memory.create_mapping(len(instructions), WRITABLE_DATA)
        with self.mapping.as_slice_mut("B") as code:
            code[: len(instructions)] = instructions
        self.mapping.remap(memory.PteFlags().executable(True))
        self.call = LoadedSection("litmus", self.mapping).as_func("q(qq)")

    def drop(self):
        self.call.release()
        self.mapping.drop()


def check(test):
    """Raise TooFewProcessors if this machine can't run a Test."""
    there = len(processors()) + 1
    if there < len(test.cpus):
        raise TooFewProcessors(test.name, len(test.cpus), there)


def run(test, places, runs, seed=1, told=lambda done: None):
    """Run a Test so many times on Places; return {outcome: how often}, outcomes in the order of its places().

    The processor that shoots down, else number 0, is the one that runs Python; told(done) is called after each few
    hundred runs. The others are parked at the end. Raises TooFewProcessors or NotTogether, and as Processor.start.
    """
    check(test)
    places.first = first_of(test)
    functions = [Function(Program(test, number, places).bytes) for number in range(len(test.cpus))]
    others = functions[: places.first] + functions[places.first + 1 :]
    helpers = [processor(1 + place) for place in range(len(others))]
    counts, done = {}, 0
    try:
        while done < runs:
            several = min(runs - done, RUNS_AT_ONCE)
            places.begin()
            for place, helper in enumerate(helpers):
                helper.start(others[place].call, several, seed * 7919 + place + 1)
            left = functions[places.first].call(several, seed)
            left = max([helper.wait(WAIT_MS) for helper in helpers] + [left])
            if left:
                raise NotTogether(test.name, left)
            count(counts, places.records_of(several))
            done += several
            seed = seed * 1103515245 + 12345 & 0x7FFFFFFF
            told(done)
    finally:
        for helper in helpers:
            helper.stop()
            helper.park()
        for function in functions:
            function.drop()
    return {outcome_of(test, record, places.entry_of_raw): often for record, often in counts.items()}


def count(counts, records):
    """Add records to {record: how often}."""
    for at in range(0, len(records), RECORD_BYTES):
        record = bytes(records[at : at + RECORD_BYTES])
        counts[record] = counts.get(record, 0) + 1


def first_of(test):
    """Return which processor of a test is the one that runs Python: the one that shoots down, else 0."""
    for number, acts in enumerate(test.cpus):
        if SHOOTDOWN in [act.kind for act in acts]:
            return number
    return 0


def histogram(test, runs, seed=1, told=lambda done: None):
    """Run a Test on Places of its own; see `run`."""
    check(test)
    with Places() as places:
        return run(test, places, runs, seed, told)
