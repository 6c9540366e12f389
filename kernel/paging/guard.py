"""The guard: with `guard` on the kernel's command line (`make run GUARD=1`), the leaves of the physical window have a
protection key of their own, and nobody writes through them but the kernel in its commits.

Page tables and the allocators' records are seen in the window. So a stray store there, by `uctypes`, `machine.mem32` or
machine code, is a PageFault that names the key, instead of a table that is wrong. The loader's static tables have no
keys, nor has what lies where there is no RAM: registers of devices.

Whoever writes there on purpose does it in a function that is a `commit`, or by a native that is for that:

    @commit
    def write_it(address, value): ...

Without the guard, `commit(function)` is the function itself, and costs nothing. So this is imported before all that
commits. A user who means it opens the key: `with key(15).writable():` (keys.py).
"""

from .natives import boot, keys

GUARD_KEY = 15
WORD = "guard"  # on the command line

commit = keys.commit
_on = []


def is_guarded():
    """Answer whether the guard is on: the CPU has keys for supervisor pages, and it was asked for at boot."""
    return _on != []


def window_key():
    """The key of the window's leaves: 0 without the guard."""
    return GUARD_KEY if _on else 0


if keys.supported() and WORD in boot.command_line().split():
    keys.guard(GUARD_KEY)
    _on.append(True)
