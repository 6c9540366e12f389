"""The error code of a page fault, as the CPU pushed it.

  31    16  15   14    8    7     6    5    4     3    2  1  0
┌─────────┬─────┬────────┬──────┬────┬────┬─────┬──────┬──┬──┬──┐
│ not used│ SGX │not used│ HLAT │ SS │ PK │ I/D │ RSVD │U │W │P │    (Intel SDM, volume 3, "Page-Fault Exceptions")
└─────────┴─────┴────────┴──────┴────┴────┴─────┴──────┴──┴──┴──┘

SS, HLAT and SGX are for what this kernel doesn't switch on: shadow stacks, tables that a hypervisor set up, enclaves.
"""

from memory_structs.instances import make

PRESENT, WRITE, USER, RESERVED, FETCH, PROTECTION_KEY = 1, 2, 4, 8, 16, 32
SHADOW_STACK, HLAT, SGX = 1 << 6, 1 << 7, 1 << 15


class PageFaultErrorCode:
    """Having one means: the CPU refused an access, and this is what it said of it."""

    def __init__(self, value):
        self.value = value

    @property
    def present(self):
        """True when every entry that was read was present: what was in them refused the access.

        Reserved bits are looked at in present entries only, so P comes with RSVD. QEMU clears P then; `value` has that.
        """
        return self.value & (PRESENT | RESERVED) != 0

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
    def shadow_stack(self):
        """True when it was an access to a shadow stack (CET)."""
        return self.value & SHADOW_STACK != 0

    @property
    def hlat(self):
        """True when the entry that refused was met on the way of HLAT paging, which a hypervisor sets up."""
        return self.value & HLAT != 0

    @property
    def sgx(self):
        """True when not the tables refused, but SGX."""
        return self.value & SGX != 0

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
        for name, bit in (("shadow stack", SHADOW_STACK), ("HLAT", HLAT), ("SGX", SGX)):
            if self.value & bit:
                return "%s, %s" % (who, name)
        return who + (", not allowed" if self.present else ", not present")


def code_of(value):
    """The PageFaultErrorCode of a value."""
    return make(PageFaultErrorCode, "value", value)
