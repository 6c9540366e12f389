"""Virtio devices: found by type, agreed with, given chains; and whatever goes wrong, they have none of the memory."""

import pytest

# Disks of the one machine here, in their order: of version 1 alone, of both, of the old one alone, and one that insists
# on a feature that a driver has to ask for.
DISKS = (
    "disable-legacy=on",
    "disable-legacy=off",
    "disable-legacy=off,disable-modern=on",
    "disable-legacy=on,iommu_platform=on",
)
NEW, BOTH, OLD, INSISTING = range(len(DISKS))
SECTORS = 64
SETUP = """
from devices.virtio import VirtioDevice
def disk(index, **settings): return VirtioDevice("disk", 2, index, **settings)
b = new_buffer("a test", 4096)
v, a = b.mapping.as_slice_mut("B"), b.address(0, 4096)
def reading(sector, count=1):
    v[:16] = bytes(8) + bytes([sector]) + bytes(7)
    return [(a, 16, False), (a + 512, 512 * count, True), (a + 16, 1, True)]
"""


@pytest.fixture
def disks(with_devices, tmp_path):
    """A kernel with four disks, whose sectors have their number in every byte; `throttle` slows the first one down."""

    def start(throttle=""):
        (tmp_path / "image").write_bytes(b"".join(bytes([number]) * 512 for number in range(SECTORS)))
        words = []
        for number, settings in enumerate(DISKS):
            drive = f"if=none,id=d{number},file={tmp_path}/image,format=raw,readonly=on{throttle if not number else ''}"
            words += ["-drive", drive, "-device", f"virtio-blk-pci,drive=d{number},{settings}"]
        kernel = with_devices(*words)
        kernel.exec(SETUP)
        return kernel

    return start


def test_chains_are_done_by_devices_new_and_old_and_all_is_given_back(disks):
    kernel = disks()
    before = kernel.eval("(memory.frame_allocator.statistics().free, memory.verify().violations)")
    for index in NEW, BOTH:
        kernel.exec(f"d = disk({index}, features=1 << 9 | 1 << 63); q = d.queues[0]")
        assert kernel.eval("(d.features, q.size, len(q.free))") == (1 << 32 | 1 << 9, 128, 128)
        assert kernel.eval("[q.run(reading(n, 2)) for n in range(40)]") == [1025] * 40
        assert kernel.eval("(v[16], v[512], v[1023], v[1024], v[1535], v[1536])") == (0, 39, 39, 40, 40, 0)
        kernel.exec("given = [q.submit(reading(7)) for _ in range(42)]")
        with kernel.raises("QueueFull", match=r"disk at 00:0.\.0: queue 0 has 2 descriptors free, not 3"):
            kernel.exec("q.submit(reading(1))")
        assert kernel.eval("[d.wait(q.finished, each, 'x') for each in given]") == [513] * 42
        kernel.exec("from uctypes import ARRAY, UINT32\nc = d.configuration({'capacity': (0 | ARRAY, 2 | UINT32)})")
        assert kernel.eval("d.steady(lambda: list(c.capacity))") == [SECTORS, 0]
        kernel.exec("d.drop()")
        with kernel.raises("UseAfterUnmap"):
            kernel.exec("q.run(reading(1))")
    assert kernel.eval("(memory.frame_allocator.statistics().free, memory.verify().violations)") == before


def test_what_is_no_device_for_this_driver_is_refused_by_name_and_nothing_is_kept(disks):
    kernel = disks()
    kernel.exec("d = disk(0)")
    before = kernel.eval("memory.frame_allocator.statistics().free")
    for call, error, text in (
        ("disk(4)", "NoSuchDevice", "no virtio disk number 4: `pci` lists"),
        ("disk(-1)", "NoSuchDevice", "number -1"),
        ("disk('x')", "NoSuchDevice", "number x"),
        ("VirtioDevice('balloon', 5)", "NoSuchDevice", "no virtio balloon number 0"),
        ("disk(0)", "BarInUse", "claimed by disk at"),
        (f"disk({OLD})", "NotVirtio", "no structure 1 of virtio 1.0"),
        (f"disk({BOTH}, queues=200)", "NotVirtio", "has no queue"),
        (f"disk({INSISTING})", "FeaturesRefused", "refuses to work with no more than 0x100000000"),
    ):
        with kernel.raises(error, match=text):
            kernel.exec(call)
    for chain in "[]", "[(a, 0, False)]", "[(a, 16, False), (a, 1 << 32, True)]", "[(a, -1, False)]":
        with kernel.raises("ValueError", match="descriptor"):
            kernel.exec(f"d.queues[0].run({chain})")
    assert kernel.eval("(d.is_running, len(d.queues[0].free), d.queues[0].run(reading(5)))") == (True, 128, 513)
    kernel.exec(f"e = disk({BOTH}); f = disk({INSISTING}, features=1 << 33)")
    assert kernel.eval("(e.queues[0].run(reading(6)), f.queues[0].run(reading(8)), v[512])") == (513, 513, 8)
    kernel.exec("e.drop(); f.drop()")
    assert kernel.eval("memory.frame_allocator.statistics().free") == before


