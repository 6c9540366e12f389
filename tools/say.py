"""One line for a person: what a tool is doing, or why it stops."""

import sys


def say(text):
    """Print one line of progress to stderr, so that a tool's own output stays clean."""
    print(f"clew: {text}", file=sys.stderr, flush=True)


def stop(text):
    """End the tool with one line that says what is wrong and how to mend it. Exit status 1."""
    raise SystemExit(f"clew: {text}")
