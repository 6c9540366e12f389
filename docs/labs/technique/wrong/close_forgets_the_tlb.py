"""Lab 7, wrong: close() puts the entries back, and the CPU goes on with what it remembers.

Caught by it_leaves_no_trace.
"""

from memory import HEAP_FLAGS, PAGE_SIZE, create_mapping
from memory_structs.mode import LEVELS
from paging import OffsetPageTable
from paging.natives import LAYOUT, cpu, entries
from paging.sessions import SessionAccess, SessionTechnique

WORD = 0x800003  # PRESENT, WRITABLE, NO_EXECUTE of a flag word


def signed(address):
    return address - (1 << 64) if address >> 63 else address


class SlotAccess(SessionAccess):
    def __init__(self, technique):
        super().__init__(technique.root_frame)
        self.technique = technique
        self.kept = {}  # slot: (frame, flag word) that its entry had

    def table_at(self, frame, level, page):
        at = self.technique.entries[level]
        if level not in self.kept:
            self.kept[level] = entries.frame(at), entries.word(at)
        entries.write(at, frame, WORD)
        cpu.invlpg(self.technique.pages[level])
        return self.technique.pages[level] - (1 << 52) << 12

    def close(self):
        for level, kept in self.kept.items():
            entries.write(self.technique.entries[level], *kept)


class SlotPageTable(SessionTechnique):
    name = "slots"

    def __init__(self, root=None):
        super().__init__(root)
        self.window = create_mapping((LEVELS + 1) * PAGE_SIZE, HEAP_FLAGS, huge=False)
        self.pages = [page.number for page in self.window.range]
        with OffsetPageTable() as tables:
            ways = [tables.walk(page)[LEVELS - 1] for page in self.window.range]
        self.entries = [signed((LAYOUT["WINDOW_PAGE"] + way.table.number << 12) + 8 * way.index) for way in ways]

    def _open(self, writes):
        self._check_in_use()
        return SlotAccess(self)

    def leave(self):
        if self.window:
            self.window.drop()
        super().leave()
