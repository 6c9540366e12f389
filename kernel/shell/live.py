"""A picture that is drawn anew while something runs.

    from shell.live import live
    live(range(20), lambda n: kept.append(create_mapping(n << 16, writable)))

draws RAM after each step, in place. Ctrl-C stops it.
"""

import sys

from diagnostics.picture import Picture

from shell.terminal import TERMINAL

UP = "\x1b[%dA"
CLEAR = "\x1b[J"


def live(steps, act=None, picture=Picture):
    """Do `act(step)` for each of `steps` (or just take them, if they are a generator that acts), drawing after each.

    picture: Picture (RAM) or PoolPicture. Returns the last one.
    """
    drawn = None
    for step in steps:
        if act is not None:
            act(step)
        view = picture()
        lines = list(TERMINAL.lines_of(view))
        if drawn is not None:
            sys.stdout.write(UP % drawn + CLEAR)
        for line in lines:
            sys.stdout.write(line + "\n")
        drawn = len(lines)
    return None if drawn is None else view
