"""Free runs of numbers, in one block of raw memory: the engine under both allocators.

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
`create`: no call allocates on the Python heap and none can run out half-way. Each
function is one piece of machine code in which no Python runs; while it changes
the tree it holds `BUSY`, and a second caller gets `REENTERED`.

Numbers must be from 0 to 2^53; who calls from outside goes through `allocator`,
which checks. Failures are negative numbers, and then nothing has changed.
"""

import micropython
from micropython import const

NOT_FREE = const(-1)  # no run fits, or a part of what is given is free already
TOO_MANY = const(-2)  # all nodes are used, or the search budget is
REENTERED = const(-3)  # called while another call was under way

HIGHEST = const(1 << 53)
NODE_BYTES = const(48)
CONTROL_BYTES = const(96)

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

# Where C finds the list of runs: words of the next reference, the start and the length.
LIST_WORDS = (_NEXT, _START, _LENGTH)

_HEIGHT_MASK = const(0xFF)
_CLEAN = const(0x100)
_BOTH_SIDES = const(13)  # _LEFT + _RIGHT: the other side of s is _BOTH_SIDES - s


def bytes_for(nodes):
    """The size in bytes of the memory that a tree of at most `nodes` runs needs."""
    return CONTROL_BYTES + nodes * NODE_BYTES


@micropython.viper
def create(tree: int, size_in_bytes: int):
    """Make an empty tree in the memory at `tree` (8-byte aligned, under 4 GiB). Its contents don't matter."""
    nil = ptr32(tree)
    word = 0
    while word < 24:
        nil[word] = 0
        word += 1
    nil[_FRESH] = CONTROL_BYTES
    nil[_LIMIT] = size_in_bytes - NODE_BYTES + 1
    nil[_OWNED_LIMIT] = 0x7FFFFFFF


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


@micropython.viper
def first_from(tree: int, number: int) -> int:
    """The first number of the lowest run that holds `number` or lies above it, or NOT_FREE."""
    ref = int(_at_or_below(tree, number))
    p = ptr32(tree + ref)
    if ref == 0 or (p[_START] | p[_START + 1] << 32) + (p[_LENGTH] | p[_LENGTH + 1] << 32) <= number:
        ref = p[_NEXT]
        if ref == 0:
            return NOT_FREE
        p = ptr32(tree + ref)
    return p[_START] | p[_START + 1] << 32


@micropython.viper
def length_at(tree: int, start: int) -> int:
    """The length of the run that begins at exactly `start`, or 0."""
    p = ptr32(tree + int(_at_or_below(tree, start)))
    if (p[_START] | p[_START + 1] << 32) != start:
        return 0
    return p[_LENGTH] | p[_LENGTH + 1] << 32


@micropython.viper
def clean_at(tree: int, start: int) -> int:
    """1 when the run that holds `start` is clean."""
    return int(ptr32(tree + int(_at_or_below(tree, start)))[_HEIGHT]) >> 8


@micropython.viper
def _at_or_below(tree: int, number: int) -> int:
    """The reference of the highest run that begins at or below `number`, or nil."""
    found = 0
    ref = int(ptr32(tree)[_LEFT])
    while ref:
        p = ptr32(tree + ref)
        if (p[_START] | p[_START + 1] << 32) <= number:
            found = ref
            ref = p[_RIGHT]
        else:
            ref = p[_LEFT]
    return found


