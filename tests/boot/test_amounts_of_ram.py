"""From 14 MiB to terabytes: nothing costs more for RAM that nobody uses, and what can't be is one line."""

import json
import re

import pytest
import settings
from harness import Kernel, QemuGuest
from harness.compiler import limit
from harness.guard import COUNTS
from live_page import tables
from machine import physical_bits_for, size_in_bytes

SMALL, LARGE = "32M", ("1T", "8T")
COUNT = """
import gc
import memory
from time import ticks_cpu
def spent(act):
    start = ticks_cpu()
    act()
    return ticks_cpu() - start
def count(act):
    # On a heap that was just collected, the least of some times: where there is room takes a time to find.
    act()
    gc.collect()
    return min([spent(act) for _ in range(4)])
def allocate_and_drop():
    for _ in range(10): memory.allocate_frames(1).drop()
def create_and_drop():
    for _ in range(10): memory.create_mapping(4096, memory.HEAP_FLAGS).drop()
kept = memory.create_mapping(4096, memory.HEAP_FLAGS)
# A run that is taken whole costs a node that goes and comes, and how few are left at the image's end is by its length.
few = [memory.allocate_frames(count) for _, count, _ in memory.frame_allocator.pool.runs() if count < 64]
"""
BOOT_INSTRUCTIONS = 20_000_000
AUDIT_INSTRUCTIONS = 10_000_000
BOOKKEEPING_BYTES = 64 << 20


class Counts:
    """What a machine with so much RAM says of itself."""

    def __init__(self, memory):
        with QemuGuest(counted=True, memory=memory) as guest:
            guest.console.wait_for_prompt(60)
            self.boot = int(re.search(r"at the prompt after (\d+) ticks", guest.log())[1])
            self.screens = {each: guest.console.command(each) for each in ("ram", "frames", "picture", "pages")}
            kernel = Kernel(guest, timeout=60)
            kernel.exec(COUNT)
            self.acts = kernel.eval("(count(allocate_and_drop), count(create_and_drop))")
            self.audit = kernel.eval("count(memory.verify)")
            self.violations = kernel.eval("memory.verify().violations")
            held = (
                "[last + 1 - first for first, last, name in memory.frame_allocator.reservations if 'keeping' in name]"
            )
            self.bookkeeping = 4096 * sum(kernel.eval(held))


@pytest.fixture(scope="module")
def counts():
    """{amount of RAM: Counts}, of those amounts that this host can promise."""
    return {each: Counts(each) for each in (SMALL, *LARGE) if not settings.refused_by_host(size_in_bytes(each))}


@COUNTS
def test_a_page_costs_the_same_to_the_instruction_whatever_there_is(counts):
    if len(counts) < 2:
        pytest.skip("this host can't promise 1 TiB")
    assert len({each.acts for each in counts.values()}) == 1, {name: each.acts for name, each in counts.items()}


@COUNTS
def test_terabytes_boot_and_are_audited_by_runs_and_not_by_frames(counts):
    for name, each in counts.items():
        assert each.violations == [], name
        assert each.boot <= limit(BOOT_INSTRUCTIONS), name
        assert each.audit <= limit(AUDIT_INSTRUCTIONS), name
        assert each.bookkeeping <= BOOKKEEPING_BYTES, name


def test_their_numbers_fit_the_screen_and_holes_are_no_ram(counts):
    for name in set(LARGE) & set(counts):
        screens = counts[name].screens
        for screen, text in screens.items():
            rows = text.splitlines()
            assert len(rows) <= 24, (name, screen)
            assert max(map(len, rows)) <= 80, (name, screen)
        assert re.search(r"in all +\d+ +\d+ TiB", screens["frames"]), name
        assert re.search(r" (1023\.9 G|7\.9 T)iB +usable, the kernel's part included", screens["ram"]), name
        cells = "".join(re.findall(r"^ *p0x[0-9a-f]+ (\S+)$", screens["picture"], re.MULTILINE))
        # RAM above 2 GiB begins at 1 TiB; below that an AMD machine has nothing but what is reserved at its end.
        above = len(cells) * (1 << 40) // ((1 << 40) + size_in_bytes(name))
        hole = cells[5 : above - 9]
        assert hole, name
        assert set(hole) == {"-"}, name
        assert "- no RAM" in screens["picture"], name
        assert set(cells[above + 2 : -8]) == {"."}, name


