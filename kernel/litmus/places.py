"""Where a litmus test takes place: two pages of the lower half, four frames, and room for what the processors share."""

import memory
from memory_structs import PAGE_SHIFT, PAGE_SIZE, VirtualAddress
from memory_structs.mode import canonical_page
from paging import OffsetPageTable
from paging.flags import ACCESSED, DIRTY, GLOBAL, NO_EXECUTE, PRESENT, WRITABLE, value_of_word
from paging.guard import opened
from paging.natives import cpu
from paging.natives import memory as words
from paging.protection import address_in_window
from processors.natives import processors

from litmus.programs import ARRIVED, PATIENCE, RECORD_BYTES
from litmus.text import CPUS_MAX, FRAMES, LETTERS, PAGES

BASE = 0x1000_0000_0000
"""Where the pages lie: in a root entry that nobody else is likely to use, in the lower half. That QEMU's TLB forgets
page by page; an INVLPG in the upper half makes it forget everything."""
RUNS_AT_ONCE = 512
RECORD_PAGES = RUNS_AT_ONCE * RECORD_BYTES // PAGE_SIZE
PATIENT = 3_000_000  # rests: some seconds
BITS = {"P": PRESENT, "W": WRITABLE, "A": ACCESSED, "D": DIRTY, "G": GLOBAL}
HARDWARE = value_of_word(NO_EXECUTE)
ENTRY_BYTES = 8
WRITABLE_DATA = memory.PteFlags().writable(True)


class Places:
    """Pages x and y, frames a to d, the control page, descriptors and records. Used with `with`, all is given back;
    inside, programs change entries and frames through the window.

    .first: which processor of the test is the one that runs Python. .shootdown: the address of the kernel's, or 0 to
    leave it out.
    """

    def __init__(self):
        self.first = 0
        self.window = opened()
        self.shootdown = processors.shootdown_at()
        self.root = memory.PageTable.from_current().physical_address.value
        self.pages = memory.create_mapping_at(VirtualAddress(BASE), len(FRAMES) * PAGE_SIZE, WRITABLE_DATA, huge=False)
        self.room = memory.create_mapping((1 + CPUS_MAX + RECORD_PAGES) * PAGE_SIZE, WRITABLE_DATA)
        self.control = self.room.start_address.value
        self.records = self.descriptors(CPUS_MAX)
        walks = [OffsetPageTable().walk(VirtualAddress(self.page_number(place))) for place in range(len(FRAMES))]
        last = [walk[len(walk) - 1] for walk in walks]
        self.frames = [each.frame.number for each in last]
        self.entries = [address_in_window(each.table.number) + each.index * ENTRY_BYTES for each in last]
        self.before = [words.load64(self.entries[place]) for place in range(len(PAGES))]

    def __enter__(self):
        self.window.__enter__()
        return self

    def __exit__(self, *error):
        try:
            for place, raw in enumerate(self.before):
                words.store64(self.entries[place], raw)
                cpu.invlpg(canonical_page(self.page_number(place) >> PAGE_SHIFT))
        finally:
            self.window.__exit__(*error)
        self.room.drop()
        self.pages.drop()

    @staticmethod
    def page_number(place):
        return BASE + place * PAGE_SIZE

    # --- What a Program asks for. ---

    def descriptors(self, processor):
        """Return where a processor's interrupt descriptor table lies."""
        return self.control + (1 + processor) * PAGE_SIZE

    def page(self, name):
        """Return the address of a page."""
        return self.page_number(PAGES.index(name))

    def entry_at(self, name):
        """Return where the window shows the entry of a page."""
        return self.entries[PAGES.index(name)]

    def memory_at(self, name):
        """Return where the window shows the first word of a frame."""
        return address_in_window(self.frames[FRAMES.index(name)])

    def raw(self, entry):
        """Return an entry as the MMU has it."""
        frame, letters = entry
        if not frame:
            return 0
        return self.frames[FRAMES.index(frame)] << PAGE_SHIFT | HARDWARE | bits_of(letters)

    @staticmethod
    def clear_mask(letters):
        """Return what to AND with an entry so that it loses flags."""
        return ~bits_of(letters)

    # --- What the runs need. ---

    def entry_of_raw(self, raw):
        """Return what the MMU has as an entry: (frame, letters)."""
        frame = raw >> PAGE_SHIFT & (1 << 40) - 1
        letters = [letter for letter in LETTERS if raw & BITS[letter]]
        return FRAMES[self.frames.index(frame)], "".join(letters)

    def begin(self):
        """Nobody has arrived yet."""
        words.store64(self.control + ARRIVED, 0)
        words.store64(self.control + PATIENCE, PATIENT)

    def has_arrived(self):
        """Has any processor arrived where they meet?"""
        return words.load64(self.control + ARRIVED) != 0

    def records_of(self, runs):
        """Return what so many runs have written down, as bytes."""
        found = bytearray(runs * RECORD_BYTES)
        self.room.as_slice("B", self.records - self.control, len(found)).copy_to(found)
        return found


def bits_of(letters):
    """Return the bits of flags in an entry."""
    return sum([BITS[letter] for letter in letters])
