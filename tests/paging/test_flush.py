"""Flush discipline: what was present gets exactly one invalidation, what was not gets none. Counted, and seen.

Whether the TLB really forgot is shown by reading through it: in a large TLB (on_target/large_tlb.py) a stale
translation stays until it is invalidated, so a missing invalidation reads the old frame.
"""

import pytest
from harness import depth
from harness.guard import SHOWS_STALE
from on_target import source

pytestmark = pytest.mark.writable_executable("pages that are mapped by hand, as a technique is told to")

PAGE = 4096

SETUP = """
import memory
owned = own_frames(300)
frames = Frames(owned)
first = owned.end.number - 255  # the last 256 frames are data
frames.free = frames.free[256:]
mapper = OffsetPageTable()
ledger = mapper.ledger
BASE = page_of_root_entry(40)
def pages_of_entry(index, count):
    return PageRange.from_numbers(page_of_root_entry(index), page_of_root_entry(index) + count - 1)
def pages(start, count):
    return PageRange.from_numbers(BASE + start, BASE + start + count - 1)
def run_of(start, count):
    return FrameRange.from_numbers(start, start + count - 1)
def counts():
    return ledger.pages, ledger.full, ledger.full_global, len(ledger.open)
def counted(act):
    before = counts()
    act()
    return tuple(b - a for a, b in zip(before, counts()))
"""


@pytest.fixture
def paging(kernel):
    kernel.exec(source("paging/prelude"))
    kernel.exec(SETUP)
    return kernel


NOTHING = (0, 0, 0, 0)
CASES = [
    ("mapper.map_to(Page(BASE), Frame(5), PW, frames)", NOTHING),
    ("mapper.map_range(pages(0, 2000), run_of(0x100001, 2000), PW, frames).flush()", NOTHING),
    ("mapper.map_to(Page(BASE + 5000), Frame(5), PW, frames).flush()", NOTHING),
    ("mapper.unmap(Page(BASE + 4096))[2].flush()", (1, 0, 0, 0)),
    ("mapper.unmap(Page(BASE + 4096))[2].ignore()", NOTHING),
    ("mapper.unmap(Page(BASE + 4096))", (0, 0, 0, 1)),
    ("mapper.update_flags(Page(BASE + 4096), P).flush()", (1, 0, 0, 0)),
    ("mapper.update_flags(Page(BASE + 4096), W).flush()", (1, 0, 0, 0)),
    ("mapper.unmap(page_at(page_of_root_entry(41) << 12, Page2M))[2].flush()", (1, 0, 0, 0)),
    ("mapper.update_flags(page_at(page_of_root_entry(41) << 12, Page2M), P).flush()", (1, 0, 0, 0)),
    ("mapper.unmap_range(pages(4096, 1))[1].flush()", (1, 0, 0, 0)),
    ("mapper.unmap_range(pages(4096, 100))[1].flush()", (100, 0, 0, 0)),
    ("mapper.update_flags_range(pages(4096, 100), P).flush()", (100, 0, 0, 0)),
    ("mapper.unmap_range(pages(4096, ledger.threshold))[1].flush()", (128, 0, 0, 0)),
    ("mapper.unmap_range(pages(4096, ledger.threshold + 1))[1].flush()", (0, 1, 0, 0)),
    ("mapper.update_flags_range(pages(4096, ledger.threshold + 1), P).flush()", (0, 1, 0, 0)),
    (
        "mapper.unmap_range(pages_of_entry(42, 301))[1].flush()",
        (0, 0, 1, 0),
    ),
    (
        "mapper.unmap_range(pages_of_entry(41, 5120))[1].flush()",
        (10, 0, 0, 0),
    ),
    (
        "mapper.update_flags_range(pages_of_entry(41, 5120), P).flush()",
        (10, 0, 0, 0),
    ),
    ("mapper.set_flags_p2_entry(Page(BASE + 4096), PW).flush()", (0, 0, 1, 0)),
    ("mapper.set_flags_p4_entry(Page(BASE + 4096), PW).flush_all()", (0, 0, 1, 0)),
    ("mapper.map_to(Page(BASE + 4500), Frame(5), PW, frames, PW)", NOTHING),
    ("mapper.map_to(Page(BASE + 4500), Frame(5), PW, frames, PW | U).flush()", (0, 0, 1, 0)),
    ("mapper.clear(Page(BASE + 5100))", NOTHING),
    ("mapper.clean_up(frames)", NOTHING),
    ("(mapper.unmap_range(pages(PAGES_PER_ROOT_ENTRY, 5120))[1].ignore(), mapper.clean_up(frames))", (0, 1, 0, 0)),
]