@micropython.viper
def take(tree: int, count: int) -> int:
    """Take `count` numbers from the low end of the lowest run that has so many.

    Returns first << 1 | clean (what `give` takes back), or NOT_FREE, TOO_MANY or REENTERED.
    """
    nil = ptr32(tree)
    if nil[_BUSY]:
        return REENTERED
    if count < 1:
        return NOT_FREE
    owned = int(nil[_OWNED])
    if owned >= int(nil[_OWNED_LIMIT]):
        return TOO_MANY
    ref = int(nil[_NEXT])
    p = ptr32(tree + ref)
    length = p[_LENGTH] | p[_LENGTH + 1] << 32
    if length < count:
        ref = nil[_LEFT]
        p = ptr32(tree + ref)
        if (p[_LARGEST] | p[_LARGEST + 1] << 32) < count:
            return NOT_FREE
        while True:
            lower = int(p[_LEFT])
            q = ptr32(tree + lower)
            if (q[_LARGEST] | q[_LARGEST + 1] << 32) >= count:
                ref = lower
                p = q
                continue
            length = p[_LENGTH] | p[_LENGTH + 1] << 32
            if length >= count:
                break
            ref = p[_RIGHT]
            p = ptr32(tree + ref)
    nil[_BUSY] = 1
    nil[_OWNED] = owned + 1
    start = p[_START] | p[_START + 1] << 32
    run = start << 1 | int(p[_HEIGHT]) >> 8
    free = (nil[_TOTAL] | nil[_TOTAL + 1] << 32) - count
    nil[_TOTAL] = free
    nil[_TOTAL + 1] = free >> 32
    if length > count:
        start += count
        p[_START] = start
        p[_START + 1] = start >> 32
        largest = length
        length -= count
        p[_LENGTH] = length
        p[_LENGTH + 1] = length >> 32
        # No height changes, and an ancestor only if this was its longest run.
        while ref and (p[_LARGEST] | p[_LARGEST + 1] << 32) == largest:
            q = ptr32(tree + p[_LEFT])
            other = q[_LARGEST] | q[_LARGEST + 1] << 32
            if other > length:
                length = other
            q = ptr32(tree + p[_RIGHT])
            other = q[_LARGEST] | q[_LARGEST + 1] << 32
            if other > length:
                length = other
            if length == largest:
                break
            p[_LARGEST] = length
            p[_LARGEST + 1] = length >> 32
            ref = p[_PARENT]
            p = ptr32(tree + ref)
            length = p[_LENGTH] | p[_LENGTH + 1] << 32
        ref = 0
    elif p[_LEFT]:
        _remove(tree, ref)
        ref = 0
    else:
        # All of it goes; as nothing hangs on its left, its right child moves up. (`_remove`, in line.)
        below = int(p[_PREVIOUS])
        above = int(p[_NEXT])
        ptr32(tree + below)[_NEXT] = above
        ptr32(tree + above)[_PREVIOUS] = below
        child = int(p[_RIGHT])
        parent = int(p[_PARENT])
        ptr32(tree + child)[_PARENT] = parent
        q = ptr32(tree + parent)
        if int(q[_LEFT]) == ref:
            q[_LEFT] = child
        else:
            q[_RIGHT] = child
        nil[_COUNT] = int(nil[_COUNT]) - 1
        p[_NEXT] = nil[_SPARE]
        nil[_SPARE] = ref
        ref = parent
    # Tell the ancestors, as far as they change. (`_retrace`, in line.)
    while ref:
        p = ptr32(tree + ref)
        l = ptr32(tree + p[_LEFT])
        r = ptr32(tree + p[_RIGHT])
        height = int(l[_HEIGHT]) & _HEIGHT_MASK
        other = int(r[_HEIGHT]) & _HEIGHT_MASK
        if other > height:
            height, other = other, height
        if height > other + 1:
            _retrace(tree, ref)
            break
        height = height + 1 | int(p[_HEIGHT]) & _CLEAN
        largest = p[_LENGTH] | p[_LENGTH + 1] << 32
        length = l[_LARGEST] | l[_LARGEST + 1] << 32
        if length > largest:
            largest = length
        length = r[_LARGEST] | r[_LARGEST + 1] << 32
        if length > largest:
            largest = length
        if largest == (p[_LARGEST] | p[_LARGEST + 1] << 32) and height == int(p[_HEIGHT]):
            break
        p[_HEIGHT] = height
        p[_LARGEST] = largest
        p[_LARGEST + 1] = largest >> 32
        ref = p[_PARENT]
    nil[_BUSY] = 0
    return run


