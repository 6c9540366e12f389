"""The loops of `memory.verify()`: a byte for every frame says who claimed it. Imported by memory/verify.py.

Claims: 0 nobody, 1 free, 2 page table, 3 exclusive mapping, 4 shared mapping, 5 not usable RAM. RuntimeError before
begin().
"""

def begin(map_frame: int, frames: int) -> None:
    """Start, with a map of `frames` bytes in the frames from map_frame on: nothing is usable RAM yet."""

def open(first: int, count: int) -> None:
    """These frames are usable RAM that nobody has claimed yet."""

def claim(first: int, count: int, claim: int) -> None:
    """Somebody claims frames; those that are not open, or claimed before, are findings."""

def claim_list(head: int, next_word: int, start_word: int, length_word: int) -> None:
    """Claim the runs of memory/runs/tree.py's linked list as free; words are 32-bit."""

def walk(root: int, first_index: int, end_index: int) -> int:
    """Claim the tables below root entries; W+X and reserved bits are findings. Returns how many pages the leaves
    map."""

def compare_upper_half(root: int, kernel_root: int) -> None:
    """Upper entries that are not the kernel's, or a wrong recursive entry, are findings."""

def check(index: int) -> None:
    """Compare a record with its leaves, and claim their frames; a writable leaf of an executable frame is a finding."""

def next_unowned(root: int, first_page: int, last_page: int) -> int:
    """The first page whose leaf no record covers, or -1."""

def unowned_length() -> int:
    """How many pages the leaf that next_unowned() found maps from there on."""

def claimed(claim: int) -> int:
    """How many frames were claimed that way."""

def findings() -> int:
    """How many findings there are."""

def finding(index: int) -> tuple[int, int, int] | None:
    """(code, page, frame); None beyond the first 64."""

def end() -> None:
    """The map is not used any more."""
