"""Giving numbers to a tree, joined with what they touch.

One piece for the same reason as `take`. Its parts are find the neighbours, then link a new node or lengthen one, tell.
"""

import micropython
from micropython import const

from .balance import remove, require_room, retrace

# As in tree.py.
_NOT_FREE = const(-1)
_TOO_MANY = const(-2)
_REENTERED = const(-3)
_NODE_BYTES = const(48)
_START = const(0)
_LENGTH = const(2)
_LARGEST = const(4)
_LEFT = const(6)
_RIGHT = const(7)
_PARENT = const(8)
_HEIGHT = const(9)
_PREVIOUS = const(10)
_NEXT = const(11)
_SPARE = const(12)
_FRESH = const(13)
_LIMIT = const(14)
_COUNT = const(15)
_TOTAL = const(16)
_BUSY = const(18)
_OWNED = const(19)
_HEIGHT_MASK = const(0xFF)
_CLEAN = const(0x100)


@micropython.viper
def give(tree: int, run: int, count: int) -> int:
    """Make `count` numbers free, and join them with both neighbours.

    `run` is first << 1 | clean, where clean says that their memory is known to be
    zero. A joined run is clean when all of it is. Returns 0, or NOT_FREE (some are
    free already, or `run` is negative), TOO_MANY or REENTERED.
    """
    nil = ptr32(tree)
    if nil[_BUSY]:
        return _REENTERED
    if run < 0:
        return _NOT_FREE
    if count == 0:
        return 0
    first = run >> 1
    end = first + count
    # Find the neighbours: the runs `below` and `above`.
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
        return _NOT_FREE
    clean = (run & 1) << 8
    ref = below
    if gap_below and gap_above:
        # Touches nothing: link a new node. Either the one below has no right child, or the one above no left child.
        require_room()
        ref = nil[_SPARE]
        if ref:
            nil[_SPARE] = ptr32(tree + ref)[_NEXT]
        else:
            ref = nil[_FRESH]
            if ref >= int(nil[_LIMIT]):
                return _TOO_MANY
            nil[_FRESH] = ref + _NODE_BYTES
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
        # Lengthen the node of a neighbour.
        if gap_below == 0 and gap_above == 0:
            require_room()
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
                remove(tree, above)
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
    # Tell the ancestors, as far as they change. (`retrace`, in line.)
    while ref:
        p = ptr32(tree + ref)
        l = ptr32(tree + p[_LEFT])
        r = ptr32(tree + p[_RIGHT])
        height = int(l[_HEIGHT]) & _HEIGHT_MASK
        other = int(r[_HEIGHT]) & _HEIGHT_MASK
        if other > height:
            height, other = other, height
        if height > other + 1:
            retrace(tree, ref)
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
