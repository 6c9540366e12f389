"""Page tables that a grader makes in the machine's RAM, for files that walk them through a `read` of the grader's."""

from oracle import page_walk

PRELUDE = """
import _memory
from paging.natives import LAYOUT
def reader():
    asked = []
    def read(address):
        asked.append(address)
        if address & 7 or not 0 <= address < RAM:
            raise ValueError("read(%s): entries have eight bytes, and lie in RAM" % hex(address))
        return _memory.load64(LAYOUT["WINDOW_PAGE"] * 4096 + address & (1 << 64) - 1)
    def taken():
        found = asked[:]
        asked.clear()
        return found
    return read, taken
read, taken = reader()
"""
PRESENT, WRITABLE, USER, HUGE, NO_EXECUTE = 1, 2, 4, 1 << 7, 1 << 63
ALL = PRESENT | WRITABLE | USER


def tables(student, count):
    """Return the physical addresses of cleared frames for tables; `read`, in the grader's own code, reads them."""
    student.run(f"RAM = {student.memory.low_size_in_bytes}")
    student.run(f"kept = [memory.allocate_frames(1) for _ in range({count})]")
    found = student.value("[each.start_address.value for each in kept]")
    for table in found:
        student.memory.write(table, bytes(4096))
    return found


def write(student, table, index, entry):
    """Write an entry of a table."""
    student.memory.write_entry(table + 8 * index, entry)


def address_of(levels, *indexes, offset=0):
    """Return the virtual address with these indexes from the root down; the others are 0."""
    number = sum(index * page_walk.span_of(levels - place) for place, index in enumerate(indexes)) + offset
    return page_walk.canonical(number, levels)


def text(physical):
    """Return a physical address as the kernel writes it."""
    return f"p{physical:#x}" if isinstance(physical, int) else str(physical)
