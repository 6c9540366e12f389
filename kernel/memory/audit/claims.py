"""Who has a claim on which frame: a byte of a map for each, and what becomes of it when somebody claims its frame.

    7         6        5  4   3           0
    executed  written  0  0   claim             what leads there with which effective rights; who has it

The map lies in frames put aside at boot: the audit must work when not one frame is left. Its loops are native
(port/ledger/_frame_map.c) and know none of this: for each kind of claimant there is a table of 256 steps, made here.
"""

import micropython
import uctypes
from _frame_map import count, difference, fill, high_bits, low_bits, step, step_leaves  # noqa: F401
from memory_structs import PAGE_SHIFT
from memory_structs.mode import ENTRIES, FIRST_UPPER_INDEX
from micropython import const
from paging.natives import LAYOUT, entries

from ..ledger import DEVICE, EXCLUSIVE, SHARED, SYSTEM
from ..runs import hand_out

_PAGE_SHIFT = const(12)
_ENTRIES = const(512)
_HIGH_FRAME = const(0xFFFFF)  # of the high half of an entry
_TABLE_BITS = const(0x81)  # PRESENT alone of these two: the entry leads to a table

# Claims.
NOBODY = const(0)  # usable RAM that nobody has claimed yet
FREE = const(1)
OWNED = const(2)  # by AllocatedFrames
WAITING = const(3)  # UnmappedFrames: nothing may lead there
SHAREABLE = const(4)  # by SharedFrames, and mapped by none of their mappings
TABLE = const(5)
LENT_TABLE = const(6)  # a page table that the paging layer made in a frame that it was lent by an owner
MAPPED = const(7)  # by exactly one mapping
SHARED_MAPPED = const(8)
KERNEL = const(9)  # its image, its bookkeeping, what the loader left
OUTSIDE = const(10)  # no usable RAM
MAPPED_DEVICE = const(11)

CLAIM = const(0x0F)
WRITTEN = const(0x40)  # a leaf outside of the window leads here that can be written through
EXECUTED = const(0x80)
REFUSED = const(0xFF)

NAMES = (
    "in use, but nobody has it",
    "free",
    "of AllocatedFrames",
    "unmapped, and waits to be freed",
    "of SharedFrames",
    "a page table",
    "a page table",
    "another mapping's alone",
    "of SharedFrames",
    "the kernel's own",
    "no usable RAM",
    "a device mapping's alone",
)

# Kinds of claimants: those of records (ledger), and leaves that no record covers.
UNOWNED = const(8)
UNOWNED_WRITER = const(9)
WINDOW = const(10)  # leaves in the windows of the access techniques, which lead to tables

# What the paging layer may map without being an owner: what owners lend it, and what is no RAM.
LENDING = (OWNED, SHAREABLE, SHARED_MAPPED, OUTSIDE)
TAKES = {
    EXCLUSIVE: {NOBODY: MAPPED},
    SHARED: {SHAREABLE: SHARED_MAPPED, SHARED_MAPPED: SHARED_MAPPED, OUTSIDE: OUTSIDE},
    SYSTEM: {KERNEL: KERNEL, OUTSIDE: OUTSIDE},
    DEVICE: {OUTSIDE: MAPPED_DEVICE},
    UNOWNED: {claim: claim for claim in LENDING + (KERNEL,)},
    UNOWNED_WRITER: {claim: claim for claim in LENDING},
    WINDOW: {claim: claim for claim in (NOBODY, OWNED, TABLE, LENT_TABLE, KERNEL)},
}


absent, entry_frame, entry_word, go_on = entries.absent, entries.frame, entries.word, entries.touching


def touching(entry, most, pages):
    """How many of `most` entries go on as the first begins: the same bits, each frame `pages` behind the one before."""
    return go_on(entry, most, entry_frame(entry), entry_word(entry), pages)


@micropython.viper
def empty_tables(entry: int, most: int, window: int, in_a_row: int) -> int:
    """How many of `most` entries, from one on, lead to tables with nothing in them, which the window shows; with
    `in_a_row` to successive frames."""
    done = first = 0
    while done < most:
        at = ptr32(entry + (done << 3))
        low = int(at[0])
        frame = low >> _PAGE_SHIFT | (int(at[1]) & _HIGH_FRAME) << 20
        if low & _TABLE_BITS != 1 or int(absent(window + (frame << _PAGE_SHIFT), _ENTRIES)) != _ENTRIES:
            break
        if done == 0:
            first = frame
        if in_a_row and frame != first + done:
            break
        done += 1
    return done


def steps_of(takes, writes=False, executes=False, overridden=False):
    """The 256 steps of a claimant that may have the frames whose claims are keys of `takes`, which become the values.

    Frames that are executed by others it may not write, and the other way round, unless somebody said why.
    """
    steps = bytearray(bytes([REFUSED]) * 256)
    marks = 0 if overridden else WRITTEN * writes | EXECUTED * executes
    if marks == WRITTEN | EXECUTED:
        return steps
    for others in 0, WRITTEN, EXECUTED, WRITTEN | EXECUTED:
        if (marks & WRITTEN and others & EXECUTED) or (marks & EXECUTED and others & WRITTEN):
            continue
        for claim, becomes in takes.items():
            steps[claim | others] = becomes | others | marks
    return steps


def only(byte, becomes):
    """Steps for frames of which all have one and the same byte."""
    steps = bytearray(bytes([REFUSED]) * 256)
    steps[byte] = becomes
    return steps


def steps_of_unowned(takes, writes, executes):
    """The same for leaves that no record covers. What is no RAM holds nobody's code: they may write and execute it."""
    steps = steps_of(takes, writes, executes)
    steps[OUTSIDE] = OUTSIDE
    return steps


FREES = steps_of({NOBODY: FREE})
MAKES_TABLE = steps_of({NOBODY: TABLE, OWNED: LENT_TABLE})


class FrameMap:
    """The map itself, and what else the audit wants to remember of the time of boot.

    .bytes          the map, one byte for each frame
    .upper_entries  the upper half of the kernel's root, as boot built it
    """

    def __init__(self, kernel):
        frames = kernel._frames.pool.high + 1
        address, _ = kernel._frames.reserve_memory(frames)
        self.bytes = uctypes.bytearray_at(address, frames)
        self.window = (LAYOUT["WINDOW_PAGE"] << PAGE_SHIFT) - (1 << 64)
        upper = self.window + (kernel.root << PAGE_SHIFT) + 8 * FIRST_UPPER_INDEX
        self.upper_entries = bytes(uctypes.bytearray_at(upper, 8 * (ENTRIES - FIRST_UPPER_INDEX)))

    def clear(self):
        """All frames are no usable RAM."""
        self.put(0, len(self.bytes), OUTSIDE)

    def put(self, first, frames, claim):
        """Say who has a run of frames, whoever had it."""
        fill(self.bytes, first, frames, claim)

    def claim(self, first, frames, steps):
        """Claim a run; returns how many of its frames come before the first that is refused."""
        return step(self.bytes, first, frames, steps)

    def claim_list(self, tree, steps):
        """Claim all runs of a tree of free numbers; returns as `run_tree.hand_out`."""
        return hand_out(tree, step, self.bytes, steps)