@micropython.viper
def take_at(tree: int, first: int, count: int) -> int:
    """Take exactly the numbers from `first` to `first + count - 1`.

    Returns first << 1 | clean, or NOT_FREE, TOO_MANY or REENTERED.
    """
    nil = ptr32(tree)
    if nil[_BUSY]:
        return REENTERED
    owned = int(nil[_OWNED])
    ref = int(_at_or_below(tree, first))
    if ref == 0:
        return NOT_FREE
    p = ptr32(tree + ref)
    start = p[_START] | p[_START + 1] << 32
    before = first - start
    after = (p[_LENGTH] | p[_LENGTH + 1] << 32) - before - count
    if after < 0:
        return NOT_FREE
    if owned >= int(nil[_OWNED_LIMIT]):
        return TOO_MANY
    if before and after and not nil[_SPARE] and int(nil[_FRESH]) >= int(nil[_LIMIT]):
        return TOO_MANY
    clean = int(p[_HEIGHT]) >> 8
    nil[_BUSY] = 1
    free = (nil[_TOTAL] | nil[_TOTAL + 1] << 32) - count
    if before:
        # The low part stays in this node; the high part comes back as a run of its own.
        free -= after
        p[_LENGTH] = before
        p[_LENGTH + 1] = before >> 32
        _retrace(tree, ref)
    elif after:
        start += count
        p[_START] = start
        p[_START + 1] = start >> 32
        p[_LENGTH] = after
        p[_LENGTH + 1] = after >> 32
        _retrace(tree, ref)
    else:
        _remove(tree, ref)
    nil[_TOTAL] = free
    nil[_TOTAL + 1] = free >> 32
    nil[_BUSY] = 0
    if before and after:
        give(tree, first + count << 1 | clean, after)
    nil[_OWNED] = owned + 1
    return first << 1 | clean


@micropython.viper
def take_aligned(tree: int, count: int, alignment: int, budget: int) -> int:
    """Take `count` numbers from a multiple of `alignment` on: the lowest that fits within `find`'s budget.

    Returns as `take_at`.
    """
    first = int(find(tree, 0, HIGHEST, count, alignment, budget))
    if first < 0:
        return first
    return int(take_at(tree, first, count))


