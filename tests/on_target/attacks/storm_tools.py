# What the storms share: mappings of the model, numbers that act when they are asked for, and what comes in between.
# Runs after prelude.py, and before storm.py.
import random

from faults import handlers
from memory import ledger

WHAT = "no memory", "no memory", "Ctrl-C", "Ctrl-C", "a callback"
DEEPER = 24  # calls
# Made once: what is armed could strike where a tuple is made to catch it.
TROUBLE = KeyboardInterrupt, MemoryError, KernelError
HEAP_SLACK = 24576
"""Bytes: names that programs have made, tables of objects that have grown. At most 16,896 were seen, after 5,000 calls
near the end of the stack, and fewer after 10,000: it does not add up."""


class Live:
    """A mapping of the model: its byte, and whether it can be written to."""

    def __init__(self, mapping, byte, writable):
        self.mapping = mapping
        self.byte = byte
        self.writable = writable


class Evil:
    """A number that does something when it is asked for."""

    def __init__(self, value, act):
        self.value = value
        self.act = act

    def __int__(self):
        self.act()
        return self.value

    __index__ = __float__ = __int__


def everything():
    """What is left when a storm is over, by name: all of it must be as it was before.

    `heap` may be lower: what boot left may be collected meanwhile.
    """
    collected()
    index, records = ledger.next_record(0), 0
    while index >= 0:
        index, records = ledger.next_record(index + 1), records + 1
    records -= len(MMI.heap.areas())
    return {
        "frames, pages and tables": whole_counts(),
        "records": records,
        "records lost": ledger.lost(),
        "flushes owed": len(K.ledger.open),
        "unfinished": len(K.unfinished),
        "handlers": len(handlers.handlers()),
        "CR3": _cpu.read_cr3(),
        "guard": _critical.depth(),
        "heap": gc.mem_alloc(),
        "audit": violations(),
    }


def not_back(before):
    """What differs from everything() before, in words."""
    now = everything()
    wrong = ["%s: %s became %s" % (name, before[name], now[name]) for name in now if now[name] != before[name]]
    return [text for text in wrong if text[:5] != "heap:" or now["heap"] > before["heap"] + HEAP_SLACK]


class Complaint(Exception):
    """What is wrong."""


def nothing(*arguments):
    """Do nothing."""


def disarm():
    """Nothing comes in between any more."""
    _inject.fail_allocation(0)
    _inject.call(0, None)
    _inject.interrupt(0)


def quiet():
    """Nothing comes in between any more, and what was about to has come."""
    try:
        disarm()
        for _ in range(2):
            pass
    except KeyboardInterrupt:
        disarm()


def fill(mapping, byte):
    """Write the byte that the model looks for."""
    with mapping.as_slice_mut("B") as view:
        for at in (0, len(view) // 2, len(view) - 1):
            view[at] = byte


def an_alignment():
    """A power of two, one of a few large factors, or anything."""
    kind = random.randrange(4)
    if kind == 0:
        return 1 << random.randrange(52)
    if kind == 1:
        return random.choice((3, 5, 7, 274177)) ** random.randrange(1, 3)
    return random.randrange(1, 1 << random.randrange(1, 53))


def between_audit(_):
    memory.verify()


def between_map(_):
    create_mapping(4096, WRITE).drop()


def deep(depth, act):
    """Call act() so many calls deeper."""
    return deep(depth - 1, act) if depth else act()
