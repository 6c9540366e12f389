"""Every way to power on ends at the same prompt: loaders, emulators, little and much RAM, plain CPUs."""

import re

import pytest
from harness import BOOT_TIMEOUT_S, Kernel, depth
from harness.compiler import limit
from harness.guard import POKES

GIB = 1 << 30
# From power-on to the prompt; at 500 million instructions a second this is 0.05 s.
PVH_INSTRUCTIONS = 20_000_000


def banner_of(guest, timeout=60):
    """Wait for a guest's prompt; return what it printed before, line by line."""
    return guest.console.wait_for_prompt(timeout).strip().splitlines()


def greeted(lines):
    """Return the banner as {first word: rest}; whatever firmware printed before it is left out."""
    start = next(place for place, line in enumerate(lines) if line.startswith("Clew"))
    return {line.split()[0]: line.split(None, 1)[1] for line in lines[start:]}


@pytest.mark.bochs
def test_bochs_reaches_the_same_prompt(boot_bochs):
    guest = boot_bochs()
    banner = greeted(banner_of(guest))
    assert banner["loader"] == "multiboot2 (GRUB)"
    assert "GenuineIntel" in banner["CPU"]
    assert guest.console.command("1 + 1") == "2\n"
    assert "LMA NXE" in guest.console.command("cr")


# PG, WP, NE, ET, MP, PE: with NE an error of the x87 is an exception, and no interrupt of the PICs.
CR0 = 0x8001_0033
# PAE, PGE, OSFXSR, OSXMMEXCPT; UMIP, SMEP, SMAP and PKS, which QEMU's largest CPU has.
LA57 = (depth.LEVELS - 4) << 12
CR4 = 0x6A0 | 1 << 11 | LA57 | 1 << 20 | 1 << 21 | 1 << 24


@pytest.mark.parametrize(
    ("path", "loader"), [("pvh", "PVH (qemu -kernel)"), ("iso", "multiboot2 (GRUB)"), ("uefi", "multiboot2 (GRUB)")]
)
def test_every_loader_reaches_the_same_prompt_with_the_same_control_registers(boot, path, loader):
    guest = boot(boot=path, processors=2)
    banner = greeted(banner_of(guest, BOOT_TIMEOUT_S[path]))
    assert banner["loader"] == loader
    assert re.match(r"12\d(\.\d)? MiB usable", banner["RAM"])
    assert "40-bit physical" in banner["CPU"]
    assert guest.console.command("1 + 1") == "2\n"
    registers = guest.monitor.registers()
    assert registers["CR0"] == CR0
    assert registers["EFER"] == 0xD00, "LME, LMA, NXE"
    assert registers["CR4"] == CR4
    guest.console.command("from processors import *; ap = processor(1)", timeout=30)
    for asked, found in (("CONTROL, 0", "CR0"), ("CONTROL, 4", "CR4"), ("MSR, 0xC0000080", "EFER")):
        assert guest.console.command(f"ap.call(READ_{asked})") == f"{registers[found]}\n"
    memory_types = guest.console.command("ap.call(READ_MSR, 0x2ff)")
    assert memory_types == {"pvh": "0\n"}.get(path, f"{0xC06}\n"), "as the firmware has set this CPU's"
    guest.console.sendline("exit")
    guest.expect_exit(33)


@pytest.mark.bochs
def test_the_control_registers_are_the_same_in_bochs(bochs_kernel):
    assert bochs_kernel.eval("__import__('_cpu').read_cr0()") == CR0


@pytest.mark.bochs
def test_bochs_turns_a_fault_into_an_exception_too(bochs_kernel):
    with bochs_kernel.raises("PageFault", "0x600000000008: not present at P4"):
        bochs_kernel.exec("import _memory; _memory.load64(0x600000000008)")
    assert bochs_kernel.eval("1 + 1") == 2


@pytest.mark.parametrize("memory", ["32M", "8G"])
def test_little_and_much_ram_boot_alike(boot, memory):
    guest = boot(memory=memory)
    usable = greeted(banner_of(guest))["RAM"]
    assert usable.startswith("31" if memory == "32M" else "7.9 GiB")
    assert guest.console.command("sum(range(10))") == "45\n"


@POKES
def test_ram_above_four_gib_is_reached_through_the_window(boot):
    guest = boot(memory="8G")
    guest.console.wait_for_prompt()
    last = 10 * GIB - 8  # 2 GiB below the hole, 6 GiB above 4 GiB
    guest.memory.write_entry(last, 0x1122334455667788)
    assert "0x1122334455667788" in guest.console.command(f"peek p{last:#x}")
    guest.console.command(f"poke p{last - 8:#x} 0x99aabbccddeeff00")
    assert guest.memory.read_entry(last - 8) == 0x99AABBCCDDEEFF00


@pytest.mark.parametrize("cpu", ["qemu64", "max,-pdpe1gb"])
def test_a_cpu_without_gigabyte_pages_boots_with_smaller_ones(boot, cpu):
    guest = boot(cpu=cpu, memory="5G")
    banner = greeted(banner_of(guest))
    assert banner["CPU"].endswith("pages of 4 KiB, 2 MiB")
    last = 6 * GIB - 8  # from 2.75 GiB on, q35 has 2 GiB low RAM and the rest from 4 GiB on
    guest.memory.write_entry(last, 0xABCDEF)
    assert "0x0000000000abcdef" in guest.console.command(f"peek p{last:#x}")


def test_booting_through_pvh_takes_few_instructions(boot):
    """Counted, not timed: this machine may be busy. `make bench-boot` times it; QEMU itself needs about 0.05 s."""
    guest = boot(counted=True)
    guest.console.wait_for_prompt(60)
    ticks = int(re.search(r"^boot: at the prompt after (\d+) ticks", guest.log(), re.MULTILINE)[1])
    assert 1_000_000 < ticks <= limit(PVH_INSTRUCTIONS)


def test_the_prompt_leaves_main_clean(guest):
    assert guest.console.command("dir()") == "['__name__']\n"


def test_raw_mode_sees_nothing_of_the_boot(guest):
    kernel = Kernel(guest)
    kernel.transport.serial.pending = b""
    kernel.soft_reset()
    assert b"Clew" not in kernel.transport.serial.pending
    assert kernel.eval("dir()") == ["__name__"]
    assert guest.console.transcript().count("loader") == 1
