"""What the kernel knows of every owned mapping, outside of Python's heap. Imported by memory/table_steps.py.

A Record is the handle that a MappedPages holds. When the collector finds it unreachable, what it says goes to the list
of the lost, where `Mapper.reclaim` finds it. 65,536 records at most (MemoryError). All fields are numbers.
"""

from collections.abc import Buffer

EXCLUSIVE: int  # owned, and its frames are mapped nowhere else: RAM
SHARED: int  # frames that others may map, too
SYSTEM: int  # the kernel's own: never dropped
DEVICE: int  # as EXCLUSIVE, but its frames lie outside the pool of RAM
TABLE: int  # no mapping: a page table, whose root is the frame
KIND_NAMES: tuple[str, ...]
"""In words, by number."""

PREPARED: int
LIVE: int
LOST: int

class Record:
    """Having one that is armed means: this is mapped, and will be unmapped exactly once."""

    root: int  # frame number of the root table
    first_page: int
    count: int
    flags: int  # flag word, without ACCESSED and DIRTY
    kind: int  # EXCLUSIVE to TABLE
    state: int  # PREPARED, LIVE or LOST
    exported: bool
    overridden: bool
    index: int

    def __init__(
        self, root: int = ..., first_page: int = ..., count: int = ..., flags: int = ..., kind: int = ...
    ) -> None:
        """Prepare a record: the collector may drop it until it is armed. All five, or none."""

    def arm(self) -> None:
        """From here on what the record says is mapped."""

    def set(self, first_page: int, count: int, flags: int) -> None:
        """Say something else; RuntimeError when it has ended."""

    def mark_exported(self) -> None:
        """A raw buffer of the mapping was handed out: its pages must not be used again."""

    def mark_overridden(self, yes: bool) -> None:
        """The mapping may be writable here and executable there, or not: somebody said why."""

    def end(self) -> None:
        """The mapping is gone, or another owner's; RuntimeError when it has ended before."""

def disown(record: Record) -> int:
    """Let a live mapping go on without its Record; returns its index. For what lives as long as the kernel."""

def adopt(index: int) -> Record:
    """Make a Record again for a mapping that was disowned."""

def live() -> int:
    """How many records are armed and not lost."""

def lost() -> int:
    """How many were forgotten and wait to be reclaimed."""

def first_lost() -> int:
    """The index of a lost record, or -1; page tables come behind the mappings in them."""

def free_lost() -> None:
    """Free the record that first_lost() names."""

def field(index: int, name: str) -> int:
    """A field of the record at an index, by name."""

def read(index: int, words: Buffer) -> None:
    """Write root, first page, count, flags, kind and overridden of the record at an index into 6 words of 64 bits.

    Allocates nothing. ValueError when there is no room.
    """

def next(index: int) -> int:
    """The first record at or above an index that is live or lost, or -1."""

def find(root: int, page: int) -> int:
    """The record that covers a page as a root sees it, or -1."""

def live_with_root(root: int) -> int:
    """How many mappings, live or lost, are bound to a root."""

def mapped_pages(upper: bool) -> int:
    """How many pages owned mappings have in one half of the address space."""

def mapped_frames() -> int:
    """How many frames of RAM exclusive mappings have."""