@pytest.mark.parametrize(("act", "expected"), CASES)
def test_each_act_costs_the_invalidations_it_must_and_no_more(paging, act, expected):
    paging.exec("""
        mapper.map_range(pages(4096, 400), run_of(0x100001, 400), PW, frames)
        mapper.map_range(pages_of_entry(41, 5120), run_of(0x100000, 5120), PW, frames)
        mapper.map_range(pages_of_entry(42, 301), run_of(0x100001, 301), PW | G, frames)
        mapper.map_to(Page(BASE + 5100), Frame(5), PW, frames)
        mapper.update_flags(Page(BASE + 5100), W).flush()
        """)
    assert paging.eval(f"counted(lambda: {act})") == expected


@pytest.mark.parametrize("call", ["unmap_range(mix)[1]", "update_flags_range(mix, P)"])
def test_each_leaf_of_a_mix_of_sizes_is_flushed_once(paging, call):
    """Twelve small pages, three huge ones, five small ones: an invlpg for each, wherever it begins."""
    paging.exec(f"""
        mix = pages(512 - 12, 12 + 3 * 512 + 5)
        mapper.map_range(mix, run_of(0x100000 - 12, 12 + 3 * 512 + 5), PW, frames)
        token = mapper.{call}
        spans = [(page - BASE, count, leaf) for page, count, leaf in token.spans]
        """)
    assert paging.eval("spans") == [(500, 12, 1), (512, 1536, 512), (2048, 5, 1)]
    assert paging.eval("counted(token.flush)") == (20, 0, 0, -1)


def test_a_token_flushes_once(paging):
    paging.exec("mapper.map_to(Page(BASE), Frame(5), PW, frames)\ntoken = mapper.unmap(Page(BASE))[2]")
    assert paging.eval("token.needed")
    assert paging.text("token") == f"MapperFlush(v{depth.root_entry(40):#x}: 1)"
    assert paging.eval("counted(lambda: (token.flush(), token.flush(), token.ignore()))") == (1, 0, 0, -1)
    assert not paging.eval("token.needed")


def test_an_open_token_is_a_finding_of_verify_until_it_is_flushed_or_ignored(paging):
    paging.exec("mapper.map_to(Page(BASE), Frame(5), PW, frames)\ntoken = mapper.unmap(Page(BASE))[2]")
    owed = "[text for text in memory.verify().violations if 'flush' in text]"
    assert paging.eval(owed) == [f"a TLB flush is owed: MapperFlush(v{depth.root_entry(40):#x}: 1)"]
    paging.exec("token.ignore()\nmapper.clean_up(frames)")
    assert paging.eval("findings() == HEALTHY")


def test_a_table_that_is_not_active_needs_no_flush(paging):
    paging.exec("""
        other = OffsetPageTable(new_root(frames.allocate_frame()))
        other.map_range(pages(0, 300), run_of(0x100001, 300), PW, frames)
        """)
    for act in ("update_flags_range(pages(0, 300), P)", "unmap(Page(BASE))[2]", "unmap_range(pages(1, 299))[1]"):
        assert not paging.eval(f"other.{act}.needed")
    assert paging.eval("other.ledger is not ledger and (other.clean_up(frames), other.ledger.full)") == (
        depth.LEVELS - 1,
        0,
    )


def test_the_shootdown_callback_hears_of_every_invalidation(paging):
    paging.exec("""
        heard = []
        ledger.shootdown = heard.append
        mapper.map_range(pages(0, 300), run_of(0x100001, 300), PW, frames)
        mapper.unmap(Page(BASE))[2].flush()
        mapper.unmap_range(pages(1, 299))[1].flush()
        ledger.shootdown = None
        """)
    base = depth.root_page(40)
    assert paging.eval("heard") == [((base, 1, 1),), None]


READ_ALL = """
def fill(count):
    for n in range(count):
        memory_native.store64((LAYOUT["WINDOW_PAGE"] + first + n) << 12, 1000 + n)
def seen(count):
    return [memory_native.load64((BASE + n) << 12) for n in range(count)]
def is_gone(page):
    return refused(memory_native.load64, page << 12) is not None
memory_native = __import__("_memory")
fill(256)
"""


# Places in a large TLB that neither the kernel's image nor its heap nor its pool has.
FAR = 0x3000


