"""Pages for users, as the kernel touches them: CR4.SMAP keeps it off them, but where it means to (EFLAGS.AC).

Views of such a mapping mean to, each access by itself; so do the prompt's `peek`, `poke` and `hexdump`, and `read` and
`write` of another processor. All else, `uctypes` among it, faults, unless it is done in

    with user_access():
        machine.mem32[m.start_address.value] = 42

(Intel SDM, volume 3, "Access Rights".)
"""

from memory_structs.mode import LEVELS

from .access import PATH_BYTES, rights_in
from .flags import USER_ACCESSIBLE
from .guard import NOTHING
from .natives import cpu

LEVEL = 7  # in what a walk answers


class UserAccess:
    """For `with`: inside, the kernel may touch pages for users. A fault ends it, and so does the end of the `with`."""

    def __init__(self):
        self._before = False

    def __enter__(self):
        # No jump here, nor in the other, so Ctrl-C comes before or behind.
        self._before = cpu.open_user_pages(True)

    def __exit__(self, kind, value, traceback):
        cpu.open_user_pages(self._before)


user_access = UserAccess


def access_to(access, address, length):
    """What `with` opens for an access to `length` bytes: `user_access()` if a page among them is for users.

    access: how the tables are seen. Elsewhere nothing is opened: who may touch user pages may have a TLB of its own,
    as in QEMU, where a stale translation of the other one does not show.
    """
    path = bytearray(PATH_BYTES)
    for _, _, at in access.stretches(address, length, path):
        if rights_in(path, at & LEVEL, LEVELS) & USER_ACCESSIBLE:
            return user_access()
    return NOTHING
