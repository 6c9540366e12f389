"""Memory of a device that is no registers: how its entries say that it is cached, and who shares it."""

import mmap

import pytest
from harness import depth
from oracle import page_walk

PWT, PCD, PAT, HUGE_PAT = 1 << 3, 1 << 4, 1 << 7, 1 << 12
DISPLAY = "from devices.caching import *\ndisplay = find(0x1234, 0x1111)"


def caching(kernel, expression):
    """Return {(level, PAT, PCD and PWT as one number)} of a mapping's entries, by a walk over raw RAM."""
    start, size = kernel.eval(f"({expression}.start_address.value, {expression}.size_in_bytes)")
    found, root = set(), kernel.guest.monitor.registers()["CR3"]
    for leaf in page_walk.walk(root, kernel.guest.memory, top_slots=(depth.root_index(start),)):
        if start <= leaf.va < start + size:
            pat = leaf.raw & (PAT if leaf.level == 1 else HUGE_PAT)
            found.add((leaf.level, bool(pat) * 4 + bool(leaf.raw & PCD) * 2 + bool(leaf.raw & PWT)))
    return found


@pytest.fixture
def shared(tmp_path, with_devices):
    """A kernel whose machine shares 2 MiB with this test, and these."""
    path = tmp_path / "shared"
    backend = f"memory-backend-file,id=m,size=2M,mem-path={path},share=on"
    kernel = with_devices("-object", backend, "-device", "ivshmem-plain,memdev=m", "-device", "edu")
    with open(path, "r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
        yield kernel, memory


def test_host_and_guest_share_memory_without_a_copy(shared):
    kernel, memory = shared
    kernel.exec("from devices.ivshmem import SharedMemory\ns = SharedMemory(); v = s.memory.as_slice_mut('B')")
    assert kernel.eval("(len(v), s.memory.kind)") == (2 << 20, "device")
    assert caching(kernel, "s.memory") == {(2, 0)}
    memory[5:10] = b"hello"
    assert kernel.eval("v[5:10]") == b"hello"
    kernel.exec("v[0x1FFFFA:] = b'behind'")
    assert memory[-6:] == b"behind"
    for call, error, words in (
        ("SharedMemory()", "BarInUse", "BAR 2 is claimed by ivshmem"),
        ("SharedMemory(1)", "NoSuchDevice", "1af4:1110 number 1"),
        ("s.drop()", "StillBorrowed", "v|views"),
        ("DmaBuffer('edu', s.memory)", "NoMemory", "is no RAM"),
        ("memoryview(v)", "NotExportable", ""),
    ):
        with kernel.raises(error, match=words):
            kernel.exec(call)
    kernel.exec("v.release(); s.drop(); s = SharedMemory()")
    assert kernel.eval("(s.memory.as_slice('B')[5:10], memory.verify().violations)") == (b"hello", [])


def test_a_frame_buffer_is_written_in_bursts_by_its_entries(with_devices):
    """Its registers are not: what `claim` takes by itself is uncached."""
    kernel = with_devices("-device", "bochs-display")
    kernel.exec(DISPLAY + "\nbefore = write_combining(); m = display.bar(0).claim('draws', write_combining())")
    kernel.exec("r = display.bar(2).claim('sets the mode')")
    (index,) = {index for _, index in caching(kernel, "m")}
    kernel.exec("from paging.natives import cpu")
    assert index >= 4
    assert kernel.eval(f"cpu.read_msr(0x277) >> {8 * index} & 7") == 1
    assert kernel.eval("[cpu.read_msr(0x277) >> 8 * index & 7 for index in (0, 1, 2, 3)]") == [6, 4, 7, 0]
    assert caching(kernel, "r") == {(1, 2)}
    kernel.exec("v = m.as_slice_mut('I'); v[0] = 0x12345678; v[-1] = 0x9ABCDEF0; place = display.bar(0).address")
    place, size = kernel.eval("(place, m.size_in_bytes)")
    for at, value in ((place, 0x12345678), (place + size - 4, 0x9ABCDEF0)):
        assert int(kernel.guest.monitor.human(f"xp /1wx {at:#x}").split()[-1], 16) == value
    with kernel.raises("TypeError", match="flags must be"):
        kernel.exec("v.release(); m.drop(); display.bar(0).claim('me', 7)")
    kernel.exec("display.bar(0).claim('me', CACHED).drop()")
