"""Lab 2: rights and a dump. `read` and `root` are those of lab 1."""


def rights(read, root, address):
    """Return what may be done at a virtual address, as four letters, or None if it leads nowhere.

    "rwxu": read, write, execute, and that ring 3 may, too; a "-" stands for what is not allowed.
    """
    raise NotImplementedError("rights()")


def dump(read, root):
    """Return all that is mapped: (first address, bytes, rights) tuples, upwards.

    Pages side by side that have the same rights are one tuple, whatever their frames and sizes.
    """
    raise NotImplementedError("dump()")


if __name__ == "__main__":  # what `make lab` runs, and the grader does not
    from memory import PhysicalAddress, PteFlags, create_mapping
    from paging.natives import cpu
    from shell.commands import peek, walk

    def read(address):
        return peek(PhysicalAddress(address)).values[0]

    start, root = create_mapping(8192, PteFlags()).start_address, cpu.read_cr3() & ~0xFFF
    print(walk(start))
    print("rights() says", rights(read, root, start.value))
