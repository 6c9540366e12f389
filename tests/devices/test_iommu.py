"""What a device reaches when it is translated for: what is mapped or lent, for as long as that lasts, and no more."""

import ast

import machine
import pytest
from harness import depth

UNIT = 0xFED90000
STATUS, TRANSLATING = UNIT + 0x1C, 1 << 31
BOTH = "from devices.iommu import *\nfrom devices.edu import Edu\nedu, iommu = Edu(), Iommu()"
ON = BOTH + "\ndomain = iommu.attach(edu.function); iommu.enable()"


@pytest.fixture
def behind(with_devices):
    """A function that boots a machine with an IOMMU and devices of the kind edu, and runs some words."""

    def start(words=ON, bits=48, devices=1, **settings):
        extra = ["-device", f"intel-iommu,aw-bits={bits}", *["-device", "edu"] * devices]
        kernel = with_devices(*extra, **settings)
        kernel.exec(words)
        return kernel

    return start


def is_translating(kernel):
    """Ask the unit itself, by QEMU."""
    return bool(int(kernel.guest.monitor.human(f"xp /1wx {STATUS:#x}").split()[-1], 16) & TRANSLATING)


def example():
    """Return the lines of the example at the head of the package."""
    head = ast.get_docstring(ast.parse((machine.ROOT / "kernel/devices/iommu/__init__.py").read_text()))
    return [line.strip() for line in head.partition("How a stale IOTLB shows")[2].splitlines() if line[:4] == "    "]


def test_the_example_at_its_head_happens_and_its_flush_is_needed(behind):
    *before, flush, last = example()
    kernel = behind("from devices.iommu import *\nfrom devices.edu import Edu")
    kernel.exec("\n".join([*before, last]))
    kernel.exec(flush)
    with kernel.raises("DmaFault", match="no entry lets it read there"):
        kernel.exec(last)