def test_what_lies_at_the_end_of_terabytes_is_owned_mapped_and_audited_like_all_else(boot):
    """Frames behind 2**31 hold data and page tables; a fault up there is found."""
    if settings.refused_by_host(size_in_bytes("8T")):
        pytest.skip("this host can't promise 8 TiB")
    guest = boot(memory="8T")
    guest.console.wait_for_prompt(60)
    kernel = Kernel(guest, timeout=60)
    kernel.exec("""
        from memory import *
        from memory_structs import Page
        from paging import BootInfoFrameAllocator, OffsetPageTable
        from paging import BootInfo
        import memory
        from memory import frame_allocator
        first, count, _ = list(frame_allocator.pool.runs())[-1]
        high = allocate_frames_at(PhysicalAddress(first + count - 5000 << 12), 4096)
        tables = BootInfoFrameAllocator(BootInfo().memory_map, high)
        frame = allocate_frames_at(PhysicalAddress(first + count - 1 << 12), 1)
        raw = OffsetPageTable()
        flags = PteFlagsX86_64.PRESENT | PteFlagsX86_64.WRITABLE | PteFlagsX86_64.NO_EXECUTE
        """)
    assert kernel.eval("high.start.number") > 1 << 31
    kernel.exec("raw.map_to(Page(0x2000), frame.start, flags, tables).flush()")
    said = json.loads(kernel.exec("from diagnostics.snapshot import as_json\nprint(as_json())"))
    registers = guest.monitor.registers()
    levels = tables.levels_of(registers["CR4"])
    assert tables.snapshot(guest.memory, registers["CR3"], levels, said["regions"]) == said, "the host finds the same"
    way = tables.way_to(guest.memory, registers["CR3"], levels, 0x2000, 1, physical_bits_for(size_in_bytes("8T")))
    assert [step["malformed"] for step in way] == [False] * levels, "so high a frame is none of reserved bits"
    assert kernel.eval("(memory.verify().violations, len(memory.verify().unowned))") == ([], 1)
    with kernel.raises("IllegalState", match="lent"):
        kernel.exec("high.drop()")
    kernel.exec("frame.drop()")
    violations = kernel.eval("memory.verify().violations")
    assert len(violations) == 1
    assert "leads to p0x" in violations[0]
    assert violations[0].endswith(": free")
    kernel.exec("raw.unmap(Page(0x2000))[2].flush(); raw.clean_up(tables); high.drop()")
    assert kernel.eval("memory.verify().violations") == []


def test_14_mib_are_enough_for_the_prompt_an_audit_the_tour_and_mappings(boot):
    guest = boot(memory="14M")
    console = guest.console
    console.wait_for_prompt(30)
    assert "nothing to complain of" in console.command("verify")
    console.command("from memory import *")
    console.command("m = create_mapping(65536, HEAP_FLAGS)")
    assert "rw-" in console.command("walk m")
    assert console.command("create_mapping(1 << 22, HEAP_FLAGS)").startswith("OutOfFrames: no 1024 free frames")
    assert "MemoryError" in console.command("bytearray(4 << 20)")
    assert "14 MiB" in console.command("frames")
    assert "nothing to complain of" in console.command("verify")
    for step in range(1, 4):
        console.send("tour\r")
        console.expect_exact(f"{step} of 13", timeout=20)
        console.expect_exact("tour goes on", timeout=20)
        console.wait_for_prompt(20)
        assert "Error" not in console.command("frames")


@pytest.mark.parametrize(("memory", "pages"), [("14M", None), ("20M", None), ("32M", 2048), ("1G", 2048)])
def test_the_first_heap_fits_the_machine_and_has_one_size_everywhere(boot, memory, pages):
    guest = boot(memory=memory)
    guest.console.wait_for_prompt(30)
    kernel = Kernel(guest)
    said = kernel.eval("__import__('_heap').first_area_pages()")
    [(frames, mapped)] = [
        (frame, count) for name, _, frame, count, _ in kernel.eval("__import__('_boot').sections()") if name == "heap"
    ]
    assert said == mapped
    assert pages is None or said == pages
    assert 512 <= said <= 2048
    known = kernel.eval("__import__('memory').frame_allocator.reservations")
    assert (frames, frames + mapped - 1, "Python's heap") in [tuple(each) for each in known]


