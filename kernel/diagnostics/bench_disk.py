"""Bench rows of a disk and of paging to it, beside the polling: how long a disk takes is the host's affair.

`LIMITS` are what a row may cost at most, in instructions; a test holds the rows to them. They need a machine with a
disk of 2 MiB (`MACHINE`), and write to it.
"""

from time import ticks_cpu

import devices.virtqueue
from devices.disk import Disk
from memory import allocate_frames
from uctypes import addressof

from diagnostics.bench import leave_out, left_out, undo
from diagnostics.bench_faults import TIMES
from diagnostics.bench_replacement import FRAMES, PAGES, touching

MACHINE = {"disk": 2 << 20}
PATIENCE = 10000

LIMITS = {
    "disk: read a page": 8000,
    "disk: write a page": 8000,
    "disk: a page comes, a frame is free": 60000,
    "disk: a page comes, a clean one goes": 100000,
    "disk: a page comes, a dirty one goes": 170000,
}
PEERS = {name: "limit %d" % limit for name, limit in LIMITS.items()}


def _disk():
    """A disk, of whose requests one look whether they are done is counted, and no other."""
    take = devices.virtqueue.take
    own = 0  # what is counted of take_uncounted, beyond one look

    def take_uncounted(available, used, size, looks):
        start = ticks_cpu()
        done = take(available, used, size, looks)
        for _ in range(PATIENCE if looks > 1 else 0):
            if done >= 0:
                break
            done = take(available, used, size, looks)
        leave_out(ticks_cpu() - start + own)
        return done

    def looks_at_nothing(take):
        """What a look at an empty queue costs, beside what is left out."""
        empty = addressof(bytearray(32))
        take(empty, empty, 1, 1)
        begun = ticks_cpu() - left_out()
        take(empty, empty, 1, 1)
        return ticks_cpu() - left_out() - begun

    own = looks_at_nothing(take_uncounted) - looks_at_nothing(take)
    disk = Disk()
    undo(disk.drop)
    devices.virtqueue.take = take_uncounted
    undo(setattr, devices.virtqueue, "take", take)
    return disk


def _request(method):
    disk = _disk()
    frames = allocate_frames(1)
    undo(frames.drop)
    transfer, number = getattr(disk, method), [frames.start.number]

    def act():
        for page in range(TIMES):
            transfer(page, number)

    return act


ROWS = (
    ("disk: read a page", lambda: _request("read_frames"), TIMES),
    ("disk: write a page", lambda: _request("write_frames"), TIMES),
    ("disk: a page comes, a frame is free", lambda: touching(PAGES, False, _disk()), TIMES),
    ("disk: a page comes, a clean one goes", lambda: touching(FRAMES, False, _disk()), TIMES),
    ("disk: a page comes, a dirty one goes", lambda: touching(FRAMES, True, _disk()), TIMES),
)
