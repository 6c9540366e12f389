"""The PCI bus: what the kernel finds is what QEMU says is there; each BAR is claimed once; registers have widths."""

import itertools
import re

import pytest
from harness import Kernel

EXTRA = ("-device", "edu", "-device", "virtio-balloon-pci", "-device", "bochs-display,addr=9")
PATHS = ("pvh", "iso")
IDENTITY = "import uctypes\nLAYOUT = {'identity': 0 | uctypes.UINT32, 'liveness': 4 | uctypes.UINT32}"


def booted(start, **settings):
    guest = start(**settings)
    guest.console.wait_for_prompt(60)
    kernel = Kernel(guest, timeout=30)
    kernel.exec("from devices import *\nimport memory\n" + IDENTITY)
    return kernel


@pytest.fixture
def edu(boot):
    return booted(boot, extra=("-device", "edu"))


def told_by_qemu(guest):
    """Return {place: (vendor, device, {bar: (address, last)})} as QEMU's monitor tells."""
    found, place = {}, None
    for line in guest.monitor.human("info pci").splitlines():
        if match := re.match(r"\s*Bus +(\d+), device +(\d+), function (\d+):", line):
            place = "%02x:%02x.%d" % tuple(map(int, match.groups()))  # noqa: UP031
        elif match := re.search(r"PCI device (\w{4}):(\w{4})", line):
            found[place] = int(match[1], 16), int(match[2], 16), {}
        elif match := re.search(r"BAR([0-5]): .* at (0x\w+) \[(0x\w+)\]", line):
            found[place][2][int(match[1])] = int(match[2], 16), int(match[3], 16)
    return found


@pytest.mark.parametrize("path", PATHS)
def test_the_functions_and_their_bars_are_those_that_qemu_has(boot, path):
    kernel = booted(boot, boot=path, extra=EXTRA)
    kernel.exec("all_of_them = functions(); [each.answer_to(3) for each in all_of_them]")
    found = kernel.eval(
        "[(each.place, each.vendor, each.device, [(bar.index, bar.address, bar.size) for bar in each.bars])"
        " for each in all_of_them]"
    )
    told = told_by_qemu(kernel.guest)
    assert len(told) >= 7
    assert {place: (vendor, device) for place, vendor, device, _ in found} == {
        place: each[:2] for place, each in told.items()
    }
    for place, _, _, bars in found:
        assert {index: (address, address + size - 1) for index, address, size in bars} == told[place][2], place
    memory = sorted(
        (address, address + size) for _, _, _, bars in found for _, address, size in bars if address >= 0x10000
    )
    assert len(memory) >= 5
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(memory))
    assert kernel.eval("__import__('devices.pci').pci.bus().space.name").startswith("memory at p0xb0000000")
    assert kernel.eval("memory.verify().violations") == []


def test_under_uefi_everything_is_where_the_firmware_has_put_it_and_the_rest_is_in_nobodys_way(boot):
    """One BAR was put nowhere. The lowest room for it would be inside of what the bridge passes on."""
    bridge = ("-device", "pcie-root-port,id=root1,chassis=1", "-device", "nec-usb-xhci,bus=root1")
    kernel = booted(boot, boot="uefi", extra=(*EXTRA, *bridge))
    before = told_by_qemu(kernel.guest)
    kernel.exec("from devices.configuration import Ports\nports, edu = Ports(), 2 << 3")
    kernel.exec(
        "assert ports.read(edu, 0, 32) == 0x11e81234; ports.write(edu, 4, 16, 0); ports.write(edu, 0x10, 32, 0)"
    )
    kernel.exec("all_of_them = functions(); find(0x1234, 0x11e8).answer_to(2)")
    after = told_by_qemu(kernel.guest)
    moved = "00:02.0"
    homeless, homeless_end = after[moved][2][0]
    assert all(before[place] == after[place] for place in before if place != moved)
    others = [run for place in after if place != moved for run in after[place][2].values()]
    told = kernel.guest.monitor.human("info pci")
    windows = [(int(a, 16), int(b, 16)) for a, b in re.findall(r"memory range \[(0x\w+), (0x\w+)\]", told)]
    assert windows
    used = kernel.eval("[region[:2] for region in __import__('paging.natives').natives.boot.memory_map()]")
    for first, last in [*others, *windows, *[(start, end - 1) for start, end in used]]:
        assert last < homeless or homeless_end < first
    for function, index in (("find(0x1af4, 0x1002)", 4), ("find(0x1033, 0x194)", 0), ("find(0x1234, 0x11e8)", 0)):
        kernel.exec(f"{function}.bar({index}).claim('somebody').drop()")
    kernel.exec("m = find(0x1234, 0x11e8).bar(0).claim('edu'); r = m.as_type(LAYOUT)")
    assert kernel.eval("hex(r.identity)") == "0x10000ed"


def test_without_acpis_word_of_memory_the_ports_tell_the_same(edu):
    edu.exec("from devices.configuration import Ports\nports = Ports(); one = functions()")
    for expression in ("each.read(0, 32)", "each.read(8, 16)", "each.read(0xe, 8)", "each.read(0x2e, 16)"):
        by_ports = expression.replace("each.read(", "ports.read(each.number, ")
        assert edu.eval(f"[{expression} for each in one]") == edu.eval(f"[{by_ports} for each in one]")


