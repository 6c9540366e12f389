"""With five levels of tables an address has 57 bits: what four levels have no way to is mapped, used, and given back.

The host's own walk over RAM, QEMU's MMU, and every access technique say the same of each address.
"""

import pytest
from harness import Kernel
from on_target import source
from oracle import page_walk

PAGE = 4096
LOWER = (0x0000_8000_0000_0000, 0x0001_0000_0000_0000, 0x0012_3456_789A_B000, 0x00FF_FFFF_FFFF_F000)
UPPER = (0xFF80_1234_5678_9000, 0xFFAA_AAAA_AAAA_A000, 0xFFFB_FFFF_FFFF_F000)
HOLE = (0x0100_0000_0000_0000, 0x0800_0000_0000_0000, 0x8000_0000_0000_0000, 0xFEFF_FFFF_FFFF_F000)
TECHNIQUES = ("offset", "identity", "mapped", "temporary", "recursive")

SETUP = """
import memory
from memory import PageTable, create_mapping_at, get_kernel_mmi_ref, PteFlags
native = __import__("_memory")
frames = Frames(owned)
data = own_frames(1)
def through(name, act, is_upper):
    "As with_technique; the tables of the kernel's half, which are not the tests', a function finds in the window."
    if name == "mapped" and is_upper:
        with MappedPageTable(page_in_window) as mapper:
            act(mapper)
    else:
        with_technique(name, None, act)
def used(address, value):
    native.store64(address, value)
    return native.load64(address), native.load64((LAYOUT["WINDOW_PAGE"] + data.start.number) << 12)
"""


@pytest.fixture
def five(boot):
    guest = boot(paging=5)
    guest.console.wait_for_prompt()
    kernel = Kernel(guest, timeout=30)
    for part in "paging/prelude", "paging/techniques":
        kernel.exec(source(part))
    kernel.exec(SETUP)
    return kernel


def seen_by(five, address):
    """Return where an address leads by the host's walk, which has to be what QEMU's MMU says; None for nowhere."""
    leaf = page_walk.translate(five.guest.monitor.registers()["CR3"], five.guest.memory, address)
    qemu = five.guest.monitor.human(f"gva2gpa {address:#x}").strip()
    assert qemu == ("Unmapped" if leaf is None else f"gpa: {leaf.pa + address - leaf.va:#x}")
    return None if leaf is None else (leaf.va, leaf.pa)


def test_every_technique_maps_the_new_addresses_and_takes_them_back(five):
    place = five.eval("data.start.number") * PAGE
    for name in TECHNIQUES:
        for address in LOWER + UPPER:
            if name == "identity" and address < LOWER[1]:
                continue  # it stands in the first entry of the root itself
            five.exec(f"page, is_upper = page_at({address:#x}), {address >> 63 == 1}")
            five.exec(f"through({name!r}, lambda mapper: mapper.map_to(page, data.start, PW, frames), is_upper)")
            assert five.eval("frames.out") == (4 if address < 1 << 63 else 3), (name, hex(address))
            assert seen_by(five, address + 0x123) == (address, place), (name, hex(address))
            value = address >> 8 ^ len(name)
            assert five.eval(f"used({address:#x}, {value})") == (value, value)
            with five.raises("PageFault", "read of v0x"):
                five.exec(f"native.load64({address ^ PAGE:#x})")
            five.exec(f"through({name!r}, lambda mapper: mapper.unmap(page)[2].flush(), is_upper)")
            with five.raises("PageFault", f"write to v{address:#x}: not present at P1"):
                five.exec(f"native.store64({address:#x}, 1)")
            five.exec(
                f"through({name!r}, lambda mapper: mapper.clean_up_range(PageRange(page, page), frames), is_upper)"
            )
            assert five.eval("frames.out") == 0, (name, hex(address))
            assert seen_by(five, address) is None
    five.exec("mapper = TemporaryPageTable(Frames(spare)); inside = findings(); mapper.leave()")
    assert five.eval("(inside, findings())") == ([], []), "a table of its own for each level"


def test_owners_have_the_new_addresses_in_every_table(five):
    """The tables of level 4 below a root's lower half go with it; those of the kernel's half stay, in all roots."""
    five.exec("table, made = get_kernel_mmi_ref().page_table, []\nother = PageTable.new_table(table)")
    for address in LOWER + UPPER:
        five.exec(f"""
            m = other.create_mapping_at(VirtualAddress({address:#x}), 4096, PteFlags().writable(True))
            made.append(m)
            other.switch_to()
            native.store64({address:#x}, 77)
            """)
        assert seen_by(five, address)[0] == address
        assert five.eval(f"native.load64({address:#x})") == 77
        five.exec("m.remap(PteFlags())")
        with five.raises("PageFault", f"write to v{address:#x}: read-only at P1; exclusive mapping"):
            five.exec(f"native.store64({address:#x}, 1)")
        five.exec("table.switch_to()")
        assert (seen_by(five, address) is None) == (address < 1 << 63), "the upper half is everybody's"
    assert five.eval("(findings(), refused(other.drop)[0])") == ([], "TableInUse")
    tables = "memory.frame_allocator.statistics().tables"
    five.exec(f"before = {tables}\nfor m in made: m.drop()")
    assert five.eval(f"before - {tables}") == 4 * len(LOWER) + 3 * len(UPPER)
    five.exec("other.drop()")
    assert five.eval(f"(before - {tables}, findings())") == (26, [])


