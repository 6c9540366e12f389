"""What the paging layer refuses, and why. After any of these, no entry has changed.

KernelError
├── PagingError               about one page; .page, .level (of the entry that decided), .flags (of that entry)
│   ├── FrameAllocationFailed     not enough frames for the tables that are missing
│   ├── ParentEntryHugePage       a huge page is where a table would have to be
│   │   └── SmallerPages          asked for a huge page, but smaller ones are mapped there
│   ├── PageAlreadyMapped         .mapped and .offered are frame numbers
│   │   ├── TableInTheWay         a table hangs where the huge page would go: clean_up frees it if it is empty
│   │   └── StaleEntry            not present, not empty either: clear(page) takes it away
│   ├── StaleParentEntry          a table's entry is not present, not empty either
│   ├── PageNotMapped
│   ├── InvalidFrameAddress       .frame is a frame number: a table would lie there, but nothing is shown there
│   │   └── MalformedEntry        an entry has reserved bits set: never followed
│   └── KernelInUse               the kernel itself runs on this: .name
├── ContradictoryFlags        flags that no entry can have
└── TechniqueUnavailable      this way to reach tables can't be had here and now
"""

from memory_structs import PAGE_SHIFT, KernelError


def page_text(page):
    """`v0x...`: a page number as the address of its first byte."""
    return "v" + hex(page << PAGE_SHIFT)


def frame_text(frame):
    """`p0x...`: a frame number as the address of its first byte."""
    return "p" + hex(frame << PAGE_SHIFT)


class PagingError(KernelError):
    """`page` (a number) was not touched: the entry at `level` on its way, with flag word `flags`, forbids it."""

    def __init__(self, page, level, flags, line):
        self.page = page
        self.level = level
        self.flags = flags
        super().__init__("%s: %s" % (page_text(page), line))


class FrameAllocationFailed(PagingError):
    """`needed` frames for tables were asked for, `given` came; those have been given back."""

    def __init__(self, page, needed, given):
        self.needed = needed
        self.given = given
        line = "needs %s frame%s for tables, the frame allocator had %s" % (needed, "" if needed == 1 else "s", given)
        PagingError.__init__(self, page, 0, 0, line)


class ParentEntryHugePage(PagingError):
    """`frame` (a number) is mapped as a huge page over the place of the page."""

    def __init__(self, page, level, flags, frame):
        self.frame = frame
        line = "lies inside a huge page (P%s) to %s; unmap or split that first" % (level, frame_text(frame))
        PagingError.__init__(self, page, level, flags, line)


class SmallerPages(ParentEntryHugePage):
    """The entry at `level` leads to a table (in `frame`) of smaller pages."""

    def __init__(self, page, level, flags, frame):
        self.frame = frame
        line = "is no huge page: its P%s entry leads to the table at %s" % (level, frame_text(frame))
        PagingError.__init__(self, page, level, flags, line)


class PageAlreadyMapped(PagingError):
    """`mapped` is the frame that the page leads to, `offered` the one that was to be mapped."""

    reason = "is mapped to %s already, so it can't be mapped to %s; unmap it first"

    def __init__(self, page, level, flags, mapped, offered):
        self.mapped = mapped
        self.offered = offered
        PagingError.__init__(self, page, level, flags, self.reason % (frame_text(mapped), frame_text(offered)))


class TableInTheWay(PageAlreadyMapped):
    """A table, in frame `mapped`, hangs where the huge page would go."""

    reason = "has a table at %s where the huge page to %s would go; unmap its pages and clean_up"


class StaleEntry(PageAlreadyMapped):
    """The entry is not present, but says something: that is somebody's note, not free space."""

    reason = "has an entry that is not present, with %s in it, so %s can't be mapped; clear(page) takes it away"


class StaleParentEntry(PagingError):
    """The entry of a table is not present, but not empty: what it names was a table once."""

    def __init__(self, page, level, flags, frame):
        self.frame = frame
        line = "its P%s entry is not present but names %s; it is not followed" % (level, frame_text(frame))
        PagingError.__init__(self, page, level, flags, line)


class PageNotMapped(PagingError):
    """The entry at `level` is not present."""

    def __init__(self, page, level, flags=0):
        PagingError.__init__(self, page, level, flags, "is not mapped: its P%s entry is not present" % level)


class InvalidFrameAddress(PagingError):
    """The entry at `level` leads to `frame`, where it can't lead."""

    def __init__(self, page, level, flags, frame, reason):
        self.frame = frame
        line = "its P%s entry leads to %s: %s" % (level, frame_text(frame), reason)
        PagingError.__init__(self, page, level, flags, line)


class MalformedEntry(InvalidFrameAddress):
    """The entry at `level` has reserved bits set: any access faults, so it is not followed."""

    def __init__(self, page, level, flags, frame):
        InvalidFrameAddress.__init__(self, page, level, flags, frame, "reserved bits are set; walk() shows them")


class KernelInUse(PagingError):
    """The kernel itself runs on what is mapped here."""

    def __init__(self, page, name):
        self.name = name
        PagingError.__init__(self, page, 0, 0, "belongs to %s, which the kernel itself runs on" % name)


class ContradictoryFlags(KernelError):
    """`flags` can't be in an entry like this one."""

    def __init__(self, flags, reason):
        self.flags = flags
        self.reason = reason
        super().__init__("%s: %s" % (flags, reason))


class TechniqueUnavailable(KernelError):
    """The access technique `name` can't be used here and now."""

    def __init__(self, name, reason):
        self.name = name
        self.reason = reason
        super().__init__("%s: %s" % (name, reason))
