"""Lists of runs of frames, (first, count) each, in the order of the pages that they are mapped to."""

from ..ledger import signature_of

APART = -1


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


def when_cut(runs, offset):
    """What two records say of their frames when a mapping is cut behind `offset` of its pages: (the lower's signature,
    the upper's, the first frame of the upper if it follows the last of the lower, else APART)."""
    if len(runs) == 1:
        first = runs[0][0]
        return first, first + offset, first + offset
    lower, upper = cut(runs, offset)
    first = upper[0][0]
    return signature_of(lower), signature_of(upper), first if sum(lower[-1]) == first else APART


def when_joined(lower, upper):
    """The same of one record of two mappings' pages: (its signature, the first frame of the upper, or APART)."""
    first, last = upper[0][0], lower[-1]
    if last[0] + last[1] != first:
        return signature_of(lower + upper), APART
    if len(lower) == len(upper) == 1:
        return last[0], first
    return signature_of(joined(lower + upper)), first
