"""What an owner promises: it can't be doubled, moves by split and merge, and gives back what it has exactly once."""


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


def test_a_run_is_clean_if_all_that_it_was_joined_of_is(check):
    """Three neighbours that are clean or not come back in every order: one dirty frame makes all of them dirty."""
    check("""
        places = 0x400000, 0x402000, 0x404000
        for case in range(8):
            for order in ((0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)):
                walls = allocate_frames_at(P(0x3ff000), 1), allocate_frames_at(P(0x406000), 1)
                owners = [allocate_frames_at(P(place), 2) for place in places]
                for number, owner in enumerate(owners):
                    owner.mark_clean(bool(case >> number & 1))
                for number in order:
                    owners[number].drop()
                joined = allocate_frames_at(P(0x400000), 6)
                assert joined.is_clean() == (case == 7), (case, order)
                for owner in walls + (joined,):
                    owner.drop()
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


def test_owners_of_two_machines_do_not_mix(check):
    check("""
        first = allocate_pages(2)
        other = PageAllocator.from_layout(POOL, [], [])
        one, two = other.allocate(2), other.allocate(2)
        assert type(error_of(first.merge, two)) is NotTouching
        one.merge(two)
    """)
