"""What a loader hands over, however odd, arrives as it was, and nothing of it is used for the kernel's own tables."""

import struct

import pytest
from harness import Kernel
from harness.crafted import (
    BLOB_ADDRESS,
    INFORMATION_ADDRESS,
    MULTIBOOT2,
    RAM,
    USABLE,
    crafted,
    multiboot2_information,
    multiboot2_memory_map,
    pvh_handover,
)

ENTRIES = ["pvh_start", "multiboot2_start"]
FAILURE = 35
LAST = (1 << 64) - 1
WRAPS = 0xFFFF_FFFF_FFFF_0000
MODULE = 3
FRAMEBUFFER = 8
SMALL_PAGES = "max,-pdpe1gb"  # without pages of 1 GiB the window takes frames before any allocator runs
GAP = 0x20_0000  # behind the image, where the first frames would come from


@pytest.fixture
def handed_over(boot, tmp_path):
    """A function that boots a kernel with boot information of our own and returns its Kernel."""

    def start(entry, information, **settings):
        magic = MULTIBOOT2 if entry == "multiboot2_start" else 0
        guest = boot(**crafted(tmp_path, entry, magic, information), **settings)
        guest.console.wait_for_prompt(30)
        kernel = Kernel(guest, timeout=30)
        kernel.exec("import _boot")
        return kernel

    return start


def image_end(boot):
    """Where the image ends: behind it the first frames are taken."""
    guest = boot()
    guest.console.wait_for_prompt()
    return Kernel(guest).eval("__import__('_boot').image_range()[1]")


MODULES = [(0x200_0000, 0x200_3A98, "first.bin a=1"), (0x210_0000, 0x210_0100, ""), (0x300_0000, 0x400_0000, "third")]


def test_every_module_of_pvh_arrives_in_order(handed_over):
    kernel = handed_over("pvh_start", pvh_handover(modules=MODULES))
    assert kernel.eval("_boot.modules()") == MODULES
    assert kernel.eval("__import__('memory').verify().violations") == []


def test_a_module_that_is_not_filled_in_has_no_name(handed_over):
    """QEMU's qboot sets where a module lies and leaves the rest as its stack was."""
    text = pvh_handover(modules=MODULES[:2])
    at = len(text) - len(MODULES[0][2]) - 2 - 2 * 32
    readable = INFORMATION_ADDRESS + text.index(MODULES[0][2].encode())
    for place, garbage, reserved in ((0, readable, 0x7B94_0000_2000), (1, 0xFFFF_8000_0000_1000, 0)):
        text = text[: at + 32 * place + 16] + struct.pack("<QQ", garbage, reserved) + text[at + 32 * place + 32 :]
    assert handed_over("pvh_start", text).eval("_boot.modules()") == [(*row[:2], "") for row in MODULES[:2]]


# In a start_info: the modules, the command line, the memory map. None of them can be read from above 4 GiB.
@pytest.mark.parametrize(("at", "address"), [(16, LAST), (24, 1 << 32), (40, 1 << 40)])
def test_a_loaders_data_above_four_gib_are_refused_in_one_line(boot, tmp_path, at, address):
    text = bytearray(pvh_handover(modules=MODULES))
    struct.pack_into("<Q", text, at, address)
    guest = boot(**crafted(tmp_path, "pvh_start", 0, bytes(text)))
    guest.expect_exit(FAILURE)
    assert "clew: cannot boot: the loader's data lie above 4 GiB" in guest.console.transcript()


def test_every_module_of_multiboot2_arrives_in_order(handed_over):
    tags = [(MODULE, struct.pack("<II", start, end) + name.encode() + b"\0") for start, end, name in MODULES]
    kernel = handed_over("multiboot2_start", multiboot2_information(multiboot2_memory_map(RAM), *tags))
    assert kernel.eval("_boot.modules()") == MODULES


def start_of(entry, regions):
    """Boot information with a memory map, for one of the two protocols."""
    if entry == "pvh_start":
        return pvh_handover(regions)
    return multiboot2_information(multiboot2_memory_map(*regions))


@pytest.mark.parametrize("entry", ENTRIES)
def test_a_region_that_wraps_around_ends_with_the_last_address(handed_over, entry):
    """2^64 does not fit 64 bits, so such a region must not look as if it ended before it begins."""
    kernel = handed_over(entry, start_of(entry, (RAM, (WRAPS, 0x2_0000, 2))))
    assert kernel.eval("_boot.memory_map()")[1] == (WRAPS, LAST, 2)
    assert kernel.eval("__import__('memory').verify().violations") == []


@pytest.mark.parametrize("entry", ENTRIES)
def test_ram_that_wraps_around_is_more_than_the_window_shows(boot, tmp_path, entry):
    guest = boot(**crafted(tmp_path, entry, MULTIBOOT2, start_of(entry, (RAM, (WRAPS, 0x2_0000, 1)))))
    guest.expect_exit(FAILURE)
    assert "clew: cannot boot: RAM above 64 TiB is beyond the physical window" in guest.console.transcript()


@pytest.mark.parametrize("entry", ENTRIES)
def test_no_early_frame_lies_in_a_module(handed_over, boot, entry):
    """The first frames would come from behind the image; here a module lies there."""
    end = image_end(boot)
    module = (end, end + GAP, "right behind the image")
    if entry == "pvh_start":
        information = pvh_handover(modules=[module])
    else:
        tag = (MODULE, struct.pack("<II", *module[:2]) + module[2].encode() + b"\0")
        information = multiboot2_information(multiboot2_memory_map(RAM), tag)
    kernel = handed_over(entry, information, cpu=SMALL_PAGES)
    runs = kernel.eval("_boot.early_frames()")
    assert sum(count for _, count in runs) >= 4, "frames were needed, or this test can't fail"
    assert all(first << 12 >= end + GAP for first, _ in runs)


def test_no_early_frame_lies_in_what_the_loader_left(handed_over, boot):
    """Behind the image RAM begins again with the page in which the boot information lies."""
    low = 0x10_0000, image_end(boot) - 0x10_0000, USABLE
    high = BLOB_ADDRESS, 60 << 20, USABLE
    kernel = handed_over("pvh_start", pvh_handover((low, high)), cpu=SMALL_PAGES)
    early = kernel.eval("_boot.early_frames()")
    [heap] = kernel.eval("[section for section in _boot.sections() if section[0] == 'heap']")
    assert heap[2] == (BLOB_ADDRESS >> 12) + 1, "the next one behind it, or this test can't fail"
    assert early[0][0] == heap[2] + heap[3]
    assert kernel.eval("__import__('memory').verify().violations") == []


@pytest.mark.parametrize("cpu", ["max", SMALL_PAGES])
@pytest.mark.parametrize("address", [0x1_4000_0000, 0x9_0000_0000])
def test_a_framebuffer_above_four_gib_is_in_the_window(handed_over, cpu, address):
    screen = struct.pack("<QIIIBB", address, 1024 * 4, 1024, 768, 32, 1)
    tags = multiboot2_memory_map(RAM), (FRAMEBUFFER, screen)
    kernel = handed_over("multiboot2_start", multiboot2_information(*tags), cpu=cpu)
    assert kernel.eval("_boot.framebuffer()") == (address, 4096, 1024, 768, 32, 1)
    last = address + 4096 * 768 - 8
    kernel.exec("from faults import probe; window = _boot.layout()['WINDOW_PAGE'] << 12")
    assert kernel.eval(f"[probe.access(window + at).ok for at in ({address}, {last})]") == [True, True]
    assert kernel.eval("_boot.window_pages() << 12") > last
