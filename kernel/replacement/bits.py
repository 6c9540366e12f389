"""What the MMU tells of a page, as a policy may ask for it."""

from faults.marks import look
from faults.working_set import ACCESSED, DIRTY, take


class Bits:
    """The accessed and dirty bits of the pages of one root; `access` is how its tables are seen."""

    def __init__(self, access):
        self._access = access

    def take_accessed(self, page):
        """Whether a page number was accessed since this was asked last. Clears the bit, and flushes it."""
        return take(self._access, page, ACCESSED) != 0

    def is_dirty(self, page):
        """Whether a page number was written since it was loaded or stored. Changes nothing."""
        return look(self._access, page, DIRTY) != 0
