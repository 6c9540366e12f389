"""Device memory is read and written in the declared width, upwards: each access is seen by QEMU, which traces them."""

import re

import pytest
from harness import Kernel, depth

EDU, EDU_BAR = "addr=5", 0xD000_0000
ECAM_OF_NOBODY = 0xB000_0000 + (0x1E << 15)  # the configuration space of a device that is not there: all may be written
TRACED = re.compile(r"memory_region_ops_(read|write) .* addr (0x\w+) value (0x\w+) size (\d)")
PREPARE = f"""
from memory import *
from paging.natives import cpu, memory as raw
for register, value in (0x10, {EDU_BAR}), (4, 6):
    cpu.port_write(0xcf8, 32, 0x80000000 | 5 << 11 | register)
    cpu.port_write(0xcfc, 32, value)
M = map_frame_range(PhysicalAddress({EDU_BAR}), 4096, MMIO_FLAGS)
N = map_frame_range(PhysicalAddress({ECAM_OF_NOBODY}), 4096, MMIO_FLAGS)
R = create_mapping(4096, PteFlags().writable(True)).as_slice_mut("B")
pages = get_kernel_mmi_ref().page_table
"""


@pytest.fixture
def edu(boot):
    guest = boot(extra=("-device", f"edu,{EDU}"))
    guest.console.wait_for_prompt(30)
    kernel = Kernel(guest)
    kernel.exec(PREPARE)
    return kernel


@pytest.fixture
def accesses(edu, tmp_path):
    """A function that runs code and returns [("read" or "write", offset in the page, size), ...] of device memory."""
    log = tmp_path / "trace"
    edu.guest.monitor.human(f"logfile {log}")

    def run(code):
        log.write_bytes(b"")
        edu.guest.monitor.human("trace-event memory_region_ops_* on")
        try:
            edu.exec(code)
        finally:
            edu.guest.monitor.human("trace-event memory_region_ops_* off")
        found = [(kind, int(at, 16), int(size)) for kind, at, _, size in TRACED.findall(log.read_text())]
        bases = EDU_BAR >> 12, ECAM_OF_NOBODY >> 12
        return [(kind, at & 0xFFF, size) for kind, at, size in found if at >> 12 in bases]

    return run


def each(kind, offset, count, size):
    return [(kind, offset + size * index, size) for index in range(count)]


@pytest.mark.parametrize(("code", "size"), [("B", 1), ("H", 2), ("I", 4), ("i", 4), ("f", 4)])
def test_slices_are_read_and_written_element_by_element(accesses, code, size):
    accesses(f"v = N.as_slice_mut('{code}', 64, 6); values = [1] * 6")
    assert accesses("v[:]") == each("read", 64, 6, size)
    assert accesses("v[1:3]") == each("read", 64 + size, 2, size)
    assert accesses("v[::2]") == [("read", 64 + size * index, size) for index in (0, 2, 4)]
    assert accesses("list(v)") == each("read", 64, 6, size)
    assert accesses("v[:] = values") == each("write", 64, 6, size)
    assert accesses("v[4:] = values[:2]") == each("write", 64 + 4 * size, 2, size)
    assert accesses(f"v.copy_from(R[:2 * {size}], 1)") == each("write", 64 + size, 2, size)
    assert accesses(f"v.copy_to(bytearray(3 * {size}), 3)") == each("read", 64 + 3 * size, 3, size)
    assert accesses(f"v == bytes(6 * {size})") == each("read", 64, 6, size)
    assert accesses("v == b''") == []
    accesses("v.release()")


def test_registers_of_eight_bytes_are_read_whole(accesses):
    accesses("v = M.as_slice_mut('Q', 0x80, 4)")
    assert accesses("v[:]") == each("read", 0x80, 4, 8)
    assert accesses("v[2:] = [1, 2]") == each("write", 0x90, 2, 8)
    assert accesses("v.release()") == []


