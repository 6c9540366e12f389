"""Memory in the hands of a device stays what it is, and where it is; and no device goes on after a soft reset."""

import re
import time

import pytest

PATTERN = (bytes(range(256)) * 16)[:4095]


def test_factorials_and_copies_both_ways(edu):
    assert edu.eval("[edu.factorial(n) for n in (0, 5, 10, 12)]") == [1, 120, 3628800, 479001600]
    edu.exec("m = create_mapping(3 * 4096, RW); v = m.as_slice_mut('B'); v[100:4195] = (bytes(range(256)) * 16)[:4095]")
    edu.exec("edu.write(m, 4095, 100)\nedu.read(m, 2000, 8192, 96)")
    assert edu.eval("v[8192:10192]") == PATTERN[96:2096]
    assert edu.eval("any(v[10192:])") is False
    edu.exec("v.release(); m.drop(); edu.drop(); edu = Edu(); edu.drop()")
    assert edu.eval("memory.verify().violations") == []


def test_while_a_device_has_it_nobody_changes_it(edu):
    edu.exec("m = create_mapping(8192, RW); n = create_mapping(8192, RW); b = DmaBuffer(edu, m)")
    calls = {
        "m.drop()": "drop()",
        "m.remap(PteFlags())": "remap()",
        "m.split(m.range.start + 1)": "split()",
        "m.merge(n)": "merge()",
        "n.merge(m)": "merge()",
        "m.unmap_into_parts()": "unmap_into_parts()",
        "m.into_borrowed_slice('B')": "into_borrowed_slice()",
        "with m: pass": "the end of its `with`",
    }
    for call, step in calls.items():
        with edu.raises("StillBorrowed", match=r"edu at 00:01\.0 \(until its driver says end"):
            edu.exec(call)
        assert edu.eval(
            "(bool(m), bool(n), b.runs == [(r.start_address.value, len(r) * 4096) for r in m.frames()])"
        ) == (
            True,
            True,
            True,
        ), step
    edu.exec("v = m.as_slice_mut('B'); v[0] = 7; v.release()")
    edu.exec("taken = b.runs; del m, b\nimport gc\nx = [[0] * 9 for _ in range(50)]\ngc.collect(); gc.collect()")
    edu.exec("others = [create_mapping(8192, RW) for _ in range(50)]")
    edu.exec("frames = {r.start_address.value for o in others for r in o.frames()}")
    assert not edu.eval("[run for run in taken if run[0] in frames]"), "it was forgotten, but the device has it"
    edu.exec("m = create_mapping(8192, RW); b = DmaBuffer(edu, m); c = DmaBuffer('another', m); b.end(); b.end()")
    with edu.raises("StillBorrowed", match="borrowed by another"):
        edu.exec("m.drop()")
    edu.exec("c.end(); m.drop(); n.drop()")
    assert edu.eval("memory.verify().violations") == []


def test_scattered_memory_is_lent_by_runs_and_taken_in_pieces(edu):
    """No two free frames touch: each of five pages is in another run, and a piece ends where its run does."""
    edu.exec("largest = lambda: memory.frame_allocator.statistics().largest_run")
    edu.exec("many = [allocate_frames(1) for _ in range(40)]")
    edu.exec("hold = []\nwhile largest(): hold.append(allocate_frames(largest()))")
    edu.exec(
        "for frames in many[::2]: frames.drop()\nm = create_mapping(5 * 4096, RW)\nfor frames in hold: frames.drop()"
    )
    edu.exec("b = DmaBuffer(edu, m)")
    runs = edu.eval("b.runs")
    assert [length for _, length in runs] == [4096] * 5
    first, second, third, fourth, _ = [address for address, _ in runs]
    assert edu.eval("b.pieces(0, 20480)") == runs
    assert edu.eval("b.pieces(4000, 8300)") == [(first + 4000, 96), (second, 4096), (third, 4096), (fourth, 12)]
    assert edu.eval("b.address(4096, 4096)") == second
    with edu.raises("NotInOnePiece", match="4097 bytes at offset 4096 are 2 pieces"):
        edu.exec("b.address(4096, 4097)")
    for offset, count in ((0, 20481), (20480, 1), (-1, 5), (0, 0), (1, "'x'")):
        with edu.raises("PastTheEnd", match="do not lie inside"):
            edu.exec(f"b.pieces({offset}, {count})")
    edu.exec("b.end(); m.drop()")


