"""The command that compares replacement policies. The laboratory is imported when it is first used."""

import sys

from loader.disks import find_file

from shell.command import Argument, command
from shell.errors import UsageError
from shell.kinds import NumberKind, TextKind
from shell.terminal import ERASE, TERMINAL
from shell.user import NAMES

USUAL_PAGES, FEW_PAGES = 16, 8


def traces():
    """Return replacement.traces."""
    from replacement import traces  # noqa: PLC0415 (the boot needs no traces)

    return traces


def policies_known():
    """Return replacement.policies."""
    from replacement import policies  # noqa: PLC0415 (the boot needs no policies)

    return policies


class TraceKind(TextKind):
    """The name of a trace that is made, the user's name of a Trace, or the path of a file that has one."""

    @property
    def words(self):
        return traces().KINDS

    def of_text(self, text):
        return NAMES[text] if isinstance(NAMES.get(text), traces().Trace) and text not in self.words else text

    def of_value(self, value):
        return value if isinstance(value, traces().Trace) else super().of_value(value)


class PolicyKind(TextKind):
    """The name of a policy, or of a class of the user's."""

    @property
    def words(self):
        return policies_known().NAMES

    def of_text(self, text):
        return NAMES.get(text, text) if text not in self.words else text

    def of_value(self, value):
        return policies_known().policy_of(value)


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


REFERENCES, INTERVAL = NumberKind("REFERENCES", 1, 1 << 20), NumberKind("INTERVAL", 1, 1 << 20)
PAGES, SEED = NumberKind("PAGES", 1, 1 << 15), NumberKind("SEED", 1, (1 << 31) - 2)


@command(
    "policies",
    "Page replacement on real page faults: policies compared, as a chart.",
    Argument("trace", TraceKind("TRACE"), "zipf"),
    Argument("policy", PolicyKind("POLICY"), repeated=True),
    Argument("frames", FramesKind("FRAMES"), None, by_name=True),
    Argument("references", REFERENCES, None, by_name=True),
    Argument("pages", PAGES, None, by_name=True),
    Argument("seed", SEED, None, by_name=True),
    Argument("interval", INTERVAL, 32, by_name=True),
    details=(
        "policies                              all policies on a trace that is made",
        "policies belady fifo frames=3,4       more memory, more faults",
        "policies ls.trace clock Mine          a file (valgrind --tool=lackey --trace-mem=yes), and a class of yours",
        "references, pages and seed are for traces that are made; a tick is every so many references: interval.",
        "help(replacement.policies.clock.Clock) and such tell exactly what a policy does.",
    ),
)
def policies(trace, chosen, frames, references, pages, seed, interval):
    from diagnostics.replacement import Chart  # noqa: PLC0415 (the boot needs no charts)

    made = (references, pages, seed)
    try:
        say("the trace")
        trace = trace_called(trace, made) if isinstance(trace, str) else trace_given(trace, made)
        counts = usual_frames(trace.pages) if frames is None else frames
        return Chart(trace, chosen or policies_known().NAMES, counts, interval, tell)
    finally:
        if TERMINAL.columns:
            sys.stdout.write(ERASE)


def trace_called(name, made):
    """Return the Trace that is made by a name, or is in a file. Raises UsageError."""
    if name in traces().KINDS:
        return traces().made(name, made[0], made[1] or USUAL_PAGES, made[2] or 1)
    try:
        found = traces().read(find_file(name))
    except OSError:
        raise UsageError("%s is no file, and no trace: %s are made" % (name, ", ".join(traces().KINDS)))
    return trace_given(found, made)


def trace_given(trace, made):
    """Return a Trace that is there already. Raises UsageError for numbers that only those have that are made."""
    if made != (None, None, None):
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


def say(text):
    """Say on a person's screen what is being done, in the place of what was said before."""
    if TERMINAL.columns:
        sys.stdout.write(ERASE + text)
