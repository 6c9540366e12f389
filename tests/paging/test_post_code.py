"""The code of the post "Paging Implementation", snippet after snippet in Python's notation, with the post's own names.

test_post.py asks what each step shows; here the words themselves must work, and leave a healthy machine.
"""

import pytest
from harness import Kernel, depth

pytestmark = pytest.mark.writable_executable("pages that are mapped by hand, as a technique is told to")

# src/memory.rs. `translate_addr` is the post's first version, by hand, which knows no huge pages.
MEMORY = """
from memory_structs import Frame, Page, PhysicalAddress, VirtualAddress
from paging import *

P, W = PteFlagsX86_64.PRESENT, PteFlagsX86_64.WRITABLE

def table_in(frame, physical_memory_offset):
    return PageTable512(Page.containing_address(physical_memory_offset + frame.start_address.value).number, 1)

def translate_addr(addr, physical_memory_offset):
    level_4_table_frame, _ = Cr3.read()
    table_indexes = addr.p4_index(), addr.p3_index(), addr.p2_index(), addr.p1_index()
    frame = level_4_table_frame
    for level, index in zip((4, 3, 2, 1), table_indexes):
        entry = table_in(frame, physical_memory_offset)[index]
        if not entry.is_present(): return None
        if entry.is_huge(level): raise ValueError('huge pages not supported')
        frame = entry.pointed_frame()
    return frame.start_address + addr.page_offset()

def init(physical_memory_offset):
    level_4_table = active_level_4_table(physical_memory_offset)
    return OffsetPageTable(level_4_table, physical_memory_offset)

def create_example_mapping(page, mapper, frame_allocator):
    frame = Frame.containing_address(PhysicalAddress(0xb8000))
    flags = P | W
    mapper.map_to(page, frame, flags, frame_allocator).flush()
"""

# The one thing that is otherwise with a fifth level, for the post's way to go by hand.
if depth.LEVELS != 4:
    MEMORY = MEMORY.replace("addr.p4_index(),", "addr.p5_index(), addr.p4_index(),").replace("((4,", "((5, 4,")

# src/main.rs
MAIN = """
import machine
boot_info = BootInfo()
phys_mem_offset = boot_info.physical_memory_offset
l4_table = active_level_4_table(phys_mem_offset)
used = [(i, entry) for i, entry in enumerate(l4_table) if not entry.is_unused()]
l3_tables = [table_in(entry.pointed_frame(), phys_mem_offset) for _, entry in used]
mapper = init(phys_mem_offset)

def write_new(page):
    page_ptr = page.start_address.value
    for half in 0, 4:
        machine.mem32[page_ptr + 400 * 8 + half] = 0xf021f077f065f04e >> 8 * half & 0xffffffff
"""


def typed(kernel):
    """Have both files of the post in a kernel."""
    kernel.exec(MEMORY)
    kernel.exec(MAIN)
    kernel.exec("import memory\nbefore = memory.frame_allocator.statistics().free")
    return kernel


@pytest.fixture
def post(kernel):
    return typed(kernel)


def test_the_tables_are_reached_and_addresses_translated_by_hand_and_by_the_mapper(post):
    assert post.eval("len(used) > 200 and len(l3_tables) == len(used)")
    post.exec("code = Page(boot_info.sections[0].first_page).start_address + 8")
    assert post.eval("translate_addr(code, phys_mem_offset) == mapper.translate_addr(code)") is True
    assert post.eval("translate_addr(VirtualAddress(0xdeadbeaf), phys_mem_offset)") is None
    with post.raises("ValueError", "huge pages not supported"):
        post.exec("translate_addr(phys_mem_offset + (3 << 30), phys_mem_offset)")
    assert post.text("mapper.translate_addr(phys_mem_offset)") == "p0x0"


