"""Each frame is counted once, whatever the allocators' counters say."""

import pytest


@pytest.mark.parametrize("counter", ["mapped", "tables", "unmapped", "postponed", "managed"])
@pytest.mark.parametrize("more", [1, -1])
def test_a_counter_that_is_wrong_shows(audited, said, counter, more):
    assert said(f"counted_wrong(pool, {counter!r}, {more})") != ""
    if counter != "tables":
        assert said(f"counted_wrong(memory.page_allocator.pool, {counter!r}, {more})") != ""


def test_a_wrong_total_or_a_frame_with_two_owners_shows(audited, said):
    audited.exec("frames = memory.allocate_frames(5)")
    assert audited.eval("memory.verify().frames['allocated']") == 5
    audited.exec("give(pool.tree, frames.start.number << 1, 5)")
    text = said("memory.verify().violations")
    assert "is of AllocatedFrames, and free" in text
    audited.exec("take_at(pool.tree, frames.start.number, 5)")
    audited.exec("count = _memory.load32(pool.tree + 64)\nstore32(pool.tree + 64, count + 1)")
    text = said("memory.verify().violations")
    assert "frames: free were found" in text
    audited.exec("store32(pool.tree + 64, count)\nframes.drop()")


def test_every_frame_of_ram_is_counted_once(audited):
    audited.exec(
        """
        kept = [memory.allocate_frames(7), SharedFrames(memory.allocate_frames(3))]
        kept.append(memory.create_mapping(9 * 4096, WRITE))
        shared = SharedFrames(memory.allocate_frames(2))
        kept.append(table.map_shared(memory.allocate_pages(2), shared, READ))
        owner, action = memory.allocate_frames_deferred(memory.AllocationRequest.Any(), 5)
        audit, counts = memory.verify(), memory.frame_allocator.statistics()
        """
    )
    assert audited.eval("audit.violations") == []
    for name in "free", "allocated", "mapped", "unmapped", "tables":
        assert audited.eval(f"audit.frames[{name!r}] == counts.{name}"), name
    audited.exec("action.drop()\nowner.drop()\nfor one in reversed(kept): one.drop()\nshared.drop()")