@micropython.viper
def give(tree: int, run: int, count: int) -> int:
    """Make `count` numbers free, and join them with both neighbours.

    `run` is first << 1 | clean, where clean says that their memory is known to be
    zero. A joined run is clean when all of it is. Returns 0, or NOT_FREE (some are
    free already), TOO_MANY or REENTERED.
    """
    nil = ptr32(tree)
    if nil[_BUSY]:
        return REENTERED
    if count == 0:
        return 0
    first = run >> 1
    end = first + count
    # The neighbours: the runs `below` and `above`.
    below = 0
    above = int(nil[_NEXT])
    a = ptr32(tree + above)
    if above and (a[_START] | a[_START + 1] << 32) < end:
        ref = int(nil[_LEFT])
        while ref:
            p = ptr32(tree + ref)
            if (p[_START] | p[_START + 1] << 32) <= first:
                below = ref
                ref = p[_RIGHT]
            else:
                ref = p[_LEFT]
        above = ptr32(tree + below)[_NEXT]
        a = ptr32(tree + above)
    b = ptr32(tree + below)
    gap_below = 1
    if below:
        gap_below = first - (b[_START] | b[_START + 1] << 32) - (b[_LENGTH] | b[_LENGTH + 1] << 32)
    gap_above = 1
    if above:
        gap_above = (a[_START] | a[_START + 1] << 32) - end
    if gap_below < 0 or gap_above < 0:
        return NOT_FREE
    clean = (run & 1) << 8
    ref = below
    if gap_below and gap_above:
        # Touches nothing: a new node. Either the one below has no right child, or the one above no left child.
        ref = nil[_SPARE]
        if ref:
            nil[_SPARE] = ptr32(tree + ref)[_NEXT]
        else:
            ref = nil[_FRESH]
            if ref >= int(nil[_LIMIT]):
                return TOO_MANY
            nil[_FRESH] = ref + NODE_BYTES
        nil[_BUSY] = 1
        p = ptr32(tree + ref)
        p[_START] = first
        p[_START + 1] = first >> 32
        p[_LENGTH] = count
        p[_LENGTH + 1] = count >> 32
        p[_LARGEST] = count
        p[_LARGEST + 1] = count >> 32
        p[_LEFT] = 0
        p[_RIGHT] = 0
        p[_HEIGHT] = 1 | clean
        p[_PREVIOUS] = below
        p[_NEXT] = above
        b[_NEXT] = ref
        a[_PREVIOUS] = ref
        parent = above
        if below and int(b[_RIGHT]) == 0:
            parent = below
            b[_RIGHT] = ref
        else:
            a[_LEFT] = ref
        p[_PARENT] = parent
        nil[_COUNT] = int(nil[_COUNT]) + 1
        ref = parent
    else:
        nil[_BUSY] = 1
        length = count
        if gap_below == 0:
            clean &= b[_HEIGHT]
            length += b[_LENGTH] | b[_LENGTH + 1] << 32
        if gap_above == 0:
            clean &= a[_HEIGHT]
            length += a[_LENGTH] | a[_LENGTH + 1] << 32
            if gap_below:
                ref = above
                a[_START] = first
                a[_START + 1] = first >> 32
            else:
                _remove(tree, above)
        p = ptr32(tree + ref)
        p[_LENGTH] = length
        p[_LENGTH + 1] = length >> 32
        p[_HEIGHT] = int(p[_HEIGHT]) & _HEIGHT_MASK | clean
        # No height changes, and an ancestor only if its longest run was shorter.
        while ref and (p[_LARGEST] | p[_LARGEST + 1] << 32) < length:
            p[_LARGEST] = length
            p[_LARGEST + 1] = length >> 32
            ref = p[_PARENT]
            p = ptr32(tree + ref)
        ref = 0
    free = (nil[_TOTAL] | nil[_TOTAL + 1] << 32) + count
    nil[_TOTAL] = free
    nil[_TOTAL + 1] = free >> 32
    owned = int(nil[_OWNED])
    if owned:
        nil[_OWNED] = owned - 1
    # Tell the ancestors, as far as they change. (`_retrace`, in line.)
    while ref:
        p = ptr32(tree + ref)
        l = ptr32(tree + p[_LEFT])
        r = ptr32(tree + p[_RIGHT])
        height = int(l[_HEIGHT]) & _HEIGHT_MASK
        other = int(r[_HEIGHT]) & _HEIGHT_MASK
        if other > height:
            height, other = other, height
        if height > other + 1:
            _retrace(tree, ref)
            break
        height = height + 1 | int(p[_HEIGHT]) & _CLEAN
        largest = p[_LENGTH] | p[_LENGTH + 1] << 32
        length = l[_LARGEST] | l[_LARGEST + 1] << 32
        if length > largest:
            largest = length
        length = r[_LARGEST] | r[_LARGEST + 1] << 32
        if length > largest:
            largest = length
        if largest == (p[_LARGEST] | p[_LARGEST + 1] << 32) and height == int(p[_HEIGHT]):
            break
        p[_HEIGHT] = height
        p[_LARGEST] = largest
        p[_LARGEST + 1] = largest >> 32
        ref = p[_PARENT]
    nil[_BUSY] = 0
    return 0


