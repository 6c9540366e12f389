"""What the allocators promise: owners that can't be doubled, runs that come back together, refusals without traces."""

import pytest


def test_everything_can_be_had_and_comes_back_as_it_was(check):
    check("""
        before = digest()
        owned = []
        while True:
            try:
                owned.append(allocate_frames(1))
            except OutOfFrames as error:
                assert error.count == 1 and error.largest == 0
                break
        assert fa.statistics().free == 0 and len(owned) == fa.statistics().allocated
        assert len({o.first_number for o in owned}) == len(owned)
        assert type(error_of(allocate_frames, 512)) is OutOfFrames
        full = digest()
        assert type(error_of(allocate_frames, 1)) is OutOfFrames and digest() == full
        for owner in owned[::3] + owned[1::3] + owned[2::3]:
            owner.drop()
        assert digest() == before
    """)


def test_the_lowest_address_that_fits_is_taken(check):
    check("""
        a, b, c = allocate_pages(3), allocate_pages(1), allocate_pages(5)
        assert b.start == a.end + 1 and c.start == b.end + 1
        a.drop()
        assert allocate_pages(4).start == c.end + 1
        assert allocate_pages(3).start_address == V(0xffffc00000000000)
    """)


@pytest.mark.parametrize(("count", "aligned"), [(511, 1), (512, 512), (1000, 512), (262144, 262144), (300000, 262144)])
def test_large_requests_begin_on_huge_boundaries(check, count, aligned):
    check(f"""
        allocate_pages(1)
        assert allocate_pages({count}).first_number % {aligned} == 0
        limits = PageRange(Page(1), Page(1 << 20))
        assert allocate_pages_in_range({count}, limits).first_number % {aligned} == 0
    """)


def test_a_large_request_that_can_only_lie_badly_is_still_served(check):
    check("""
        limits = PageRange(Page(513), Page(513 + 600))
        assert allocate_pages_in_range(600, limits).first_number == 513
        limits = FrameRange(Frame(0xe01), Frame(0xfef))
        assert len(allocate_frames_in_range(0xfef - 0xe01 + 1, limits)) == 0x1ef
    """)


def test_every_pair_of_size_and_alignment_is_served(check):
    check("""
        values = (1, 2, 4, 8, 27, 48, 256, 512, 1024)
        for count in values:
            for alignment in values:
                for allocator in (pa, fa):
                    owner = allocator.allocate_request(AllocationRequest.AlignedTo(alignment), count)
                    assert owner.first_number % alignment == 0 and len(owner) == count
                    owner.drop()
    """)


def test_wishes_combine(check):
    check("""
        at, aligned, within = AllocationRequest.AtAddress, AllocationRequest.AlignedTo, AllocationRequest.WithinRange
        request = aligned(6) & aligned(4) & within(pages(0x100000, 0x1fffff)) & within(pages(0x180000, 0x2fffff))
        assert str(request) == "AlignedTo(12) & WithinRange(PageRange(v0x180000..=v0x1fffff))"
        assert pa.allocate_request(request, 3).first_number == 384
        exact = at(V(0x190000)) & within(pages(0x190000, 0x192000)) & aligned(8)
        assert pa.allocate_request(exact, 3).start_address == V(0x190000)
        assert str(AllocationRequest.Any() & AllocationRequest.Any()) == "Any()"
        assert AllocationRequest.AlignedTo(4).alignment == 4 and exact.address == V(0x190000)
    """)


def test_by_bytes_counts_the_offset_into_the_first_page(check):
    check("""
        assert len(allocate_pages_by_bytes(1)) == 1
        assert len(allocate_pages_by_bytes(4096)) == 1
        assert len(allocate_frames_by_bytes(4097)) == 2
        assert allocate_pages_by_bytes_at(V(0x800fff), 2).range == pages(0x800000, 0x801fff)
        assert allocate_frames_by_bytes_at(P(0x800fff), 1).range == frames(0x800000, 0x800000)
        assert len(allocate_pages_by_bytes_in_range(8193, pages(0x900000, 0x9fffff))) == 3
    """)


