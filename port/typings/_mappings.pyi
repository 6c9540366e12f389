"""What a mapping of many pages does to its tables. Imported by one module of the kernel (memory/table_steps.py).

Pages, frames and roots are numbers of 4 KiB, flags are flag words (paging/flags.py). Tables are reached through the
physical window. Each call is one step that no Python interrupts; those that change more than one entry change all of
them or none. But for lend(), begin() and events() nothing here allocates on Python's heap.

A run is first << 1 | clean, as memory/runs/tree.py has it.
"""

from _records import Record

# Frames for tables.

def lend(frame: int, count: int) -> None:
    """Lend frames for the tables that plan() found missing. MemoryError after 512 separate runs."""

def take_back() -> int:
    """One lent frame that was not used, or -1."""

def tables() -> int:
    """How many frames were lent or became tables here, less those taken back or popped. May be negative."""

# Mapping.

def plan(root: int, page: int, frame: int, count: int, largest_level: int) -> int:
    """How many tables map() will need; -1 - k when page number page + k is mapped already. Changes nothing."""

def map(root: int, flags: int) -> None:
    """Do what the last plan() planned. RuntimeError without it, or when too few frames are lent."""

def begin(count: int) -> Record | None:
    """An empty Record, with the guard of _critical entered; None when lost mappings have to be reclaimed first, or for
    512 pages and more."""

def map_record(record: Record, root: int, page_run: int, frame_run: int, count: int, flags: int) -> int:
    """Map an exclusive mapping in 4 KiB pages, clear its frames unless they are, fill and arm the record.

    0: done, and the guard that begin() entered is left. Else what plan() answers, and nothing has happened; with as
    many
    frames lent, call it again. -1 for a run that is negative: the allocator had none.
    """

# Unmapping.

def first_absent(root: int, page: int, count: int) -> int:
    """Offset of the first page that is not mapped by a leaf inside the range, or -1."""

def detach(root: int, page: int, count: int) -> int:
    """Make every leaf not-present; returns -1. Or the offset that first_absent() gives: then nothing has changed.

    The entries go on naming their frames until next_run() has taken them out. RuntimeError before that is done.
    """

def next_run() -> int:
    """Take the next run of touching frames out of what is detached: its first frame, or -1. Its entries are 0 then."""

def run_length() -> int:
    """How many frames the run of the last next_run() has."""

def prune(root: int, page: int, count: int) -> int:
    """Cut off the tables of a range that are empty, forget the way to them; returns how many. pop_table() has them.

    Level-3 tables of the upper half stay for ever.
    """

def pop_table() -> int:
    """The frame of a table that was cut off, all zero after prune(); -1 when there is no more."""

def dismantle(root: int) -> None:
    """Cut off every table of the lower half, whatever it maps. Their frames are not clean."""

def unmap_simple(record: Record, lease: object) -> int:
    """Unmap an exclusive mapping of up to 64 pages of one table, upper half, touching frames; flushed, empty tables
    cut off.

    first frame << 1 | (1 if pop_table() has something), and the guard is entered until finish(). -1: not that simple
    (or no Record, or a lease that is not None), and nothing has happened.
    """

def finish(record: Record) -> None:
    """End the record and leave the guard that unmap_simple() entered."""

def set_callback_waits(waits: bool) -> None:
    """Let unmap_simple() find nothing simple, since somebody wants to be told of every flush."""

# Looking and changing.

def count_runs(root: int, page: int, count: int) -> int:
    """How many runs of touching frames a range leads to; -1 - k when page + k is not mapped."""

def frame_at(root: int, page: int) -> int:
    """The frame that a page leads to, or -1."""

def leaf_at(root: int, page: int) -> int:
    """flags << 4 | level of the leaf that maps a page, or -1."""

def change(root: int, page: int, count: int, flags: int) -> int:
    """Give every leaf these flags; frames, ACCESSED and DIRTY stay. Returns as detach()."""

def plan_divide(root: int, page: int) -> int:
    """How many tables divide() needs: 0 when no huge leaf has `page` in its inside."""

def divide(root: int, page: int) -> int:
    """Make a leaf begin at `page`, of the frames that are lent. Translations and rights stay. Returns the tables
    used."""

def copy_pages(to_root: int, to_page: int, from_root: int, from_page: int, count: int) -> int:
    """Copy contents, whatever the rights. -1, or the offset of the first page that is not mapped on one side."""

def zero_frames(frame: int, count: int) -> None:
    """Clear frames."""

# The TLB.

def flush(page: int, count: int, with_global: object) -> None:
    """Forget a range: page by page up to 64, else everything, GLOBAL entries only if with_global is true."""

def flush_everything() -> None:
    """Forget everything, GLOBAL entries too."""

# Roots.

def active_root() -> int:
    """The frame that CR3 names."""

def activate(root: int) -> None:
    """Let CR3 name it; the cache flags of CR3 stay."""

def build_upper_half(root: int, first_frame: int) -> None:
    """Fill the upper entries but the recursive ones with 254 cleared tables from first_frame on; window and technique
    slots without execution."""

def share_upper_half(to_root: int, from_root: int) -> None:
    """Copy the upper entries but the recursive ones."""

def link_root(root: int) -> None:
    """Write the recursive entry of a root, without execution."""

def copy_root_entry(to_root: int, from_root: int, index: int) -> None:
    """Copy one entry; from root 0: clear it."""

# The machine, and what happened.

def physical_bits() -> int:
    """MAXPHYADDR."""

def largest_level() -> int:
    """3 when the CPU has 1 GiB pages, else 2."""

def log_override(reason: str, page: int, count: int) -> None:
    """Say in the log that pages are writable and executable at once, and why."""

def events() -> list[tuple[str, int, int, int, int]]:
    """The last 32 changes, oldest first: (what, page, count, root, first frame or flags). A panic logs them."""