def test_between_two_views_each_is_accessed_in_its_own_width(accesses):
    """Also where both lie in one mapping, and overlap: all is read before anything is written."""
    accesses("a, b = N.as_slice('H', 0, 4), N.as_slice_mut('B', 16, 8)")
    assert accesses("a.copy_to(b)") == each("read", 0, 4, 2) + each("write", 16, 8, 1)
    accesses("b.release(); a.release(); b, c = N.as_slice('B', 0, 8), M.as_slice_mut('I', 0, 2)")
    assert accesses("c[:] = b") == each("read", 0, 8, 1) + each("write", 0, 2, 4)
    assert accesses("c == b") == each("read", 0, 8, 1) + each("read", 0, 2, 4)
    assert accesses("R[:8] = b") == each("read", 0, 8, 1)
    accesses("b.release(); c.release(); c = N.as_slice_mut('I', 0, 8)")
    assert accesses("c.copy_from(c[:4], 1)") == each("read", 0, 4, 4) + each("write", 4, 4, 4)


def test_what_is_refused_has_read_and_written_nothing(edu, accesses):
    accesses("a, b = N.as_slice('I', 0, 4), M.as_slice_mut('I', 0, 2)")
    for call in "b[:] = a", "b.copy_from(a)", "b.copy_to(bytearray(64))":
        code = f"try: {call}\nexcept Exception as e: name = type(e).__name__"
        assert (accesses(code), edu.eval("name")) == ([], "ValueError")


def test_arrays_of_an_overlay_are_slices_of_their_own_width(accesses):
    accesses("import uctypes as u\no = N.as_type({'h': (8 | u.ARRAY, 3 | u.UINT16), 'q': 16 | u.UINT32})")
    assert accesses("o.h[:]") == each("read", 8, 3, 2)
    assert accesses("o.q") == [("read", 16, 4)]


@pytest.mark.parametrize("what", ["M", "shared"])
def test_a_raw_buffer_of_a_device_is_refused_and_one_of_firmwares_ram_is_not(edu, accesses, what):
    if what == "shared":
        edu.exec(f"M.drop(); s = SharedFrames(allocate_frames_at(PhysicalAddress({EDU_BAR}), 1))")
        edu.exec("shared = pages.map_shared(allocate_pages(1), s, MMIO_FLAGS)")
    assert accesses(f"v = {what}.as_slice_mut('I', 0, 2); v[:]") == each("read", 0, 2, 4)
    for call in "memoryview(v)", "bytes(v)":
        with edu.raises("NotExportable", match="device memory"):
            edu.exec(call)
    edu.exec(f"v.release(); {what}.drop()")
    edu.exec("vga = map_frame_range(PhysicalAddress(0xb8000), 4096, MMIO_FLAGS); memoryview(vga.as_slice('B'))")


def test_numbers_are_read_and_written_in_the_width_that_is_said(edu, accesses):
    window = f"{depth.WINDOW + EDU_BAR:#x}"
    assert accesses(f"raw.read_bytes({window}, 16, 4)") == each("read", 0, 4, 4)
    assert accesses(f"raw.read_bytes({window} + 0x80, 16, 8)") == each("read", 0x80, 2, 8)
    assert accesses(f"raw.write_bytes({window}, bytes(8), 4)") == each("write", 0, 2, 4)
    for address, length, width in ((2, 8, 4), (0, 6, 4), (0, 8, 3), (0, 8, 0), (0, 8, 16)):
        with edu.raises("ValueError"):
            edu.exec(f"raw.read_bytes({window} + {address}, {length}, {width})")


def test_hexdump_and_peek_read_registers(edu, accesses):
    command = "from shell.commands import hexdump, peek\nfrom memory import PhysicalAddress\n"
    accesses(command)
    place = f"PhysicalAddress({EDU_BAR})"
    assert accesses(f"hexdump({place}, 16)") == each("read", 0, 4, 4)
    assert accesses("hexdump(M, 16, 64)") == each("read", 0, 2, 8)
    assert accesses("peek(M, 2, 32)") == each("read", 0, 2, 4)
    assert edu.eval("hexdump(M, 4).data") == bytes.fromhex("ed000001")
    with edu.raises("UsageError", match="words of 32 bits"):
        edu.exec("hexdump(M, 5)")
