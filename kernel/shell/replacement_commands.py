"""The command that compares replacement policies; all of this is imported when it is first used."""

from diagnostics.replacement import Chart
from loader.disks import find_file
from replacement.laboratory import INTERVAL
from replacement.numbers import SEEDS_MAX
from replacement.policies import NAMES as POLICIES
from replacement.policies import policy_of
from replacement.traces import KINDS, PAGES_MAX, REFERENCES_MAX, Trace, made, read

from shell.command import Argument, command
from shell.errors import UsageError
from shell.kinds import NumberKind, TextKind
from shell.progress import say, unsay
from shell.user import NAMES

USUAL_PAGES, FEW_PAGES = 16, 8


class TraceKind(TextKind):
    """The name of a trace that is made, the user's name of a Trace, or the path of a file that has one."""

    words = KINDS

    def of_text(self, text):
        return NAMES[text] if isinstance(NAMES.get(text), Trace) and text not in self.words else text

    def of_value(self, value):
        return value if isinstance(value, Trace) else super().of_value(value)


class PolicyKind(TextKind):
    """The name of a policy, or of a class of the user's."""

    words = POLICIES

    def of_text(self, text):
        return NAMES.get(text, text) if text not in self.words else text

    def of_value(self, value):
        return policy_of(value)


class FramesKind(TextKind):
    """Numbers of frames: 4, or 3,4,8."""

    def of_text(self, text):
        try:
            return [int(each) for each in text.split(",")]
        except ValueError:
            raise UsageError("%s is no %s: numbers, as 4 or 3,4,8" % (text, self.name.lower()))

    def of_value(self, value):
        if type(value) not in (int, list, tuple, range):
            raise UsageError("frames must be an integer, or several, not %s" % type(value).__name__)
        return [value] if type(value) is int else list(value)


@command(
    "policies",
    "Page replacement on real page faults: policies compared, as a chart.",
    Argument("trace", TraceKind("TRACE"), "zipf"),
    Argument("policy", PolicyKind("POLICY"), repeated=True),
    Argument("frames", FramesKind("FRAMES"), None, by_name=True),
    Argument("references", NumberKind("REFERENCES", 1, REFERENCES_MAX), None, by_name=True),
    Argument("pages", NumberKind("PAGES", 1, PAGES_MAX), None, by_name=True),
    Argument("seed", NumberKind("SEED", 1, SEEDS_MAX), None, by_name=True),
    Argument("interval", NumberKind("INTERVAL", 1, REFERENCES_MAX), INTERVAL, by_name=True),
    details=(
        "policies                          all policies on a trace that is made: zipf",
        "policies belady fifo frames=3,4   more memory, more faults",
        "policies ls.trace clock Mine      a file (valgrind --tool=lackey --trace-mem=yes), and a class of yours",
        "Traces that are made: %s. references, pages and seed are for these." % ", ".join(KINDS),
        "Policies: %s. A tick comes after so many references: interval." % ", ".join(POLICIES),
        "kernel/replacement says exactly what each does (policies/), and what yours is told (policy.py).",
    ),
)
def policies(trace, chosen, frames, references, pages, seed, interval):
    numbers = (references, pages, seed)
    try:
        say("the trace")
        trace = trace_called(trace, numbers) if isinstance(trace, str) else trace_given(trace, numbers)
        counts = usual_frames(trace.pages) if frames is None else frames
        return Chart(trace, chosen or POLICIES, counts, interval, tell)
    finally:
        unsay()


def trace_called(name, numbers):
    """Return the Trace that is made by a name, or is in a file. Raises UsageError."""
    if name in KINDS:
        references, pages, seed = numbers
        return made(name, references, pages or USUAL_PAGES, seed or 1)
    try:
        found = read(find_file(name))
    except OSError:
        raise UsageError("%s is no file, and no trace: %s are made" % (name, ", ".join(KINDS)))
    return trace_given(found, numbers)


def trace_given(trace, numbers):
    """Return a Trace that is there already. Raises UsageError for numbers that only those have that are made."""
    if numbers != (None, None, None):
        raise UsageError("references, pages and seed are for traces that are made")
    return trace


def usual_frames(pages):
    """Return the numbers of frames that are tried for so many pages: up to half of them, or all of a few."""
    if pages < FEW_PAGES:
        return list(range(2, pages)) or [1]
    return [pages * eighths // 8 for eighths in (1, 2, 3, 4)]


def tell(done, whole):
    """Say how far a comparison is."""
    say("run %d of %d" % (done + 1, whole))