def test_a_root_gives_back_what_the_paging_layer_left_in_it(five):
    """Tables of all levels, at both ends of its half, go with it."""
    five.exec("""
        counts = lambda: (memory.frame_allocator.statistics().free, memory.frame_allocator.statistics().tables)
        before = counts()
        other = PageTable.new_table(get_kernel_mmi_ref().page_table)
        mapper = OffsetPageTable(Frame.containing_address(other.physical_address))
        for address in (0x1000, 0x00ff_ffff_ffff_f000):
            mapper.map_to(page_at(address), frame_at(0x8000000000), PW, memory.frame_allocator.table_frames)
        """)
    assert five.eval("before[0] - counts()[0]") == 1 + 2 * 4
    five.exec("other.drop()")
    assert five.eval("(counts() == before, findings())") == (True, [])


def test_an_address_that_57_bits_do_not_make_is_refused_by_name(five):
    for address in HOLE:
        name, message = five.eval(f"refused(VirtualAddress, {address:#x})")
        assert name == "NonCanonicalAddress"
        assert "bits 57 to 63 copy bit 56" in message
        with five.raises("GeneralProtectionFault", f"access to {address:#x} "):
            five.exec(f"native.load64({address:#x})")
    assert five.eval("refused(create_mapping_at, VirtualAddress(0xff00_0000_0000_0000), 4096, PteFlags())")[0] == (
        "AddressInUse"
    )
    assert five.eval("VirtualAddress(0x0000_8000_0000_0000).p5_index()") == 0
    assert five.eval("VirtualAddress(0xffaa_aaaa_aaaa_a000).p5_index()") == 0x1AA


def test_the_tables_that_all_roots_share_are_below_the_root(five):
    """Their entries are the kernel's, and what lies below is the kernel's through whichever root entry it is seen."""
    five.exec("root = active_level_4_table()\nimage = root.next_table(511)")
    for entry in "root[511]", "root[256]", "image[511]", "root.next_table(256)[0]", "root.next_table(508)[5]":
        assert five.eval(f"refused({entry}.set_unmapped)")[0] == "KernelInUse", entry
    five.exec("set_root_entry(100, *root_entry(511))\ntext = Page(page_of_root_entry(101) - (1 << 19) + 0x200)")
    assert five.eval("refused(OffsetPageTable().unmap, text)")[0] == "KernelInUse"
    five.exec("set_root_entry(100, 0, 0)")
    assert five.eval("findings()") == []


def test_the_window_is_the_kernels_wherever_it_shows_ram(boot):
    """Beyond 512 GiB it has another table of level 3, which is none that roots share."""
    kernel = Kernel(boot(paging=5, memory="600G"))
    kernel.exec(source("paging/prelude"))
    kernel.exec("window = active_level_4_table().next_table(256)")
    for entry in "window[1]", "window.next_table(0)[3]", "window.next_table(1)[0]":
        assert kernel.eval(f"refused({entry}.set_unmapped)")[0] == "KernelInUse", entry


def test_a_fault_names_the_level_at_which_the_way_ends(five):
    five.exec("page = page_at(0x0012_3456_789A_B000)\nmapper = OffsetPageTable()")
    five.exec("mapper.map_to(page, data.start, PW | U, frames, PW | U)\nfrom faults import probe")
    assert five.eval("probe.access(page.start_address.value, user=True).ok"), "ring 3's code has a way of its own"
    for level in range(5, 0, -1):
        five.exec(f"""
            at = mapper.access.walk(page.number, {level}) & -8
            kept = entries.frame(at), entries.word(at)
            entries.write(at, kept[0], kept[1] & ~1); cpu.flush()
            """)
        with five.raises("PageFault", f"not present at P{level}"):
            five.exec("native.load64(page.start_address.value)")
        five.exec("entries.write(at, kept[0], kept[1] & ~2); cpu.flush()")
        with five.raises("PageFault", f"read-only at P{level}"):
            five.exec("native.store64(page.start_address.value, 1)")
        five.exec("entries.write(at, kept[0] | 1 << 39, kept[1]); cpu.flush()")
        with five.raises("PageFault", f"reserved bit set at P{level}"):
            five.exec("native.load64(page.start_address.value)")
        five.exec("entries.write(at, *kept); cpu.flush()")
    five.exec("mapper.unmap(page)[2].flush(); mapper.clean_up(frames)")
    assert five.eval("frames.out") == 0
