"""interrupted(act, seen): Ctrl-C at every check of act(). How many there were, and what seen() has said after each."""

import _inject


def interrupted(act, seen):
    found, n, left = set(), 0, 0
    while not left:
        n += 1
        try:
            _inject.interrupt(n)
            act()
            left = _inject.interrupt(0)
            for _ in "12":  # one that waited comes here
                pass
        except KeyboardInterrupt:
            pass
        found.add(seen())
    return n, found
