"""A picture that is drawn anew while something runs: `picture live` at the prompt, and

    from shell.live import live
    live(range(20), lambda n: kept.append(create_mapping(n << 16, writable)))

draws RAM after each step, in place. Ctrl-C stops it.
"""

import sys

from diagnostics.picture import Picture
from memory import PteFlags, create_mapping, frame_allocator

from shell.errors import UsageError
from shell.terminal import TERMINAL
from shell.user import NAMES

UP = "\x1b[%dA"
CLEAR = "\x1b[J"
# The demonstration maps and drops so many pieces, all of them together a half of the free frames.
PIECES = 6


def live(steps, act=None, picture=Picture):
    """Do `act(step)` for each of `steps` (or just take them, if they are a generator that acts), drawing after each.

    picture: Picture (RAM) or PoolPicture. Returns the last one. Of a picture that is higher than the screen, the
    beginning is drawn.
    """
    drawn = None
    for step in steps:
        if act is not None:
            act(step)
        view = picture()
        lines = list(TERMINAL.lines_of(view))
        if TERMINAL.rows:
            lines = lines[: TERMINAL.rows - 1]
        if drawn is not None:
            sys.stdout.write(UP % drawn + CLEAR)
        for line in lines:
            sys.stdout.write(line + "\n")
        drawn = len(lines)
    return None if drawn is None else view


def show_live(words):
    """What `picture live` does: words of an expression whose steps act, or an object to go through, or nothing for a
    demonstration, which leaves nothing behind. Raises UsageError."""
    if not words:
        kept = []
        try:
            live(demonstration(kept))
        finally:
            while kept:
                kept.pop().drop()
        return
    steps = words[0] if len(words) == 1 and not isinstance(words[0], str) else value_of(" ".join(words))
    try:
        steps = iter(steps)
    except TypeError:
        raise UsageError("%s has no steps: give what a `for` goes through" % type(steps).__name__)
    live(steps)


def value_of(text):
    """The value of an expression over the user's names. Raises UsageError."""
    try:
        return eval(text, NAMES)
    except (NameError, SyntaxError) as error:
        raise UsageError("%s: %s: picture live [STEPS]" % (text, error))


def demonstration(kept):
    """Map pieces of memory, each larger than the one before, and drop every other one; then all are dropped."""
    unit = max(frame_allocator.statistics().free // (PIECES * (PIECES + 1)), 1)
    for number in range(1, PIECES + 1):
        kept.append(create_mapping(number * unit << 12, PteFlags()))
        yield
    for place in range(PIECES - 2, -1, -2):
        kept.pop(place).drop()
        yield
    while kept:
        kept.pop().drop()
        yield
