"""A virtio disk: sectors as the host has them, errors by name, and after each of these a disk that works."""

import pytest
from harness.disks import debugged, image


def test_sectors_are_as_the_host_has_them(disks):
    kernel = disks((image(), ""), (image(15, b"end"), ""), (b"", ""))
    before = kernel.eval("(memory.frame_allocator.statistics().free, memory.verify().violations)")
    kernel.exec("d = Disk()")
    assert kernel.eval("(d.size_in_sectors, d.size_in_bytes, d.size_in_pages, d.read_only)") == (
        4096,
        1 << 21,
        512,
        False,
    )
    assert kernel.eval("d.read_sectors(7) + d.read_sectors(4095) + d.read_sectors(100, 70)") == (
        image()[7 * 512 : 8 * 512] + image()[4095 * 512 :] + image()[100 * 512 : 170 * 512]
    )
    kernel.exec("d.write_sectors(9, b'ninth and' * 512 + b'tenth' * 512); d.flush()")
    now = (kernel.folder / "image0").read_bytes()
    assert now[9 * 512 : 23 * 512] == b"ninth and" * 512 + b"tenth" * 512
    assert now[: 9 * 512] + now[23 * 512 :] == image()[: 9 * 512] + image()[23 * 512 :]
    kernel.exec("e = Disk(1); f = Disk(2)")
    assert kernel.eval("(e.size_in_sectors, e.size_in_pages, e.read_sectors(15))") == (16, 2, b"end" + bytes(509))
    assert kernel.eval("(f.size_in_sectors, f.size_in_pages)") == (0, 0)
    kernel.exec("d.drop(); e.drop(); f.drop()")
    assert kernel.eval("(memory.frame_allocator.statistics().free, memory.verify().violations)") == before


def test_frames_wherever_they_lie_are_read_and_written_by_one_request(disks):
    """Frames that don't touch, upwards and downwards; the disk's last page is a part of one, and ends in zeros."""
    kernel = disks((image(2047, b""), ""))
    kernel.exec("""
        from paging.natives import memory as raw
        from paging.protection import address_in_window as shown
        from paging.guard import opens_guard
        write_bytes = opens_guard(raw.write_bytes)
        d, asked = Disk(), []
        run, run_one = d._requests.run, d._requests.run_one
        d._requests.run = lambda *words: (asked.append(len(words[2])), run(*words))
        many = [allocate_frames(1) for _ in range(40)]
        frames = [each.start.number for each in many[::2]][::-1]
        content = lambda: b"".join([raw.read_bytes(shown(frame), 4096) for frame in frames])
        write_bytes(shown(frames[-1]), b"x" * 4096)
        """)
    assert kernel.eval("(d.read_frames(d.size_in_pages - 20, frames), asked, content())") == (
        None,
        [20],
        (image(2047) + bytes(512))[-20 * 4096 :],
    )
    kernel.exec("d.write_frames(100, frames[:10]); d.read_frames(3, frames[5:6]); d.write_frames(200, frames[5:6])")
    kernel.exec("d.write_frames(255, frames[:1])")  # the last one: its last sector is not on the disk
    now = (kernel.folder / "image0").read_bytes()
    was = bytearray(image(2047))
    was[100 * 4096 : 110 * 4096] = image(2047)[236 * 4096 : 246 * 4096]
    was[200 * 4096 : 201 * 4096] = image()[3 * 4096 : 4 * 4096]
    was[255 * 4096 :] = image()[236 * 4096 : 237 * 4096 - 512]
    assert now == was
    assert kernel.eval("asked") == [20, 10, 1]


