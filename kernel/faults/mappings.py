"""Which of the kernel's mappings an address lies in, by the record that every MappedPages has."""

from memory.ledger import KIND_NAMES, field, find, guarded_by
from memory_structs import PageRange
from paging import PteFlags


class FaultMapping:
    """A mapping as it was found: `.range`, `.flags` (the rights that its owner asked for), `.kind`.

    A description, not the owner: that is whoever holds the MappedPages.
    """

    def __init__(self, index):
        first = field(index, "first_page")
        self.range = PageRange.from_numbers(first, first + field(index, "count") - 1)
        self.flags = PteFlags.of_word(field(index, "flags"))
        self.kind = KIND_NAMES[field(index, "kind")]

    def rights(self):
        """The rights as in "r-x"."""
        flags = self.flags
        return "r%s%s" % ("w" if flags.is_writable() else "-", "x" if flags.is_executable() else "-")

    def __repr__(self):
        return "%s mapping %s, %s" % (self.kind, self.range, self.rights())


def mapping_of(root_frame, page_number):
    """Return the FaultMapping that a page number lies in, as seen by a root; None when there is none."""
    index = find(root_frame, page_number)
    return None if index < 0 else FaultMapping(index)


def stack_above(page_number):
    """The PageRange of the Stack whose guard page has that number, or None."""
    found = guarded_by(page_number)
    return None if found is None else PageRange.from_numbers(found[0], found[0] + found[1] - 1)
