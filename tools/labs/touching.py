"""What graders of fault handlers have in common: a place, touches of it, what is mapped there by the host's walk."""

from itertools import groupby

BASE = 0x1000_0000_0000
"""In the lower half, where nobody gets pages without asking for just these."""
PAGE = 4096
# Memory that has copies: how many pages apart they begin, and whose they are.
PLACE_OF_ITS_OWN = 0x100
WHOSE = "", " of the copy", " of the copy's copy"
PRELUDE = f"""
import gc
from faults import PageFault
from faults.natives import traps
from machine import mem8
from memory import HEAP_FLAGS, PAGE_SIZE, PageRange, VirtualAddress, create_mapping, create_mapping_at
def area(first, count):
    return PageRange.from_virt_addr(VirtualAddress({BASE} + first * 4096), count * 4096)
refused = []
def touch(page, value=None, offset=0):
    refused.clear()
    address = {BASE} + page * 4096 + offset
    try:
        if value is None:
            return mem8[address]
        mem8[address] = value
    except Exception as error:
        refused.append(error)
        return type(error).__name__
def free():
    for _ in range(3): gc.collect()
    return memory.frame_allocator.statistics().free
def once():
    create_mapping_at(VirtualAddress({BASE}), 4096, HEAP_FLAGS).drop()  # the tables that stay are there then
"""


def address(page, offset=0):
    """Return the address of a page of the place."""
    return BASE + PAGE * page + offset


def mapped(student, first, count):
    """Return which pages of the place are mapped, of `count` from number `first` on, by the host's walk."""
    return [first + page for page, frame in enumerate(student.frames(address(first), count)) if frame is not None]


def expect_mapped(student, first, count, wanted, when):
    """Fail unless just these pages are mapped."""
    found, wanted = mapped(student, first, count), list(wanted)
    shown = [said(page - first for page in pages) for pages in (wanted, found)]
    assert found == wanted, f"{when}, these pages should be mapped: {shown[0]}; these are: {shown[1]}"


def said(pages):
    """Return page numbers in words, runs of them by their ends."""
    runs = [[page for _, page in run] for _, run in groupby(enumerate(pages), lambda pair: pair[1] - pair[0])]
    shown = [str(run[0]) if len(run) == 1 else f"{run[0]} to {run[-1]}" for run in runs]
    more = f" and {len(shown) - 12} more" if len(shown) > 12 else ""
    return (", ".join(shown[:12]) or "none") + more


def expect_byte(student, page, value, why, offset=0):
    """Fail unless a byte of the place is so, in the machine's RAM."""
    found = student.byte(address(page, offset))
    where = f"page {page % PLACE_OF_ITS_OWN}{WHOSE[page // PLACE_OF_ITS_OWN]}"
    assert found == value, f"byte {offset} of {where} is {found:#x} in RAM, not {value:#x}: {why}"


def expect_touch(student, words, wanted, why):
    """Fail unless touch(words) comes to that: None, the value read, or the name of an exception."""
    found = student.value(f"touch({words})")
    if found == wanted:
        return
    told = outcome(found)
    if student.value("bool(refused)"):
        told = student.explained("refused[0]")
    raise AssertionError(f"{why}: expected {outcome(wanted)}, and it was {told}")


def outcome(found):
    """Return what a touch came to, in words."""
    return "a success" if found is None else f"0x{found:x}" if isinstance(found, int) else f"the exception {found}"


def expect_nothing_lost(student, before):
    """Fail unless the frames that were free are free again, and the kernel's audit finds nothing."""
    student.check_kernel()
    found = student.value("free()")
    assert found >= before, f"{before - found} frames did not come back"
    wrong = student.value("[str(each) for each in memory.verify().violations]")
    assert not wrong, f"verify says: {wrong[0]}"
