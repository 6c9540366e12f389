"""The command that runs litmus tests; all of this is imported when it is first used."""

from diagnostics.litmus import Histogram
from diagnostics.text import Table
from litmus.families import NAMES, names_of, text_of_test
from litmus.runs import histogram
from litmus.text import LitmusError, read_test
from loader.disks import find_file

from shell.command import Argument, command
from shell.errors import UsageError
from shell.kinds import NumberKind, TextKind
from shell.progress import say, unsay

RUNS, RUNS_MAX, SEEDS_MAX = 2000, 10_000_000, 1 << 30


class TestKind(TextKind):
    """The name of a litmus test, or the path of a file that has one."""

    @property
    def words(self):
        return tuple([name for family in NAMES for name in names_of(family)])


@command(
    "litmus",
    "What CPUs may see of a page while one of them changes its entry.",
    Argument("test", TestKind("TEST"), None),
    Argument("runs", NumberKind("RUNS", 1, RUNS_MAX), RUNS, by_name=True),
    Argument("seed", NumberKind("SEED", 1, SEEDS_MAX), 1, by_name=True),
    details=(
        "litmus                             the tests that have a name, by family",
        "litmus stale-read-after-remap      run it, and draw how often each outcome came",
        "litmus mine.litmus runs=100000     a file of yours; kernel/litmus/__init__.py says how one is written",
        "A machine with more CPUs: make run CPUS=2",
    ),
)
def litmus(name, runs, seed):
    if name is None:
        foot = "litmus NAME runs one: make run CPUS=2 (three: CPUS=3)."
        return Table([(family, ", ".join(names_of(family))) for family in NAMES], (), ("", foot))
    test = test_called(name)
    try:
        say("%s ..." % test.name)
        counts = histogram(test, runs, seed, lambda done: say("%s: %d of %d runs" % (test.name, done, runs)))
    finally:
        unsay()
    return Histogram(test, counts)


def test_called(name):
    """Return the Test of a name, or that is in a file. Raises UsageError."""
    text = text_of_test(name)
    try:
        if text is None:
            with open(find_file(name)) as file:
                text = file.read()
        return read_test(text)
    except OSError:
        raise UsageError("%s is no litmus test, and no file: litmus lists the tests" % name)
    except LitmusError as error:
        raise UsageError("%s, %s" % (name, error))
