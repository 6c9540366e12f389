"""Finding runs: by number, by length, by place. Nothing here changes a tree; see tree.py for its layout."""

import micropython
from micropython import const

# As in tree.py.
_NOT_FREE = const(-1)
_TOO_MANY = const(-2)
_START = const(0)
_LENGTH = const(2)
_LARGEST = const(4)
_LEFT = const(6)
_RIGHT = const(7)
_PARENT = const(8)
_HEIGHT = const(9)
_NEXT = const(11)
_COUNT = const(15)


@micropython.viper
def at_or_below(tree: int, number: int) -> int:
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
def find(tree: int, low: int, high: int, count: int, alignment: int, budget: int) -> int:
    """The lowest first number of `count` free ones that all lie from `low` to `high` (inclusive).

    It is a multiple of `alignment` (any number from 1 on). Looks at no more than
    `budget` runs that are long enough but do not fit. Returns NOT_FREE when there
    is none, TOO_MANY when the budget is used up. Changes nothing.
    """
    ref = int(at_or_below(tree, low))
    p = ptr32(tree + ref)
    if ref == 0 or (p[_START] | p[_START + 1] << 32) + (p[_LENGTH] | p[_LENGTH + 1] << 32) <= low:
        ref = p[_NEXT]
    while ref:
        p = ptr32(tree + ref)
        start = p[_START] | p[_START + 1] << 32
        if start > high:
            return _NOT_FREE
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
                return _TOO_MANY
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
    return _NOT_FREE


@micropython.viper
def first_from(tree: int, number: int) -> int:
    """The first number of the lowest run that holds `number` or lies above it, or NOT_FREE."""
    ref = int(at_or_below(tree, number))
    p = ptr32(tree + ref)
    if ref == 0 or (p[_START] | p[_START + 1] << 32) + (p[_LENGTH] | p[_LENGTH + 1] << 32) <= number:
        ref = p[_NEXT]
        if ref == 0:
            return _NOT_FREE
        p = ptr32(tree + ref)
    return p[_START] | p[_START + 1] << 32


@micropython.viper
def length_at(tree: int, start: int) -> int:
    """The length of the run that begins at exactly `start`, or 0."""
    p = ptr32(tree + int(at_or_below(tree, start)))
    if (p[_START] | p[_START + 1] << 32) != start:
        return 0
    return p[_LENGTH] | p[_LENGTH + 1] << 32


@micropython.viper
def clean_at(tree: int, start: int) -> int:
    """1 when the run that holds `start` is clean."""
    return int(ptr32(tree + int(at_or_below(tree, start)))[_HEIGHT]) >> 8


@micropython.viper
def hand_out(tree: int, act: object, before: object, behind: object) -> int:
    """Call act(before, first, count, behind) for every run upwards, until it returns something else than `count`.

    For whoever doesn't trust the tree: this reads the list alone. Returns the number at which `act` stopped, NOT_FREE
    when the list came to its end, or TOO_MANY when it has more runs than the tree counts (it may have no end).
    """
    runs = int(ptr32(tree)[_COUNT])
    ref = int(ptr32(tree)[_NEXT])
    while ref:
        if runs == 0:
            return _TOO_MANY
        runs -= 1
        p = ptr32(tree + ref)
        first = p[_START] | p[_START + 1] << 32
        count = p[_LENGTH] | p[_LENGTH + 1] << 32
        done = int(act(before, first, count, behind))
        if done != count:
            return first + done
        ref = p[_NEXT]
    return _NOT_FREE


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
