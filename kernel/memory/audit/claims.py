"""Who has a claim on which frame: a byte for each, and what becomes of it when somebody claims its frame.

    7         6        5  4   3           0
    executed  written  0  0   claim             what leads there with which effective rights; who has it

The map (frame_map.py) is changed by native loops (port/ledger/_frame_map.c), which know none of this: for each kind of
claimant there is a table of 256 steps, made here.
"""

import micropython
from micropython import const
from paging.natives import entries

from ..ledger import DEVICE, EXCLUSIVE, SHARED, SYSTEM
from .frame_map import count, difference, high_bits, low_bits, step, step_leaves  # noqa: F401

_PAGE_SHIFT = const(12)
_ENTRIES = const(512)
_HIGH_FRAME = const(0xFFFFF)  # of the high half of an entry
_TABLE_BITS = const(0x81)  # PRESENT alone of these two: the entry leads to a table
_WRITABLE = const(1 << 1)

# Claims.
OUTSIDE = const(0)  # no usable RAM: what `FrameMap.clear` makes of all
FREE = const(1)
OWNED = const(2)  # by AllocatedFrames
WAITING = const(3)  # UnmappedFrames: nothing may lead there
SHAREABLE = const(4)  # by SharedFrames, and mapped by none of their mappings
TABLE = const(5)
LENT_TABLE = const(6)  # a page table that the paging layer made in a frame that it was lent by an owner
MAPPED = const(7)  # by exactly one mapping
SHARED_MAPPED = const(8)
KERNEL = const(9)  # its image, its bookkeeping, what the loader left
NOBODY = const(10)  # usable RAM that nobody has claimed yet
MAPPED_DEVICE = const(11)

CLAIM = const(0x0F)
WRITTEN = const(0x40)  # a leaf outside of the window leads here that can be written through
EXECUTED = const(0x80)
REFUSED = const(0xFF)

NAMES = (
    "no usable RAM",
    "free",
    "of AllocatedFrames",
    "unmapped, and waits to be freed",
    "of SharedFrames",
    "a page table",
    "a page table",
    "another mapping's alone",
    "of SharedFrames",
    "the kernel's own",
    "in use, but nobody has it",
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


@micropython.viper
def claim_tables(map, entry: int, most: int, reserved: int, steps) -> int:
    """Claim the tables that entries of a level-2 table lead to; how many of `most`, up to the first that Python wants
    to look at: no entry that leads to a table, one with reserved bits, or to a frame that is refused."""
    done = 0
    while done < most:
        at = ptr32(entry + (done << 3))
        low = int(at[0])
        bits = low | (int(at[1]) & _HIGH_FRAME) << 32
        if low & _TABLE_BITS != 1 or bits & reserved or int(step(map, bits >> _PAGE_SHIFT, 1, steps)) != 1:
            break
        done += 1
    return done


@micropython.viper
def step_tables(map, entry: int, most: int, window: int, rights: int, bits, by_rights) -> int:
    """`step_leaves` for all leaves below entries of a level-2 table that lead to tables; how many leaves were taken.

    `by_rights` has the steps for each of the rights that the way to a table leaves (walk.py), `rights` are those here.
    """
    done = 0
    taken = _ENTRIES
    while done < most and taken == _ENTRIES:
        at = ptr32(entry + (done << 3))
        low = int(at[0])
        high = int(at[1])
        if low & _TABLE_BITS != 1:
            return done << 9
        left = rights
        if low & _WRITABLE == 0:
            left &= 2
        if high >> 31:
            left &= 1
        table = window + ((low >> _PAGE_SHIFT | (high & _HIGH_FRAME) << 20) << _PAGE_SHIFT)
        taken = int(step_leaves(map, table, _ENTRIES, bits, by_rights[left]))
        done += 1
    return (done << 9) - _ENTRIES + taken