@pytest.mark.bochs
def test_bochs_has_a_bus_by_ports_and_registers_of_hpet_and_apic(bochs_kernel):
    bochs_kernel.exec("from devices import *\nfrom devices.pci import bus")
    names = bochs_kernel.eval("[each.class_name for each in functions()]")
    assert {"host bridge", "ISA bridge", "IDE controller"} <= set(names)
    assert bochs_kernel.eval("bus().space.name") == "ports 0xcf8, 0xcfc"
    with bochs_kernel.raises("NoSuchBar", match="has ports"):
        bochs_kernel.exec("[each for each in functions() if each.class_name == 'IDE controller'][0].bar(4).claim('me')")


def test_a_bar_is_claimed_once_and_again_when_its_mapping_is_gone(edu):
    edu.exec("f = find(0x1234, 0x11e8); m = f.bar(0).claim('the first driver'); r = m.as_type_mut(LAYOUT)")
    assert edu.eval("(hex(r.identity), m.kind, m.size_in_bytes)") == ("0x10000ed", "device", 1 << 20)
    edu.exec("r.liveness = 0x12345678")
    assert edu.eval("r.liveness") == 0x12345678 ^ 0xFFFFFFFF
    with edu.raises("BarInUse", match="BAR 0 is claimed by the first driver"):
        edu.exec("f.bar(0).claim('the second')")
    edu.exec("r.release(); m.drop(); m = f.bar(0).claim('the second')")
    with edu.raises("BarInUse", match="by the second"):
        edu.exec("f.bar(0).claim('the third')")
    edu.exec(
        """
        def forget(depth):
            if depth: return forget(depth - 1)
            f.bar(0).claim('whoever forgets it')
        def overwrite(depth):
            if depth: overwrite(depth - 1)
        m.drop()
        forget(20)
        overwrite(40)
        f.bar(0).claim('the fourth').drop()
        """
    )
    edu.exec("u = memory.map_frame_range(memory.PhysicalAddress(f.bar(0).address), 4096, memory.MMIO_FLAGS)")
    with edu.raises("BarInUse", match="claimed by the fourth|somebody who mapped"):
        edu.exec("f.bar(0).claim('the fifth')")
    edu.exec("u.drop()")
    assert edu.eval("memory.verify().violations") == []


def test_what_is_not_there_has_an_error_of_its_own(edu):
    for call, error, words in (
        ("find(0x1234, 0x9999)", "NoSuchDevice", "no device 1234:9999 on the PCI bus"),
        ("find(0x1234, 0x11e8, 1)", "NoSuchDevice", "number 1"),
        ("find(0x1234, 0x11e8).bar(1)", "NoSuchBar", "BAR 1 is not there"),
        ("find(0x1234, 0x11e8).capability(0x11)", "NoSuchCapability", "no capability MSI-X"),
        ("[b for f in functions() for b in f.bars if not b.is_memory][0].claim('me')", "NoSuchBar", "has ports"),
    ):
        with edu.raises(error, match=words):
            edu.exec(call)


def test_a_bar_for_which_there_is_no_room_is_refused_by_name(boot):
    """4 GiB of it don't fit below 4 GiB."""
    kernel = booted(
        boot,
        extra=(
            "-object",
            "memory-backend-ram,id=m,size=4G,reserve=off",
            "-device",
            "ivshmem-plain,memdev=m,addr=7",
            "-device",
            "edu",
        ),
    )
    with kernel.raises("NoRoomForBar", match="BAR 2 of 0x100000000 bytes"):
        kernel.exec("find(0x1af4, 0x1110).bar(2).claim('me')")
    kernel.exec("find(0x1234, 0x11e8).bar(0).claim('edu').drop()")


def test_a_table_of_acpis_that_was_damaged_is_named(edu):
    edu.exec("from devices import acpi, pci")
    address = edu.eval("""[a for a in range(0xd0000, 0xe0000) if acpi._read(a, 4) == b"MCFG"][0]""")
    byte = edu.guest.memory.read(address + 20, 1)
    edu.guest.memory.write(address + 20, bytes([byte[0] ^ 1]))
    with edu.raises("DamagedTable", match="MCFG"):
        edu.exec("functions()")
    edu.guest.memory.write(address + 20, byte)
    assert edu.eval("len(functions())") >= 5


def test_the_command_fits_a_screen_and_looks_at_one(edu):
    lines = edu.text("__import__('shell.commands').commands.pci()").split("\n")
    assert all(len(line) <= 80 for line in lines)
    assert any(line.startswith("00:01.0 1234:11e8 unclassified") for line in lines)
    assert "0x40  MSI" in edu.text("__import__('shell.commands').commands.pci('00:01.0')")
    with edu.raises("UsageError", match="no function is at 7: there are 00:00.0"):
        edu.exec("__import__('shell.commands').commands.pci('7')")
