"""What the kernel knows of the machine is what the machine is: each fact is compared with QEMU's own view."""

import itertools
import re

import machine
import pytest
from elftools.elf.elffile import ELFFile
from harness import Kernel

BIOS_AREA = range(0xE0000, 0x100000)
USABLE = 1


def handover(start, **settings):
    """Boot a machine; return (guest, kernel)."""
    guest = start(**settings)
    guest.console.wait_for_prompt(60)
    return guest, Kernel(guest, timeout=30)


@pytest.mark.parametrize("path", ["pvh", "iso"])
@pytest.mark.parametrize("memory", ["128M", "4G"])
def test_usable_regions_are_ram_and_do_not_overlap(boot, path, memory):
    guest, kernel = handover(boot, boot=path, memory=memory)
    regions = kernel.eval("__import__('_boot').memory_map()")
    usable = sorted((start, end) for start, end, kind in regions if kind == USABLE)
    assert all(guest.memory.is_ram(start, end - start) for start, end in usable)
    assert all(first[1] <= second[0] for first, second in itertools.pairwise(usable))
    missing = guest.memory.size_in_bytes - sum(end - start for start, end in usable)
    assert 0 < missing < 2 << 20, "firmware keeps some hundred KiB, no more"


def test_the_image_lies_where_the_kernel_says(guest):
    kernel = Kernel(guest)
    start, end = kernel.eval("__import__('_boot').image_range()")
    with open(machine.BUILD / "kernel.elf", "rb") as file:
        segments = list(ELFFile(file).iter_segments("PT_LOAD"))
        assert start == segments[0].header.p_paddr
        assert end == segments[-1].header.p_paddr + segments[-1].header.p_memsz
        for read_only in segments[1:3]:
            assert guest.memory.read(read_only.header.p_paddr, 4096) == read_only.data()[:4096]
    sections = kernel.eval("__import__('_boot').sections()")
    assert {"text", "rodata", "data"} <= {name for name, *_ in sections}
    assert all(start <= frame << 12 < end for name, _, frame, _, _ in sections if name != "heap")
    [heap] = [(frame << 12, count << 12) for name, _, frame, count, _ in sections if name == "heap"]
    assert heap == (end, 8 << 20), "with 128 MiB, and nothing behind the image"


def test_the_command_line_arrives(boot):
    _, kernel = handover(boot, command_line="answer=42 and more", guard=False)
    assert kernel.eval("__import__('_boot').command_line()").endswith("answer=42 and more")


@pytest.mark.parametrize(("line", "all_of_it"), [("x" * 2041, "x" * 2041 + " guard"), ("", "guard")], ids=bool)
def test_words_that_qemu_keeps_follow_the_command_line(boot, line, all_of_it):
    _, kernel = handover(boot, command_line=line, guard=True)
    assert kernel.eval("__import__('_boot').command_line()") == all_of_it


@pytest.mark.parametrize("data", [b"one" * 5000, bytes(range(256)), b"x"])
def test_a_module_arrives_whole(boot, tmp_path, data):
    """QEMU hands over one; that several arrive in order is in test_odd_handover."""
    (tmp_path / "module").write_bytes(data)
    guest, kernel = handover(boot, modules=(tmp_path / "module",))
    ((start, end, _),) = kernel.eval("__import__('_boot').modules()")
    assert guest.memory.read(start, end - start) == data


def assert_root_pointer(guest, kernel):
    address = kernel.eval("__import__('_boot').acpi_root_pointer()")
    assert guest.memory.read(address, 8) == b"RSD PTR "


@pytest.mark.parametrize("path", ["pvh", "iso"])
def test_the_acpi_pointer_points_to_a_root_pointer(boot, path):
    assert_root_pointer(*handover(boot, boot=path))


def test_under_uefi_root_pointer_and_framebuffer_are_where_qemu_has_them(boot):
    guest, kernel = handover(boot, boot="uefi")
    assert_root_pointer(guest, kernel)
    framebuffer = kernel.eval("__import__('_boot').framebuffer()")
    if framebuffer is None:
        pytest.fail("GRUB under UEFI handed over no framebuffer")
    address, pitch, width, height, bits, _kind = framebuffer
    bars = [int(word, 16) for word in re.findall(r"at 0x([0-9a-f]+)", guest.monitor.human("info pci"))]
    assert address in bars
    assert pitch >= width * bits // 8
    assert height >= 200


def test_without_a_screen_there_is_no_framebuffer(guest):
    assert Kernel(guest).eval("__import__('_boot').framebuffer()") is None


def test_the_loaders_own_data_overlap_no_segment_of_the_image(boot):
    _, kernel = handover(boot, boot="iso")
    with open(machine.BUILD / "kernel.elf", "rb") as file:
        headers = [segment.header for segment in ELFFile(file).iter_segments("PT_LOAD")]
    regions = kernel.eval("__import__('_boot').loader_regions()")
    assert regions
    assert {kind for _, _, kind in regions} == {0}, "no kind of the map's: nobody is to take them for RAM"
    for first, last, _ in regions:
        assert all(last <= each.p_paddr or first >= each.p_paddr + each.p_memsz for each in headers)


def test_early_frames_are_ram_outside_of_everything_else(boot):
    guest, kernel = handover(boot, cpu="max,-pdpe1gb", memory="4G")
    runs = kernel.eval("__import__('_boot').early_frames()")
    assert sum(count for _, count in runs) >= 4
    start, end = kernel.eval("__import__('_boot').image_range()")
    for first, count in runs:
        assert guest.memory.is_ram(first << 12, count << 12)
        assert first << 12 >= end or (first + count) << 12 <= start
