"""The entries of one page table, at addresses at which they are seen. Imported by paging/natives.py.

What is a table, how tables nest and what may be changed, Python knows. An address is an int, a multiple of 8 (else
ValueError); a run of entries ends with its table at the latest (else ValueError), and a count may be 0. What the MMU
refuses raises PageFault. Nothing here allocates.

A raw word has the bits of an entry that are not its frame: its bits 0 to 11, then its bits 52 to 63, and as bit 24 the
entry's bit 12, which in a huge page's entry is PAT. Frame numbers have 40 bits. What does not fit is a ValueError; then
nothing was written.
"""

def frame(at: int) -> int:
    """Return the frame number in an entry."""

def word(at: int) -> int:
    """Return the raw word of an entry, without bit 24."""

def write(at: int, frame: int, word: int) -> None:
    """Write one entry, with one store."""

def take(at: int) -> int:
    """Empty an entry, and return the raw word that it had at that moment: one locked instruction."""

def compare_and_set(at: int, old_frame: int, old_word: int, frame: int, word: int) -> bool:
    """Write an entry if it is as expected, with one locked instruction; True if it was."""

def fill(at: int, count: int, frame: int, word: int, step: int) -> None:
    """Write `count` entries with one word, to frames that lie `step` apart."""

def clear(at: int, count: int) -> None:
    """Empty `count` entries."""

def change(at: int, count: int, keep: int, set: int) -> None:
    """Let of `count` entries the frame and the bits in `keep` stay, and add those in `set`.

    Two locked instructions an entry: what the processor marks meanwhile is not lost, and no right is ever there that
    neither the old nor the new entry gives.
    """

def unused(at: int, count: int) -> int:
    """Return how many entries are zero before the first that is not."""

def absent(at: int, count: int) -> int:
    """Return how many entries are not present before the first that is."""

def leaves(at: int, count: int, wanted: int, frame_bits: int, high: int) -> int:
    """Return how many entries have all bits of the raw word `wanted`, and none of the reserved ones, before the first
    that has not; << 1, | 1 when one of these is GLOBAL.

    Reserved are bits `frame_bits` of the frame number, and `high` of the entry's bits from 32 on.
    """

def touching(at: int, count: int, frame: int, word: int, step: int) -> int:
    """Return how many entries lead to frames `step` apart, the first to `frame`, and have this word, before the first
    that does not. ACCESSED and DIRTY don't count."""

def copy(to: int, from_: int, count: int) -> None:
    """Copy `count` entries, upwards, each with one store."""

def prove_writable(at: int) -> None:
    """Store what is there, so that a fault comes now and not in the middle of a change."""
