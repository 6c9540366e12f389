"""One line for a person: what a tool is doing, or why it stops."""

import contextlib
import os
import sys

# As a shell has it when Ctrl-C ends a program.
INTERRUPTED = 128 + 2


def say(text):
    """Print one line of progress to stderr, so that a tool's own output stays clean."""
    print(f"clew: {text}", file=sys.stderr, flush=True)


def stop(text):
    """End the tool with one line that says what is wrong and how to mend it. Exit status 1."""
    raise SystemExit(f"clew: {text}")


@contextlib.contextmanager
def interruptible(told):
    """End the tool without a traceback when a person types Ctrl-C, saying what told() returns, and when whoever reads
    its output has seen enough."""
    try:
        yield
    except KeyboardInterrupt:
        say(told())
        raise SystemExit(INTERRUPTED) from None
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(1) from None
