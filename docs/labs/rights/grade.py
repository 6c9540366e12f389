"""Grader of lab 2: rights against the host's walk and against what the MMU does; a dump against the host's walk."""

import itertools

from labs import tables
from labs.points import points
from labs.tables import ALL, HUGE, NO_EXECUTE, PRESENT, USER, WRITABLE, address_of
from oracle import page_walk

PRELUDE = tables.PRELUDE + "from faults import probe"
MANUAL = 'SDM volume 3, "Access Rights"'
BITS = WRITABLE, USER, NO_EXECUTE
# mov $1, %eax; int3: what a probe may execute.
CODE = bytes.fromhex("b801000000cc0000")
FRAME = 0x400000


def letters(leaf):
    """Return the rights that a Leaf has over all levels, as the lab writes them; None for None."""
    if leaf is None:
        return None
    allowed = leaf.writable, leaf.executable, leaf.user
    return "r" + "".join(letter if is_allowed else "-" for letter, is_allowed in zip("wxu", allowed, strict=True))


def combinations(student):
    """Return all combinations of WRITABLE, USER and NO_EXECUTE, in an order that nobody knows before."""
    found = [sum(chosen) for count in range(len(BITS) + 1) for chosen in itertools.combinations(BITS, count)]
    return student.numbers.sample(found, len(found))


def chain(student, upper=ALL):
    """Make one table of each level, linked by entry 0; return them from the root down."""
    found = tables.tables(student, student.levels)
    for above, below in itertools.pairwise(found):
        tables.write(student, above, 0, below | upper)
    return found


def compare(student, root, addresses):
    found = student.value(f"[student.rights(read, {root}, address) for address in {addresses}]")
    for address, told in zip(addresses, found, strict=True):
        wanted = letters(student.leaf(address, root))
        assert told == wanted, f"v{address:#x} is {told} by the file, {wanted} by the host's walk"


@points(15, f"{MANUAL}; bits 1, 2 and 63 of an entry")
def test_the_bits_of_a_page(student):
    """Which rights has a page of 4 KiB whose tables allow everything?"""
    found = chain(student)
    for index, bits in enumerate(combinations(student), 1):
        tables.write(student, found[-1], index, FRAME | PRESENT | bits)
    compare(student, found[0], [address_of(student.levels, offset=4096 * index) for index in range(1, 10)])


@points(25, f"{MANUAL}: R/W and U/S of every entry, XD of any")
def test_every_level_has_its_say(student):
    """Which rights are left when an entry above the page does not have them?"""
    found = chain(student)
    pages = {bits: 1 + index for index, bits in enumerate(combinations(student))}
    for bits, index in pages.items():
        tables.write(student, found[-1], index, FRAME | PRESENT | bits)
    chosen = [pages[bits] for bits in (USER | NO_EXECUTE, WRITABLE | USER, WRITABLE | USER | NO_EXECUTE)]
    for place, bits in itertools.product(range(student.levels - 1), combinations(student)):
        tables.write(student, found[place], 0, found[place + 1] | PRESENT | bits)
        compare(student, found[0], [address_of(student.levels, offset=4096 * index) for index in chosen])
        tables.write(student, found[place], 0, found[place + 1] | ALL)


@points(15, f"{MANUAL}; PS, bit 7 of an entry")
def test_huge_pages(student):
    """Which rights have pages of 2 MiB and of 1 GiB?"""
    found, addresses = chain(student), []
    for level in (2, 3):
        for index, bits in enumerate(combinations(student), 1):
            tables.write(student, found[-level], index, index * page_walk.span_of(level) | PRESENT | HUGE | bits)
            addresses.append(address_of(student.levels, offset=index * page_walk.span_of(level) + 0x12345))
    compare(student, found[0], addresses)


@points(25, 'the text of the lab; "Canonical Addressing" in SDM volume 1')
def test_a_dump_of_everything(student):
    """What is mapped in which rights, in one tuple as far as rights and pages go on, in both halves?"""
    numbers, levels = student.numbers, student.levels
    tree = tables.tables(student, 2 * levels)
    for half, root_index in (0, 0), (1, 300):
        found = [tree[0], *tree[1 + half * (levels - 1) :][: levels - 1]]
        for place, table in enumerate(found):
            level = levels - place
            if level > 1:
                tables.write(student, table, root_index if level == levels else 0, found[place + 1] | ALL)
            size = page_walk.span_of(level)
            for start in (1, 40, 300) if level <= page_walk.LARGEST_PAGE_LEVEL else ():
                bits = numbers.choice(combinations(student))
                for index in range(start, start + numbers.randrange(2, 9)):
                    frame = numbers.randrange(1, 1 << 9) * size if level > 1 else FRAME
                    tables.write(student, table, index, frame | PRESENT | bits | (HUGE if level > 1 else 0))
        for index in range(508, 512):  # they go on in the first of the next size
            tables.write(student, found[-1], index, FRAME | student.memory.read_entry(found[-2] + 8) & ~0xFFF0 & ALL)
    wanted = []
    for leaf in page_walk.walk(tree[0], student.memory, levels):
        if wanted and wanted[-1][0] + wanted[-1][1] == leaf.va and wanted[-1][2] == letters(leaf):
            wanted[-1] = (wanted[-1][0], wanted[-1][1] + leaf.size, letters(leaf))
        else:
            wanted.append((leaf.va, leaf.size, letters(leaf)))
    found = student.value(f"[tuple(run) for run in student.dump(read, {tree[0]})]")
    for told, right in itertools.zip_longest(found, wanted):
        assert told == right, f"the dump has {said(told)} where the host's has {said(right)}"


def said(run):
    """Return a run of a dump in words."""
    if not isinstance(run, tuple) or len(run) != 3 or not all(isinstance(number, int) for number in run[:2]):
        return "nothing" if run is None else repr(run)
    return f"v{run[0]:#x}, {run[1]:#x} bytes, {run[2]}"


@points(20, f"{MANUAL}; `walk ADDRESS` shows the rights that are left at each level")
def test_the_mmu_agrees(student):
    """What the file says of live pages is what the MMU allows the kernel: reading, writing, executing."""
    tables.tables(student, 0)
    flags = "memory.PteFlags()"
    student.run(
        f"live = [memory.create_mapping(4096, flags) for flags in ({flags}, {flags}.writable(True),"
        f" {flags}.executable(True))]"
    )
    root, starts = student.root(), student.value("[m.start_address.value for m in live]")
    code = int.from_bytes(CODE, "little")
    for start in starts:
        student.memory.write(student.leaf(start).pa, CODE)
        told = student.value(f"student.rights(read, {root}, {start})")
        acts = ", ".join(f"probe.access({start}, probe.{kind}, value={code})" for kind in ("READ", "WRITE", "EXECUTE"))
        did = student.value(f"[each.ok for each in ({acts})]")
        wanted = "".join(letter if is_allowed else "-" for letter, is_allowed in zip("rwx", did, strict=True))
        assert str(told)[:3] == wanted, f"v{start:#x} is {told} by the file, and the MMU allows {wanted}"
