"""Lab 1: translate by hand.

`read(address)` returns the 64-bit entry at a physical address; `root` is the physical address of the root table.
"""


def translate(read, root, address):
    """Return the physical address that a virtual one leads to, or None if it leads nowhere.

    All three are numbers; `address` has 64 bits.
    """
    raise NotImplementedError("translate()")


if __name__ == "__main__":  # what `make lab` runs, and the grader does not
    from memory import PhysicalAddress, PteFlags, create_mapping
    from paging.natives import cpu
    from shell.commands import peek, walk

    address = create_mapping(8192, PteFlags()).start_address + 5
    print(walk(address))
    found = translate(lambda p: peek(PhysicalAddress(p)).values[0], cpu.read_cr3() & ~0xFFF, address.value)
    print("translate() says", found if found is None else hex(found))
