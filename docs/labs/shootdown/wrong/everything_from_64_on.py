"""Lab 8, wrong: 64 leaves are one request, and it has everything forgotten.

Caught by nobody_forgets_more_than_asked.
"""

from memory_structs.mode import LOWER_HALF_LAST_PAGE
from paging.natives import cpu, processors

MOST = 64  # leaves in one request; for more, everything is forgotten
EVERYBODY = 0  # instead of a root: the upper half is in all of them


def forget(root, first, count, step):
    """Have this CPU, and all others that are on a root, forget a run of pages whose entries were just changed.

    root: the root's frame number. first: a page number (address >> 12). count: how many pages of 4 KiB. step: how many
    of these a leaf has (1, 512 or 1 << 18). Nobody who is not concerned has to forget anything.
    """
    last = first + count - 1
    leaves = (last - first) // step + 1
    whom = root if last <= LOWER_HALF_LAST_PAGE else EVERYBODY
    for leaf in range(leaves):
        cpu.invlpg(first + leaf * step)
    if leaves >= MOST:
        processors.shoot(whom, 0, 0, processors.EVERYTHING)
    elif leaves:
        processors.shoot(whom, first, leaves, step << 12)
