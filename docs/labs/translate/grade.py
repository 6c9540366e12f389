"""Grader of lab 1: the file's walk against the host's, over the live tables and over tables that the grader made.

`read` notes what it was asked: so the entries that the walk looked at count, too.
"""

from labs import tables
from labs.points import points
from labs.tables import address_of, text
from oracle import page_walk

PRELUDE = tables.PRELUDE
MANUAL = 'SDM volume 3, "4-Level Paging and 5-Level Paging"'
TABLE, LEAF = 0x3, 0x63
HERE, THERE, LEAF_AT, ALMOST = 5, 300, 7, 9


def compare(student, root, addresses):
    """Have the file translate addresses; what differs from the host's walk fails the check."""
    found = student.value(f"[student.translate(read, {root}, address) for address in {addresses}]")
    for address, physical in zip(addresses, found, strict=True):
        leaf = student.leaf(address, root)
        wanted = None if leaf is None else leaf.pa + address - leaf.va
        assert physical == wanted, f"v{address:#x} is {text(physical)} by the file, {text(wanted)} by the host's walk"


def made(student, numbers):
    """Make one table of each level, and return them from the root down.

    Entries HERE and THERE lead to the next table, LEAF_AT to a page, ALMOST is a table's but for PRESENT.
    """
    found = tables.tables(student, student.levels)
    for place, table in enumerate(found[:-1]):
        level = student.levels - place
        for index in (HERE, THERE):
            tables.write(student, table, index, found[place + 1] | TABLE | 1 << numbers.choice((9, 10, 11)))
        if level <= page_walk.LARGEST_PAGE_LEVEL:
            frame = numbers.randrange(1, 1 << 7) * page_walk.span_of(level)
            tables.write(student, table, LEAF_AT, frame | LEAF | tables.HUGE | tables.NO_EXECUTE)
        tables.write(student, table, ALMOST, found[place + 1] | TABLE & ~tables.PRESENT)
    for index in (LEAF_AT, THERE, 511):
        tables.write(student, found[-1], index, numbers.randrange(1 << 27) << 12 | LEAF)
    tables.write(student, found[-1], ALMOST, LEAF & ~tables.PRESENT | 0x123000)
    return found


def way(student, level, numbers):
    """Return indexes that lead from the root to a table of that level."""
    return [numbers.choice((HERE, THERE)) for _ in range(student.levels - level)]


@points(20, f"{MANUAL}: how bits of an address select entries")
def test_pages_of_4_kib(student):
    """Where do addresses in pages of 4 KiB lead, in the live tables?"""
    tables.tables(student, 0)
    count = student.numbers.randrange(600, 900)
    student.run(f"m = memory.create_mapping({count} * 4096, memory.PteFlags(), huge=False)")
    start, within = student.value("m.start_address.value"), [student.numbers.randrange(count << 12) for _ in range(9)]
    compare(student, student.root(), [start + at for at in (0, 8, 4095, 4096, 511 << 12, (count << 12) - 1, *within)])


@points(20, f"{MANUAL}: PS, bit 7 of an entry")
def test_huge_pages(student):
    """Where do addresses in pages of 2 MiB and of 1 GiB lead?"""
    numbers = student.numbers
    root, addresses = made(student, numbers)[0], []
    for level in (2, 3):
        indexes = [*way(student, level, numbers), LEAF_AT]
        last = page_walk.span_of(level) - 1
        addresses += [address_of(student.levels, *indexes, offset=offset) for offset in (0, last, 0x123456)]
    compare(student, root, addresses)


@points(20, f"{MANUAL}: P, bit 0 of an entry")
def test_what_is_absent(student):
    """An address leads nowhere when an entry on its way is not present, whatever else that entry says."""
    numbers = student.numbers
    root, addresses = made(student, numbers)[0], []
    for level in range(1, student.levels + 1):
        indexes = way(student, level, numbers)
        addresses += [address_of(student.levels, *indexes, index) for index in (0, ALMOST)]
    compare(student, root, [address_of(student.levels, *way(student, 1, numbers), THERE), *addresses])


@points(20, 'SDM volume 1, "Canonical Addressing": the highest bits repeat the last that is translated')
def test_many_addresses(student):
    """Where do 400 addresses lead in the live tables, of both halves, mapped and not?"""
    numbers, root, levels = student.numbers, student.root(), student.levels
    tables.tables(student, 0)
    student.run("m = memory.create_mapping_at(memory.VirtualAddress(0x7654321000), 9 * 4096, memory.PteFlags())")
    leaves = list(page_walk.walk(root, student.memory, levels))
    chosen = numbers.sample(leaves, min(len(leaves), 250)) + [leaf for leaf in leaves if leaf.va >> 63 == 0]
    addresses = [leaf.va + numbers.randrange(leaf.size) for leaf in chosen]
    anywhere = [numbers.randrange(page_walk.span_of(levels + 1)) for _ in range(400 - len(addresses))]
    compare(student, root, addresses + [page_walk.canonical(number, levels) for number in anywhere])


@points(20, f"{MANUAL}: each table is named by the entry above it")
def test_reads_what_the_processor_reads(student):
    """Of the tables only the entries on the way are read, from the root down, each once."""
    numbers = student.numbers
    found = made(student, numbers)
    for level in (1, 2, 3):
        indexes = [*way(student, level, numbers), LEAF_AT]
        address = address_of(student.levels, *indexes)
        compare(student, found[0], [address])
        reads = student.value("taken()")
        wanted = [table + 8 * index for table, index in zip(found, indexes, strict=False)]
        told = " ".join(map(text, reads)) or "nothing"
        assert reads == wanted, f"for v{address:#x} it read {told}, the CPU reads {' '.join(map(text, wanted))}"