@micropython.viper
def find(tree: int, low: int, high: int, count: int, alignment: int, budget: int) -> int:
    """The lowest first number of `count` free ones that all lie from `low` to `high` (inclusive).

    It is a multiple of `alignment` (any number from 1 on). Looks at no more than
    `budget` runs that are long enough but do not fit. Returns NOT_FREE when there
    is none, TOO_MANY when the budget is used up. Changes nothing.
    """
    ref = int(_at_or_below(tree, low))
    p = ptr32(tree + ref)
    if ref == 0 or (p[_START] | p[_START + 1] << 32) + (p[_LENGTH] | p[_LENGTH + 1] << 32) <= low:
        ref = p[_NEXT]
    while ref:
        p = ptr32(tree + ref)
        start = p[_START] | p[_START + 1] << 32
        if start > high:
            return NOT_FREE
        length = p[_LENGTH] | p[_LENGTH + 1] << 32
        if length >= count:
            end = start + length
            if end > high + 1:
                end = high + 1
            if start < low:
                start = low
            rest = start % alignment
            if rest:
                start += alignment - rest
            if start + count <= end:
                return start
            budget -= 1
            if budget == 0:
                return TOO_MANY
        # On to the next run upwards that is long enough: down on the right if there is one, else up.
        down = int(p[_RIGHT])
        while True:
            q = ptr32(tree + down)
            if down and (q[_LARGEST] | q[_LARGEST + 1] << 32) >= count:
                ref = down
                p = q
                while True:
                    lower = int(p[_LEFT])
                    q = ptr32(tree + lower)
                    if lower and (q[_LARGEST] | q[_LARGEST + 1] << 32) >= count:
                        ref = lower
                        p = q
                    elif (p[_LENGTH] | p[_LENGTH + 1] << 32) >= count:
                        break
                    else:
                        ref = p[_RIGHT]
                        p = ptr32(tree + ref)
                break
            came_from = ref
            ref = p[_PARENT]
            p = ptr32(tree + ref)
            while ref and int(p[_LEFT]) != came_from:
                came_from = ref
                ref = p[_PARENT]
                p = ptr32(tree + ref)
            if ref == 0 or (p[_LENGTH] | p[_LENGTH + 1] << 32) >= count:
                break
            down = p[_RIGHT]
    return NOT_FREE


@micropython.viper
def _remove(tree: int, ref: int):
    """Take node `ref` out of the tree and give it back to the pool."""
    p = ptr32(tree + ref)
    keep = 0
    if p[_LEFT] and p[_RIGHT]:
        # Two children: the next run moves in here, and its own node, which has no left child, goes.
        keep = ref
        ref = p[_NEXT]
        q = ptr32(tree + ref)
        p[_START] = q[_START]
        p[_START + 1] = q[_START + 1]
        p[_LENGTH] = q[_LENGTH]
        p[_LENGTH + 1] = q[_LENGTH + 1]
        p[_HEIGHT] = int(p[_HEIGHT]) & _HEIGHT_MASK | int(q[_HEIGHT]) & _CLEAN
        p = q
    below = int(p[_PREVIOUS])
    above = int(p[_NEXT])
    ptr32(tree + below)[_NEXT] = above
    ptr32(tree + above)[_PREVIOUS] = below
    child = int(p[_LEFT]) | int(p[_RIGHT])
    parent = int(p[_PARENT])
    ptr32(tree + child)[_PARENT] = parent
    q = ptr32(tree + parent)
    if int(q[_LEFT]) == ref:
        q[_LEFT] = child
    else:
        q[_RIGHT] = child
    nil = ptr32(tree)
    nil[_COUNT] = int(nil[_COUNT]) - 1
    p[_NEXT] = nil[_SPARE]
    nil[_SPARE] = ref
    if parent:
        _retrace(tree, parent)
    if keep:
        _retrace(tree, keep)


