# The names of `memory` in the kernel's __main__, and what the tests of views, reclaiming and the shell count with.
import gc

import memory
import uctypes
from memory import *

RW = PteFlags().writable(True)
RX = PteFlags().executable(True)


def clutter():
    return [[number] for number in range(500)]


def overwrite(depth):
    text = "%d %d %d" % (depth, depth, depth)
    return len(text) + overwrite(depth - 1) if depth else 0


def free():
    heap = get_kernel_mmi_ref().heap
    frames = memory.frame_allocator.statistics()
    pages = memory.page_allocator.statistics()
    grown = (heap.size_in_bytes + heap.reserve_in_bytes) >> 12
    return frames.free + frames.tables + grown, pages.free + pages.quarantine + grown


def refused(call, *arguments, **named):
    try:
        call(*arguments, **named)
    except Exception as error:
        return type(error).__name__
    return "nothing was refused"
