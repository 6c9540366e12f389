"""Page tables: single entries, and runs of pages through an `Access`. Imported by one module of the kernel.

Numbers only: a page or frame number is an address >> 12, a count is in 4 KiB pages, a level is 1 (P1) to LEVELS (P4),
a flag word is bits 0-11 of an entry, then its bits 52-63 as bits 12-23, then PAT as bit 24 (which levels keep at
different places). Nothing here allocates on the heap unless it says so.

Calls that refuse answer with one of the negative constants, have changed nothing, and leave what decided in the
attributes of the Access. ValueError is for numbers that no page, frame, level or count can have.
"""

from collections.abc import Callable

LEVELS: int
OFFSET: int
RECURSIVE: int
TEMPORARY: int
FUNCTION: int
NOT_MAPPED: int
PARENT_HUGE: int
ALREADY_MAPPED: int
TABLE_IN_THE_WAY: int
STALE_ENTRY: int
STALE_PARENT: int
MALFORMED: int
PROTECTED: int
FLAGS: int
MISALIGNED: int
OUT_OF_RANGE: int
NOT_ACTIVE: int
SMALLER_PAGES: int

class Mapped:
    """What an address led to at one moment: it does not follow later changes. Not for calling.

    Any other attribute, and the repr, is that of what the describer makes of it.
    """

    physical: int
    level: int
    word: int
    effective_word: int

class Access:
    """One level-4 table and a way to reach its tables.

    kind, reach: OFFSET, the page number where frame 0 is seen; RECURSIVE, the slot of the root; TEMPORARY, the page
    number of a window whose level-1 table is seen at its first page; FUNCTION, 0, with `frame_to_page(frame number)`
    answering a page number: it is called before anything changes, and what it raises goes through.
    """

    level: int
    """The level of the entry that decided the last answer."""
    page: int
    """The page that the last answer is about."""
    flags: int
    """The flag word of that entry."""
    effective: int
    """Its flag word with the rights that remain over all levels."""
    entry_frame: int
    """The frame field of that entry, as it is."""
    table_frame: int
    """The frame of the table that holds it."""
    malformed: bool
    """It has reserved bits set."""
    count: int
    """How many 4 KiB pages (next_run), leaves (check, unmap, update) or frames (freed_run) the last answer covers."""
    any_global: bool
    """One of these leaves was GLOBAL."""
    parents_changed: bool
    """The last map added flags to a table that existed."""
    protected_index: int
    """Which protected span refused."""
    is_active: bool
    """CR3 names its level-4 table now."""
    root_frame: int
    spare_count: int

    def __init__(
        self,
        kind: int,
        reach: int,
        root_frame: int,
        frame_to_page: Callable[[int], int] | None,
        describer: Callable[[Mapped], object],
    ) -> None: ...
    def translate(self, page: int) -> int:
        """The 4 KiB frame that a page leads to, or NOT_MAPPED or MALFORMED."""

    def physical(self, address: int) -> int:
        """The physical address that a virtual address (in bytes) leads to, or -1 (not mapped, or malformed)."""

    def find(self, address: int) -> Mapped | None:
        """What a virtual address (in bytes) leads to; None if that is nothing, or malformed. Uses the heap."""

    def look(self, page: int, level: int) -> int:
        """The frame field of the entry at `level`, or of the last one on the way down to it that can be followed."""

    def next_run(self, page: int, count: int) -> int:
        """The frame of a page; `.count` says how many pages from there on go on alike: next frame, same size and
        rights (ACCESSED and DIRTY apart). NOT_MAPPED for a run of holes, or MALFORMED."""

    def map(
        self, page: int, frame: int, count: int, word: int, smallest: int, largest: int, parent_word: int, /
    ) -> int:
        """Map a run, each part with the largest page from level `smallest` to `largest` that fits both sides.

        0 when done; a positive number when that many frames for tables are missing; else a refusal. New tables get
        PRESENT, WRITABLE and the word's USER; with a parent_word that is not -1 they get that, and so do existing ones.
        """

    def map_again(self, page: int, count: int) -> int:
        """The last map() once more, now that frames were handed in. RuntimeError if it was not for these pages."""

    def map_page(self, page: int, frame: int, word: int, /) -> int:
        """map() of one 4 KiB page that leaves parents alone."""

    def check(self, page: int, count: int, smallest: int, largest: int, /) -> int:
        """0 when the whole run is mapped by leaves of these levels that don't reach out of it."""

    def unmap(self, page: int, count: int, smallest: int, largest: int, /) -> int:
        """Empty the leaves of a run that passes check(): 0 or a refusal."""

    def update(self, page: int, count: int, smallest: int, largest: int, keep: int, set: int, /) -> int:
        """Replace the flags of such a run: those in `keep` stay as they are, those in `set` are added."""

    def clear(self, page: int, level: int) -> int:
        """Empty an entry that is not present; its frame field, or a refusal."""

    def set_parent(self, page: int, level: int, word: int, /) -> int:
        """Replace the flags of the entry of a table: 0 or a refusal."""

    def clean_up(self, first_page: int, last_page: int) -> int:
        """Unlink every empty table on the way of these pages; how many. May raise MemoryError before anything."""

    def freed_run(self) -> int:
        """Take the frame of the first table that was unlinked, and the `.count` of those whose frames follow; -1 when
        all are taken."""

    def give(self, frame: int, count: int) -> None:
        """Hand in a run of frames for tables. Uses the heap."""

    def take(self) -> int:
        """Get one of them back, or -1."""

    def protect(self, first_page: int, last_page: int) -> int:
        """Refuse every change in these pages from now on; the number of the span. Uses the heap."""

    def share_from(self, index: int) -> None:
        """Never free the level-3 tables of root entries from `index` on."""

def entry_frame(table_page: int, index: int) -> int: ...
def entry_flags(table_page: int, index: int) -> int:
    """The raw word: bit 7 is bit 7."""

def set_entry(table_page: int, index: int, frame: int, word: int, /) -> None:
    """One 64-bit store."""

def compare_and_set(table_page: int, index: int, old_frame: int, old_word: int, frame: int, word: int, /) -> bool:
    """One locked instruction: store if the entry is still the old one."""

def next_used(table_page: int, index: int) -> int:
    """The first index from `index` on whose entry is not zero; 512 if there is none."""

def clear_table(table_page: int) -> None: ...
def copy_entries(to_page: int, from_page: int, first_index: int, last_index: int, /) -> None: ...
def invalidate(page: int, count: int, pages_per_leaf: int) -> int:
    """One invlpg for each leaf of the run; how many that were."""
