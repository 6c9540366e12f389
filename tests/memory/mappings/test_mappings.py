"""Mappings with an owner: map, remap, merge, split, copy, share, unmap; several tables; what broke elsewhere."""

import pytest
from on_target import source
from oracle import page_walk

PRELUDE = source("memory/prelude")
PAGE = 4096


@pytest.fixture
def owned(kernel):
    """A kernel with the prelude; at the end every frame and page is back, and the audit is clean."""
    kernel.exec(PRELUDE)
    kernel.exec("before = state()")
    yield kernel
    assert kernel.eval("memory.verify().violations") == []
    kernel.exec("for name in list(globals()):\n    if name.startswith('my_'):\n        del globals()[name]")
    assert kernel.eval("state()") == kernel.eval("before")


def cr3_of(kernel):
    return kernel.eval("PageTable.from_current().root") * PAGE


def leaf_of(kernel, address):
    return page_walk.translate(cr3_of(kernel), kernel.guest.memory, address)


def test_a_new_mapping_is_zero_and_keeps_what_is_written(owned):
    owned.exec("my = memory.create_mapping(3 * 4096, WRITE)\nwrite(my, 5000, b'hello')")
    assert owned.eval("read(my, 4998, 9)") == b"\0\0hello\0\0"
    address = owned.eval("my.start_address.value") + 5000
    pa = leaf_of(owned, address).pa + address % PAGE
    assert owned.guest.memory.read(pa, 5) == b"hello"
    owned.exec("my.drop()")
    assert leaf_of(owned, address) is None


def test_frames_come_back_zero_after_they_held_something(owned):
    # B26: a frame's old contents never reach its next owner.
    owned.exec(
        "my = memory.create_mapping(64 * 4096, WRITE)\n"
        "write(my, 0, b'secret' * 40000)\n"
        "frames = [f.start.number for f in my.frames()]\n"
        "my.drop()"
    )
    owned.exec("my = memory.create_mapping(64 * 4096, READ)")
    assert owned.eval("[f.start.number for f in my.frames()] == frames")
    assert owned.eval("read(my, 0, 64 * 4096) == bytes(64 * 4096)")
    owned.exec("my.drop()")


def test_table_frames_of_the_past_are_zero_when_they_are_mapped(owned):
    owned.exec(
        """
        my = memory.create_mapping(700 * 4096, WRITE, huge=False)
        my.drop()
        my = memory.create_mapping(720 * 4096, WRITE, huge=False)
        """
    )
    assert owned.eval("read(my, 0, 720 * 4096) == bytes(720 * 4096)")
    owned.exec("my.drop()")


def test_given_frames_are_mapped_in_order(owned):
    owned.exec(
        "f = memory.allocate_frames(5)\n"
        "first = f.start_address.value\n"
        "my = table.map_allocated_pages_to(memory.allocate_pages(5), f, WRITE)"
    )
    start, first = owned.eval("(my.start_address.value, first)")
    assert [leaf_of(owned, start + i * PAGE).pa for i in range(5)] == [first + i * PAGE for i in range(5)]
    assert owned.eval("bool(f)") is False
    owned.exec("my.drop()")


def test_huge_pages_are_used_where_both_sides_allow(owned):
    owned.exec("my = memory.create_mapping(6 << 20, WRITE)")
    start = owned.eval("my.start_address.value")
    assert [leaf_of(owned, start + i * (2 << 20)).level for i in range(3)] == [2, 2, 2]
    owned.exec("my.drop()\nmy = memory.create_mapping(6 << 20, WRITE, huge=False)")
    assert leaf_of(owned, owned.eval("my.start_address.value")).level == 1
    owned.exec("my.drop()")


def test_remap_changes_rights_and_keeps_accessed_dirty_exclusive(owned):
    owned.exec("my = memory.create_mapping(2 * 4096, WRITE)\nwrite(my, 0, b'x')")
    address = owned.eval("my.start_address.value")
    before = leaf_of(owned, address).raw
    assert before >> 5 & 3 == 3
    owned.exec("my.remap(READ)")
    after = leaf_of(owned, address).raw
    assert before & ~2 == after
    assert after >> 55 & 1
    with owned.raises("PageFault", "write"):
        owned.exec("import _memory\n_memory.store8(my.start_address.value, 1)")
    owned.exec("my.remap(RUN)")
    assert leaf_of(owned, address).executable
    owned.exec("my.drop()")