def test_unasked_pages_come_from_the_kernels_pool_only(check):
    check("""
        pool = PageRange(Page(POOL[0]), Page(POOL[1]))
        with allocate_pages(1) as one:
            assert pool.contains_range(one.range)
        assert type(error_of(allocate_pages, pool.size_in_pages + 1)) is OutOfPages
        owner = allocate_pages(pool.size_in_pages)
        assert type(error_of(allocate_pages, 1)) is OutOfPages
        assert len(allocate_pages_in_range(1, pages(0x1000, 0x1000))) == 1
    """)


def test_an_owner_answers_what_its_range_answers(check):
    check("""
        owner = allocate_pages_at(V(0x400000), 4)
        assert owner.range == pages(0x400000, 0x403000) and str(owner.start_address) == "v0x400000"
        assert owner.size_in_pages == len(owner) == 4 and owner.size_in_bytes == 16384
        assert owner.start == page(0x400000) and owner.end == page(0x403000)
        assert owner.offset_of_address(V(0x401002)) == 0x1002 and owner.address_at_offset(5) == V(0x400005)
        assert owner.contains(page(0x403000)) and owner.contains_address(V(0x403fff))
        assert owner.state is MemoryState.ALLOCATED and bool(owner)
        owner.drop()
        assert owner.state is MemoryState.FREE and not owner
        assert repr(owner) == "AllocatedPages(consumed by drop())"
        assert allocate_frames_at(P(0x400000), 1).size_in_frames == 1
    """)


def test_with_drops_and_a_drop_inside_is_fine(check):
    check("""
        before = digest()
        with allocate_pages(3) as owner:
            assert len(owner) == 3
        with allocate_frames(3) as owner:
            owner.drop()
        try:
            with allocate_pages(2):
                raise KeyError
        except KeyError:
            pass
        assert digest() == before
        assert type(error_of(owner.__enter__)) is UseAfterMove
    """)


def test_split_and_merge_move_ownership(check):
    check("""
        before = digest()
        whole = allocate_pages_at(V(0x400000), 8)
        low, high = whole.split(page(0x403000))
        assert (len(low), len(high)) == (3, 5) and high.start == page(0x403000)
        error = error_of(whole.drop)
        assert type(error) is UseAfterMove and error.consumer == "split()"
        low, nothing = low.split(page(0x403000))
        assert len(nothing) == 0 and repr(nothing) == "AllocatedPages(empty)" and nothing.range == PageRange.empty()
        nothing.drop()
        nothing, low = low.split(page(0x400000))
        nothing.drop()
        high.merge(low)
        assert high.range == pages(0x400000, 0x407000)
        assert error_of(low.drop).consumer == "merge()"
        high.drop()
        assert digest() == before
    """)


def test_split_range_gives_three(check):
    check("""
        before = digest()
        f = allocate_frames_at(P(0x400000), 8)
        a, b, c = f.split_range(frames(0x402000, 0x404000))
        assert [len(x) for x in (a, b, c)] == [2, 3, 3] and b.range == frames(0x402000, 0x404000)
        assert error_of(lambda: f.range).consumer == "split_range()"
        x, y, z = b.split_range(b.range)
        assert [len(o) for o in (x, y, z)] == [0, 3, 0]
        for owner in (a, c, x, y, z):
            owner.drop()
        assert digest() == before
    """)


def test_clean_is_kept_by_splitting_and_lost_by_joining_dirty(check):
    check("""
        f = allocate_frames_at(P(0x400000), 8)
        assert not f.is_clean()
        f.mark_clean()
        a, b = f.split(frame(0x404000))
        assert a.is_clean() and b.is_clean()
        b.mark_clean(False)
        a.merge(b)
        assert not a.is_clean()
        wall, more = allocate_frames_at(P(0x3ff000), 1), allocate_frames_at(P(0x408000), 1)
        a.mark_clean()
        a.drop()
        low, high = allocate_frames_at(P(0x400000), 2), allocate_frames_at(P(0x406000), 2)
        assert low.is_clean() and high.is_clean()
        low.mark_clean(False)
        low.drop()
        assert not allocate_frames_at(P(0x404000), 1).is_clean()
        assert high.is_clean()
    """)


