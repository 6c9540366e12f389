"""The posts "Introduction to Paging" and "Paging Implementation" of blog_os, step by step, typed at the prompt.

Each test is one row of the posts' own demonstrations: other addresses, the same shape. What the posts print, the
console prints here.
"""

import re

import pytest
from harness import Kernel, depth
from harness.guard import SHOWS_STALE

pytestmark = pytest.mark.writable_executable("pages that are mapped by hand, as a technique is told to")

NAMES = """
from memory_structs import *
from paging import *
import machine
boot_info = BootInfo()
phys_mem_offset = boot_info.physical_memory_offset
mapper = OffsetPageTable(active_level_4_table(phys_mem_offset), phys_mem_offset)
P, W = PteFlagsX86_64.PRESENT, PteFlagsX86_64.WRITABLE
""".strip()
NEW = 0xF021_F077_F065_F04E
VGA_ROW_IN_BYTES = 160
OFFSET_IN_POST = 400 * 8
ROW = OFFSET_IN_POST // VGA_ROW_IN_BYTES


def at_prompt(guest, wait=15):
    console = guest.console
    console.wait_for_prompt(wait)
    for line in NAMES.splitlines():
        assert "Error" not in console.command(line)
    return console


@pytest.fixture
def typed(boot):
    """The console of a machine at its prompt, with the names of the post."""
    return at_prompt(boot())


@pytest.fixture
def screen(boot):
    """The console of a machine whose display is in VGA text mode."""
    return at_prompt(boot(boot="iso"), 30)


def one_line_loop(console, line):
    """Type a loop that fits one line, and the empty line that ends it; return what it printed."""
    console.send(line + "\r\r")
    return console.wait_for_prompt(20)


def frames_for_tables(console):
    """Have the post's frame allocator over frames that the kernel's own allocator lends."""
    console.command("import memory")
    console.command("frame_allocator = BootInfoFrameAllocator.init(boot_info.memory_map)")


def test_08_1_an_address_is_four_indexes_and_an_offset(typed):
    typed.command("a = VirtualAddress(0x803fe7f5ce)")
    parts = typed.command("a.p4_index(), a.p3_index(), a.p2_index(), a.p1_index(), hex(a.page_offset())")
    assert parts.strip() == "(1, 0, 511, 127, '0x5ce')"
    frames_for_tables(typed)
    typed.command("mapper.map_to(Page.containing_address(a), Frame(3), P, frame_allocator)")
    assert typed.command("mapper.translate_addr(a)").strip() == "p0x35ce"


def test_08_2_a_write_to_nowhere_is_a_page_fault_that_says_so(typed):
    said = typed.command("machine.mem8[0xdeadbeaf] = 42")
    assert re.search(r"PageFault: write to v0xdeadbeaf: not present", said)
    attempt = "try:\\n machine.mem8[0xdeadbeaf] = 42\\nexcept Exception as fault:\\n caught = fault"
    typed.command(f"exec('{attempt}')")
    assert typed.command("caught.error_code.present, caught.error_code.write").strip() == "(False, True)"


def test_08_3_and_4_a_code_page_can_be_read_but_not_written(typed):
    typed.command("code = boot_info.sections[0].first_page << 12")
    assert typed.command("print('read worked', machine.mem8[code] >= 0)").strip() == "read worked True"
    said = typed.command("machine.mem8[code] = 0")
    assert re.search(r"PageFault: write to v0xffffffff80[0-9a-f]+: ", said)
    assert "not present" not in said


def test_08_5_cr3_holds_the_level_4_table(typed):
    said = typed.command("print('Level 4 page table at:', Cr3.read()[0].start_address)")
    assert re.fullmatch(r"Level 4 page table at: p0x[0-9a-f]+000", said.strip())


def test_08_6_a_physical_address_is_no_pointer(typed):
    said = typed.command("machine.mem32[Cr3.read()[0].start_address.value]")
    assert "PageFault: read of v0x" in said
    assert "nothing is mapped there" in said


@SHOWS_STALE
def test_08_7_what_a_parent_forbids_is_forbidden_below_once_the_tlb_knows(typed):
    """The emulator's TLB may be small just then, and the prompt pushes the page out: one of 20 tries remembers."""
    typed.command("import memory")
    typed.command("frame_allocator = BootInfoFrameAllocator(boot_info.memory_map, memory.allocate_frames(16))")
    typed.command("mapper = OffsetPageTable()")
    typed.command("page = Page.containing_address(VirtualAddress(0xdeadbeaf000))")
    typed.command("data = memory.allocate_frames(1).start")
    typed.command("mapper.map_to(page, data, P | W, frame_allocator)")
    for _ in range(20):
        assert "Fault" not in typed.command("machine.mem8[0xdeadbeaf000] = 1")
        typed.command("token = mapper.set_flags_p3_entry(page, P)")
        remembers = "Fault" not in typed.command("machine.mem8[0xdeadbeaf000] = 2")
        typed.command("token.flush()")
        assert "PageFault: write to v0xdeadbeaf000" in typed.command("machine.mem8[0xdeadbeaf000] = 3")
        if remembers:
            break
        typed.command("mapper.set_flags_p3_entry(page, P | W).flush()")
    assert remembers, "the TLB remembers the old rights"
    assert typed.command("machine.mem8[0xdeadbeaf000]").strip() == "2"