def test_a_device_that_is_late_or_fails_has_no_memory_any_more_and_works_the_next_time(disks):
    kernel = disks(throttle=",throttling.bps-total=20000")
    kernel.exec("d, q = disk(0), None; q = d.queues[0]; q.run(reading(3)); d.patience_ms = 50")
    with kernel.raises("DeviceTimeout", match=r"disk at 00:01\.0: eight sectors took more than 50 ms"):
        kernel.exec("for _ in range(9): q.run(reading(1, 7), 'eight sectors')")
    assert kernel.eval("(d.is_running, len(q.free), d.registers.status, d.function.read(4, 16) & 4)") == (
        False,
        128,
        0,
        0,
    )
    kernel.exec("d.patience_ms = 9000")
    assert kernel.eval("(q.run(reading(9)), v[512], d.is_running)") == (513, 9, True)
    with kernel.raises("DeviceFailed", match=r"amid nonsense that it has to be reset"):
        kernel.exec("q.run([(a, 16, False)], 'nonsense')")
    assert kernel.eval("(q.run(reading(8)), v[512], d.is_running)") == (513, 8, True)
    # A chain that was given before the reset is answered so; the new one in its place is another.
    kernel.exec("given = q.submit(reading(1)); d.reset(); again = q.submit(reading(2))")
    with kernel.raises("DeviceFailed", match="was reset before it was done"):
        kernel.exec("q.finished(given)")
    assert kernel.eval("(d.wait(q.finished, again, 'x'), v[512])") == (513, 2)
    assert kernel.eval("memory.verify().violations") == []


def test_ctrl_c_amid_a_chain_takes_it_from_the_device(disks):
    kernel = disks(throttle=",throttling.bps-total=20000")
    kernel.exec("d = disk(0); q = d.queues[0]; q.run(reading(3)); began = []")
    kernel.exec("def late(ask, chain, what): raise KeyboardInterrupt\nd.wait = late")
    kernel.exec("try: q.run(reading(1, 6))\nexcept KeyboardInterrupt: began.append(d.registers.status)")
    kernel.exec("del d.wait")
    assert kernel.eval("(began, d.is_running, len(q.free), q.run(reading(4)), v[512])") == ([0], False, 128, 513, 4)


def test_a_chain_amid_another_ones_wait_is_done_too(disks):
    kernel = disks()
    kernel.exec("d = disk(0); q = d.queues[0]; wait, inner = d.wait, []")
    kernel.exec("""
        def nested(ask, chain, what):
            if not inner:
                inner.append(0)
                inner.append(q.run([(a, 16, False), (a + 2048, 512, True), (a + 17, 1, True)]))
            return wait(ask, chain, what)
        d.wait = nested
        """)
    assert kernel.eval("([q.run(reading(20 + n)) for n in range(30)], v[512], inner, len(q.free))") == (
        [513] * 30,
        49,
        [0, 513],
        128,
    )


def test_indices_go_round_after_65536_chains(kernel):
    """A device made here, which does what the standard says of the rings, and no more, is given chains past that."""
    kernel.exec("""
        import uctypes
        from devices.virtqueue import Queue
        from paging.guard import opens_guard
        from paging.natives import memory as raw
        from paging.protection import address_in_window as shown
        doorbell = memoryview(bytearray(2))
        class Device:
            is_running, seen = True, 0xFFF0
            def at(self, part):
                return shown(q.addresses[part] >> 12) + (q.addresses[part] & 0xFFF)
            @opens_guard
            def wait(self, ask, chain, what):
                while self.seen != raw.load16(self.at(1) + 2):
                    head = raw.load16(self.at(1) + 4 + 2 * (self.seen % 8))
                    written = raw.load32(self.at(0) + 16 * head + 8)
                    raw.store32(self.at(2) + 4 + 8 * (self.seen % 8), head)
                    raw.store32(self.at(2) + 8 + 8 * (self.seen % 8), written)
                    self.seen = self.seen + 1 & 0xFFFF
                    raw.store16(self.at(2) + 2, self.seen)
                return ask(chain)
        device = Device()
        q = Queue(device, 0, 8, uctypes.addressof(doorbell))
        for at in device.at(1) + 2, device.at(1) + 4 + 2 * 8, device.at(2) + 2:
            opens_guard(raw.store16)(at, device.seen)
        """)
    assert kernel.eval("[q.run([(4096, n, False), (8192, 5, True)]) for n in range(1, 40)]") == list(range(1, 40))
    kernel.exec("given = [q.submit([(4096, n + 1, False)]) for n in range(8)]")
    with kernel.raises("QueueFull", match="has 0 descriptors free, not 1"):
        kernel.exec("q.submit([(4096, 1, False)])")
    assert kernel.eval("[device.wait(q.finished, each, '') for each in reversed(given)]") == list(range(8, 0, -1))
    assert kernel.eval("(len(q.free), device.seen)") == (8, 0x1F)
