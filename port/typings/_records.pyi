"""What the kernel knows of every owned mapping, outside of Python's heap. Imported by memory/ledger.

A Record is the handle that a MappedPages holds. When the collector finds it unreachable, what it says goes to the list
of the lost, where `reclaim` finds it. 65,536 records at most (MemoryError). All fields are numbers.
"""

EXCLUSIVE: int  # owned, and its frames are mapped nowhere else: RAM
SHARED: int  # frames that others may map, too
SYSTEM: int  # the kernel's own: never dropped
DEVICE: int  # as EXCLUSIVE, but its frames lie outside the pool of RAM
TABLE: int  # no mapping: a page table, whose root is the frame

PREPARED: int
LIVE: int
LOST: int

class Record:
    """Having one that is armed means: this is mapped, and will be unmapped exactly once.

    As a buffer it is its numbers in place, as kernel/memory/ledger lays them out; ValueError when it has ended.
    """

    root: int  # frame number of the root table
    first_page: int
    count: int
    frames: int  # what it is mapped to, as the ledger's `signature_of` says it
    flags: int  # flag word, without ACCESSED and DIRTY
    kind: int  # EXCLUSIVE to TABLE
    state: int  # PREPARED, LIVE or LOST; in between, while a call takes the mapping away, neither
    exported: bool
    overridden: bool
    index: int

    def __init__(self) -> None:
        """Prepare a record that says nothing yet: kernel/memory/ledger writes its numbers.

        The collector may drop it until it is armed. MemoryError when there are 65,536.
        """

    def arm(self) -> None:
        """From here on what the record says is mapped; or is mapped again, when going was undone."""

    def go(self) -> None:
        """The mapping is being taken away: it counts no longer, and nobody finds it; the record still has an end."""

    def set_owner(self, owner: object) -> None:
        """Remember who has it, without keeping it alive any longer than the Record itself lives."""

    def end(self) -> None:
        """The mapping is gone, or another owner's; RuntimeError when it has ended before."""

def begin(count: int) -> Record | None:
    """Make a Record that says nothing yet, and enter the guard of _critical.

    None, and the guard is not entered, when lost mappings wait to be reclaimed first, or for 512 pages and more.
    """

def commit(record: Record) -> None:
    """Arm a Record, and leave the guard."""

def finish(record: Record) -> None:
    """End a Record, and leave the guard."""

def note(record: Record) -> None:
    """The numbers of a Record were changed in place: one more of the last events."""

def disown(record: Record) -> int:
    """Let a live mapping go on without its Record; returns its index. For what lives as long as the kernel."""

def adopt(index: int) -> Record:
    """Make a Record again for a mapping that was disowned. ValueError when none lives there."""

def adopt_lost() -> Record | None:
    """Make a Record for the lost mapping that is to be taken away first; None when there is none.

    Page tables come behind the mappings in them. Forgotten, it is lost again.
    """

def place() -> int:
    """Where the first record lies, as a negative int: an address less 2^64. kernel/memory/ledger has the layout."""

def used() -> int:
    """How many places have ever held a record."""

def lost() -> int:
    """How many were forgotten and wait to be reclaimed."""

def owner_of(index: int) -> object:
    """What `set_owner` was given for the record at an index; None when it was forgotten."""
