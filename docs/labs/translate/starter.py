"""Lab 1: translate by hand.

`read(address)` returns the 64-bit entry at a physical address; `root` is the physical address of the root table.
"""


def translate(read, root, address):
    """Return the physical address that a virtual one leads to, or None if it leads nowhere.

    All three are numbers; `address` has 64 bits.
    """
    raise NotImplementedError("translate()")