@pytest.mark.parametrize(("pages", "rounds"), [(1, 25), (2, 25), (16, 5), (600, 1)])
def test_remap_and_unmap_reach_the_tlb(owned, pages, rounds):
    """Every page was touched just before: a forgotten invalidation would let the second access through.

    The TLB forgets by itself too, so it takes many rounds, and the last page goes first.
    """
    owned.exec(
        f"""
        import _memory
        def faults(access, first):
            count = 0
            for i in range({pages} - 1, -1, -1):
                try:
                    access(first + i * 4096)
                except Exception:
                    count += 1
            return count
        def store(address):
            _memory.store8(address, 7)
        def round():
            my = memory.create_mapping({pages} * 4096, WRITE, huge=False)
            first = my.start_address.value
            counts = [faults(store, first)]
            my.remap(READ)
            counts.append(faults(store, first))
            counts.append(faults(_memory.load8, first))
            my.drop()
            counts.append(faults(_memory.load8, first))
            return counts
        neighbour = memory.create_mapping(4096, WRITE)  # so that no table becomes empty, and is flushed for that
        results = [round() for _ in range({rounds})]
        neighbour.drop()
        """
    )
    assert owned.eval("results") == [[0, pages, 0, pages]] * rounds


def test_merge_and_split_give_the_same_mapping_back(owned):
    owned.exec(
        "my = memory.create_mapping(10 * 4096, WRITE)\n"
        "write(my, 4 * 4096, b'middle')\n"
        "whole = my.range\n"
        "a, b = my.split(my.start + 4)"
    )
    assert owned.eval("(len(a), len(b), bool(my), read(b, 0, 6))") == (4, 6, False, b"middle")
    owned.exec("b.merge(a)")
    assert owned.eval("(bool(a), b.range == whole, read(b, 4 * 4096, 6))") == (False, True, b"middle")
    owned.exec("a, c = b.split(b.start + 1)\nc.drop()\na.drop()")


def test_splitting_inside_a_huge_page_divides_it_and_keeps_every_byte(owned):
    owned.exec(
        "my = memory.create_mapping(4 << 20, WRITE)\n"
        "for i in range(1024):\n"
        "    write(my, i * 4096, bytes((i & 255, i >> 8)))\n"
        "a, b = my.split(my.start + 700)"
    )
    start = owned.eval("a.start_address.value")
    assert leaf_of(owned, start).level == 2
    assert leaf_of(owned, start + (2 << 20)).level == 1
    assert owned.eval("all([read(a, i * 4096, 2) == bytes((i & 255, i >> 8)) for i in range(700)])")
    assert owned.eval("all([read(b, i * 4096, 2) == bytes((i + 700 & 255, i + 700 >> 8)) for i in range(324)])")
    owned.exec("a.drop()")
    assert owned.eval("read(b, 0, 2)") == bytes((700 & 255, 700 >> 8))
    owned.exec("b.drop()")


def test_unmap_into_parts_returns_all_frames_by_runs(owned):
    # Theseus returns only the first run.
    owned.exec(
        """
        parts = [memory.allocate_frames(1) for _ in range(9)]
        numbers = [parts[i].start.number for i in (8, 0, 1, 2, 5, 4)]
        pages = memory.allocate_pages(6)
        maps = []
        rest = pages
        for i in (8, 0, 1, 2, 5):
            one, rest = rest.split(rest.start + 1)
            maps.append(table.map_allocated_pages_to(one, parts[i], WRITE))
        maps.append(table.map_allocated_pages_to(rest, parts[4], WRITE))
        my = maps[0]
        for other in maps[1:]:
            my.merge(other)
        whole = my.range
        got_pages, got = my.unmap_into_parts()
        """
    )
    assert owned.eval("got_pages.range == whole")
    assert owned.eval("[(f.start.number, len(f)) for f in got]") == owned.eval(
        "[(numbers[0], 1), (numbers[1], 3), (numbers[4], 1), (numbers[5], 1)]"
    )
    owned.exec("got_pages.drop()\nfor f in got: f.drop()\nfor i in (3, 6, 7): parts[i].drop()")


def test_a_deep_copy_has_the_bytes_and_frames_of_its_own(owned):
    owned.exec(
        "my = memory.create_mapping(3 * 4096, WRITE)\n"
        "write(my, 100, b'original')\n"
        "copy = my.deep_copy(READ)\n"
        "write(my, 100, b'changed!')"
    )
    assert owned.eval("(read(copy, 100, 8), copy.flags == READ)") == (b"original", True)
    assert owned.eval("any([a.overlap(b) is not None for a in my.frames() for b in copy.frames()])") is False
    owned.exec("copy.drop()\nmy.drop()")


def test_drop_inside_with_is_fine_and_a_second_drop_is_not(owned):
    owned.exec("with memory.create_mapping(4096, WRITE) as my:\n    my.drop()")
    with owned.raises("UseAfterMove"):
        owned.exec("my.drop()")


