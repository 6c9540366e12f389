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
│   ├── InvalidFrameAddress       .frame is a frame number
│   │   └── MalformedEntry        an entry has reserved bits set: never followed
│   └── KernelInUse               the kernel itself runs on this: .name
├── ContradictoryFlags        flags that no entry can have
└── TechniqueUnavailable      this way to reach tables can't be had here and now
"""

from memory_structs import PAGE_SHIFT, KernelError, Misaligned, OutOfRange

from .natives import tables


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
        line = "needs %d frame%s for tables, the frame allocator had %d" % (needed, "" if needed == 1 else "s", given)
        PagingError.__init__(self, page, 0, 0, line)


class ParentEntryHugePage(PagingError):
    """`frame` (a number) is mapped as a huge page over the place of the page."""

    def __init__(self, page, level, flags, frame):
        self.frame = frame
        line = "lies inside a huge page (P%d) to %s; unmap or split that first" % (level, frame_text(frame))
        PagingError.__init__(self, page, level, flags, line)


class SmallerPages(ParentEntryHugePage):
    """The entry at `level` leads to a table (in `frame`) of smaller pages."""

    def __init__(self, page, level, flags, frame):
        self.frame = frame
        line = "is no huge page: its P%d entry leads to the table at %s" % (level, frame_text(frame))
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
        line = "its P%d entry is not present but names %s; it is not followed" % (level, frame_text(frame))
        PagingError.__init__(self, page, level, flags, line)


class PageNotMapped(PagingError):
    """The entry at `level` is not present."""

    def __init__(self, page, level, flags=0):
        PagingError.__init__(self, page, level, flags, "is not mapped: its P%d entry is not present" % level)


class InvalidFrameAddress(PagingError):
    """The entry at `level` leads to `frame`, where it can't lead."""

    def __init__(self, page, level, flags, frame, reason):
        self.frame = frame
        line = "its P%d entry leads to %s: %s" % (level, frame_text(frame), reason)
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


FLAG_RULES = (
    "asked for must be PRESENT, without HUGE_PAGE on a 4 KiB page or a table, without reserved bits (NO_EXECUTE needs"
    " EFER.NXE, 1 GiB pages need the CPU)"
)


# What a refusal is called that needs nothing but the entry that decided.
BY_ENTRY = {
    tables.PARENT_HUGE: ParentEntryHugePage,
    tables.SMALLER_PAGES: SmallerPages,
    tables.MALFORMED: MalformedEntry,
    tables.STALE_PARENT: StaleParentEntry,
}
BY_TWO_FRAMES = {
    tables.ALREADY_MAPPED: PageAlreadyMapped,
    tables.TABLE_IN_THE_WAY: TableInTheWay,
    tables.STALE_ENTRY: StaleEntry,
}


def refusal(code, access, page, count=1, frame=0, flags=None, names=()):
    """The exception for a negative answer of an access object, whose details it reads. `page`, `count`, `frame` are
    what was asked for."""
    at = access.page
    if code in BY_ENTRY:
        found = BY_ENTRY[code](at, access.level, access.flags, access.entry_frame)
    elif code in BY_TWO_FRAMES:
        found = BY_TWO_FRAMES[code](at, access.level, access.flags, access.entry_frame, frame + (at - page))
    elif code == tables.NOT_MAPPED:
        found = PageNotMapped(at, access.level, access.flags)
    elif code == tables.PROTECTED:
        index = access.protected_index
        found = KernelInUse(at, names[index] if index < len(names) else "the kernel")
    elif code == tables.FLAGS:
        found = ContradictoryFlags(flags, FLAG_RULES)
    elif code == tables.MISALIGNED:
        found = Misaligned(page_text(page), "the page size (or its frame or its length is not)")
    elif code == tables.OUT_OF_RANGE:
        found = OutOfRange(frame_text(frame + count - 1), "this CPU's physical addresses")
    else:
        found = TechniqueUnavailable("recursive", "the recursive slot does not lead to this table")
    return found
