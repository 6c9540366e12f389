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
