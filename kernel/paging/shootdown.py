"""TLB shootdown: other processors forget, too, before anybody gets what a translation led to.

Who may remember something is attached to a root; the others are parked on tables that never change, and forget
everything when they are attached. One request goes to all whom it concerns, and is answered when this returns:

    the upper half     every attached processor: all roots share it
    the lower half     those that are attached to that root

Intel SDM, volume 3, "Propagation of Paging-Structure Changes to Multiple Processors". The requests themselves are
port/processors/shootdown.c.
"""

from memory_structs.mode import LOWER_HALF_LAST_PAGE
from micropython import const

from .natives import cpu, processors

EVERYBODY = const(0)  # instead of a root's frame number
MOST_PAGES = const(64)  # of one request; for more everything is forgotten
OBSERVERS, OTHERS = const(0), const(1)
ALL_PAGES = 0, 1 << 52  # (page number, count)

# Who has to hear of flushes: [OBSERVERS] is 1 while a callback has, [OTHERS] while other processors have.
waits = bytearray(4)
roots = {}  # of attached processors: number -> frame number of the root


def attached(number, root):
    """The processor of that number is on that root from now on. It must have forgotten everything when it begins."""
    roots[number] = root
    waits[OTHERS] = 1


def parked(number):
    """The processor of that number remembers nothing any more."""
    roots.pop(number, None)
    waits[OTHERS] = bool(roots)


def is_attached(root):
    """True when another processor is on that root."""
    return root in roots.values()


def whom(root, page, last):
    """The root for a request about pages up to `last`."""
    return root if page <= last <= LOWER_HALF_LAST_PAGE else EVERYBODY


def forget(root, page, count, step=1):
    """Have all whom it concerns forget a run of pages mapped in leaves of `step` pages: this processor, and others."""
    cpu.invalidate(page, count, step)
    if waits[OTHERS]:
        shoot_spans(root, ((page, count, step),))


def forget_spans(root, spans):
    """The same for (page number, count, pages per leaf) spans: one request."""
    for first, pages, step in spans:
        cpu.invalidate(first, pages, step)
    if waits[OTHERS]:
        shoot_spans(root, spans)


def forget_all(root, page, count, with_global):
    """Have all whom it concerns forget everything, because of a change somewhere in a run of pages."""
    if with_global:
        cpu.flush_global()
    else:
        cpu.flush()
    if waits[OTHERS]:
        shoot_all(root, page, count, with_global)


def shoot_spans(root, spans):
    """Have the others forget (page number, count, pages per leaf) spans: one request. This processor has already."""
    first, end, least = spans[0][0], 0, spans[0][2]
    for page, count, step in spans:
        first, end, least = min(first, page), max(end, page + count), min(least, step)
    leaves = (end - first + least - 1) // least
    if leaves > MOST_PAGES:
        shoot_all(root, first, end - first, True)
    else:
        processors.shoot(whom(root, first, end - 1), first, leaves, least << 12)


def shoot_all(root, page, count, with_global):
    """Have the others forget everything: GLOBAL translations only if `with_global`."""
    mode = processors.EVERYTHING if with_global else processors.NOT_GLOBAL
    processors.shoot(whom(root, page, page + count - 1), 0, 0, mode)
