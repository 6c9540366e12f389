"""Protection keys of supervisor pages (PKS): the right to many pages taken and given at once, without a flush.

    m = create_mapping(8192, PteFlags().writable(True).with_protection_key(5))
    key(5).rights = "readable"       # from here on: a write to a page with key 5 is a PageFault
    with key(5).writable():          # but not in here, however it ends
        m.as_slice_mut("Q")[0] = 42

A leaf of any size has a key, bits 59 to 62; what is forbidden for the pages of each is in IA32_PKRS, a register that
every processor has for itself. The others take over what holds here with each job that they are given. Fetches are
always allowed; pages for users have keys of their own (PKRU, which the kernel leaves at 0).

    "writable"   as the entries say
    "readable"   reads only          (WD, write disable)
    "closed"     neither             (AD, access disable)

A soft reset makes all keys writable. (Intel SDM, volume 3, "Protection Keys".)
"""

from memory_structs import KernelError

from .guard import GUARD_KEY, Guard
from .natives import keys

RIGHTS = "writable", "closed", "readable", "closed"  # by the two bits of a key
BITS = {"writable": 0, "readable": 2, "closed": 3}
opening = keys.Opening


class NoProtectionKeys(KernelError):
    """This CPU has no protection keys for supervisor pages."""


class KeyInUse(KernelError):
    """The rights of `key` can't be set so: the kernel itself needs its pages, or a `with` has it."""

    def __init__(self, key, why):
        self.key = key
        super().__init__("protection key %d: %s" % (key, why))


class Key:
    """One of the 16 keys, on the processor that runs Python."""

    def __init__(self, number):
        self.number = number

    @property
    def rights(self):
        """ "writable", "readable" or "closed": what holds for pages with this key. Can be assigned."""
        return RIGHTS[keys.rights() >> 2 * self.number & 3]

    @rights.setter
    def rights(self, name):
        bits = BITS.get(name) if isinstance(name, str) else None
        if bits is None:
            raise ValueError("rights of a key are writable, readable or closed, not %r" % (name,))
        if keys.in_use(self.number):
            raise KeyInUse(self.number, "a `with` has it, or has lost it: set its rights after that, or Ctrl-D")
        check(self.number, bits)
        keys.set(self.number, bits)

    def writable(self):
        """For `with`: inside, reads and writes are as the entries say. What was entered last counts, in whatever order
        they are left (generators). RuntimeError if this one is entered again inside."""
        return opening(self.number, 0)

    def readable(self):
        """For `with`: inside, its pages can be read and not written. Raises KeyInUse for key 0."""
        check(self.number, 2)
        return opening(self.number, 2)

    def closed(self):
        """For `with`: inside, its pages can't be read or written. Raises KeyInUse for key 0 and the guard's."""
        check(self.number, 3)
        return opening(self.number, 3)

    def use(self):
        """What the kernel has the key for, in words, or an empty text."""
        if self.number == GUARD_KEY and Guard.is_on:
            return "the physical window: page tables and the allocators' records"
        return "" if self.number else "every page that has no other"

    def __repr__(self):
        return "key %d: %s%s" % (self.number, self.rights, self.use() and "; " + self.use())


def check(number, bits):
    """Refuse rights that would stop the kernel. Raises KeyInUse."""
    if bits and number == 0:
        raise KeyInUse(0, "every page has it that has no other, the kernel's stack among them")
    if bits == 3 and number == GUARD_KEY and Guard.is_on:
        raise KeyInUse(number, "page tables lie behind it, which the kernel reads")


KEYS = tuple([Key(number) for number in range(16)])


def key(number):
    """The Key of a number from 0 to 15. Raises NoProtectionKeys, TypeError, ValueError."""
    if type(number) is not int:
        raise TypeError("a protection key is an int from 0 to 15, not %s" % type(number).__name__)
    if not 0 <= number <= 15:
        raise ValueError("a protection key is from 0 to 15, not %d" % number)
    if not HAS_KEYS:
        raise NoProtectionKeys(
            "this CPU has no protection keys for supervisor pages (PKS: CPUID leaf 7, ECX bit 31);"
            " QEMU's -cpu max has them"
        )
    return KEYS[number]


HAS_KEYS = keys.supported()
