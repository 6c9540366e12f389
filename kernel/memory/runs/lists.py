"""Sets of numbers as sorted lists of runs, for boot: `[(first, last), ...]`, inclusive.

A *normal* list is sorted, and its runs neither overlap nor touch. Every function
takes any list and returns a normal one. They run once, on a few hundred runs.
"""


def check_rows(name, rows, width):
    """Refuse what is no list of (int, int, ...) with `width` parts each. Raises TypeError."""
    for row in rows if type(rows) in (list, tuple) else (None,):
        if type(row) is not tuple or len(row) != width or [type(part) for part in row[:2]] != [int, int]:
            raise TypeError("%s must be a list of tuples of %d, numbers first, not %r" % (name, width, rows))


def normal(runs):
    """Sort, drop reversed runs, join what overlaps or touches."""
    joined = []
    for first, last in sorted(runs):
        if first > last:
            continue
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        else:
            joined.append((first, last))
    return joined


def without(runs, removed):
    """The numbers of `runs` that are not in `removed`."""
    left = []
    removed = normal(removed)
    index = 0
    for first, last in normal(runs):
        while index < len(removed) and removed[index][1] < first:
            index += 1
        at = index
        while at < len(removed) and removed[at][0] <= last:
            if removed[at][0] > first:
                left.append((first, removed[at][0] - 1))
            first = removed[at][1] + 1
            at += 1
        if first <= last:
            left.append((first, last))
    return left


def common(runs, others):
    """The numbers that are in both."""
    return without(runs, without(runs, others))


def count_of(runs):
    """How many numbers are in a normal list."""
    return sum(last + 1 - first for first, last in runs)


def whole_chunks(start, end, shift):
    """The run of chunks of 2^shift bytes that lie wholly from byte `start` to `end` (exclusive)."""
    return (start + (1 << shift) - 1) >> shift, (end >> shift) - 1


def touched_chunks(start, end, shift):
    """The run of chunks of 2^shift bytes that hold a byte from `start` to `end` (exclusive)."""
    return start >> shift, (end - 1 >> shift) if end > start else (start >> shift) - 1
