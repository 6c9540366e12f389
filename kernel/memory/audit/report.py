"""`Audit`: what `verify()` found and counted."""

from memory_structs import PAGE_SHIFT
from memory_structs.mode import canonical_page

LISTED = 64  # so many findings are told; of more, how many there are
ENOUGH = 1000  # after so many findings the rest is not looked at: a tree of garbage has no end


class Enough(Exception):
    """There are too many findings to go on."""


class Listing:
    """Texts, of which only the first LISTED are made: `add` takes a format and its arguments."""

    def __init__(self):
        self.texts = []
        self.found = 0

    def add(self, text, *arguments):
        self.found += 1
        if self.found <= LISTED:
            self.texts.append(text % arguments)

    def close(self, text):
        if self.found > LISTED:
            self.texts.append(text % (self.found - LISTED))
        return self.texts


class Audit:
    """What `verify()` found, and what it counted.

    .violations     texts, each with the address that it is about; none: all is well
    .unowned        what is mapped without an owner, texts of runs of pages: the paging layer's, and legal as such
    .under_way      what another call was just doing: texts
    .mappings       mappings with an owner, the kernel's own among them
    .mapped_pages   their pages
    .tables         page tables that hang in a root, and the roots
    .frames         usable RAM by what it was found to be: {"free": ..., "allocated": ..., "mapped": ...,
                    "unmapped": ..., "tables": ...}, each frame looked at, none derived from the allocators' counts
    """

    def __init__(self):
        self.violations = []
        self.unowned = []
        self.under_way = []
        self.mapped_pages = 0
        self.tables = 0
        self.mappings = 0
        self.frames = {}

    @property
    def is_healthy(self):
        return not self.violations

    def __repr__(self):
        lines = ["%d owned mappings, %d pages, %d page tables" % (self.mappings, self.mapped_pages, self.tables)]
        lines += ["VIOLATION " + text for text in self.violations]
        lines += ["unowned: " + text for text in self.unowned]
        lines += ["under way: " + text for text in self.under_way]
        if self.is_healthy:
            lines[0] += ": nothing to complain of"
        return "\n".join(lines)


class Findings:
    """What an audit under way has found."""

    def __init__(self):
        self.violations = Listing()
        self.unowned = Listing()
        self.under_way = Listing()

    def complain(self, text, *arguments):
        """Note a violation. Raises Enough."""
        self.violations.add(text, *arguments)
        if self.violations.found >= ENOUGH:
            raise Enough


def virtual(page, count=1):
    """Pages as a finding names them; `page` may lack its sign bits."""
    text = "v" + hex(canonical_page(page) << PAGE_SHIFT)
    return text if count == 1 else "%s (%d pages)" % (text, count)


def physical(frame):
    return "p" + hex(frame << PAGE_SHIFT)