def test_09_1_the_loader_hands_over_a_memory_map_and_an_offset(typed):
    assert re.search(r"p0x100000\.\.=p0x[0-9a-f]+fff  usable", typed.command("boot_info.memory_map"))
    assert typed.command("boot_info.physical_memory_offset").strip() == f"v{depth.WINDOW:#x}"


def test_09_2_and_3_the_used_entries_of_levels_4_and_3_are_listed(typed):
    typed.command("l4_table = active_level_4_table(boot_info.physical_memory_offset)")
    said = one_line_loop(typed, "for i, e in enumerate(l4_table): e.is_unused() or print('L4 Entry %d: %r' % (i, e))")
    found = {int(i): flags for i, flags in re.findall(r"L4 Entry (\d+): PageTableEntry\(p0x[0-9a-f]+, (.*)\)", said)}
    assert {256, 508, 510, 511} <= set(found)
    assert "PRESENT | WRITABLE | ACCESSED" in found[511]
    assert "NO_EXECUTE" in found[256]
    typed.command("l3_table = l4_table.next_table(511)")
    for _ in range(4, depth.LEVELS):
        typed.command("l3_table = l3_table.next_table(511)")
    said = one_line_loop(typed, "for e in l3_table.used(): print('  L3 Entry %d: %r' % (e.index, e))")
    assert re.search(r"  L3 Entry 510: PageTableEntry\(p0x[0-9a-f]+, PRESENT \| WRITABLE", said)
    assert typed.command("print('It did not crash!')").strip() == "It did not crash!"


def test_09_4_and_5_addresses_translate_page_sizes_of_all_kinds_included(typed):
    typed.command("window = boot_info.physical_memory_offset")
    typed.command("code = Page(boot_info.sections[0].first_page).start_address")
    assert typed.command("mapper.translate_addr(window + 0xb8000)").strip() == "p0xb8000"
    assert re.match(r"p0x[0-9a-f]+008\b", typed.command("mapper.translate_addr(code + 8)").strip())
    assert typed.command("mapper.translate_addr(window)").strip() == "p0x0"
    typed.command("stack = Page(max(boot_info.guard_pages) + 1).start_address")
    assert re.match(r"p0x[0-9a-f]+a10\b", typed.command("mapper.translate_addr(stack + 0xa10)").strip())
    assert typed.command("mapper.translate(window + (3 << 30)).size").strip() == "Page1G"


def test_09_6_an_address_that_is_not_mapped_is_none(typed):
    assert typed.command("print(mapper.translate_addr(VirtualAddress(0xdeadbeaf)))").strip() == "None"
    assert typed.command("mapper.translate(VirtualAddress(0xdeadbeaf))").strip() == "NotMapped"


def picture(guest, tmp_path):
    """Return (width, height, rows of pixels) of what the display shows."""
    file = tmp_path / "screen.ppm"
    guest.monitor.execute("screendump", filename=str(file))
    header, data = re.match(rb"P6\n(\d+) (\d+)\n255\n", file.read_bytes()), file.read_bytes()
    width, height = int(header[1]), int(header[2])
    data = data[header.end() :]
    return width, height, [data[y * width * 3 : (y + 1) * width * 3] for y in range(height)]


def four_characters(rows, row):
    """Return the pixels of the first four characters of a row of text."""
    return [line[: 4 * 9 * 3] for line in rows[row * 16 : row * 16 + 16]]


def test_09_7_and_8_page_0_mapped_to_the_vga_buffer_shows_new(screen, tmp_path):
    """The empty allocator is enough once the level-1 table exists, here by a neighbour of page 0."""
    guest = screen.guest
    frames_for_tables(screen)
    width, height, rows = picture(guest, tmp_path)
    assert (width, height) == (720, 400), "the display is in text mode"
    before = four_characters(rows, ROW)
    screen.command("frame = Frame.containing_address(PhysicalAddress(0xb8000))")
    screen.command("mapper.map_to(Page(1), frame + 1, P | W, frame_allocator)")
    screen.command("out = frame_allocator.allocated")
    screen.command("page = Page.containing_address(VirtualAddress(0))")
    said = screen.command("mapper.map_to(page, frame, P | W, EmptyFrameAllocator()).flush()")
    assert "Error" not in said
    assert screen.command(f"out == {depth.LEVELS - 1} == frame_allocator.allocated").strip() == "True"
    assert screen.command("mapper.translate_addr(VirtualAddress(0xabc))").strip() == "p0xb8abc"
    for half in (0, 4):
        value = NEW >> 8 * half & 0xFFFFFFFF
        screen.command(f"machine.mem32[{OFFSET_IN_POST + half}] = {value:#x}")
        screen.command(f"machine.mem32[{depth.WINDOW + 0xB8000 + 23 * VGA_ROW_IN_BYTES + half:#x}] = {value:#x}")
    _, _, rows = picture(guest, tmp_path)
    after = four_characters(rows, ROW)
    assert after != before
    assert after == four_characters(rows, 23), "as written through the physical window"
    pixels = b"".join(after)
    assert {pixels[i : i + 3] for i in range(0, len(pixels), 3)} == {b"\x00\x00\x00", b"\xff\xff\xff"}
    assert 0.1 < pixels.count(b"\x00") / len(pixels) < 0.5, "black on white"


