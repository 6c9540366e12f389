"""A tree of free runs, in one block of raw memory: how it is laid out, made, and asked how much it holds.

A *run* is a first number and a length. The runs of one tree never touch and never
overlap: `give` joins a run with both of its neighbours, so the same set of free
numbers is always the same list of runs.

The structure is an AVL tree ordered by first number. Each node also knows the
length of the longest run in its subtree (`LARGEST`), so the lowest run that is
long enough is found on one way down, and it is linked to its neighbours in order
(`PREVIOUS`, `NEXT`). Every call costs at most the height of the tree; none looks
at the numbers inside a run, so a million frames cost what one costs.

    control block = the nil node              a node (48 bytes)
    ┌───────────────────────────┐             ┌───────────────────────────┐
    │ LEFT = the root           │             │ START, LENGTH, LARGEST    │
    │ NEXT = the lowest run     │             │ LEFT, RIGHT, PARENT       │
    │ PREVIOUS = the highest    │             │ HEIGHT, CLEAN             │
    │ LARGEST = HEIGHT = 0      │             │ PREVIOUS, NEXT            │
    │ pool of nodes, totals     │             └───────────────────────────┘
    └───────────────────────────┘

A reference to a node is its offset from the control block in bytes; 0 is nil. The
nil node is read like any other (an empty subtree has height 0), and what a
rotation writes into its PARENT is never read: that saves every special case.

`tree` is the address of the control block (an int). All memory is handed over at
`create`, and by `extend` in between: no call allocates on the Python heap and none can run out half-way. Each
function is one piece of machine code in which no Python runs; while it changes
the tree it holds `BUSY`, and a second caller gets `REENTERED`.

Numbers must be from 0 to 2^53; who calls from outside goes through `allocators`,
which checks. Failures are negative numbers, and then nothing has changed.

The constants below are the layout. A file that works on nodes repeats those that it
needs, for MicroPython's compiler knows a constant's value only in its own file; a
test compares them.
"""

import micropython
from micropython import const

NOT_FREE = const(-1)  # no run fits, or a part of what is given is free already
TOO_MANY = const(-2)  # all nodes are used, or the search budget is
REENTERED = const(-3)  # called while another call was under way

HIGHEST = const(1 << 53)
NODE_BYTES = const(48)
CONTROL_BYTES = const(96)
REACH = const((1 << 32) - 4096)  # how far behind the control block nodes may lie: a reference has 32 bits
NO_LIMIT = const(0x7FFFFFFF)

# Words of a node.
_START = const(0)
_LENGTH = const(2)
_LARGEST = const(4)
_LEFT = const(6)
_RIGHT = const(7)
_PARENT = const(8)
_HEIGHT = const(9)
_PREVIOUS = const(10)
_NEXT = const(11)
# Words that only the control block has.
_SPARE = const(12)
_FRESH = const(13)
_LIMIT = const(14)
_COUNT = const(15)
_TOTAL = const(16)
_BUSY = const(18)
_OWNED = const(19)  # how many owners will give something back
_OWNED_LIMIT = const(20)
_END = const(22)  # 2: the runs that begin here or above are taken by their numbers only

_HEIGHT_MASK = const(0xFF)
_CLEAN = const(0x100)
_BOTH_SIDES = const(13)  # _LEFT + _RIGHT: the other side of s is _BOTH_SIDES - s


def bytes_for(nodes):
    """The size in bytes of the memory that a tree of at most `nodes` runs needs."""
    return CONTROL_BYTES + nodes * NODE_BYTES


def nodes_in(size_in_bytes):
    """How many nodes a tree has in so much memory."""
    return (min(size_in_bytes, REACH) - CONTROL_BYTES) // NODE_BYTES


@micropython.viper
def create(tree: int, size_in_bytes: int):
    """Make an empty tree in the memory at `tree` (8-byte aligned), and behind REACH not. Its contents don't matter."""
    if size_in_bytes > REACH:
        size_in_bytes = REACH
    nil = ptr32(tree)
    word = 0
    while word < 24:
        nil[word] = 0
        word += 1
    nil[_FRESH] = CONTROL_BYTES
    nil[_LIMIT] = size_in_bytes - NODE_BYTES + 1
    nil[_OWNED_LIMIT] = NO_LIMIT
    nil[_END + 1] = HIGHEST >> 32


@micropython.viper
def end_at(tree: int, number: int):
    """Have `take` and `take_aligned` find only runs that begin below `number`."""
    nil = ptr32(tree)
    nil[_END] = number
    nil[_END + 1] = number >> 32


@micropython.viper
def limit_owners(tree: int):
    """Make sure from now on that no `give` can run out of nodes, whatever the order.

    Between two free runs lies at least one owner or one of the gaps that are there
    now, so owners + runs of today may not exceed the nodes. Call it when all that
    is free at the start has been given; it begins to count owners here.
    """
    nil = ptr32(tree)
    nodes = (int(nil[_LIMIT]) + NODE_BYTES - 1 - CONTROL_BYTES) // NODE_BYTES
    nil[_OWNED] = 0
    nil[_OWNED_LIMIT] = nodes - int(nil[_COUNT]) - 1


@micropython.viper
def extend(tree: int, address: int, size_in_bytes: int) -> int:
    """Put more memory under a tree, 8-byte aligned, so that it follows more owners.

    Returns how many nodes that are: 0 if the memory does not lie within REACH behind the tree, or a call is under way.
    """
    nil = ptr32(tree)
    ref = address - tree
    end = ref + size_in_bytes
    if nil[_BUSY] or ref < CONTROL_BYTES or end > REACH:
        return 0
    added = 0
    while ref + NODE_BYTES <= end:
        ptr32(tree + ref)[_NEXT] = nil[_SPARE]
        nil[_SPARE] = ref
        ref += NODE_BYTES
        added += 1
    nil[_OWNED_LIMIT] = int(nil[_OWNED_LIMIT]) + added
    return added


@micropython.viper
def lift_limit(tree: int):
    """Let a tree have any number of owners: it has a node for every run that its numbers can make."""
    ptr32(tree)[_OWNED_LIMIT] = NO_LIMIT


@micropython.viper
def add_owners(tree: int, count: int) -> int:
    """Count `count` more owners (negative: fewer), as when one is split. Returns 0 or TOO_MANY."""
    nil = ptr32(tree)
    owned = int(nil[_OWNED]) + count
    if owned > int(nil[_OWNED_LIMIT]):
        return TOO_MANY
    nil[_OWNED] = owned
    return 0


@micropython.viper
def owners_of(tree: int) -> int:
    """How many owners are counted."""
    return ptr32(tree)[_OWNED]


@micropython.viper
def total_of(tree: int) -> int:
    """How many numbers are free."""
    nil = ptr32(tree)
    return nil[_TOTAL] | nil[_TOTAL + 1] << 32


@micropython.viper
def count_of(tree: int) -> int:
    """How many runs there are."""
    return ptr32(tree)[_COUNT]


@micropython.viper
def largest_of(tree: int) -> int:
    """The length of the longest run, 0 when there is none."""
    root = ptr32(tree + ptr32(tree)[_LEFT])
    return root[_LARGEST] | root[_LARGEST + 1] << 32