def test_a_buffer_above_the_devices_limit_is_refused_by_name(with_devices):
    kernel = with_devices("-device", "edu", memory="512M")
    kernel.exec("from devices.edu import Edu\nedu = Edu()")
    kernel.exec("f = allocate_frames_at(PhysicalAddress(0x0FFF_F000), 2)")
    kernel.exec("m = get_kernel_mmi_ref().page_table.map_allocated_pages_to(allocate_pages(2), f, RW)")
    for call in "DmaBuffer(edu, m, 28)", "edu.write(m, 100)", "edu.read(m, 100)":
        with kernel.raises("AboveDeviceLimit", match=r"edu at 00:01\.0: p0x10000fff is above what 28 bits"):
            kernel.exec(call)
    kernel.exec("m.drop(); b = new_buffer(edu, 8193, 28); c = new_buffer('a device of old', 4096, 25)")
    assert kernel.eval("(len(b.runs), b.runs[0][0] < 1 << 28, b.runs[0][1])") == (1, True, 3 * 4096)
    assert kernel.eval("c.runs[0][0]") < 1 << 25
    with kernel.raises("OutOfFrames"):
        kernel.exec("new_buffer(edu, 300 << 20, 28)")
    with kernel.raises("AboveDeviceLimit", match="12 bits"):
        kernel.exec("new_buffer(edu, 1, 12)")
    with kernel.raises("ValueError", match="1 byte or more"):
        kernel.exec("new_buffer(edu, 0)")
    kernel.exec("b.end(); c.end(); b.mapping.drop(); c.mapping.drop()")
    assert kernel.eval("memory.verify().violations") == []


def test_what_is_no_ram_is_not_lent_and_a_transfer_stays_inside(edu):
    with edu.raises("NoMemory", match="is no RAM"):
        edu.exec("DmaBuffer(edu, edu.mapping)")
    edu.exec("m = create_mapping(4096, RW)")
    for call in "edu.write(m, 4096)", "edu.read(m, 4095, 2)", "edu.write(m, 4095, 0, 1)", "edu.read(m, 1, 0, 4095)":
        with edu.raises("PastTheEnd"):
            edu.exec(call)
    edu.exec("edu.write(m, 4095); m.drop()")
    with edu.raises("UseAfterMove"):
        edu.exec("DmaBuffer(edu, m)")


def test_ctrl_c_stops_the_device_before_the_memory_is_given_back(edu):
    edu.exec("m = create_mapping(4096, RW)\nwith m.as_slice_mut('B') as v: v[:] = b'device' * 682 + b'1234'")
    edu.exec("edu.write(m, 4095); n = create_mapping(4096, RW)")
    edu.exec("import micropython\nmicropython.schedule(lambda _: (_ for _ in ()).throw(KeyboardInterrupt()), 0)")
    edu.exec("def interrupted(*_): raise KeyboardInterrupt\nedu._wait_for = interrupted")
    edu.exec("try: edu.read(n, 4095)\nexcept KeyboardInterrupt: pass\ndel edu._wait_for")
    edu.exec("address = n.frames()[0].start_address.value; n.drop()")
    time.sleep(0.3)
    assert b"device" not in edu.guest.memory.read(edu.eval("address"), 4096)
    edu.exec("n = create_mapping(4096, RW); edu.read(n, 4095)")
    assert edu.eval("n.as_slice('B')[:6]") == b"device"


