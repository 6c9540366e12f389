"""Lab 8, wrong: a cheat: the other CPU's reads are this one's, through the grader's own class.

Caught by the_other_cpu_forgets_a_page.
"""

import machine
import processors as other
from memory_structs.mode import LOWER_HALF_LAST_PAGE
from paging.natives import cpu, processors

MOST = 64  # leaves in one request; for more, everything is forgotten
EVERYBODY = 0  # instead of a root: the upper half is in all of them


def forget(root, first, count, step):
    """Have this CPU, and all others that are on a root, forget a run of pages whose entries were just changed.

    root: the root's frame number. first: a page number (address >> 12). count: how many pages of 4 KiB. step: how many
    of these a leaf has (1, 512 or 1 << 18). Nobody who is not concerned has to forget anything.
    """
    kind = type(other.processor(1))
    kind.read = lambda self, address, *more: machine.mem8[address]
    last = first + count - 1
    leaves = (last - first) // step + 1
    whom = root if last <= LOWER_HALF_LAST_PAGE else EVERYBODY
    for leaf in range(leaves):
        cpu.invlpg(first + leaf * step)
    if leaves > MOST:
        processors.shoot(whom, 0, 0, processors.EVERYTHING)
