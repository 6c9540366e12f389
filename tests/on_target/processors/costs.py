"""costs(): for 1, 2, ... attached CPUs, instructions of a round of one page and of 64, without those of the call."""

from time import ticks_cpu

from _processors import shoot
from processors import *

ROUNDS = 50


def cost(count):
    shoot(0, 1, count, 4096)  # the code is translated, and everybody awake
    start = ticks_cpu()
    for _ in range(ROUNDS):
        pass
    middle = ticks_cpu()
    for _ in range(ROUNDS):
        shoot(0, 1, count, 4096)
    return (ticks_cpu() - middle - (middle - start)) / ROUNDS


def costs():
    for each in processors():
        each.park()
    call = cost(1)
    found = []
    for each in processors():
        each.call(READ_CONTROL, 3)
        found.append((cost(1) - call, cost(64) - call))
    return found