def test_forgotten_mappings_and_tables_come_back_at_a_safe_point(owned):
    owned.exec(
        """
        def forget():
            other = PageTable.new_table(table)
            other.map_allocated_pages(memory.allocate_pages_at(VirtualAddress(0x40000000), 3), WRITE)
            memory.create_mapping(30 * 4096, WRITE)
            raise ValueError
        try:
            forget()
        except ValueError:
            pass
        """
    )
    assert owned.eval("state()") == owned.eval("before")


def test_an_exact_device_region_is_granted_once_and_comes_back(owned):
    owned.exec("my = memory.map_frame_range(PhysicalAddress(0xb8000), 4000, memory.MMIO_FLAGS)")
    assert owned.eval("(my.kind, memory.translate(my.start_address).value)") == ("device", 0xB8000)
    with owned.raises("AddressInUse"):
        owned.exec("memory.map_frame_range(PhysicalAddress(0xb8000), 1, memory.MMIO_FLAGS)")
    owned.exec(
        "my.drop()\nmy = memory.map_frame_range(PhysicalAddress(0xfee00000), 4096, memory.MMIO_FLAGS)\nmy.drop()"
    )


def test_contiguous_and_identity_mappings(owned):
    owned.exec(
        "my, address = memory.create_contiguous_mapping(5 * 4096, WRITE)\ni = memory.create_identity_mapping(3, WRITE)"
    )
    assert owned.eval("[f.start_address.value for f in my.frames()] == [address.value]")
    assert owned.eval("memory.translate(i.start_address).value == i.start_address.value")
    owned.exec("my.drop()\ni.drop()")


def test_a_stack_has_a_guard_page_that_faults(owned):
    owned.exec(
        "my = Stack(3)\nimport _memory\n_memory.store64(my.top.value - 8, 1)\n_memory.store64(my.bottom.value, 1)"
    )
    with owned.raises("PageFault"):
        owned.exec("_memory.store64(my.bottom.value - 8, 1)")
    assert owned.eval("my.guard_page.number + 1 == my.bottom.number")
    with owned.raises("AddressInUse"):
        owned.exec("memory.allocate_pages_at(my.guard_page.start_address, 1)")
    owned.exec("my.drop()")


def test_shared_frames_are_freed_with_the_last_mapping(owned):
    owned.exec(
        """
        my = SharedFrames(memory.allocate_frames(2))
        a = table.map_shared(memory.allocate_pages(2), my, WRITE)
        b = table.map_shared(memory.allocate_pages(2), my, READ)
        write(a, 10, b'seen twice')
        free = memory.frame_allocator.statistics().free
        my.drop()
        a.drop()
        """
    )
    assert owned.eval("(read(b, 10, 10), memory.frame_allocator.statistics().free == free)") == (b"seen twice", True)
    owned.exec("b.drop()")


# Several tables.


def test_the_kernels_half_is_shared_by_tables_made_before(owned):
    owned.exec(
        """
        other = PageTable.new_table(table)
        my = memory.create_mapping(600 * 4096, WRITE, huge=False)
        write(my, 599 * 4096, b'there')
        address = my.start_address.value + 599 * 4096
        other.switch_to()
        in_other = bytes(read(my, 599 * 4096, 5))
        late = other.map_allocated_pages(memory.allocate_pages(2), WRITE)
        write(late, 0, b'late')
        other_is = PageTable.from_current() is other
        early_drop = memory.create_mapping(600 * 4096, WRITE, huge=False)
        early_drop.drop()
        table.switch_to()
        """
    )
    assert owned.eval("(in_other, other_is, read(late, 0, 4), read(my, 599 * 4096, 5))") == (
        b"there",
        True,
        b"late",
        b"there",
    )
    owned.exec("late.drop()\nmy.drop()\nother.drop()")


def test_a_level_3_table_of_the_kernels_half_outlives_its_last_mapping(owned):
    """Root entry 416 is empty but for this: freeing its table would take it away from every other root."""
    owned.exec(
        """
        other = PageTable.new_table(table)
        at = VirtualAddress(0xffffd00000000000)
        table.map_allocated_pages(memory.allocate_pages_at(at, 1), WRITE).drop()
        """
    )
    for root in owned.eval("(table.root, other.root)"):
        assert int(page_walk.read_table(owned.guest.memory, root * PAGE)[416]) & 1
    owned.exec(
        """
        my = table.map_allocated_pages(memory.allocate_pages_at(at, 1), WRITE)
        write(my, 0, b'again')
        other.switch_to()
        seen = read(my, 0, 5)
        table.switch_to()
        my.drop()
        other.drop()
        """
    )
    assert owned.eval("seen") == b"again"


