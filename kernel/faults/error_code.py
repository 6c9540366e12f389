"""The error code of a page fault, as the CPU pushed it.

  15        6    5    4     3    2  1  0
┌─────────────┬────┬─────┬──────┬──┬──┬──┐
│  not used   │ PK │ I/D │ RSVD │U │W │P │    (Intel SDM, volume 3, "Page-Fault Exceptions")
└─────────────┴────┴─────┴──────┴──┴──┴──┘
"""

from memory_structs.instances import make

PRESENT, WRITE, USER, RESERVED, FETCH, PROTECTION_KEY = 1, 2, 4, 8, 16, 32


class PageFaultErrorCode:
    """Having one means: the CPU refused an access, and this is what it said of it."""

    def __init__(self, value):
        self.value = value

    @property
    def present(self):
        """True when every entry on the way was present: the rights refused. QEMU clears it when `reserved` is set."""
        return self.value & PRESENT != 0

    @property
    def write(self):
        return self.value & WRITE != 0

    @property
    def user(self):
        """True when ring 3 made the access."""
        return self.value & USER != 0

    @property
    def reserved(self):
        """True when an entry had a bit set that must be 0."""
        return self.value & RESERVED != 0

    @property
    def fetch(self):
        """True when an instruction was to be read."""
        return self.value & FETCH != 0

    @property
    def protection_key(self):
        return self.value & PROTECTION_KEY != 0

    @property
    def access(self):
        """ "read", "write" or "execute"."""
        return "execute" if self.fetch else "write" if self.write else "read"

    def __eq__(self, other):
        return type(other) is PageFaultErrorCode and other.value == self.value

    def __hash__(self):
        return self.value

    def __repr__(self):
        who = self.access + (" by ring 3" if self.user else "")
        if self.reserved:
            return who + ", reserved bit"
        if self.protection_key:
            return who + ", protection key"
        return who + (", not allowed" if self.present else ", not present")


def code_of(value):
    """The PageFaultErrorCode of a value."""
    return make(PageFaultErrorCode, "value", value)