@pytest.mark.parametrize("bits", [39, 48])
def test_an_entry_that_is_gone_goes_on_translating_until_the_unit_is_told(behind, bits):
    kernel = behind(bits=bits)
    kernel.exec(
        "m = create_mapping(4096, RW); v = m.as_slice_mut('B'); v[:6] = b'device'; b = domain.map(0x5555000, m)"
    )
    kernel.exec("edu.write(b, 6, 0, 10); entry = domain.entry(0x5555000)")
    assert kernel.eval("(entry.level, entry.value == m.frames()[0].start_address.value | 3)") == (1, True)
    kernel.exec("entry.set_unmapped(); v[:6] = b'STALE!'; edu.write(b, 6, 0, 20); domain.flush()")
    with kernel.raises(
        "DmaFault", match="edu at 00:01.0: refused a read at 0x5555000: no entry lets it read .*reason 6"
    ):
        kernel.exec("edu.write(b, 6, 0, 30)")
    kernel.exec("b.end(); edu.read(m, 30, 0, 10)")
    assert kernel.eval("v[:16]") == b"device\0\0\0\0STALE!"
    kernel.exec("b = domain.map(0x5555000, m)")
    usable = min(bits, 11 + 9 * depth.LEVELS)
    assert kernel.eval("(iommu.faults(), iommu.unit.levels, domain.bits)") == ([], (bits - 12) // 9, usable)


def test_what_is_lent_is_mapped_for_the_device_and_not_longer(behind):
    """The driver knows nothing of it. What it tells the device afterwards, by hand, is refused: RAM stays as it is.

    The address is one that the device has just written to, so that the unit remembers it.
    """
    kernel = behind()
    kernel.exec("m = create_mapping(4096, RW); v = m.as_slice_mut('B'); v[:5] = b'above'; edu.write(m, 5)")
    kernel.exec("b = DmaBuffer(edu, m); edu.read(b, 5, 100); b.end(); frame = m.frames()[0].start_address.value")
    assert kernel.eval("(v[100:105], domain.buffers)") == (b"above", [])
    kernel.exec("class Freed:\n    address = lambda self, offset, length: frame + offset")
    kernel.exec("edu.start(Freed(), 5, 200, 0, True); edu._wait_for(0x100, 'a copy'); found = iommu.faults()[0]")
    assert kernel.eval("(found.place, found.is_write, found.reason, found.address == frame, v[200:205])") == (
        *("00:01.0", True, 5, True),
        bytes(5),
    )
    kernel.exec("edu.interrupt(5); x = [0 for _ in range(9)]")
    assert kernel.eval("(edu.factorial(6), edu.interrupts >= 4)") == (720, True)
    kernel.exec("edu.start(Freed(), 5, 200, 0, True); edu._wait_for(0x100, 'a copy'); iommu.faults(); iommu.disable()")
    assert not is_translating(kernel)
    kernel.exec("edu.read(m, 5, 300); iommu.enable(); edu.read(m, 5, 400)")
    assert kernel.eval("(v[200:205], v[300:305], v[400:405])") == (bytes(5), b"above", b"above")


def test_who_may_read_may_not_write_and_scattered_frames_are_one_piece(behind):
    """While QEMU remembers a read of a page, it drops a write that is not allowed without recording it."""
    kernel = behind()
    kernel.exec("many = [allocate_frames(1) for _ in range(12)]\nfor one in many[::2]: one.drop()")
    kernel.exec("hold = []\nlargest = lambda: memory.frame_allocator.statistics().largest_run")
    kernel.exec("while largest() > 1: hold.append(allocate_frames(largest()))")
    kernel.exec("m = create_mapping(4 * 4096, RW)\nfor one in hold: one.drop()")
    kernel.exec("v = m.as_slice_mut('B'); v[4000:6000] = bytes(range(200)) * 10; runs = len(m.frames())")
    kernel.exec("b = domain.map(0x7FF_F000, m, writable=False); edu.write(b, 2000, 4000)")
    assert kernel.eval("(runs > 1, b.runs, b.pieces(4000, 2000))") == (
        True,
        [(0x7FFF000, 16384)],
        [(0x7FFFFA0, 2000)],
    )
    kernel.exec("edu.read(b, 2000, 4000); domain.flush()")
    with kernel.raises("DmaFault", match="refused a write at 0x8000000: no entry lets it write"):
        kernel.exec("edu.read(b, 2000, 4096, 9)")
    assert kernel.eval("v[4000:6000]") == bytes(range(200)) * 10
    kernel.exec("b.end(); b = domain.map(0x7FF_F000, m); v[:] = bytes(16384); edu.read(b, 2000, 4000)")
    assert kernel.eval("v[4000:6000]") == bytes(range(200)) * 10
    kernel.exec("b.end(); last = domain.entry(0x800_2000); last.set_entry(m.frames()[0].start, PteFlagsX86_64.PRESENT)")
    with kernel.raises("PageAlreadyMapped", match="0x8002000"):
        kernel.exec("domain.map(0x7FF_F000, m)")
    assert kernel.eval("(domain.entry(0x7FF_F000).is_unused(), domain.buffers)") == (True, [])
    kernel.exec("last.set_unmapped(); domain.map(0x7FF_F000, m).end(); v.release(); m.drop()")


def test_a_large_page_is_one_entry(behind):
    kernel = behind()
    kernel.exec("f = allocate_frames_by_bytes_at(PhysicalAddress(0x400_0000), 4 << 20)")
    kernel.exec("m = get_kernel_mmi_ref().page_table.map_allocated_pages_to(allocate_pages(1024), f, RW)")
    kernel.exec("with m.as_slice_mut('B') as v: v[0x2FFFFE:0x300002] = b'far!'")
    kernel.exec("b = domain.map(0x40_0000, m); edu.write(b, 4, 0x2FFFFE); n = create_mapping(4096, RW); edu.read(n, 4)")
    assert kernel.eval("(n.as_slice('B')[:4], domain.entry(0x60_0000).level)") == (b"far!", 2)
    kernel.exec("b.end(); b = domain.map(0x40_1000, m)")
    assert kernel.eval("domain.entry(0x60_1000).level") == 1


def test_frames_without_a_page_are_reached_by_devices_alone(behind):
    """They lie above 4 GiB, and the device has addresses of 28 bits."""
    kernel = behind(memory="5G")
    kernel.exec("m = create_mapping(4096, RW); w = m.as_slice_mut('B'); w[:6] = b'device'; edu.write(m, 6)")
    kernel.exec("f = allocate_frames_at(PhysicalAddress(5 << 30), 2); f.mark_clean(); b = domain.map(0x1000, f)")
    kernel.exec("edu.read(b, 6, 4090)")
    assert kernel.guest.memory.read((5 << 30) + 4090, 6) == b"device"
    with kernel.raises("IllegalState", match="lent to domain 1"):
        kernel.exec("get_kernel_mmi_ref().page_table.map_allocated_pages_to(allocate_pages(2), f, RW)")
    kernel.exec("taken = f.range; del f\nimport gc\nx = [[0] * 9 for _ in range(50)]\ngc.collect(); gc.collect()")
    kernel.exec("others = [create_mapping(4096, RW).frames()[0] for _ in range(50)]")
    assert kernel.eval("[one for one in others if taken.overlap(one)]") == [], (
        "they were forgotten, but devices have them"
    )
    kernel.exec("f = allocate_frames(1); b = domain.map(0x5000, f); b.end(); b.end()")
    assert kernel.eval("(f.is_clean(), memory.verify().violations)") == (False, [])
    kernel.exec("f.drop()")


def test_what_cannot_be_mapped_is_refused_and_nothing_is_lent(behind):
    kernel = behind(bits=39)
    kernel.exec("m, n = create_mapping(8192, RW), create_mapping(8192, RW); b = domain.map(0x10000, m)")
    kernel.exec("lent = DmaBuffer(edu, m); f = allocate_frames(2); domain.map(0x20000, f)")
    for call, error, words in (
        ("domain.map(0x11000, n)", "IovaRefused", "0x11000 to 0x12fff: DmaBuffer.* of domain 1.* is at 0x10000"),
        ("domain.map(0xF000, n)", "IovaRefused", "0xf000 to 0x10fff"),
        ("domain.map(0x12800, n)", "Misaligned", "0x12800 is not aligned|not aligned"),
        ("domain.map((1 << 39) - 4096, n)", "IovaRefused", "devices have addresses of 39 bits"),
        ("domain.map(-4096, n)", "IovaRefused", "39 bits"),
        ("domain.map(0xFEDF_F000, n)", "IovaRefused", "from 0xfee00000 on is an interrupt"),
        ("domain.map(0xFEEF_F000, n)", "IovaRefused", "is an interrupt"),
        ("domain.map('0x1000', n)", "TypeError", "is an int, not str"),
        ("domain.map(0x20000, f.range)", "TypeError", "MappedPages or AllocatedFrames are lent, not FrameRange"),
        ("domain.map(0x30000, f)", "IllegalState", "lent to domain 1"),
        ("domain.map(0x20000, n)", "IovaRefused", "0x20000 to 0x21fff: DmaBuffer.AllocatedFrames.* is at 0x20000"),
        ("f.drop()", "IllegalState", "lent to domain 1"),
        ("domain.map(0x20000, edu.mapping)", "NoMemory", "is no RAM"),
        ("domain.unmap(0x11000)", "IovaRefused", "not where something mapped begins"),
        ("domain.entry(1 << 39)", "IovaRefused", "no address of 39 bits"),
        ("DmaBuffer(edu, m)", "IovaRefused", "DmaBuffer.* of edu at 00:01.0. is at"),
        ("m.drop()", "StillBorrowed", "domain 1"),
        ("domain.drop()", "DomainInUse", "end.. and detach.. first"),
        ("iommu.disable()", "DomainInUse", "end.. it first"),
        ("iommu.drop()", "DomainInUse", "end.. it first"),
        ("iommu.attach(edu.function)", "Attached", "attached to domain 1"),
        ("iommu.attach(edu)", "TypeError", "not Edu"),
        ("iommu.attach(functions()[0], 7)", "Attached", "7 is no domain"),
        ("iommu.detach(functions()[0])", "Attached", "to no domain"),
        ("Iommu()", "AddressInUse", "0xfed90000"),
    ):
        with kernel.raises(error, match=words):
            kernel.exec(call)
    kernel.exec("domain.unmap(0x20000); f.drop(); lent.end(); n.drop()")
    kernel.exec("domain.map(0x12000, create_mapping(8192, RW)); domain.unmap(0x10000); m.drop()")
    kernel.exec("edu.bits = 28; m = create_mapping(4096, RW); b = domain.map(1 << 28, m)")
    with kernel.raises("AboveDeviceLimit", match="28 bits"):
        kernel.exec("edu.write(b, 4)")


def test_out_of_frames_for_tables_is_refused_and_nothing_is_lost(behind):
    """Of four frames that are left, the unit takes one for its root table, a device's bus one, a domain one."""
    kernel = behind(BOTH + "\niommu.drop(); m = create_mapping(4096, RW); hold = []")
    kernel.exec("free = lambda: memory.frame_allocator.statistics().free")
    kernel.exec("while free(): hold.append(allocate_frames(memory.frame_allocator.statistics().largest_run))")
    with kernel.raises("OutOfFrames"):
        kernel.exec("Iommu()")
    kernel.exec("spare = hold.pop()\nwhile len(spare) < 4: spare = hold.pop()")
    kernel.exec("spare, rest = spare.split(spare.start + 4); hold.append(rest)")
    kernel.exec("parts = []\nfor _ in range(3): one, spare = spare.split(spare.start + 1); parts.append(one)")
    kernel.exec("parts.pop().drop(); iommu = Iommu(); iommu.enable()")
    with kernel.raises("OutOfFrames"):
        kernel.exec("iommu.attach(edu.function)")
    assert kernel.eval("(free(), iommu.domains)") == (0, [])
    kernel.exec("parts.pop().drop(); parts.pop().drop()")
    with kernel.raises("OutOfFrames"):
        kernel.exec("domain = iommu.attach(edu.function); domain.map(0x5555000, m)")
    assert kernel.eval("(free(), domain.buffers)") == (0, [])
    kernel.exec("spare.drop()\nfor one in hold: one.drop()\nb = domain.map(0x5555000, m); edu.write(b, 4); b.end()")
    kernel.exec("m.drop(); iommu.drop()")
    with kernel.raises("UseAfterMove", match="IOMMU at p0xfed90000 is dead: consumed by drop"):
        kernel.exec("iommu.attach(edu.function)")


def test_each_device_has_its_own_and_too_many_faults_are_told(behind):
    """The unit has room for one fault. Whose it is, the source says; a second device's meanwhile is lost."""
    kernel = behind(devices=2)
    kernel.exec("other, m = Edu(1), create_mapping(4096, RW)")
    with kernel.raises("DmaFault", match="edu at 00:02.0: refused a read at 0x.*: it has no context entry .reason 2"):
        kernel.exec("other.write(m, 4)")
    kernel.exec("second = iommu.attach(other.function); b = domain.map(0x1000, m)")
    with kernel.raises("DmaFault", match="edu at 00:02.0: refused a read at 0x1000: no entry lets it read"):
        kernel.exec("other.write(b, 4)")
    kernel.exec("go = lambda one: (one.start(b, 4, 0, 0, False), one._wait_for(0x100, 'a copy'))")
    kernel.exec("b.runs = [(0x9000, 4096)]; go(other); go(edu); found = iommu.faults()")
    assert kernel.eval("([each.source for each in found], 'are lost' in str(found))") == ([0x10, None], True)
    kernel.exec("go(other); b.runs = [(0x1000, 4096)]; edu.write(b, 4)")  # raised for nobody but who it is of
    assert kernel.eval("[each.place for each in iommu.faults()]") == ["00:02.0"]
    kernel.exec("b.runs = [(0x9000, 4096)]; go(edu)")
    assert kernel.eval("[(each.place, hex(each.address)) for each in iommu.faults()]") == [("00:01.0", "0x9000")]
    kernel.exec("go(edu); second.iommu.raise_faults(second)")
    with kernel.raises("DmaFault", match="domain 1: refused a read at 0x9000"):
        kernel.exec("b.check()")
    kernel.exec("b.runs = [(0x1000, 4096)]; iommu.detach(other.function); iommu.attach(other.function, domain)")
    kernel.exec("other.write(b, 4); iommu.detach(other.function)")
    with kernel.raises("DmaFault", match="refused a read at 0x1000: it has no context entry"):
        kernel.exec("other.write(b, 4)")
    kernel.exec("second.drop()")
    with kernel.raises("TechniqueUnavailable", match="domain 2"):
        kernel.exec("second.map(0x1000, create_mapping(4096, RW))")
    assert kernel.eval("iommu.attach(functions()[0]).number") == 2


def test_nothing_is_left_when_it_ends(behind):
    kernel = behind("from devices.edu import Edu\nfrom devices.iommu import *\nedu = Edu()")
    kernel.exec("m = create_mapping(4096, RW)")
    kernel.exec(
        """
        def once():
            iommu = Iommu()
            domain = iommu.attach(edu.function)
            edu.write(m, 4)
            iommu.enable()
            b = domain.map(0x5555000, m)
            edu.write(b, 4)
            b.end()
            iommu.drop()
        once()
        before = memory.frame_allocator.statistics().free
        once()
        """
    )
    assert kernel.eval("before - memory.frame_allocator.statistics().free") == 0
    assert not is_translating(kernel)
    kernel.exec("edu.write(m, 4); iommu = Iommu(); domain = iommu.attach(edu.function)")
    with kernel.raises("TranslationOff", match="enable.. the Iommu first"):
        kernel.exec("domain.map(0x5555000, m)")
    assert kernel.eval("memory.verify().violations") == []


def test_a_soft_reset_leaves_no_device_translated(behind):
    """Its tables are the new kernel's memory. No device is a bus master before the bus is looked at, and it is off."""
    kernel = behind()
    kernel.exec("m = create_mapping(4096, RW); b = domain.map(0x5555000, m); edu.start(b, 4095, 0, 0, True)")
    assert is_translating(kernel)
    kernel.soft_reset()
    kernel.exec("from devices import find; edu = find(0x1234, 0x11e8)")
    assert not is_translating(kernel)
    kernel.exec("from memory import *\nfrom devices import *\nimport memory\nRW = PteFlags().writable(True)\n" + BOTH)
    kernel.exec("m = create_mapping(4096, RW); edu.write(m, 4); iommu.attach(edu.function); iommu.enable()")
    kernel.exec("edu.write(m, 4)")
    assert is_translating(kernel)
    assert kernel.eval("(iommu.faults(), memory.verify().violations)") == ([], [])


def test_the_command_shows_who_reaches_what(behind, with_devices):
    kernel = behind()
    kernel.exec("from shell.commands import iommu as command; m = create_mapping(8192, RW)")
    kernel.exec("b = domain.map(0x5555000, m, False)")
    shown = kernel.text("command()").split("\n")
    assert shown[0] == "IOMMU at p0xfed90000, translates, 4 levels of tables"
    assert shown[1] == f"domain 1, addresses of {min(48, 11 + 9 * depth.LEVELS)} bits, for 00:01.0"
    assert shown[2].split()[:4] == ["0x5555000", "8", "KiB", "r-"]
    assert all(len(line) <= 80 for line in shown)


def test_without_one_it_is_no_such_device(with_devices):
    kernel = with_devices("-device", "edu")
    kernel.exec("from devices.iommu import Iommu\nfrom shell.commands import iommu")
    with kernel.raises("NoSuchDevice", match="there is no IOMMU: .*-device intel-iommu"):
        kernel.exec("Iommu()")
    assert "Nobody translates" in kernel.text("iommu()")


def test_a_damaged_table_of_units_is_named(behind):
    kernel = behind("from devices import acpi")
    address = kernel.eval("""[a for a in range(0xd0000, 0xe0000) if acpi._read(a, 4) == b"DMAR"][0]""")
    table = kernel.guest.memory.read(address, 64)
    without_length = bytearray(table)
    without_length[50:52] = b"\0\0"
    without_length[9] = (table[9] + table[50] + table[51]) & 0xFF
    kernel.guest.memory.write(address, bytes(without_length))
    with kernel.raises("DamagedTable", match="DMAR"):
        kernel.exec("functions()")
    kernel.guest.memory.write(address, table)
    assert kernel.eval("len(functions())") >= 5
