"""Commands to learn with: the tour and examples; and the bench."""

from diagnostics.text import Lines, Table

from shell.command import Argument, command
from shell.errors import UsageError
from shell.kinds import NumberKind, TextKind
from shell.later import later
from shell.tour import STEPS, Tour

bench_names, run_bench_row = later("diagnostics.bench", "names"), later("diagnostics.bench", "run")
STEP = NumberKind("STEP", 1, len(STEPS))


class Desk:
    """Where in the tour the reader is."""

    def __init__(self):
        self.tour = Tour()


DESK = Desk()


@command(
    "tour",
    "Thirteen steps through the memory system, typed for you one at a time.",
    Argument("step", STEP, None),
    details=("tour       the next step", "tour 7     that step; what earlier ones would have made is made first"),
)
def tour(step):
    return DESK.tour.take(step)


EXAMPLES = (
    ("demand_paging", "DemandPaged(range): pages get a frame when they are touched"),
    ("zero_fill", "pages that are read share one frame of zeros; a write gets its own"),
    ("copy_on_write", "copies that share frames until one is written"),
    ("growing_stack", "a stack that grows as far as it is used"),
    ("own_stack", "OnOwnStack(range, answer): a fault handler on a stack of its own"),
    ("guard_page", "a buffer whose end is a page that nobody may touch"),
    ("page_replacement", "Pager(range, frames, choose=clock): a Swapped with a store in RAM"),
)


@command("examples", "Programs on top of the memory system, to read and to run.")
def examples():
    foot = "`from examples.page_replacement import *` makes one yours; read it in kernel/examples."
    return Table(EXAMPLES, (), ("", foot))


@command(
    "bench",
    "Count what acts cost, in ticks (instructions under make bench).",
    Argument("word", TextKind("WORD"), (), repeated=True),
    details=("bench               the rows", "bench call function those whose names have all these words, now"),
)
def bench(words):
    names = [name for name in bench_names() if all([word in name for word in words])]
    if not words:
        return Lines(names)
    if not names:
        raise UsageError("no row has these words: bench lists them")
    return Table([(name, "%d" % run_bench_row(name)[0]) for name in names], (1,))