def test_09_9_and_10_a_new_region_needs_frames_and_then_shows_new_too(screen, tmp_path):
    guest = screen.guest
    screen.command("page = Page.containing_address(VirtualAddress(0xdeadbeaf000))")
    screen.command("frame = Frame.containing_address(PhysicalAddress(0xb8000))")
    said = screen.command("mapper.map_to(page, frame, P | W, EmptyFrameAllocator())")
    assert (
        f"FrameAllocationFailed: v0xdeadbeaf000: needs {depth.LEVELS - 1} frames for tables, the frame allocator had 0"
        in said
    )
    frames_for_tables(screen)
    screen.command("mapper.map_to(page, frame, P | W, frame_allocator).flush()")
    assert screen.command("frame_allocator.allocated").strip() == str(depth.LEVELS - 1)
    before = four_characters(picture(guest, tmp_path)[2], ROW)
    for half in (0, 4):
        address = 0xDEADBEAF000 + OFFSET_IN_POST + half
        screen.command(f"machine.mem32[{address:#x}] = {NEW >> 8 * half & 0xFFFFFFFF:#x}")
    assert four_characters(picture(guest, tmp_path)[2], ROW) != before


def test_09_11_a_neighbour_needs_no_table_another_2_mib_one_a_new_region_three(typed):
    frames_for_tables(typed)
    typed.command("frame, needs = Frame(0xb8), []")
    first = depth.root_entry(32)
    for address in (first, first + 0x1000, first + 0x200000, first + 0x40000000, depth.root_entry(48)):
        typed.command("before = frame_allocator.allocated")
        typed.command(f"mapper.map_to(Page(0x{address:x} >> 12), frame, P | W, frame_allocator)")
        typed.command("needs.append(frame_allocator.allocated - before)")
    assert typed.command("needs").strip() == str([depth.LEVELS - 1, 0, 1, 2, depth.LEVELS - 1])


def test_09_12_a_token_that_nobody_used_is_reported_at_run_time(typed):
    frames_for_tables(typed)
    typed.command("page = Page(0xdeadbeaf)")
    said = typed.command("mapper.map_to(page, Frame(0xb8), P | W, frame_allocator)")
    assert said.strip() == "MapperFlush(not needed)"
    typed.command("lost = mapper.unmap(page)[2]")
    assert "a TLB flush is owed: MapperFlush(v0xdeadbeaf000: 1)" in typed.command("memory.verify()")
    typed.command("lost.flush()")
    typed.command("mapper.clean_up(frame_allocator)")
    assert "flush" not in typed.command("memory.verify()")


def test_09_13_the_recursive_slot_shows_every_table_at_an_address_of_its_own(boot):
    guest = boot()
    guest.console.wait_for_prompt(15)
    kernel = Kernel(guest)
    kernel.exec(NAMES + "\nfrom paging.natives import entries\nfrom paging.entries import address_of_page")
    kernel.exec("recursive = RecursivePageTable()")
    r = 510
    for address in (depth.WINDOW + 0xB8000, 0xFFFFFFFF80200123):
        levels = range(depth.LEVELS, 0, -1)
        way = [address >> 12 + 9 * (level - 1) & 0o777 for level in levels]
        shown = {}
        for place, level in enumerate(levels):
            shown[level] = depth.root_entry(0o777) >> 12 + 9 * depth.LEVELS  # the copies of the highest bit
            for index in [r] * level + way[:place]:
                shown[level] = shown[level] << 9 | index
            shown[level] = shown[level] << 12 | way[place] * 8
        walk = kernel.eval(f"[(e.level, e.value & ~0x60) for e in recursive.walk(VirtualAddress({address}))]")
        for level, value in walk:
            page, index = shown[level] >> 12, shown[level] >> 3 & 511
            kernel.exec(f"at = address_of_page({page}) + 8 * {index}")
            frame, word = kernel.eval("(entries.frame(at), entries.word(at) & ~0x60)")
            assert (frame << 12 | word & 0xFFF | word >> 12 << 52) == value
        call = f"translate_addr(VirtualAddress({address}))"
        assert kernel.text(f"recursive.{call}") == kernel.text(f"mapper.{call}") != "None"
    kernel.exec("recursive.leave()")
