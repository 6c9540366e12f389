"""A byte for every frame, and the entries of one table held against it. Imported by kernel/memory/audit/frame_map.py.

A map is a writable buffer of 64-bit words: how many frames it is about; the address of a spare leaf, or 0; and one
word for each CHUNK of frames: below 256, the byte of each of them, else the address of their leaf, which has a byte for
each. The first word of a spare leaf is the address of the next one, or 0. A chunk gets a leaf when its frames differ
for the first time: MemoryError if none is spare; then a part of what was asked for is done.

`steps` are 256 bytes: what a byte becomes when somebody claims its
frame; 255 means that Python wants to look first, and ends the call. Entries are given by the address of the first, in
the physical window; ACCESSED and DIRTY never count. None of these allocates, or knows what lies below a table.
"""

from collections.abc import Buffer

CHUNK: int
"""Of how many frames a word of the map tells."""

def step(map: Buffer, first: int, count: int, steps: Buffer) -> int:
    """Take the bytes of `count` frames a step; return how many were taken: up to the first 255, or the map's end.

    ValueError unless there are 256 steps.
    """

def step_leaves(map: Buffer, entries: int, count: int, bits: int, steps: Buffer) -> int:
    """Take the bytes of the frames that 4 KiB leaves lead to a step; return how many leaves were taken.

    The first that ends it has other bits than `bits` (all of an entry but the frame), leads beyond the map, or to a
    frame whose byte has no step. ValueError unless there are 256 steps, and at most 512 entries.
    """

def count(map: Buffer, counts: Buffer) -> None:
    """Count how many bytes have each value, into 256 words of 64 bits; ValueError for any other size."""

def difference(entries: int, others: Buffer) -> int:
    """Return the index of the first entry that differs from the one in a buffer; past the buffer's end if none."""

def low_bits(entry: int) -> int:
    """Return bits 0 to 51 of an entry: frame and low flags."""

def high_bits(entry: int) -> int:
    """Return bits 52 to 63 of an entry: the high flags."""
