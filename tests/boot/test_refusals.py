"""A machine that can't run the kernel says so: one line on the serial port, and a failing status."""

import struct

import pytest
from harness.crafted import INFORMATION_ADDRESS, MULTIBOOT2, crafted, multiboot2_information, pvh_information

MULTIBOOT1 = 0x2BADB002
FAILURE = 35
TOO_LITTLE = "clew: cannot boot: too little RAM: Clew needs 14 MiB; try qemu -m 32M"
NO_LONG_MODE = "clew: cannot boot: this CPU has no 64-bit long mode; try qemu -cpu max"
NO_NX = "clew: cannot boot: this CPU has no NX (no-execute) bit; try qemu -cpu max"
PROTOCOL = "clew: cannot boot: not started by a multiboot2 or PVH loader; use GRUB's multiboot2 command or qemu -kernel"
NO_MAP = "clew: cannot boot: the loader handed over no memory map"


def refused(guest, status=FAILURE):
    """Wait until a guest has ended with a failing status; return all that it printed on its console."""
    guest.expect_exit(status)
    return guest.console.transcript().strip()


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"memory": "8M"}, TOO_LITTLE),
        ({"memory": "13M"}, TOO_LITTLE),
        ({"cpu": "qemu32"}, NO_LONG_MODE),
        ({"cpu": "max,-lm"}, NO_LONG_MODE),
        ({"cpu": "max,-nx"}, NO_NX),
    ],
)
def test_an_unfit_machine_is_refused(boot, settings, line):
    assert refused(boot(**settings)) == line


def test_the_refusal_is_in_the_log_too(boot):
    guest = boot(memory="8M")
    assert refused(guest) == guest.log().strip() == TOO_LITTLE


def test_a_too_long_command_line_is_refused(boot):
    assert refused(boot(command_line="x" * 3000)) == "clew: cannot boot: the command line is longer than 2047 bytes"


@pytest.mark.parametrize("length", [2042, 2047])
def test_words_that_have_no_room_behind_the_command_line_are_refused(boot, length):
    """Behind 2,041 bytes there is room for a blank, `guard` and the 0."""
    said = refused(boot(command_line="x" * length, guard=True))
    assert said == "clew: cannot boot: the command line is longer than 2047 bytes"


@pytest.mark.parametrize(
    ("entry", "eax", "information", "line"),
    [
        ("multiboot2_start", MULTIBOOT1, b"", PROTOCOL),
        ("multiboot2_start", 0, b"", PROTOCOL),
        ("pvh_start", 0, pvh_information(magic=0x12345678), PROTOCOL),
        ("multiboot2_start", MULTIBOOT2, multiboot2_information(), NO_MAP),
        ("multiboot2_start", MULTIBOOT2, multiboot2_information((6, struct.pack("<II", 24, 0))), NO_MAP),
        ("pvh_start", 0, pvh_information(version=0), NO_MAP),
        ("pvh_start", 0, pvh_information(memory_map=INFORMATION_ADDRESS, memory_map_count=0), NO_MAP),
    ],
)
def test_a_bad_loader_is_refused(boot, tmp_path, entry, eax, information, line):
    assert refused(boot(**crafted(tmp_path, entry, eax, information))) == line


def test_pvh_without_information_is_refused(boot, tmp_path):
    assert refused(boot(**crafted(tmp_path, "pvh_start", ebx=0))) == PROTOCOL


def test_a_memory_map_entry_of_no_size_is_refused(boot, tmp_path):
    information = multiboot2_information((6, struct.pack("<II", 0, 0) + bytes(24)))
    line = "clew: cannot boot: the loader's memory map has entries of less than 24 bytes"
    assert refused(boot(**crafted(tmp_path, "multiboot2_start", MULTIBOOT2, information))) == line


def test_a_pointer_into_nothing_is_refused(boot, tmp_path):
    information = pvh_information(memory_map=0x10_0000_0000, memory_map_count=1)
    line = "clew: cannot boot: the loader's data lie above 4 GiB"
    assert refused(boot(**crafted(tmp_path, "pvh_start", information=information))) == line
