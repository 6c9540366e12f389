"""Bench rows of several processors: instructions of all of them together.

`LIMITS` are what a row may cost at most; a test holds the rows to them. They need a machine with four CPUs (`MACHINE`).
"""

from time import sleep_ms, ticks_cpu

import memory
from memory import HEAP_FLAGS, PteFlags, create_mapping
from memory_structs.mode import ENTRIES
from paging.natives import processors as mailboxes
from processors import processors

from diagnostics.bench import leave_out, undo
from diagnostics.bench_ownership import neighbour

MACHINE = {"processors": 4}
TIMES = 32
PAGE = 1 << 25  # nobody's; what is asked is the same
ALL, NOBODYS = 0, 1  # roots: whoever is attached is asked for the first, nobody for the second

LIMITS = {
    "processors: a round for one page, one attached": 160,
    "processors: a round for one page, two attached": 160 + 97,
    "processors: a round for one page, three attached": 160 + 2 * 97,
    "processors: a round for 64 pages, one attached": 160 + 63 * 10,
}
PEERS = {name: "limit %d" % limit for name, limit in LIMITS.items()}
PAIR = "processors: create_mapping of a page and drop, "
NUMBERS = "all parked", "one attached", "two attached", "three attached"


def _attach(count):
    """So many CPUs are attached to the kernel's tables, and all others parked."""
    for number, each in enumerate(processors(), 1):
        each.park()
        if number <= count:
            each.attach(memory.get_kernel_mmi_ref().page_table)
            undo(each.park)
    sleep_ms(20)  # until each is where it waits


def _round(attached, pages):
    """What a request costs beside the call: as much as one costs that concerns nobody is left out."""

    def rounds(root):
        start = ticks_cpu()
        for _ in range(TIMES):
            mailboxes.shoot(root, PAGE, pages, 4096)
        return ticks_cpu() - start

    def prepare():
        _attach(attached)
        rounds(ALL)  # the code is translated, and everybody awake
        call = min([rounds(NOBODYS) for _ in range(3)])

        def act():
            rounds(ALL)
            leave_out(call)

        return act

    return prepare


def _create_and_drop(attached):
    def prepare():
        _attach(attached)
        kept = neighbour()

        def act():
            for _ in range(TIMES):
                create_mapping(4096, HEAP_FLAGS).drop()
            return kept

        return act

    return prepare


def _remap(attached):
    def prepare():
        _attach(attached)
        mapping = create_mapping(ENTRIES << 12, HEAP_FLAGS, huge=False)
        undo(mapping.drop)
        read_only = PteFlags()

        def act():
            mapping.remap(read_only)
            mapping.remap(HEAP_FLAGS)

        return act

    return prepare


ROWS = [("processors: a round for one page, " + NUMBERS[n], _round(n, 1), TIMES) for n in (1, 2, 3)]
ROWS += [("processors: a round for 64 pages, " + NUMBERS[1], _round(1, 64), TIMES)]
ROWS += [(PAIR + NUMBERS[n], _create_and_drop(n), TIMES) for n in (0, 1, 2)]
ROWS += [("processors: remap 512 pages, per page, " + NUMBERS[n], _remap(n), 2 * ENTRIES) for n in (0, 1)]