def test_page_0_and_a_new_region_are_mapped_with_the_frames_of_the_memory_map(post):
    with post.raises("FrameAllocationFailed", f"v0xdeadbeaf000: needs {depth.LEVELS - 1} frames"):
        post.exec("create_example_mapping(Page(0xdeadbeaf), mapper, EmptyFrameAllocator())")
    post.exec(
        """
        frame_allocator = BootInfoFrameAllocator.init(boot_info.memory_map)
        for page in Page.containing_address(VirtualAddress(0)), Page.containing_address(VirtualAddress(0xdeadbeaf000)):
            create_example_mapping(page, mapper, frame_allocator)
            write_new(page)
        create_example_mapping(Page(1), mapper, EmptyFrameAllocator())
        """
    )
    assert post.eval("(frame_allocator.allocated, memory.verify().violations)") == (6 + depth.LEVELS - 4, [])
    assert post.eval("[mapper.translate_addr(VirtualAddress(a)).value for a in (5, 0xdeadbeaf005)]") == [0xB8005] * 2
    usable = "list(frame_allocator.usable_frames())"
    assert post.eval(f"len({usable}) == 64 and all(frame_allocator.has_out(f.number) for f in {usable}[:6])")
    assert (
        post.eval(
            f"[f for f in {usable} if not any(r.is_usable and r.start <= f.start_address < r.end"
            " for r in boot_info.memory_map)]"
        )
        == []
    )
    assert post.text("memory.verify()").splitlines()[0].endswith("nothing to complain of")
    post.exec("for n in (0, 1, 0xdeadbeaf): mapper.unmap(Page(n))[2].flush()\nmapper.clean_up(frame_allocator)")
    assert post.eval("(frame_allocator.allocated, memory.verify().violations)") == (0, [])
    post.exec("import gc\nframe_allocator = None\ngc.collect(); memory.create_mapping(1, PteFlags()).drop()")
    assert post.eval("before - memory.frame_allocator.statistics().free") < 8, "the 64 frames came back"


def test_init_leaves_nothing_behind_when_it_fails(post):
    for memory_map in ("None", "[5]"):
        with post.raises("TypeError", "a memory map is a list of MemoryRegions"):
            post.exec(f"BootInfoFrameAllocator.init({memory_map})")
    assert post.eval("memory.frame_allocator.statistics().free == before")


def test_an_offset_at_which_the_table_is_not_seen_is_refused(post):
    for arguments, error in (
        ("l4_table, phys_mem_offset + 4096", "TechniqueUnavailable"),
        ("l4_table, VirtualAddress(0x5000)", "TechniqueUnavailable"),
        ("l4_table, phys_mem_offset + 8", "Misaligned"),
        ("l4_table, PhysicalAddress(0)", "TypeError"),
        ("l4_table, 0", "TypeError"),
        ("l4_table.next_table(511), phys_mem_offset", "TypeError"),
        ("Page(5), phys_mem_offset", "TypeError"),
    ):
        with post.raises(error):
            post.exec(f"OffsetPageTable({arguments})")
    post.exec("with_frame = OffsetPageTable(Cr3.read()[0], phys_mem_offset)")
    assert post.eval("with_frame.root == mapper.root == OffsetPageTable().root")


def test_new_is_on_the_screen_and_the_prompt_can_show_it(boot):
    guest = boot(boot="iso")
    guest.console.wait_for_prompt(30)
    kernel = typed(Kernel(guest))
    kernel.exec("frame_allocator = BootInfoFrameAllocator.init(boot_info.memory_map)")
    kernel.exec(
        "page = Page.containing_address(VirtualAddress(0))\ncreate_example_mapping(page, mapper, frame_allocator)"
    )
    assert "New!" not in kernel.exec("from shell.commands import screen\nprint(screen())")
    kernel.exec("write_new(page)")
    assert "\n20  New!\n" in "\n" + kernel.exec("print(screen())")
    assert kernel.eval("memory.verify().violations") == []


def test_without_a_display_the_prompt_says_where_it_went(console):
    assert console.command("screen").startswith("NoDisplay: the loader found no display: boot through the ISO")