def test_frames_go_through_all_four_states(check):
    check("""
        before = digest()
        free = fa.statistics().free
        f = allocate_frames(5)
        first, count, clean = fa.into_mapped(f, "map()")
        assert error_of(f.drop).consumer == "map()"
        s = fa.statistics()
        assert (s.free, s.allocated, s.mapped, s.unmapped) == (free - 5, 0, 16 + 5, 0)
        u = fa.from_mapped(first, count)
        assert u.state is MemoryState.UNMAPPED and fa.statistics().unmapped == 5
        assert type(error_of(fa.into_mapped, u, "map()")) is IllegalState
        f = u.into_allocated_frames()
        assert type(error_of(u.into_allocated_frames)) is UseAfterMove
        assert fa.statistics().allocated == 5 and f.state is MemoryState.ALLOCATED
        f.drop()
        u = unmapped_frames(3)
        u.drop()
        assert type(error_of(u.drop)) is UseAfterMove
        assert digest() == before
        p = allocate_pages(2)
        first, count, _ = pa.into_mapped(p, "map()")
        assert pa.statistics().mapped == 2
        pa.from_mapped(first, count).drop()
        assert digest() == before
    """)


def test_device_regions_are_granted_once_and_again_after_the_drop(check):
    check("""
        reserved = fa.statistics().reserved
        for address, count, outside in ((0xb8000, 1, 0), (0xa0000, 24, 0), (0xff0000, 16, 0), (0xfee00000, 1, 1),
                                        (1 << 40, 512, 512)):
            owner = allocate_frames_at(P(address), count)
            s = fa.statistics()
            assert s.device == outside and s.reserved == reserved and s.allocated == 0, s
            assert type(error_of(allocate_frames_at, P(address), count)) is AddressInUse
            owner.drop()
            assert fa.statistics().device == 0
            allocate_frames_at(P(address), count).drop()
        low, high = allocate_frames_at(P(0xfee00000), 4).split(frame(0xfee01000))
        high.drop()
        assert fa.statistics().device == 1
        with allocate_frames_at(P(0xfee01000), 3) as again:
            low.merge(again)
        assert len(low) == 4
        assert all(o < 0x1000 or o >= 0x100000 for o in (allocate_frames(1).first_number for _ in range(100)))
    """)


def test_the_states_of_ram_add_up_to_the_map(check):
    check("""
        def adds_up():
            s = fa.statistics()
            assert s.free + s.allocated + s.mapped + s.unmapped + s.tables + s.reserved == s.total == 2 * 4096, s
            return s
        s = adds_up()
        assert (s.tables, s.mapped, s.reserved, s.device) == (4, 16, 256 + 256 + 16, 0)
        table = fa.table_frames.allocate_frame()
        held = [allocate_frames(7), unmapped_frames(3), allocate_frames_at(P(0xfee00000), 9)]
        fa.into_mapped(allocate_frames(2), "map()")
        s = adds_up()
        assert (s.tables, s.allocated, s.unmapped, s.mapped, s.device) == (5, 7, 3, 18, 9)
        fa.table_frames.deallocate_frame(table)
        assert adds_up().tables == 4
        assert repr(s).startswith("%d free, 7 allocated, 18 mapped, 3 unmapped, 5 tables" % s.free)
        s = pa.statistics()
        assert s.free + s.allocated + s.mapped + s.reserved == s.total and s.quarantine == 0
    """)


def test_table_frames_run_dry_with_none(check):
    check("""
        tables = fa.table_frames
        taken = []
        while True:
            table = tables.allocate_frame()
            if table is None:
                break
            taken.append(table)
        assert tables.allocate_number() == -1 and fa.statistics().free == 0
        assert fa.statistics().tables == len(taken) + 4
        for table in taken:
            tables.deallocate_frame(table)
        tables.deallocate_frame(frame(0x300000))
        assert fa.statistics().tables == 3
        assert allocate_frames_at(P(0x300000), 1).start == frame(0x300000)
    """)


def test_what_a_deferred_action_holds_is_postponed_never_lost(check):
    check("""
        before = digest()
        request = AllocationRequest.WithinRange(pages(0x10000, 0x1ffff))
        owner, action = allocate_pages_deferred(request, 4)
        assert owner.start == page(0x10000) and action.size_in_4k == (1 << 35) - 1 - 4
        assert pa.statistics().free == sum(count for r in before[3:] for _, count, _ in r[0]) - 4
        other = allocate_pages_in_range(2, pages(0x40000, 0x41fff))
        assert action.size_in_4k == 0
        action.drop()
        assert type(error_of(action.drop)) is UseAfterMove
        owner.drop()
        other.drop()
        assert digest() == before
        owner, action = allocate_frames_deferred(AllocationRequest.AlignedTo(512), 3)
        with action:
            assert fa.statistics().chunks < len(list(fa.pool.runs())) + 1
        owner.drop()
        owner, action = allocate_frames_by_bytes_deferred(AllocationRequest.AtAddress(P(0x800000)), 5000)
        assert len(owner) == 2 and action.size_in_4k == 0
        with action:
            action.drop()
        owner.drop()
        assert digest() == before
    """)


