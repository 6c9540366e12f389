"""What the loader brought can be mapped by whoever names its place, for reading; and the map tells it apart."""

import re

import pytest
from harness import Kernel

DATA = bytes(range(256)) * 20  # one page, and a part of the next
PREPARE = """
import memory
from memory import *
from diagnostics.boot_report import Ram
RW = PteFlags().writable(True)
K = get_kernel_mmi_ref().page_table
module = BootInfo().modules[0]
acpi = [region for region in BootInfo().memory_map if region.is_acpi][0]
pages, frames = lambda: allocate_pages(1), lambda: allocate_frames_at(where, 1)
def refused(call):
    before = memory.frame_allocator.statistics().free, memory.page_allocator.statistics().free
    try: call()
    except Exception as error: name = type(error).__name__
    else: name = "nothing was refused"
    return name, before == (memory.frame_allocator.statistics().free, memory.page_allocator.statistics().free)
"""


@pytest.fixture
def brought(boot, tmp_path):
    (tmp_path / "data").write_bytes(DATA)
    guest = boot(modules=(tmp_path / "data",))
    guest.console.wait_for_prompt(30)
    kernel = Kernel(guest)
    kernel.exec(PREPARE)
    return kernel


def test_a_module_and_acpis_tables_are_mapped_on_an_exact_request(brought):
    brought.exec("m = map_frame_range(module.start, module.size_in_bytes, PteFlags())")
    assert brought.eval("bytes(m.as_slice('B', 0, module.size_in_bytes))") == DATA
    with brought.raises("AddressInUse"):
        brought.exec("map_frame_range(module.start, 1, PteFlags())")
    brought.exec("m.drop(); m = map_frame_range(module.start, 1, PteFlags()); m.drop()")
    brought.exec("m = map_frame_range(acpi.start, acpi.size_in_bytes, PteFlags())")
    start = brought.eval("acpi.start.value")
    assert brought.eval("bytes(m.as_slice('B', 0, 64))") == brought.guest.memory.read(start, 64)
    brought.exec("m.drop()")
    assert brought.eval("memory.verify().violations") == []


@pytest.mark.parametrize("what", ["module", "acpi"])
def test_nobody_writes_what_was_granted_for_reading(brought, what):
    """By no way to a mapping, and not by a change of one."""
    brought.exec(f"where = {what}.start.align_down(4096)\nm = map_frame_range(where, 1, PteFlags())")
    assert brought.eval("refused(lambda: m.remap(RW))") == ("NotWritable", True)
    brought.exec("m.drop()")
    assert brought.eval("refused(lambda: map_frame_range(where, 1, RW))") == ("NotWritable", True)
    brought.exec("p, f = pages(), frames()")
    assert brought.eval("refused(lambda: K.map_allocated_pages_to(p, f, RW))") == ("NotWritable", True)
    brought.exec("s = SharedFrames(f)")
    assert brought.eval("refused(lambda: K.map_shared(p, s, RW))") == ("NotWritable", True)
    brought.exec("m = K.map_shared(p, s, PteFlags())")
    assert brought.eval("refused(lambda: m.remap(RW))") == ("NotWritable", True)
    brought.exec("m.drop(); s.drop()")
    brought.exec("vga = map_frame_range(PhysicalAddress(0xb8000), 4096, RW); vga.drop()")
    assert brought.eval("memory.verify().violations") == []


def test_the_map_tells_the_kernels_part_from_what_is_usable(brought):
    """Each byte that the loader calls usable is in one line; the image and the module are lines of their own."""
    lines = [re.split(r"\s{2,}", line.strip()) for line in brought.eval("list(Ram().lines())")[1:-1]]
    found = {(int(first[3:], 16), int(last[3:], 16) + 1): kind for first, last, _, kind in lines}
    start, end = brought.eval("__import__('_boot').image_range()")
    assert found.pop((start, end)) == "kernel image"
    start, end = brought.eval("(module._start, module._end)")
    assert found.pop((start, end)).startswith("module")
    usable = [(start, end) for (start, end), kind in found.items() if kind == "usable"]
    assert len(usable) > 2
    image = brought.eval("[(s.first_frame << 12, s.first_frame + s.count << 12) for s in BootInfo().sections]")
    assert not [piece for piece in usable for start, end in image if start < piece[1] and piece[0] < end]


@pytest.mark.parametrize("path", ["pvh", "iso"])
def test_all_of_acpi_is_read_by_a_user_also_where_the_loaders_records_share_a_frame(boot, path):
    guest = boot(boot=path)
    guest.console.wait_for_prompt(60)
    kernel = Kernel(guest, timeout=30)
    kernel.exec("""
        import struct
        from memory import *
        def read(start, length):
            with map_frame_range(PhysicalAddress(start), length, PteFlags()) as mapping:
                with mapping.as_slice("B", start & 4095, length) as view: return view[:]
        pointer = BootInfo().acpi_root_pointer.value
        """)
    pointer = kernel.eval("pointer")
    assert kernel.eval("read(pointer, 20)") == guest.memory.read(pointer, 20)
    tables = kernel.eval("struct.unpack('<9I', read(struct.unpack('<I', read(pointer + 16, 4))[0], 72)[36:])")
    named = {kernel.eval(f"read({table}, 4)") for table in tables if table}
    assert {b"FACP", b"APIC", b"HPET", b"MCFG"} <= named
    for region in range(kernel.eval("len(BootInfo().loader_regions)")):
        where = f"BootInfo().loader_regions[{region}].start"
        assert kernel.eval(f"read({where}.value, 4)") == guest.memory.read(kernel.eval(f"{where}.value"), 4)
        with kernel.raises("NotWritable", match="the loader's information is for reading only|what the map calls ACPI"):
            kernel.exec(f"map_frame_range({where}, 1, PteFlags().writable(True))")
    assert kernel.eval("__import__('memory').verify().violations") == []