def remap_all_before_a_flush(paging, count):
    """Map `count` pages, read them, and map them the other way round; all that the CPU knows of them is old then."""
    paging.exec(source("large_tlb"))
    paging.exec(READ_ALL.replace("BASE", f"BASE + {FAR}"))
    paging.exec(f"""
        there = pages({FAR}, {count})
        for attempt in range(8):  # an interrupt of the host at a bad moment: once more
            mapper.map_range(there, run_of(first, {count}), PW, frames, None, Page4K)
            grow_tlb()
            before = seen({count})
            token = mapper.unmap_range(there)[1]
            for n in range({count}): mapper.map_to(Page(BASE + {FAR} + n), Frame(first + {count} - 1 - n), PW, frames)
            if seen({count}) == before: break
            mapper.unmap_range(there)[1].flush()
        """)
    old = [1000 + n for n in range(count)]
    assert paging.eval("before") == old
    assert paging.eval(f"seen({count})") == old, "this test can only fail if the TLB remembers every page"
    return old


@SHOWS_STALE
@pytest.mark.parametrize(("count", "flush"), [(16, "each"), (100, "each"), (140, "all")])
def test_after_a_flush_reads_see_the_new_frames(paging, count, flush):
    old = remap_all_before_a_flush(paging, count)
    paging.exec(f"done = counted(token.flush)\nafter = seen({count})")
    assert paging.eval("after") == old[::-1]
    assert paging.eval("done") == ((count, 0, 0, -1) if flush == "each" else (0, 1, 0, -1))


@SHOWS_STALE
@pytest.mark.parametrize("count", [16, 100, 140])
@pytest.mark.parametrize("left_out", [0, 0.5, 1])
def test_a_page_that_a_flush_leaves_out_is_seen(paging, count, left_out):
    """The detector of the test above: one page is not invalidated, and it is that page that reads the old frame."""
    old = remap_all_before_a_flush(paging, count)
    missing = int((count - 1) * left_out)
    paging.exec(f"""
        for n in range({count}):
            if n != {missing}: cpu.invlpg(BASE + {FAR} + n)
        after = seen({count})
        """)
    expected = old[::-1]
    expected[missing] = old[missing]
    assert paging.eval("after") == expected


def test_the_frames_of_tables_go_back_only_after_the_flush(paging):
    paging.exec("""
        class Watched(Frames):
            def deallocate_frame(self, frame):
                order.append("frame")
                Frames.deallocate_frame(self, frame)
        order = []
        mapper.map_to(Page(BASE), Frame(5), PW, frames)
        mapper.unmap(Page(BASE))[2].flush()
        ledger.shootdown = lambda spans: order.append("flush")
        watched = Watched(owned)
        mapper.clean_up(watched)
        ledger.shootdown = None
        """)
    assert paging.eval("order") == ["flush", *["frame"] * (depth.LEVELS - 1)]


@pytest.mark.bochs
def test_global_entries_go_when_they_must(bochs_kernel):
    """Bochs keeps GLOBAL translations over a reload of CR3 as hardware does; QEMU does not."""
    kernel = bochs_kernel
    kernel.exec(source("paging/prelude"))
    kernel.exec(SETUP)
    kernel.exec(READ_ALL)
    kernel.exec("""
        mapper.map_range(pages(0, 140), run_of(first, 140), PW | G, frames, None, Page4K)
        before = seen(16)
        token = mapper.unmap_range(pages(0, 140))[1]
        for n in range(140): mapper.map_to(Page(BASE + n), Frame(first + 139 - n), PW | G, frames)
        cpu.flush()
        kept = seen(16)
        token.flush()
        after = seen(16)
        """)
    old, new = [1000 + n for n in range(16)], [1139 - n for n in range(16)]
    assert kernel.eval("before") == old
    assert len(set(kernel.eval("kept")) & set(old)) >= 4, "some may fall out of the TLB by themselves"
    assert kernel.eval("after") == new
    kernel.exec("""
        from paging import tlb
        for n in range(16):
            mapper.unmap(Page(BASE + n))[2].ignore()
            mapper.map_to(Page(BASE + n), Frame(first + n), PW | G, frames)
        tlb.flush_all(keep_global=True)
        kept = seen(16)
        tlb.flush_all()
        after = seen(16)
        """)
    assert len(set(kernel.eval("kept")) & set(new)) >= 4
    assert kernel.eval("after") == old


def test_cr3_keeps_its_low_bits(paging):
    paging.exec("from paging import Cr3\nroot, flags = Cr3.read()")
    assert paging.eval("flags") == 0
    assert paging.eval("root.number == cpu.read_root_frame()")
    paging.exec("Cr3.write(root, 0x18)")
    assert paging.eval("Cr3.read()[1]") == 0x18
    paging.exec("Cr3.write(root)")
    assert paging.eval("Cr3.read()[1]") == 0x18
    paging.exec("Cr3.write(root, 0)")
    assert paging.eval("cpu.read_cr3() & 0xfff") == 0
    assert paging.eval("refused(Cr3.write, root, 1)")[0] == "ValueError"
