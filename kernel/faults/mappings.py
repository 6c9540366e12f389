"""Which of the kernel's mappings an address was in at the fault, by the record that every MappedPages has."""

from memory.ledger import KIND_NAMES, SEVERAL_RUNS, TABLE, field, guarded_by, next_record
from memory_structs import PageRange
from paging import PteFlags
from paging.access import Access
from paging.flags import NO_EXECUTE
from paging.protection import address_in_window


class FaultMapping:
    """A mapping as it was at the fault: `.range`, `.flags` (the rights that its owner asked for), `.kind`.

    A description, not the owner: that is whoever holds the MappedPages.
    """

    def __init__(self, first, count, flags, kind):
        self.range = PageRange.from_numbers(first, first + count - 1)
        self.flags = PteFlags.of_word(flags)
        self.kind = KIND_NAMES[kind]

    def rights(self):
        """The rights as in "r-x"."""
        flags = self.flags
        return "r%s%s" % ("w" if flags.is_writable() else "-", "x" if flags.is_executable() else "-")

    def __repr__(self):
        return "%s mapping %s, %s" % (self.kind, self.range, self.rights())


def mapping_of(record):
    """The FaultMapping of a trap's Record; None when its address was in none, or it is no page fault's."""
    found = record.mapping
    return None if found is None else FaultMapping(*found)


def executed_at(frame):
    """The number of a page at which some mapping may execute a frame, or None."""
    index = next_record(0)
    while index >= 0:
        first, count, frames = field(index, "first_page"), field(index, "count"), field(index, "frames")
        if field(index, "kind") != TABLE and not field(index, "flags") & NO_EXECUTE:
            if frames < SEVERAL_RUNS:
                if frames <= frame < frames + count:
                    return first + frame - frames
            else:
                translate = Access(field(index, "root"), address_in_window(0)).translate
                for page in range(first, first + count):
                    if translate(page) == frame:
                        return page
        index = next_record(index + 1)
    return None


def stack_above(page_number):
    """The PageRange of the Stack whose guard page has that number, or None."""
    found = guarded_by(page_number)
    return None if found is None else PageRange.from_numbers(found[0], found[0] + found[1] - 1)
