"""What views and borrows refuse. All are `KernelError`s; either way nothing was read, written, lent or ended.

KernelError
├── OutOfRange
│   └── OutOfBounds          it would reach outside of its mapping
├── NotWritable              the mapping, or the view, is for reading only
├── NotExecutable            code is called in mappings that are executable and not writable, and nowhere else
├── AlreadyBorrowed          the bytes are lent already, and one of the two wants to write
├── StillBorrowed            the mapping can't change while somebody may look at it
├── UseAfterUnmap            the view is stale: its mapping was changed or unmapped
│   └── UseAfterRelease      the view was released
├── NotActive                the mapping lives in the lower half of a page table that is not the active one
└── NotExportable            a raw buffer can't be followed into another page table, and devices notice how it reads
"""

from memory_structs import KernelError, OutOfRange


class OutOfBounds(OutOfRange):
    """`size` bytes from `offset` on do not lie inside `mapping`."""

    def __init__(self, mapping, offset, size):
        self.mapping = mapping
        self.offset = offset
        self.size = size
        what = "%s bytes at offset %s" % (size, hex(offset) if offset.__class__ is int else offset)
        super().__init__(what, "%s, which has %s bytes" % (mapping, hex(mapping.size_in_bytes)))


class NotWritable(KernelError):
    """Writing to `what` is refused."""

    def __init__(self, what, hint):
        self.what = what
        super().__init__("%s is not writable: %s" % (what, hint))


class NotExecutable(KernelError):
    """Calling code in `mapping` is refused."""

    def __init__(self, mapping):
        self.mapping = mapping
        super().__init__("%s is not executable and read-only: remap() it first" % (mapping,))


class AlreadyBorrowed(KernelError):
    """`borrow` lives, and overlaps what was asked for; one of the two is writable."""

    def __init__(self, borrow):
        self.borrow = borrow
        super().__init__("%s holds some of these bytes: release() it first" % (borrow,))


class StillBorrowed(KernelError):
    """`step` of `mapping` is refused while the views in `borrows` live; `release()` each, or let them go."""

    def __init__(self, mapping, step, borrows):
        self.mapping = mapping
        self.step = step
        self.borrows = borrows
        listed = ", ".join(str(borrow) for borrow in list(borrows)[:4])
        more = "" if len(borrows) <= 4 else " and %d more" % (len(borrows) - 4)
        super().__init__("%s of %s is refused while borrowed by %s%s: release() them" % (step, mapping, listed, more))


class StillRunning(KernelError):
    """`function` was called and is not back: its machine code stays lent until then."""

    def __init__(self, function):
        self.function = function
        super().__init__("%s is running: let it return, or be left by an exception, before its code goes" % (function,))


class UseAfterUnmap(KernelError):
    """`view` is stale since `consumer`."""

    def __init__(self, view, consumer, hint=None):
        self.view = view
        self.consumer = consumer
        hint = hint or "its mapping ended by %s; make a new view of what is mapped now" % consumer
        super().__init__("%s: %s" % (view, hint))


class UseAfterRelease(UseAfterUnmap):
    """`view` was released."""

    def __init__(self, view):
        UseAfterUnmap.__init__(self, view, "release()", "take a new one from the mapping")


class NotActive(KernelError):
    """`what` is mapped in the lower half of the table with root frame number `root`, and another table is active."""

    def __init__(self, what, root):
        self.what = what
        self.root = root
        super().__init__(
            "%s lives in the page table at frame %s, which is not active: switch_to() it" % (what, hex(root))
        )


class NotExportable(KernelError):
    """`view` has no raw buffer to give, because of `reason`."""

    def __init__(self, view, reason):
        self.view = view
        super().__init__("%s is in %s: copy, view[:]" % (view, reason))
