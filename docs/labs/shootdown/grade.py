"""Grader of lab 8: entries are changed behind the kernel's back, the file's `forget` is called, and both CPUs look.

The grader writes the entries into the machine's RAM itself, so nobody else has invalidated anything. Each page shows
one byte before and another afterwards; who sees the first is stale.
"""

from labs import touching
from labs.points import points
from oracle import page_walk

SETTINGS = {"processors": 2}
PRELUDE = (
    touching.PRELUDE
    + """
from machine import mem32
from paging.natives import LAYOUT, cpu
from processors import processor
kept = []
def on_one(address):
    return processor(1).read(address) & 0xff
def here(address):
    return mem8[address]
def changed_here(root, plan):  # in one go: what Python does meanwhile costs this CPU translations, too
    found = []
    for run in plan:
        for address, entry, new in run:
            mem8[address]
            mem32[LAYOUT["WINDOW_PAGE"] * 4096 + entry] = new & 0xffffffff
        student.forget(root, run[0][0] >> 12, len(run), 1)
        found.append([mem8[address] for address, entry, new in reversed(run)])
    return found
"""
)
BEFORE, AFTER = 0x11, 0x22
SMALL, HUGE = 1, 512
MOST = 64
MANUAL = 'SDM volume 3, "Propagation of Paging-Structure Changes to Multiple Processors"'


class Pages:
    """Leaves of `step` pages from page 0 of the place on, that two CPUs know; change() makes them lead elsewhere."""

    def __init__(self, student, count, step=SMALL, base=touching.BASE):
        self.student, self.count, self.step = student, count, step
        size, flags = step * 4096, "HEAP_FLAGS"
        huge = "" if step > 1 else ", huge=False"
        student.run(f"""
            m = create_mapping_at(VirtualAddress({base}), {count * size}, {flags}{huge})
            other = create_mapping_at(VirtualAddress({base} + (1 << 33)), {count * size}, {flags}{huge})
            kept.append((m, other))
            """)
        self.addresses = [base + leaf * size for leaf in range(count)]
        self.root = student.root()
        level = page_walk.translate(self.root, student.memory, base, student.levels).level
        assert step == 1 or level == 2, "the machine has no huge page for this check"
        self.entries = [self.entry_of(address) for address in self.addresses]
        others = [self.entry_of(address + (1 << 33)) for address in self.addresses]
        for (_, entry), (_, other) in zip(self.entries, others, strict=True):
            for value, word in (BEFORE, entry), (AFTER, other):
                student.memory.write(word & page_walk.ADDRESS_MASK & ~(size - 1), bytes([value]))
        self.new = [other for _, other in others]
        for who in "here", "on_one":
            assert set(self.seen(who)) == {BEFORE}, "the grader's pages are not as it made them"

    def entry_of(self, address):
        """Return (where the leaf entry of an address lies, what it says)."""
        path = page_walk.path_to(self.root, self.student.memory, address, self.student.levels)
        above = path[-2] & page_walk.ADDRESS_MASK
        level = self.student.levels - len(path) + 1
        index = address // page_walk.span_of(level) % page_walk.ENTRIES
        return above + 8 * index, path[-1]

    def change(self, leaves):
        """Have some leaves lead to the other frames; nobody is told. Just before, both CPUs use the first and the last
        of them: a TLB may be so small that it has lost them meanwhile."""
        for who in "here", "on_one":
            assert self.seen(who, [leaves[0], leaves[-1]]) == [BEFORE] * 2, "the grader's pages are not as it made them"
        for leaf in leaves:
            self.student.memory.write_entry(self.entries[leaf][0], self.new[leaf])

    def forget(self, first, count):
        """Call the file's function for `count` leaves from number `first` on."""
        page = (self.addresses[first] >> 12, count * self.step, self.step)
        self.student.run(f"student.forget({self.root >> 12}, {page[0]}, {page[1]}, {page[2]})")

    def seen(self, who, leaves=None):
        """Return the bytes that a CPU sees in leaves: "here" is the CPU that runs Python, "on_one" the other one."""
        chosen = self.addresses if leaves is None else [self.addresses[leaf] for leaf in leaves]
        return self.student.value(f"[{who}(address) for address in {chosen}]")

    def expect_fresh(self, leaves, who):
        """Fail if a CPU goes on seeing the frames that some leaves led to before."""
        name = "this CPU" if who == "here" else "the other CPU"
        leaves = [leaves[-1], *leaves[:-1]]  # a fault of one page is mostly at an end
        stale = [leaf for leaf, byte in zip(leaves, self.seen(who, leaves), strict=True) if byte != AFTER]
        assert not stale, (
            f"of {len(leaves)} changed {'huge ' if self.step > 1 else ''}pages, {name} goes on using the old"
            f" translation of number {touching.said(stale)}"
        )


