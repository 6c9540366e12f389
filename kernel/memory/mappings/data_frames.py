"""Frames for the pages of a mapping: of one run if there is one, else of as few as there are."""

from memory_structs import OutOfFrames

from .. import runs
from ..allocators.owners import COUNT


def allocate_in_runs(allocator, count):
    """Owners of `count` frames of a frame allocator, longest runs first. Raises OutOfFrames; then it has all again."""
    owners = []
    tree = allocator.pool.tree
    try:
        while count > 0:
            try:
                owner = allocator.allocate(count)
            except OutOfFrames:
                largest = runs.largest_of(tree)
                if largest == 0 or runs.total_of(tree) < count:
                    raise
                owner = allocator.allocate(min(count, largest))
            owners.append(owner)
            count -= owner._state[COUNT]
    except BaseException:
        for owner in owners:
            owner.drop()
        raise
    return owners
