"""Pages on a disk: the device brings them into their frames and takes them from there; its errors are told once."""

import hashlib
import random

import pytest
from harness.disks import debugged, image

PAGE = 4096
SIXTEEN_MIB = 4096


@pytest.fixture
def mapped(disks):
    """A function that boots with disks, maps the first one as `m`, and returns the kernel."""

    def start(*wanted, call="map_file(d, frames=3, cluster=1)", **settings):
        kernel = disks(*wanted, **settings)
        kernel.exec("import hashlib\nfrom replacement import *\nd = Disk()")
        kernel.exec(f"m = {call}\nv = m.memory")
        return kernel

    return start


def digest(content):
    return hashlib.sha256(content).digest()


def test_sixteen_mib_through_64_frames_are_what_the_host_has(mapped):
    content = random.Random(16).randbytes(SIXTEEN_MIB * PAGE)
    kernel = mapped((content, ""), call="map_file(d, frames=64)")
    assert kernel.eval("(hashlib.sha256(v).digest(), len(v), len(m.resident))") == (digest(content), 16 << 20, 64)
    assert kernel.eval("(m.dirty(), m.stored)") == ([], 0), "what a device writes is not written to"
    # Stores all over it, by way of 64 frames, are on the host's disk after sync().
    places = random.Random(17).sample(range(SIXTEEN_MIB * PAGE), 200)
    kernel.exec(f"for place in {places}: v[place] ^= 255\nm.sync()")
    changed = bytearray(content)
    for place in places:
        changed[place] ^= 255
    assert (kernel.folder / "image0").read_bytes() == changed
    assert kernel.eval("(m.dirty(), memory.verify().violations)") == ([], [])


def test_private_pages_come_from_the_disk_and_never_go_there(mapped):
    kernel = mapped((image(), ""), call="map_file(d, frames=3, private=True, cluster=8)")
    kernel.exec("for page in range(0, 20, 2): v[page * 4096] = 255")
    kernel.exec("s = bytes([v[page * 4096] for page in range(20)])")
    assert kernel.eval("s") == bytes(255 if page % 2 == 0 else page * 8 for page in range(20))
    assert kernel.eval("bytes(v[4096 * 30:4096 * 36])") == image()[PAGE * 30 : PAGE * 36]
    kernel.exec("m.sync(); m.drop(); d.flush()")
    assert (kernel.folder / "image0").read_bytes() == image()
    kernel.exec("w = Swapped(PageRange.from_virt_addr(VirtualAddress(0x1000_0000_0000), 4 * 4096), 2, store=d)")
    kernel.exec("for page in range(4): w.memory[page * 4096] = 254")
    kernel.exec("w.drop()")
    assert (kernel.folder / "image0").read_bytes()[: 4 * PAGE : PAGE] == bytes([254] * 4)


def test_a_disk_of_an_odd_size_ends_in_zeros(mapped):
    kernel = mapped((image(9, b"some"), ""))
    assert kernel.eval("(len(v), bytes(v))") == (5120, image(9, b"some") + bytes(508))
    kernel.exec(
        "import uctypes\nlast = uctypes.bytearray_at(m.range.last_number << 12, 4096); last[1020:] = b'x' * 3076"
    )
    kernel.exec("m.sync()")
    assert (kernel.folder / "image0").read_bytes() == image(9, b"some" + bytes(504) + b"xxxx")
    kernel.exec("m.drop(); m = map_file(d, frames=1); last = uctypes.bytearray_at(m.range.last_number << 12, 4096)")
    assert kernel.eval("bytes(last)") == image(9)[8 * 512 :] + b"some" + bytes(504) + b"xxxx" + bytes(3072)


def test_a_disk_that_can_only_be_read_or_has_nothing(mapped):
    kernel = mapped((image(), "format=raw,file={path},readonly=on"), (b"", ""))
    assert kernel.eval("bytes(v[:4096 * 5])") == image()[: PAGE * 5]
    with kernel.raises("NotWritable", match="it is mapped for reading"):
        kernel.exec("v[5] = 1")
    for call in "map_file(d, flags=HEAP_FLAGS)", "Swapped(m.range, store=d)":
        with kernel.raises("BadStore", match=r"Disk\(00:01\.0, 4096 sectors, read-only\) is read-only: map it without"):
            kernel.exec(call if "map" in call else f"r = m.range; m.drop(); {call.replace('m.range', 'r')}")
    kernel.exec("p = map_file(d, private=True, frames=2); p.memory[5] = 1; p.memory[9000] = 2; p.memory[20000] = 3")
    assert kernel.eval("(p.memory[5], p.memory[9000], p.memory[20000])") == (1, 2, 3)
    with kernel.raises("BadStore", match="is empty: there is nothing to map"):
        kernel.exec("map_file(Disk(1))")
    assert (kernel.folder / "image0").read_bytes() == image()


