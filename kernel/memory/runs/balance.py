"""How a tree stays low: nodes leave, and every ancestor knows its height and its longest run.

These are for the functions of this room: the tree is BUSY, and who calls has checked everything. They call one another,
four deep: so who is about to call them asks `require_room` first, before anything has changed. Giving asks for less
than taking, so what was taken can be given back where the next step found too little.
"""

import micropython
from micropython import const


def require_room():
    """Raise RuntimeError while too little stack is left. `runs.set_room` says how; until then there is enough."""


# As in tree.py.
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
_COUNT = const(15)
_HEIGHT_MASK = const(0xFF)
_CLEAN = const(0x100)
_BOTH_SIDES = const(13)


@micropython.viper
def remove(tree: int, ref: int):
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
        retrace(tree, parent)
    if keep:
        retrace(tree, keep)


@micropython.viper
def retrace(tree: int, ref: int):
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