def test_growing_books_hold_whatever_is_owned_and_come_back_together(boot):
    """45,000 owners of a frame, then every second frame free: more runs than the first memory can follow."""
    guest = boot(memory="1G")
    guest.console.wait_for_prompt(30)
    kernel = Kernel(guest, timeout=120)
    kernel.exec("""
        import memory
        from memory import runs
        fa = memory.frame_allocator
        pool, before = fa.pool, list(fa.pool.runs())
        owned = [memory.allocate_frames(1) for _ in range(45_000)]
        kept = [each for each in fa.reservations if each[2] == "the kernel's bookkeeping"]
        for index in range(0, 45_000, 2):
            owned[index].drop()
        """)
    assert kernel.eval("(len(list(pool.runs())) > 22_000, memory.verify().violations)") == (True, [])
    kernel.exec("""
        for index in range(1, 45_000, 2):
            owned[index].drop()
        """)
    # What the books have grown by stays theirs, behind them; Python's heap has grown, too.
    assert kernel.eval("(len(list(pool.runs())) < len(before) + 12, memory.verify().violations)") == (True, [])
    assert kernel.eval("fa.statistics().allocated") == 0


def test_an_audit_grows_its_map_once_and_says_so_when_it_can_not(boot):
    """Owners in more chunks of 128 MiB than there are leaves at boot; then no frame is left for more."""
    guest = boot(memory="4G")
    guest.console.wait_for_prompt(30)
    kernel = Kernel(guest, timeout=120)
    kernel.exec("""
        import memory
        from memory import *
        fa = memory.frame_allocator
        last = max(fa.pool.runs(), key=lambda run: run[1])
        places = [last[0] + 5 + 32768 * n for n in range(12)]
        held = [allocate_frames_at(PhysicalAddress(place << 12), 1) for place in places]
        books = lambda: sum([b + 1 - a for a, b, name in fa.reservations if "keeping" in name])
        before = books()
        first = memory.verify().violations
        grown = books() - before
        again = memory.verify().violations
        """)
    assert kernel.eval("(first, again, grown > 0, books() - before == grown)") == ([], [], True, True)
    kernel.exec("""
        more = [allocate_frames_at(PhysicalAddress(last[0] + 9 + 32768 * n << 12), 1) for n in range(12, 15)]
        low = [allocate_frames_at(PhysicalAddress(32768 * n + 9 << 12), 1) for n in range(1, 16)]
        rest = []
        while True:
            try:
                rest.append(allocate_frames(max(1, fa.statistics().largest_run)))
            except OutOfFrames:
                break
        for each in more: each.drop()
        for each in low: each.drop()
        """)
    with kernel.raises("OutOfBookkeeping", match="the audit"):
        kernel.eval("memory.verify()")
    kernel.exec("for each in rest: each.drop()")
    assert kernel.eval("memory.verify().violations") == []


@pytest.mark.parametrize("memory", ["4M", "5M", "8M", "9M", "11M", "13M"])
def test_what_is_too_small_says_so_however_small(boot, memory):
    guest = boot(memory=memory)
    guest.expect_exit(35)
    assert guest.console.transcript().strip() == "clew: cannot boot: too little RAM: Clew needs 14 MiB; try qemu -m 32M"


@pytest.mark.parametrize(
    ("memory", "line"),
    [
        ("4M", "clew: cannot boot: GRUB has no room for the kernel; try qemu -m 64M"),
        ("13M", "clew: cannot boot: too little RAM: Clew needs 14 MiB; try qemu -m 32M"),
    ],
)
def test_an_iso_says_so_too(boot, memory, line):
    guest = boot(memory=memory, boot="iso")
    guest.expect_exit(35)
    assert line in guest.console.transcript()
