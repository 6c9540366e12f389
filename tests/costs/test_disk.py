"""What a request to a disk, and a fault that needs one, may cost beside the disk's own time, in guest instructions."""

import pytest
from harness import Kernel, QemuGuest
from harness.guard import COUNTS

pytestmark = COUNTS

ROWS = [
    "disk: read a page",
    "disk: write a page",
    "disk: a page comes, a frame is free",
    "disk: a page comes, a clean one goes",
    "disk: a page comes, a dirty one goes",
]


@pytest.fixture(scope="module")
def counted(tmp_path_factory):
    """A kernel on a machine that counts instructions and has a disk."""
    image = tmp_path_factory.mktemp("disk") / "image"
    image.write_bytes(bytes(2 << 20))
    with QemuGuest(counted=True, disk=str(image)) as guest:
        guest.console.wait_for_prompt(30)
        yield Kernel(guest, timeout=60)


@pytest.mark.parametrize("row", ROWS)
def test_a_row_is_within_its_limit_and_leaves_nothing(counted, row):
    counted.soft_reset()
    counted.exec("import memory\nfrom diagnostics import bench, bench_disk")
    counted.exec(f"bench.run({row!r})\nbefore = memory.frame_allocator.statistics().free")
    limit, instructions = counted.eval(f"(bench_disk.LIMITS[{row!r}], bench.run({row!r})[0])")
    assert 0 < instructions <= limit
    assert counted.eval("(memory.frame_allocator.statistics().free - before, memory.verify().violations)") == (0, [])


def test_all_rows_are_listed(counted):
    counted.soft_reset()
    counted.exec("from diagnostics import bench, bench_disk")
    assert counted.eval("sorted(bench_disk.LIMITS)") == sorted(ROWS)
    assert set(ROWS) <= counted.eval("bench.machines()").keys()