@points(20, f"{MANUAL}; kernel/paging/shootdown.py")
def test_the_other_cpu_forgets_a_page(student):
    """One page leads elsewhere, forget() is called for it: the other CPU sees the new frame."""
    pages = Pages(student, 3)
    pages.change([1])
    pages.forget(1, 1)
    pages.expect_fresh([1], "on_one")


@points(20, MANUAL)
def test_the_other_cpu_forgets_all_of_a_run(student):
    """Five pages lead elsewhere: the other CPU sees the new frames of all, from the first to the last."""
    pages = Pages(student, 7)
    pages.change(range(1, 6))
    pages.forget(1, 5)
    pages.expect_fresh(range(1, 6), "on_one")


@points(20, f"{MANUAL}; `step` is the size of a leaf")
def test_the_other_cpu_forgets_huge_pages(student):
    """A page of 2 MiB leads elsewhere, then two: the other CPU sees the new frames."""
    pages = Pages(student, 3, HUGE)
    for first, count in (0, 1), (1, 2):
        pages.change(range(first, first + count))
        pages.forget(first, count)
        pages.expect_fresh(range(first, first + count), "on_one")


@points(15, "a request has 64 leaves at most: port/processors/shootdown.c")
def test_the_other_cpu_forgets_very_many(student):
    """65, 64 and 100 pages lead elsewhere: the other CPU sees the new frames of all."""
    pages = Pages(student, 230)
    for first, count in (0, 65), (65, 64), (130, 100):
        pages.change(range(first, first + count))
        pages.forget(first, count)
        pages.expect_fresh(range(first, first + count), "on_one")


@points(15, "INVLPG in SDM volume 2; cpu.invlpg(page number)")
def test_this_cpu_forgets_them_too(student):
    """Of runs of one to three pages, each led elsewhere, this CPU sees the new frames."""
    pages = Pages(student, 16)
    runs = list(zip(range(0, 16, 4), (1, 2, 3, 1), strict=True))
    plan = [[(pages.addresses[n], pages.entries[n][0], pages.new[n]) for n in range(a, a + b)] for a, b in runs]
    seen = student.value(f"changed_here({pages.root >> 12}, {plan})")
    stale = [first for (first, _), bytes_of in zip(runs, seen, strict=True) if set(bytes_of) != {AFTER}]
    assert not stale, f"this CPU goes on using old translations of the runs from page {touching.said(stale)} on"


@points(10, "a request for everything costs every other translation")
def test_nobody_forgets_more_than_asked(student):
    """Page 0 of three is forgotten, then 64 of 66; those behind, which nobody asked for, the other CPU remembers."""
    pages = Pages(student, 3)
    pages.change([0, 1, 2])
    pages.forget(0, 1)
    pages.expect_fresh([0], "on_one")
    expect_remembered(pages, (1, 2))
    pages = Pages(student, MOST + 2, base=touching.BASE + (1 << 34))
    pages.change(range(MOST + 2))
    pages.forget(0, MOST)
    expect_remembered(pages, (MOST + 1,))


def expect_remembered(pages, leaves):
    """Fail if the other CPU has forgotten leaves that nobody asked it to forget."""
    fresh = [leaf for leaf in leaves if pages.seen("on_one", [leaf]) == [AFTER]]
    assert not fresh, f"the other CPU has forgotten page {touching.said(fresh)}, too, and nobody asked it to"