@pytest.mark.parametrize("way", ["raise SystemExit", "import machine; machine.soft_reset()"])
def test_a_soft_reset_stops_devices_before_memory_is_handed_out_again(edu, way):
    """The device was told to copy to RAM 100 ms later; by then the RAM is the new kernel's."""
    edu.exec("m = create_mapping(4096, RW)\nwith m.as_slice_mut('B') as v: v[:] = b'device' * 682 + b'1234'")
    edu.exec("edu.write(m, 4095); n = create_mapping(4096, RW); b = DmaBuffer(edu, n)")
    edu.exec("where = [run.start_address.value for run in n.frames()][0]")
    where = edu.eval("where")
    edu.friendly()
    console = edu.guest.console
    console.sendline(f"edu.start(b, 4095, 0, 0, True); {way}")
    console.wait_for_prompt(30)
    time.sleep(0.4)
    assert b"device" not in edu.guest.memory.read(where, 4096)
    assert console.command("from devices import find; find(0x1234, 0x11e8).read(4, 16) & 4") == "0\n"
    assert "nothing to complain of" in console.command("verify")
    console.command("from devices.edu import Edu; edu = Edu()")
    assert console.command("edu.factorial(5)") == "120\n"


BEGIN_A_COPY = """
from devices.edu import Edu
edu = Edu()
m = create_mapping(4096, RW)
with m.as_slice_mut("B") as v: v[:] = b"device" * 682 + b"1234"
edu.write(m, 4095)
n = create_mapping(4096, RW)
b = DmaBuffer(edu, n)
where = n.frames()[0].start_address.value
"""
# Eight ports of something else, of which four are in front of the port that ends QEMU: the kernel halts in its place.
NO_EXIT_PORT = ("-chardev", "null,id=nobody", "-device", "isa-serial,iobase=0xf0,irq=5,chardev=nobody")


def test_exit_stops_devices_and_no_byte_of_ram_changes_afterwards(with_devices):
    """The device was told to copy to RAM 100 ms later; the machine that can't end goes on that long, halted."""
    kernel = with_devices("-device", "edu", *NO_EXIT_PORT)
    kernel.exec(BEGIN_A_COPY)
    where = kernel.eval("where")
    console = kernel.friendly()
    console.sendline("edu.start(b, 4095, 0, 0, True); from shell.commands import exit; exit()")
    console.expect_exact("halted with status 33", timeout=30)
    halted = kernel.guest.memory.read(0, 128 << 20)
    time.sleep(0.4)
    assert kernel.guest.memory.read(where, 4096) == bytes(4096)
    assert kernel.guest.memory.read(0, 128 << 20) == halted


def test_a_reboot_stops_devices_first(with_devices):
    """QEMU itself tells what is written to the device's command register: at last, that it masters the bus no more."""
    kernel = with_devices("-device", "edu", "-trace", "pci_cfg_write")
    kernel.exec(BEGIN_A_COPY)
    guest = kernel.guest
    guest.expected_to_end = True
    kernel.friendly().sendline("edu.start(b, 4095, 0, 0, True); import machine; machine.reset()")
    guest.wait(20)
    commands = [int(value, 16) for value in re.findall(r"pci_cfg_write edu .*@0x4 <- (0x\w+)", guest.trace())]
    assert len(commands) > 3
    assert commands[-2] & 4
    assert not commands[-1] & 4


@pytest.mark.parametrize("trouble", ["fail_allocation", "interrupt"])
def test_trouble_at_any_point_of_lending_lends_nothing(kernel, trouble):
    """What is lent stays, also when it is forgotten: nobody could end a loan that nobody has."""
    kernel.exec(f"""
        import _inject, gc, memory
        from devices import new_buffer
        def point(n):
            b = None
            _inject.{trouble}(n)
            try:
                b = new_buffer("a test", 4096)
                left = _inject.{trouble}(0)
                for _ in range(2): pass
            except BaseException:
                left = _inject.{trouble}(0)
            if b:
                b.end()
                b.mapping.drop()
            return left
        def mapped():
            for _ in range(3): gc.collect()
            return memory.frame_allocator.statistics().mapped
        point(1 << 40)
        before, n = mapped(), 1
        while not point(n): n += 1
        """)
    assert kernel.eval("(mapped() - before, memory.verify().violations)") == (0, [])
    assert kernel.eval("n") > 50