def test_what_is_not_on_the_disk_is_refused_before_it_is_asked(disks):
    kernel = disks((image(20), ""), (image(20), "file={path},format=raw,readonly=on"))
    kernel.exec("d, r, f = Disk(), Disk(1), allocate_frames(3); frames = [each.number for each in f.range]")
    for call in (
        "d.read_sectors(20)",
        "d.read_sectors(19, 2)",
        "d.read_sectors(-1)",
        "d.read_sectors(0, 0)",
        "d.write_sectors(20, bytes(512))",
        "d.write_sectors(0, bytes(21 * 512))",
        "d.read_frames(3, frames[:1])",
        "d.read_frames(2, frames[:2])",
        "d.write_frames(-1, frames[:1])",
        "d.read_frames(1 << 70, frames[:1])",
        "d.transfer(READ, 0, [])",
    ):
        with kernel.raises(
            "PastTheEnd", match=r"do not lie inside Disk\(00:01\.0, 20 sectors\), which has 10240 bytes"
        ):
            kernel.exec(call)
    for call in "d.write_sectors(0, b'short')", "d.transfer(READ, 0, [(4096, 500)])":
        with kernel.raises("ValueError", match="are no whole sectors of 512"):
            kernel.exec(call)
    assert kernel.eval("(r.read_only, r.read_sectors(3)[:8])") == (True, (3).to_bytes(8, "little"))
    for call in "r.write_sectors(3, bytes(512))", "r.write_frames(0, frames[:1])", "r.write(0, bytes(4096))":
        with kernel.raises("ReadOnlyDisk", match=r"disk at 00:02\.0: it can only be read"):
            kernel.exec(call)
    kernel.exec("r.flush()")
    for call, error in ("Disk()", "BarInUse"), ("Disk(2)", "NoSuchDevice"), ("Disk(None)", "NoSuchDevice"):
        with kernel.raises(error):
            kernel.exec(call)
    kernel.exec("d.drop(); f.drop()")
    for call in "d.read_sectors(0)", "d.flush()", "d.drop()":
        with kernel.raises("UseAfterUnmap"):
            kernel.exec(call)
    assert (kernel.folder / "image0").read_bytes() == (kernel.folder / "image1").read_bytes() == image(20)


def test_an_error_of_the_disk_has_its_sector_and_operation_and_comes_once(disks, tmp_path):
    errors = ("read_aio", 5, 'sector = "40"'), ("pwritev", 5, 'sector = "48"'), ("flush_to_disk", 5, "")
    kernel = disks((image(), debugged(tmp_path, *errors)))
    kernel.exec("d = Disk(); seen = []")
    for call, text, sector, count in (
        ("d.read_sectors(40, 3)", "sectors 40 to 42 can't be read: the device says an I/O error", 40, 3),
        ("d.write_sectors(48, bytes(512))", "sectors 48 to 48 can't be written: the device says an I/O error", 48, 1),
        ("d.flush()", "it can't be flushed: the device says an I/O error", 0, 0),
    ):
        with kernel.raises("DiskError", match=text):
            kernel.exec(f"try: {call}\nexcept DiskError as error: seen.append(error); raise")
        assert kernel.eval("(seen[-1].sector, seen[-1].count, seen[-1].status)") == (sector, count, 1)
        kernel.exec(call)
    assert kernel.eval("(d.read_sectors(48), d.device.is_running)") == (bytes(512), True)
    kernel.exec("d.device.queues[0]")
    with kernel.raises("DiskError", match=r"sectors 5 to 5 can't be .*: the device says that it does not do this"):
        kernel.exec("import devices.disk_requests as q\nq.DONE_TO[77] = q.REQUESTS[77] = 'x'")
        kernel.exec("d._requests.run(77, 5, [(d._requests._lent.runs[0][0] + 2048, 512)])")


def test_the_host_makes_the_disk_smaller(disks):
    kernel = disks((image(), ""))
    kernel.exec("d = Disk(); d.read_sectors(4000)")
    kernel.guest.monitor.execute("block_resize", device="d0", size=100 * 512)
    with kernel.raises("DiskError", match="sectors 4000 to 4000 can't be read"):
        kernel.exec("d.read_sectors(4000)")
    with kernel.raises("PastTheEnd", match="which has 51200 bytes"):
        kernel.exec("d.read_sectors(4000)")
    assert kernel.eval("(d.read_sectors(99)[:8], d.size_in_sectors)") == ((99).to_bytes(8, "little"), 100)


@pytest.mark.parametrize("says_so", ["on", "off"])
def test_small_queues_do(disks, says_so):
    """Also where the device says that it takes more pieces than there is room for."""
    kernel = disks((image(), ""), settings=f",queue-size=4,seg-max-adjust={says_so}")
    kernel.exec("d, f = Disk(), allocate_frames(9); frames = [each.number for each in f.range]")
    kernel.exec("d.read_frames(5, frames); d.write_frames(50, frames); d.read_frames(0, frames[:1])")
    now = (kernel.folder / "image0").read_bytes()
    assert now[50 * 4096 : 59 * 4096] == image()[5 * 4096 : 14 * 4096]
