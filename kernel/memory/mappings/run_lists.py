"""Lists of runs of frames, (first, count) each, in the order of the pages that they are mapped to."""


def joined(runs):
    """The same with those joined that touch. Of longer tuples only the first two numbers count."""
    found = []
    for run in runs:
        first, count = run[0], run[1]
        if found and found[-1][0] + found[-1][1] == first:
            found[-1] = found[-1][0], found[-1][1] + count
        else:
            found.append((first, count))
    return found


def cut(runs, offset):
    """Two lists of runs: the first `offset` frames, and the rest."""
    lower, upper = [], []
    for first, count in runs:
        below = max(0, min(count, offset))
        if below:
            lower.append((first, below))
        if below < count:
            upper.append((first + below, count - below))
        offset -= count
    return lower, upper
