"""`FrameMap`: a byte for every frame, for the audit; what the bytes mean, claims.py says.

The map has a word for each chunk of 32,768 frames (128 MiB): the byte that all of them have, or where the leaf with a
byte for each of them lies. So what is large and alike costs a word, and only where owners meet there is a leaf. Words
and some leaves lie in frames put aside at boot: the audit must work when not one frame is left. More leaves, if an
audit needs them, come out of the pool before it begins anew (`grow`), and stay.
"""

import struct
from array import array

import micropython
import uctypes
from _frame_map import CHUNK, count, difference, high_bits, low_bits, step, step_leaves  # noqa: F401 (for claims)
from memory_structs import PAGE_SHIFT, OutOfBookkeeping, OutOfFrames
from memory_structs.mode import ENTRIES, FIRST_UPPER_INDEX
from micropython import const
from paging.natives import LAYOUT, entries

from ..runs import hand_out

LEAVES_AT_BOOT = 8  # enough for 1 GiB, however mixed

_ENTRIES = const(512)
_CHUNK_SHIFT = const(15)
_CHUNK = const(1 << 15)
_SPARE = const(1)  # words of 64 bits of a map
_CHUNKS = const(2)
assert CHUNK == _CHUNK

clear = entries.clear


@micropython.viper
def byte_of(map: ptr32, frame: int) -> int:
    """The byte of a frame that the map is about."""
    at = _CHUNKS + (frame >> _CHUNK_SHIFT) << 1
    word = int(map[at]) | int(map[at + 1]) << 32
    if map[at + 1] == 0:  # leaves lie in the upper half
        return word
    return ptr8(word)[frame & _CHUNK - 1]


@micropython.viper
def restart(map: ptr32, frames: int, leaves: ptr32, left: int):
    """Have all frames of a map have the byte 0, and its leaves, whose addresses are 64 bits each, be spare."""
    chunk = int(map) + (_CHUNKS << 3)
    chunks = frames + _CHUNK - 1 >> _CHUNK_SHIFT
    while chunks > 0:
        some = _ENTRIES - (chunk >> 3 & _ENTRIES - 1)
        if some > chunks:
            some = chunks
        clear(chunk, some)
        chunk += some << 3
        chunks -= some
    last = map
    at = _SPARE << 1
    while left > 0:
        left -= 1
        low = int(leaves[left << 1])
        high = int(leaves[(left << 1) + 1])
        last[at] = low
        last[at + 1] = high
        last = ptr32(low | high << 32)
        at = 0
    last[at] = 0
    last[at + 1] = 0


class FrameMap:
    """The map itself, and what else the audit wants to remember of the time of boot.

    .map            as port/typings/_frame_map.pyi says
    .frames         of how many frames it tells
    .upper_entries  the upper half of the kernel's root, as boot built it
    """

    def __init__(self, kernel):
        self._allocator = kernel._frames
        self.frames = frames = self._allocator.pool.high + 1
        chunks = frames + CHUNK - 1 >> _CHUNK_SHIFT
        self._leaf_bytes = leaf = min(CHUNK, frames + 7 & -8)
        self._leaves = array("q")
        words = 8 * (_CHUNKS + chunks)
        some = min(chunks, LEAVES_AT_BOOT)
        address, _ = self._allocator.reserve_memory(words + some * leaf)
        self.map = uctypes.bytearray_at(address, words)
        struct.pack_into("<QQ", self.map, 0, frames, 0)
        self._add(address + words, some)
        self.window = (LAYOUT["WINDOW_PAGE"] << PAGE_SHIFT) - (1 << 64)
        upper = self.window + (kernel.root << PAGE_SHIFT) + 8 * FIRST_UPPER_INDEX
        self.upper_entries = bytes(uctypes.bytearray_at(upper, 8 * (ENTRIES - FIRST_UPPER_INDEX)))

    def _add(self, address, leaves):
        leaf = self._leaf_bytes
        self._leaves.extend(array("q", range(address, address + leaves * leaf, leaf)))

    def is_used_up(self):
        """True when an audit has met a MemoryError because no leaf is spare."""
        return not any(self.map[8 * _SPARE : 8 * _CHUNKS])

    def grow(self):
        """Take frames out of the pool for more leaves, for ever: as many again, or fewer. Raises OutOfBookkeeping."""
        leaves = len(self._leaves)
        while leaves:
            try:
                self._add(self._allocator.reserve_memory(leaves * self._leaf_bytes)[0], leaves)
                return
            except OutOfFrames:
                leaves //= 2
        raise OutOfBookkeeping("the audit", len(self._leaves))

    def clear(self):
        """Give all frames the byte 0."""
        restart(self.map, self.frames, self._leaves, len(self._leaves))

    def byte(self, frame):
        """The byte of a frame below .frames."""
        return byte_of(self.map, frame)

    def put(self, first, frames, claim):
        """Say who has a run of frames, whoever had it."""
        step(self.map, first, frames, bytes([claim]) * 256)

    def claim(self, first, frames, steps):
        """Claim a run; returns how many of its frames come before the first that is refused."""
        return step(self.map, first, frames, steps)

    def claim_list(self, tree, steps):
        """Claim all runs of a tree of free numbers; returns as `run_tree.hand_out`."""
        return hand_out(tree, step, self.map, steps)