def test_the_lower_half_belongs_to_its_own_table(owned):
    # B15, B23: every operation acts on the mapping's own table, whichever is active.
    owned.exec(
        """
        a, b = PageTable.new_table(table), PageTable.new_table(table)
        my = a.map_allocated_pages(memory.allocate_pages_at(VirtualAddress(0x5000000), 2), WRITE)
        at = VirtualAddress(0x5000000)
        """
    )
    assert owned.eval("(a.translate_addr(at) is not None, b.translate_addr(at), table.translate_addr(at))") == (
        True,
        None,
        None,
    )
    owned.exec("view = my.as_slice('B')")
    with owned.raises("NotActive"):
        owned.exec("view[0]")
    owned.exec("b.switch_to()")
    with owned.raises("NotActive"):
        owned.exec("view[0]")
    owned.exec("view.release()\nmy.remap(READ)")
    assert "WRITABLE" not in owned.text("a.translate(at).flags")
    owned.exec("a.switch_to()\nmy.remap(WRITE)\nwrite(my, 0, b'mine')\nb.switch_to()\nmy.drop()")
    assert owned.eval("a.translate_addr(at)") is None
    owned.exec("table.switch_to()\na.drop()\nb.drop()")


def test_with_works_on_another_table_and_leaves_no_trace_in_either_root(owned):
    # B16: the second recursive slot is not left behind.
    owned.exec(
        """
        other = PageTable.new_table(table)
        def work(mapper_of_other, mapper_of_self):
            return mapper_of_other.map_allocated_pages(memory.allocate_pages_at(VirtualAddress(0x7000000), 1), WRITE)
        my = table.with_(other, work)
        """
    )
    for root in owned.eval("(table.root, other.root)"):
        entries = page_walk.read_table(owned.guest.memory, root * PAGE)
        assert int(entries[509]) == 0
        assert int(entries[508]) & 0xFFFFFFFFFF000 != root * PAGE
        assert int(entries[510]) & 0xFFFFFFFFFF000 == root * PAGE
    assert owned.eval("my.page_table is other and PageTable.from_current() is table")
    owned.exec("my.drop()\nother.drop()")


def test_an_active_table_and_one_with_mappings_cannot_be_dropped(owned):
    owned.exec("other = PageTable.new_table(table)\nother.switch_to()")
    with owned.raises("TableInUse", "active"):
        owned.exec("other.drop()")
    owned.exec(
        "table.switch_to()\n"
        "my = other.map_allocated_pages(memory.allocate_pages_at(VirtualAddress(0x7000000), 1), WRITE)"
    )
    with owned.raises("TableInUse", "1 mapping"):
        owned.exec("other.drop()")
    with owned.raises("TableInUse", "kernel"):
        owned.exec("table.drop()")
    owned.exec("my.drop()\nother.drop()")
    with owned.raises("UseAfterMove"):
        owned.exec("other.switch_to()")


# What broke elsewhere (theseus-semantics, B12 to B16).


def test_misalignment_is_an_error(owned):
    # B12
    owned.exec("my = memory.create_mapping(4096, WRITE)")
    for expression in ("my.as_slice('I', 2, 1)", "my.as_slice_mut('Q', 4, 1)"):
        with owned.raises("Misaligned"):
            owned.exec(expression)
    owned.exec("my.drop()")


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


def test_an_override_is_logged_by_name(owned):
    owned.exec(
        "my = memory.create_mapping(4096, WRITE.executable(True), override='the just-in-time compiler of a test')"
    )
    assert "the just-in-time compiler of a test" in owned.guest.log()
    assert any("writable and executable" in text for text in owned.eval("memory.verify().violations"))
    owned.exec("my.drop()")


def test_a_machine_whose_memory_is_in_pieces_maps_the_pieces(owned):
    owned.exec(
        """
        held = []
        while memory.frame_allocator.statistics().largest_run > 3000:
            held.append(memory.allocate_frames(memory.frame_allocator.statistics().largest_run - 1))
        while memory.frame_allocator.statistics().free:
            held.append(memory.allocate_frames(memory.frame_allocator.statistics().largest_run))
        long, owner = sorted(held, key=len)[-1].split(sorted(held, key=len)[-1].end - 640)
        pieces = []
        while len(owner) > 3:
            one, owner = owner.split(owner.start + 1)
            two, owner = owner.split(owner.start + 2)
            two.drop()
            pieces.append(one)
        pieces += [owner, long]
        held = [owner for owner in held if owner]
        del owner, one, two, long
        my = memory.create_mapping(300 * 4096, WRITE)
        """
    )
    assert owned.eval("len(my.frames()) >= 140 and read(my, 0, 300 * 4096) == bytes(300 * 4096)")
    assert owned.eval("memory.verify().violations") == []
    owned.exec("my.drop()\nfor owner in held + pieces: owner.drop()\ndel held, pieces")
