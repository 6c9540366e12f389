"""Which known word somebody may have meant."""


def distance(a, b):
    """Return how many letters must be inserted, deleted, replaced or swapped with the next to make `b` of `a`."""
    before, above = None, list(range(len(b) + 1))
    for i in range(1, len(a) + 1):
        row = [i]
        for j in range(1, len(b) + 1):
            best = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] != b[j - 1]))
            if before and j > 1 and a[i - 1] == b[j - 2] and a[i - 2] == b[j - 1]:
                best = min(best, before[j - 2] + 1)
            row.append(best)
        before, above = above, row
    return above[-1]


def nearest(word, words):
    """Return the most similar of `words`, or None when nothing is similar."""
    allowed = 1 if len(word) < 4 else 2
    ranked = sorted((distance(word, each), each) for each in words)
    return ranked[0][1] if ranked and ranked[0][0] <= allowed else None
