"""A map that fails is taken back, frames are freed after the flush, and what is owed or has no owner is found."""

import pytest


def test_a_partial_map_is_rolled_back(owned):
    # B13: the paging layer put a page into the middle of what is to be mapped.
    owned.exec(
        """
        from paging import OffsetPageTable
        pages = memory.allocate_pages(40)
        spare = memory.allocate_frames(1)
        raw = OffsetPageTable()
        raw.map_to(pages.start + 17, spare.start, WRITE, memory.frame_allocator.table_frames)
        frames = memory.allocate_frames(40)
        middle = state()
        """
    )
    for call in ("table.map_allocated_pages(pages, WRITE)", "table.map_allocated_pages_to(pages, frames, WRITE)"):
        with owned.raises("PageAlreadyMapped"):
            owned.exec(call)
        assert owned.eval("(state() == middle, bool(pages), bool(frames))") == (True, True, True)
        assert owned.eval("[table.frame_number_of(pages.start.number + i) >= 0 for i in range(40)].count(True)") == 1
    assert owned.eval("[r.count('PageRange') for r in memory.verify().unowned]") == [1]
    owned.exec(
        "raw.unmap(pages.start + 17)[2].flush()\n"
        "raw.clean_up(memory.frame_allocator.table_frames)\n"
        "pages.drop()\n"
        "frames.drop()\n"
        "spare.drop()"
    )


@pytest.mark.parametrize("runs", [1, 5])
def test_frames_are_freed_only_after_the_flush_and_the_callback(owned, runs):
    # B14: Theseus frees all runs but the first and the last before the broadcast.
    owned.exec(
        f"""
        frames = [memory.allocate_frames(2) for _ in range({2 * runs})]
        pages = memory.allocate_pages({2 * runs})
        my = None
        for i in range({runs}):
            two, pages = pages.split(pages.start + 2) if i < {runs} - 1 else (pages, None)
            made = table.map_allocated_pages_to(two, frames[2 * i], WRITE)
            if my is None:
                my = made
            else:
                my.merge(made)
        told = []
        def callback(range):
            told.append((range, memory.frame_allocator.statistics().free, memory.translate(range.start_address)))
        memory.set_broadcast_tlb_shootdown_cb(callback)
        free = memory.frame_allocator.statistics().free
        whole = my.range
        """
        if runs > 1
        else """
        frames = []
        my = memory.create_mapping(4096, WRITE)
        told = []
        def callback(range):
            told.append((range, memory.frame_allocator.statistics().free, memory.translate(range.start_address)))
        memory.set_broadcast_tlb_shootdown_cb(callback)
        free = memory.frame_allocator.statistics().free
        whole = my.range
        """
    )
    owned.exec("my.drop()\nmemory.set_broadcast_tlb_shootdown_cb(None)")
    assert owned.eval("[(r == whole, f == free, a) for r, f, a in told]") == [(True, True, None)]
    assert owned.eval("memory.frame_allocator.statistics().free > free")
    owned.exec("for f in frames:\n    if f: f.drop()")


def test_a_shootdown_callback_that_raises_leaves_the_unmap_complete(owned):
    owned.exec(
        """
        def bad(range):
            raise RuntimeError("no other CPU answered")
        my = memory.create_mapping(3 * 4096, WRITE)
        memory.set_broadcast_tlb_shootdown_cb(bad)
        """
    )
    with owned.raises("RuntimeError"):
        owned.exec("my.drop()")
    owned.exec("memory.set_broadcast_tlb_shootdown_cb(None)")
    assert owned.eval("bool(my)") is False


def test_a_flush_that_is_owed_is_a_finding(owned):
    owned.exec(
        """
        from paging import OffsetPageTable
        raw = OffsetPageTable()
        spare = memory.allocate_frames(1)
        at = Page(0x2000)
        raw.map_to(at, spare.start, WRITE, memory.frame_allocator.table_frames)
        owed = raw.unmap(at)[2]
        """
    )
    assert any("flush is owed" in text for text in owned.eval("memory.verify().violations"))
    owned.exec("owed.flush()\nraw.clean_up(memory.frame_allocator.table_frames)\nspare.drop()")


def test_a_scan_finds_what_the_paging_layer_put_in_without_an_owner(owned):
    owned.exec(
        """
        from paging import OffsetPageTable
        raw = OffsetPageTable()
        spare = memory.allocate_frames(1)
        for number in 0x2000, 0x2001, 0x3000:
            raw.map_to(Page(number), spare.start, WRITE, memory.frame_allocator.table_frames)
        """
    )
    assert owned.eval("memory.verify().unowned") == [
        "PageRange(v0x2000000..=v0x2001fff)",
        "PageRange(v0x3000000..=v0x3000fff)",
    ]
    owned.exec(
        """
        for number in 0x2000, 0x2001, 0x3000:
            raw.unmap(Page(number))[2].flush()
        raw.clean_up(memory.frame_allocator.table_frames)
        spare.drop()
        """
    )


def test_the_guard_is_left_whenever_the_quick_way_gives_up(owned):
    """Where a table is missing, one page is mapped in more steps: so it is with every 512th page of the pool."""
    owned.exec("""
        import _critical
        kept, depths = [], set()
        for number in range(1100):
            kept.append(memory.create_mapping(4096, WRITE))
            depths.add(_critical.depth())
        kept = None
        """)
    assert owned.eval("depths") == {0}
