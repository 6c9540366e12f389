"""What the mapper refuses. All are `KernelError`s; either way no entry, allocator or owner has changed.

KernelError
├── CountMismatch        as many frames as pages, or none at all
├── WritableExecutable   W^X: nothing is writable and executable at once, aliases included
├── SystemMapping        the kernel's own mappings are never dropped or changed
├── Busy                 a call is changing it at this moment
├── MappingDamaged       somebody changed the entries behind the owner's back (the paging layer can)
├── TableInUse           an active page table, or one with mappings, can't be dropped
└── AlreadyInitialized   memory.init runs once
"""

from memory_structs import KernelError


class CountMismatch(KernelError):
    """`pages` and `frames` differ in number (4 KiB units)."""

    def __init__(self, pages, frames):
        self.pages = pages
        self.frames = frames
        super().__init__("%s pages cannot be mapped to %s frames: split the larger owner" % (pages, frames))


class WritableExecutable(KernelError):
    """`range` would be writable and executable; `reason` says through which mappings."""

    def __init__(self, range, reason="by the flags asked for"):
        self.range = range
        self.reason = reason
        super().__init__(
            "%s would be writable and executable %s: write first and remap then, or give override='why'"
            % (range, reason)
        )


class SystemMapping(KernelError):
    """`mapping` is the kernel's own; `step` is not for it."""

    def __init__(self, mapping, step):
        self.mapping = mapping
        self.step = step
        super().__init__("%s belongs to the kernel itself: it cannot %s" % (mapping, step))


class Busy(KernelError):
    """`what` is being changed by the call `step`, which is not over: only then it can be used, if it lives."""

    def __init__(self, what, step):
        self.what = what
        self.step = step
        super().__init__("%s is busy: %s is changing it; wait for its end" % (what, step))


class UnderWay:
    """Stands for the record of a mapping that a call is changing: whoever asks for the record is told Busy."""

    def __init__(self, step, record):
        self.step = step
        self.record = record


class MappingDamaged(KernelError):
    """`page` of `mapping` is not mapped as its owner was given it any more."""

    def __init__(self, mapping, page, step):
        self.mapping = mapping
        self.page = page
        self.step = step
        super().__init__(
            "%s cannot %s: %s is not mapped as its owner was given it any more; map it again by the paging layer"
            % (mapping, step, page)
        )


class TableInUse(KernelError):
    """`table` can't be dropped because of `reason`."""

    def __init__(self, table, reason):
        self.table = table
        self.reason = reason
        super().__init__("%s cannot be dropped: %s" % (table, reason))


class AlreadyInitialized(KernelError):
    """`what` was initialised before."""

    def __init__(self, what):
        self.what = what
        super().__init__("%s is initialised already; a soft reset (Ctrl-D) starts anew" % (what,))
