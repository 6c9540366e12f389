"""Look into a tree's memory after random operations: order, links, balance, heights, longest runs and counts.

run_tree_invariants.py SEED OPERATIONS
"""

import random
import sys

import uctypes
from memory import runs

NODES = 200
FIRST, COUNT = (1 << 51) - 150, 300

pool = bytearray(runs.bytes_for(NODES))
tree = uctypes.addressof(pool)


def word(ref, index):
    at = ref + 4 * index
    return int.from_bytes(pool[at : at + 4], "little")


def long(ref, index):
    return word(ref, index) | word(ref, index + 1) << 32


def subtree(ref, parent, nodes):
    """Check the subtree at `ref`; append its nodes in order; return (height, longest run)."""
    if ref == 0:
        return 0, 0
    assert word(ref, 8) == parent, "parent"
    low_height, low_longest = subtree(word(ref, 6), ref, nodes)
    nodes.append(ref)
    high_height, high_longest = subtree(word(ref, 7), ref, nodes)
    assert abs(low_height - high_height) <= 1, "balance"
    height = max(low_height, high_height) + 1
    assert word(ref, 9) & 255 == height, "height"
    longest = max(low_longest, high_longest, long(ref, 2))
    assert long(ref, 4) == longest, "longest run"
    return height, longest


def check(owned):
    nodes = []
    subtree(word(0, 6), 0, nodes)
    previous = 0
    for ref in nodes:
        assert word(ref, 10) == previous and word(previous, 11) == ref, "links"
        assert previous == 0 or long(previous, 0) + long(previous, 2) < long(ref, 0), "runs that touch or overlap"
        previous = ref
    assert word(previous, 11) == 0 and word(0, 10) == previous, "ends"
    assert runs.count_of(tree) == len(nodes)
    assert runs.total_of(tree) == sum(long(ref, 2) for ref in nodes)
    assert runs.owners_of(tree) == owned
    assert long(0, 4) == 0 and word(0, 9) == 0, "nil"
    return [(long(ref, 0), long(ref, 2), word(ref, 9) >> 8) for ref in nodes]


def main(seed, operations):
    random.seed(seed)
    runs.create(tree, len(pool))
    assert runs.give(tree, FIRST << 1 | 1, COUNT) == 0
    runs.limit_owners(tree)
    owners = []
    for _ in range(operations):
        dice = random.randrange(10)
        count = random.choice((1, 1, 2, 3, 8, 20))
        if dice < 3:
            run = runs.take(tree, count)
        elif dice < 5:
            run = runs.take_at(tree, FIRST + random.randrange(COUNT), count)
        elif owners:
            first, count = owners.pop(random.randrange(len(owners)))
            if count > 2 and random.randrange(2) and runs.add_owners(tree, 1) == 0:
                owners.append((first + 2, count - 2))
                count = 2
            assert runs.give(tree, first << 1 | random.randrange(2), count) == 0
            assert runs.give(tree, first << 1, 1) == runs.NOT_FREE
            run = -1
        if run >= 0:
            owners.append((run >> 1, count))
        check(len(owners))
    for first, count in owners:
        assert runs.give(tree, first << 1, count) == 0
    (run,) = check(0)
    assert run[:2] == (FIRST, COUNT)
    return "ok"


print(main(int(sys.argv[1]), int(sys.argv[2])))