def test_a_page_that_cant_be_read_is_told_once_and_comes_the_next_time(mapped, tmp_path):
    kernel = mapped((image(), debugged(tmp_path, ("read_aio", 5, 'sector = "80"'))))
    kernel.exec("for page in range(4): v[page * 4096] = 200 + page")
    with kernel.raises("StoreError", match=r"page 10 of Disk.* can't be read: DiskError: .*sectors 80 to 87"):
        kernel.exec("v[10 * 4096]")
    assert kernel.eval("(m.range.first_number + 10 in m.resident, memory.verify().violations)") == (False, [])
    assert kernel.eval("[v[page * 4096] for page in (10, 0, 1, 2, 3)]") == [80, 200, 201, 202, 203]


def test_a_page_that_cant_be_written_stays_as_it_was_and_goes_the_next_time(mapped, tmp_path):
    kernel = mapped((image(), debugged(tmp_path, ("pwritev", 5, 'sector = "0"'), ("flush_to_disk", 5, ""))))
    kernel.exec("m.policy = 'fifo'\nfor page in range(3): v[page * 4096] = 200 + page")
    with kernel.raises("StoreError", match=r"page 0 of Disk.* can't be written: DiskError: .*sectors 0 to 7"):
        kernel.exec("v[10 * 4096]")
    state = (
        "([page - m.range.first_number for page in m.dirty()], sorted([p - m.range.first_number for p in m.resident]))"
    )
    assert kernel.eval(state) == ([0, 1, 2], [0, 1, 2])
    assert kernel.eval("(v[0], v[10 * 4096], memory.verify().violations)") == (200, 80, [])
    with kernel.raises("StoreError", match=r"Disk.* can't be flushed: DiskError"):
        kernel.exec("m.sync()")
    kernel.exec("m.sync(); m.drop()")
    now = (kernel.folder / "image0").read_bytes()
    assert [now[page * PAGE] for page in range(4)] == [200, 201, 202, 24]


def test_the_host_makes_the_disk_smaller_under_a_mapping(mapped):
    kernel = mapped((image(), ""), call="map_file(d, frames=8, cluster=1)")
    kernel.exec("v[400 * 4096] = 7")
    kernel.guest.monitor.execute("block_resize", device="d0", size=100 * PAGE)
    with kernel.raises("StoreError", match=r"page 300 of Disk.* can't be read: .*sectors 2400 to 2407"):
        kernel.exec("v[300 * 4096]")
    with kernel.raises("StoreError", match=r"page 300 .*PastTheEnd.*has 409600 bytes"):
        kernel.exec("v[300 * 4096]")
    with kernel.raises("StoreError", match=r"page 400 of Disk.* can't be written"):
        kernel.exec("m.sync()")
    assert kernel.eval("(v[400 * 4096], v[99 * 4096], v[50 * 4096], len(m.dirty()))") == (7, 99 * 8 & 255, 144, 1)
    # Behind QEMU's back: what is gone reads as zeros, and nothing hangs.
    with open(kernel.folder / "image0", "r+b") as file:
        file.truncate(10 * PAGE)
    assert kernel.eval("(v[20 * 4096], v[9 * 4096])") == (0, 72)
    kernel.exec("m.drop(write_back=False)")
    assert kernel.eval("memory.verify().violations") == []


def test_after_a_soft_reset_amid_requests_the_disk_works_and_has_nobodys_memory(mapped):
    """A read that is under way arrives nowhere: where it was to go, the new kernel has a pattern."""
    kernel = mapped((image(), "format=raw,file={path},throttling.bps-total=40000"))
    kernel.exec("v[0] = 77; m.sync()")
    kernel.exec("b = new_buffer('a test', 65536); a = b.runs[0][0]; q = d.device.queues[0]; s = d._requests._free[0]")
    kernel.exec("from devices.disk_requests import ask\nask(s.address, 0, 800, s.address, 0, 0)")
    kernel.exec("for n in range(3): chain = q.submit([s.question, (a + n * 16384, 16384, True), s.answer])")
    address, is_done = kernel.eval("(a, q.finished(chain))")
    assert is_done is None
    kernel.soft_reset()
    kernel.guest.memory.write(address, b"\xee" * 65536)
    kernel.exec("from time import sleep_ms\nsleep_ms(1500)")
    assert kernel.guest.memory.read(address, 65536) == b"\xee" * 65536
    kernel.exec("from devices.disk import Disk\nd = Disk()")
    assert kernel.eval("d.read_sectors(0)[:2] + d.read_sectors(808)[:2]") == bytes([77, 0, 40, 3])