@micropython.viper
def _retrace(tree: int, ref: int):
    """Correct heights, balance and largest runs from `ref` upwards, as far as they change."""
    while ref:
        p = ptr32(tree + ref)
        l = ptr32(tree + p[_LEFT])
        r = ptr32(tree + p[_RIGHT])
        height = int(l[_HEIGHT]) & _HEIGHT_MASK
        other = int(r[_HEIGHT]) & _HEIGHT_MASK
        if height > other + 1:
            ref = int(_rebalance(tree, ref, _LEFT))
        elif other > height + 1:
            ref = int(_rebalance(tree, ref, _RIGHT))
        else:
            if other > height:
                height = other
            height = height + 1 | int(p[_HEIGHT]) & _CLEAN
            largest = p[_LENGTH] | p[_LENGTH + 1] << 32
            length = l[_LARGEST] | l[_LARGEST + 1] << 32
            if length > largest:
                largest = length
            length = r[_LARGEST] | r[_LARGEST + 1] << 32
            if length > largest:
                largest = length
            if height == int(p[_HEIGHT]) and largest == (p[_LARGEST] | p[_LARGEST + 1] << 32):
                return
            p[_HEIGHT] = height
            p[_LARGEST] = largest
            p[_LARGEST + 1] = largest >> 32
        ref = ptr32(tree + ref)[_PARENT]


@micropython.viper
def _rebalance(tree: int, ref: int, side: int) -> int:
    """Rotate the subtree at `ref`, two levels too high on `side`. Returns its new top."""
    child = int(ptr32(tree + ref)[side])
    c = ptr32(tree + child)
    outer = int(ptr32(tree + c[side])[_HEIGHT]) & _HEIGHT_MASK
    inner = int(ptr32(tree + c[_BOTH_SIDES - side])[_HEIGHT]) & _HEIGHT_MASK
    if inner > outer:
        _rotate(tree, child, _BOTH_SIDES - side)
    return int(_rotate(tree, ref, side))


@micropython.viper
def _rotate(tree: int, ref: int, side: int) -> int:
    """The child of `ref` on `side` becomes its parent. Returns that child.

            ref                 child
           /   \\               /   \\
       child    c     ->      a     ref
       /   \\                       /   \\
      a    moves                moves    c
    """
    other = _BOTH_SIDES - side
    p = ptr32(tree + ref)
    child = int(p[side])
    c = ptr32(tree + child)
    moves = int(c[other])
    parent = int(p[_PARENT])
    q = ptr32(tree + parent)
    if int(q[_LEFT]) == ref:
        q[_LEFT] = child
    else:
        q[_RIGHT] = child
    c[_PARENT] = parent
    c[other] = ref
    p[_PARENT] = child
    p[side] = moves
    ptr32(tree + moves)[_PARENT] = ref
    # Recompute both nodes, the lower one first.
    while True:
        l = ptr32(tree + p[_LEFT])
        r = ptr32(tree + p[_RIGHT])
        height = int(l[_HEIGHT]) & _HEIGHT_MASK
        outer = int(r[_HEIGHT]) & _HEIGHT_MASK
        if outer > height:
            height = outer
        p[_HEIGHT] = height + 1 | int(p[_HEIGHT]) & _CLEAN
        largest = p[_LENGTH] | p[_LENGTH + 1] << 32
        length = l[_LARGEST] | l[_LARGEST + 1] << 32
        if length > largest:
            largest = length
        length = r[_LARGEST] | r[_LARGEST + 1] << 32
        if length > largest:
            largest = length
        p[_LARGEST] = largest
        p[_LARGEST + 1] = largest >> 32
        if ref == child:
            return child
        ref = child
        p = c


def runs_of(tree):
    """Yield all runs upwards as (first, count, clean). Finds each anew, so the tree may change meanwhile."""
    number = 0
    while True:
        first = first_from(tree, number)
        if first < 0:
            return
        count = length_at(tree, first)
        yield first, count, clean_at(tree, first)
        number = first + count
