"""Lab 7: a sixth access technique: tables are seen through a few pages of its own."""

from paging.sessions import SessionAccess, SessionTechnique


class SlotAccess(SessionAccess):
    """How one call sees tables: each in the slot of its level."""

    def table_at(self, frame, level, page):
        """Return the address of a slot that shows the frame of that number; `level` is from 0 to LEVELS."""
        raise NotImplementedError("SlotAccess.table_at()")

    def close(self):
        """The call is over: the slots show what they showed before."""
        raise NotImplementedError("SlotAccess.close()")


class SlotPageTable(SessionTechnique):
    """A Mapper of the tables under `root`, a Frame; without one, of the active ones.

    `.window` is the MappedPages whose pages are the slots: at most 8.
    """

    name = "slots"

    def __init__(self, root=None):
        raise NotImplementedError("SlotPageTable()")

    def _open(self, writes):
        """Return a SlotAccess for one call."""
        raise NotImplementedError("SlotPageTable._open()")

    def leave(self):
        """Give the slots back."""
        raise NotImplementedError("SlotPageTable.leave()")


if __name__ == "__main__":  # what `make lab` runs, and the grader does not
    from memory import PteFlags, create_mapping

    m = create_mapping(8192, PteFlags())
    slots = SlotPageTable()
    print("slots:", slots.translate_addr(m.start_address))
    print("the kernel:", m.frames()[0].start_address)
