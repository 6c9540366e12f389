"""Taking numbers out of a tree: the lowest that fit, or exactly these.

`take` is what an allocation mostly waits for, so it is one piece: a call from one viper function to another costs some
280 instructions, and all of `take` and `give` together 1,550. Its parts are find, mark, cut (or unlink), tell.
"""

import micropython
from micropython import const

from .balance import remove, require_room, retrace
from .giving import give
from .search import find

# As in tree.py.
_NOT_FREE = const(-1)
_TOO_MANY = const(-2)
_REENTERED = const(-3)
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
_OWNED_LIMIT = const(20)
_END = const(22)
_HEIGHT_MASK = const(0xFF)
_CLEAN = const(0x100)


@micropython.viper
def take(tree: int, count: int) -> int:
    """Take `count` numbers from the low end of the lowest run that has so many.

    Returns first << 1 | clean (what `give` takes back), or NOT_FREE, TOO_MANY or REENTERED.
    """
    nil = ptr32(tree)
    if nil[_BUSY]:
        return _REENTERED
    if count < 1:
        return _NOT_FREE
    owned = int(nil[_OWNED])
    if owned >= int(nil[_OWNED_LIMIT]):
        return _TOO_MANY
    # Find the lowest run that is long enough: mostly the lowest of all.
    ref = int(nil[_NEXT])
    p = ptr32(tree + ref)
    length = p[_LENGTH] | p[_LENGTH + 1] << 32
    if length < count:
        ref = nil[_LEFT]
        p = ptr32(tree + ref)
        if (p[_LARGEST] | p[_LARGEST + 1] << 32) < count:
            return _NOT_FREE
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
    start = p[_START] | p[_START + 1] << 32
    if start >= (nil[_END] | nil[_END + 1] << 32):
        return _NOT_FREE
    if length == count:
        require_room()
    # Mark: from here on the tree is not to be looked at, and the sums are those of afterwards.
    nil[_BUSY] = 1
    nil[_OWNED] = owned + 1
    run = start << 1 | int(p[_HEIGHT]) >> 8
    free = (nil[_TOTAL] | nil[_TOTAL + 1] << 32) - count
    nil[_TOTAL] = free
    nil[_TOTAL + 1] = free >> 32
    if length > count:
        # Cut its low end off.
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
        remove(tree, ref)
        ref = 0
    else:
        # Unlink all of it; as nothing hangs on its left, its right child moves up. (`remove`, in line.)
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
    return run


@micropython.viper
def take_at(tree: int, first: int, count: int) -> int:
    """Take exactly the numbers from `first` to `first + count - 1`.

    Returns first << 1 | clean, or NOT_FREE, TOO_MANY or REENTERED.
    """
    nil = ptr32(tree)
    if nil[_BUSY]:
        return _REENTERED
    owned = int(nil[_OWNED])
    # Find the run that holds `first`. (`at_or_below`, in line.)
    ref = 0
    below = int(nil[_LEFT])
    while below:
        p = ptr32(tree + below)
        if (p[_START] | p[_START + 1] << 32) <= first:
            ref = below
            below = p[_RIGHT]
        else:
            below = p[_LEFT]
    if ref == 0:
        return _NOT_FREE
    p = ptr32(tree + ref)
    start = p[_START] | p[_START + 1] << 32
    before = first - start
    after = (p[_LENGTH] | p[_LENGTH + 1] << 32) - before - count
    if after < 0:
        return _NOT_FREE
    if owned >= int(nil[_OWNED_LIMIT]):
        return _TOO_MANY
    if before and after and not nil[_SPARE] and int(nil[_FRESH]) >= int(nil[_LIMIT]):
        return _TOO_MANY
    require_room()
    clean = int(p[_HEIGHT]) >> 8
    nil[_BUSY] = 1
    free = (nil[_TOTAL] | nil[_TOTAL + 1] << 32) - count
    if before:
        # The low part stays in this node; the high part comes back as a run of its own.
        free -= after
        p[_LENGTH] = before
        p[_LENGTH + 1] = before >> 32
        retrace(tree, ref)
    elif after:
        start += count
        p[_START] = start
        p[_START + 1] = start >> 32
        p[_LENGTH] = after
        p[_LENGTH + 1] = after >> 32
        retrace(tree, ref)
    else:
        remove(tree, ref)
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
    nil = ptr32(tree)
    first = int(find(tree, 0, (nil[_END] | nil[_END + 1] << 32) - 1, count, alignment, budget))
    if first < 0:
        return first
    return int(take_at(tree, first, count))