def test_a_forgotten_deferred_action_gives_way_to_an_exact_request(check):
    check("""
        owner, action = allocate_frames_deferred(AllocationRequest.Any(), 1)
        action = None
        gc_free = fa.statistics().free
        assert len(allocate_frames_at(owner.start_address + 0x1000, 1)) == 1
        assert fa.statistics().free == gc_free - 1
    """)


def test_nothing_changes_when_the_python_heap_is_full(check):
    check("""
        import gc, micropython
        owner = allocate_pages(8)
        before = digest()
        calls = [
            lambda: allocate_pages(1), lambda: allocate_pages(600), lambda: allocate_frames(3),
            lambda: allocate_pages_at(V(0x900000), 1), lambda: owner.split(owner.start + 1),
            lambda: allocate_frames_at(P(0xfee00000), 1),
            lambda: allocate_pages_deferred(AllocationRequest.AlignedTo(3), 5),
        ]
        for call in calls:
            micropython.heap_lock()
            try:
                call()
                refused = False
            except MemoryError:
                refused = True
            finally:
                micropython.heap_unlock()
            assert refused and digest() == before
        assert len(owner) == 8
    """)


def test_dropping_needs_no_heap(check):
    check("""
        import micropython
        before = digest()
        owned = [allocate_frames(1) for _ in range(100)]
        owned[50].drop()
        even, odd = owned[:50:2], owned[1:50:2]
        micropython.heap_lock()
        for owner in even:
            owner.drop()
        for owner in odd:
            owner.drop()
        micropython.heap_unlock()
        for owner in owned[51:]:
            owner.drop()
        assert digest() == before
    """)


def test_an_allocator_entered_from_inside_itself_refuses(check):
    check("""
        import uctypes
        owner = allocate_pages(2)
        other = allocate_frames(2)
        before = digest()
        for arena, allocate, drop in ((pa.pool, allocate_pages, owner.drop), (fa.pool, allocate_frames, other.drop)):
            busy = uctypes.bytearray_at(arena.tree + 18 * 4, 4)
            busy[0] = 1
            for call, argument in ((allocate, 1), (allocate, 600)):
                assert type(error_of(call, argument)) is Reentered
            assert type(error_of(drop)) is Reentered
            busy[0] = 0
        assert digest() == before and len(owner) == 2
        owner.drop()
    """)


def test_owners_are_limited_before_the_bookkeeping_can_run_out(check):
    check("""
        small = PageAllocator.from_layout((1000, 1999), [], [], nodes=20)
        start = list(small.pool.runs())
        owned = []
        while True:
            try:
                owned.append(small.allocate(1))
            except OutOfBookkeeping as error:
                assert error.owners == len(owned)
                break
        assert 18 <= len(owned) <= 20
        wide = owned.pop()
        wide.drop()
        wide = small.allocate(4)
        before = list(small.pool.runs())
        assert type(error_of(wide.split, wide.start + 1)) is OutOfBookkeeping
        assert len(wide) == 4 and list(small.pool.runs()) == before
        for owner in owned[::2] + owned[1::2] + [wide]:
            owner.drop()
        assert list(small.pool.runs()) == start
    """)


def test_owners_of_two_machines_do_not_mix(check):
    check("""
        first = allocate_pages(2)
        other = PageAllocator.from_layout(POOL, [], [])
        one, two = other.allocate(2), other.allocate(2)
        assert type(error_of(first.merge, two)) is NotTouching
        one.merge(two)
    """)


def test_the_cost_does_not_depend_on_how_much_is_asked(check):
    check("""
        owner = allocate_pages(1 << 33)
        assert len(owner) == 1 << 33
        owner.drop()
        from memory import runs
        before = digest()
        run = runs.take(pa.pool.tree, 1 << 33)
        assert runs.give(pa.pool.tree, run, 1 << 33) == 0 and digest() == before
    """)
