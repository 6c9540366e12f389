"""What a walk answers is what the entries say, at every level: in numbers, in types, and to the MMU itself."""

import pytest
from harness import Kernel, depth
from on_target import source

pytestmark = pytest.mark.writable_executable("pages that are mapped by hand, as a technique is told to")

SETUP = """
import memory
from faults import probe
owned = own_frames(32)
frames = Frames(owned)
mapper = OffsetPageTable()
BASE = page_of_root_entry(40)
PAT = PteFlagsX86_64.PAT
def at_table_of(page, level):
    "The address of the entry at a level on the way of a page."
    return mapper.access.walk(page, level) & -8
def physical(offset):
    "What both layers say of an address behind BASE, in numbers."
    address = VirtualAddress((BASE << 12) + offset)
    typed = mapper.translate(address)
    found = mapper.translate_addr(address)
    return found and found.value, mapper.access.physical(address.value), typed and typed.physical
"""


@pytest.fixture
def paging(kernel):
    kernel.exec(source("paging/prelude"))
    kernel.exec(SETUP)
    return kernel


@pytest.mark.parametrize(("size", "span"), [("Page4K", 1 << 12), ("Page2M", 1 << 21), ("Page1G", 1 << 30)])
def test_every_byte_of_a_page_has_its_own_physical_address(paging, size, span):
    """In a huge page the number of the 4 KiB unit counts, too; PAT, in bit 12 of its entry, does not."""
    for flags in ("PW", "PW | PAT"):
        paging.exec(f"mapper.map_to(page_at(BASE << 12, {size}), frame_at(3 << 30, {size}), {flags}, frames)")
        for offset in (0, 0xFFF, span // 2 + 0x123, span - 0x1000, span - 1):
            assert paging.eval(f"physical({offset})") == ((3 << 30) + offset,) * 3
        paging.exec(f"mapper.unmap(page_at(BASE << 12, {size}))[2].flush(); mapper.clean_up(frames)")


@pytest.mark.parametrize(("size", "level"), [("Page2M", 2), ("Page1G", 3)])
def test_a_huge_page_with_a_frame_that_is_not_aligned_leads_nowhere(paging, size, level):
    """The bits between PAT and the frame are reserved: the CPU refuses the entry, so no number may come out of it."""
    paging.exec(f"""
        mapper.map_to(page_at(BASE << 12, {size}), frame_at(3 << 30, {size}), PW, frames)
        at = at_table_of(BASE, {level})
        frame, word = entries.frame(at), entries.word(at)
        """)
    for bit in range(1, 9 * (level - 1)):
        paging.exec(f"entries.write(at, frame | 1 << {bit}, word); cpu.flush()")
        assert paging.eval("(mapper.access.translate(BASE), mapper.translate_addr(VirtualAddress(BASE << 12)))") == (
            -1,
            None,
        )
        assert paging.eval("refused(mapper.translate, VirtualAddress(BASE << 12))")[0] == "MalformedEntry"
        assert paging.eval("probe.access(BASE << 12).error_code") & 8, "the MMU says so, too"
    paging.exec("entries.write(at, frame, word)")


@pytest.mark.parametrize("level", range(1, depth.LEVELS + 1))
@pytest.mark.parametrize("right", ["NX", "W", "U"])
def test_each_level_has_its_say_in_the_rights_that_are_left(paging, right, level):
    """NO_EXECUTE at one level is enough to forbid; WRITABLE and USER_ACCESSIBLE are needed at all."""
    paging.exec(f"""
        mapper.map_range(PageRange(Page(BASE), Page(BASE + 1)), FrameRange(owned.end - 1, owned.end), PW | U, frames)
        at = at_table_of(BASE, {level})
        entries.write(at, entries.frame(at), entries.word(at) ^ {right}.word)
        cpu.flush()
        effective = mapper.translate(VirtualAddress(BASE << 12)).effective_flags
        """)
    expected = {"NX": "PW | U | NX", "W": "P | U", "U": "PW"}[right]
    assert paging.eval(f"effective & (PW | U | NX) == {expected}")
    runs = paging.eval("[run.count for run in mapper.runs(BASE, 2)]")
    assert runs == ([1, 1] if level == 1 else [2]), "pages with different rights are no run"
    assert paging.eval(f"all([run.effective_flags & (PW | U | NX) == {expected} for run in mapper.runs(BASE, 1)])")
    read, write = paging.eval("[probe.access(BASE << 12, kind, user=True).ok for kind in (probe.READ, probe.WRITE)]")
    assert (read, write) == (right != "U", right == "NX"), "what the MMU does"


def test_pages_with_other_rights_above_them_are_no_run(paging):
    """Two tables next to each other, the same leaves in both, and one right less on the way to the second."""
    paging.exec("""
        mapper.map_range(PageRange.from_numbers(BASE + 500, BASE + 523), FrameRange.from_numbers(0x100001, 0x100018),
                         PW, frames)
        mapper.set_flags_p2_entry(Page(BASE + 512), P).flush()
        """)
    assert paging.eval("[(run.page - BASE, run.count) for run in mapper.runs(BASE + 500, 24)]") == [
        (500, 12),
        (512, 12),
    ]


@pytest.mark.parametrize(
    "call",
    [
        "map_to(Page(BASE), owned.end, PW | U, frames)",
        "map_range(PageRange(Page(BASE), Page(BASE)), FrameRange(owned.end, owned.end), PW | U, frames)",
    ],
)
def test_a_page_for_ring_3_is_reached_by_ring_3(paging, call):
    """The tables that are made for it are for ring 3, too: the leaf decides."""
    paging.exec(f"mapper.{call}")
    assert paging.eval("probe.access(BASE << 12, probe.WRITE, user=True).ok")
    assert paging.eval("[bool(entry.flags & U) for entry in mapper.walk(Page(BASE))]") == [True] * depth.LEVELS
    paging.exec("mapper.map_to(Page(BASE + 1), owned.end - 1, PW, frames)")
    assert not paging.eval("probe.access(BASE + 1 << 12, user=True).ok")


def test_a_huge_page_that_this_cpu_lacks_leads_nowhere(boot):
    """At level 3 without pages of 1 GiB, and above it on every CPU: a reserved bit, even if the frame is aligned."""
    guest = boot(cpu="max,-pdpe1gb")
    guest.console.wait_for_prompt()
    kernel = Kernel(guest)
    kernel.exec(source("paging/prelude"))
    kernel.exec(SETUP)
    kernel.exec("mapper.map_to(Page(BASE), owned.end, PW, frames)")
    for level in range(depth.LEVELS, 2, -1):
        kernel.exec(f"""
            at = at_table_of(BASE, {level})
            frame, word = entries.frame(at), entries.word(at)
            entries.write(at, 0, (PW | HUGE).word); cpu.flush()
            """)
        assert kernel.eval("refused(mapper.translate, VirtualAddress(BASE << 12))")[0] == "MalformedEntry"
        assert kernel.eval("(mapper.access.translate(BASE), mapper.translate_addr(VirtualAddress(BASE << 12)))") == (
            -1,
            None,
        )
        assert kernel.eval("refused(mapper.unmap, Page(BASE))")[0] == "MalformedEntry"
        if level > 3:  # QEMU has pages of 1 GiB on every CPU
            assert kernel.eval("probe.access(BASE << 12).error_code") & 8, "the MMU says so, too"
        kernel.exec("entries.write(at, frame, word); cpu.flush()")
