"""What a long command tells a person on the way, in one line that is written anew and gone at the end."""

import sys

from shell.terminal import ERASE, TERMINAL


def say(text):
    """Say on a person's screen what is being done, in the place of what was said before."""
    if TERMINAL.columns:
        sys.stdout.write(ERASE + text)


def unsay():
    """Leave the line empty."""
    if TERMINAL.columns:
        sys.stdout.write(ERASE)
