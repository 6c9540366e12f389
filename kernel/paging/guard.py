"""The guard: with `guard` on the kernel's command line (`make run GUARD=1`), the leaves of the physical window have a
protection key of their own, and nobody writes through them but the kernel in its commits.

Page tables and the allocators' records are seen in the window. So a stray store there, by `uctypes`, `machine.mem32` or
machine code, is a PageFault that names the key, instead of a table that is wrong. The loader's static tables have no
keys, nor has what lies where there is no RAM: registers of devices.

Whoever writes there on purpose does it by a native that is for that, or in a function that opens the guard for as
long as it runs. Handlers and callbacks that come in between find the guard shut.

    @opens_guard
    def write_it(address, value): ...

Without the guard, `opens_guard(function)` is the function itself, and costs nothing: so this is asked for at boot, and
imported before all that opens it. A user who means it opens the key: `with key(15).writable():` (keys.py).

It is no default: a processor may forget translations when rights of keys change, and QEMU's forgets them all, so
that a flush which is missing would not show.
"""

from memory_structs import commits

from .natives import boot, keys

GUARD_KEY = 15
WORD = "guard"  # on the command line
NO_KEYS = "none: this CPU has no protection keys for supervisor pages (PKS), which QEMU's -cpu max has"
opens_guard = keys.commit


class Guard:
    """Whether the guard is on: the CPU has keys for supervisor pages, and it was asked for at boot.

    .key      what the window's leaves have; 0 without the guard
    .blocks   the first frame of what is left out for the other processors, whose stacks lie there, or None
    """

    is_wanted = WORD in boot.command_line().split()
    is_on = is_wanted and keys.supported()
    key = GUARD_KEY if is_on else 0
    blocks = None


class Nothing:
    """For `with`, where there is no guard."""

    def __enter__(self):
        pass

    def __exit__(self, kind, value, traceback):
        pass


NOTHING = Nothing()


def opened():
    """For `with`: the window is open here, also on other processors that are given jobs, and for handlers."""
    return keys.Opening(GUARD_KEY, 0) if Guard.is_on else NOTHING


if Guard.is_on:
    keys.guard(GUARD_KEY)
    commits.guarded, commits.opens_guard = True, opens_guard
