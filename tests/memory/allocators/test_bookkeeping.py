"""The books: runs come back together, sums add up, and what is refused or goes wrong in the middle leaves no trace."""


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
        assert fa.statistics().tables == 4
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
        even, odd, owner = owned[:50:2], owned[1:50:2], None  # a new name could make the globals grow
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


def test_lengths_beyond_32_bits_are_kept_whole(check):
    """Page numbers and lengths have 52 bits, a word of a node 32: what goes over or under 2**32 changes both words."""
    check("""
        import uctypes
        memory = bytearray(runs.bytes_for(16) + 8)
        tree = uctypes.addressof(memory) + 7 & -8
        BIG, FIRST = 1 << 32, (1 << 33) + 5
        def fresh(length):
            runs.create(tree, runs.bytes_for(16))
            assert runs.give(tree, FIRST << 1, length) == 0
        for length in BIG - 3, BIG, BIG + 3, 3 * BIG + 1:
            for count in 1, 2, 3, 4, BIG - 4:
                if count < length:
                    for take, at in ((lambda: runs.take(tree, count), 0),
                                     (lambda: runs.take_at(tree, FIRST, count), 0),
                                     (lambda: runs.take_at(tree, FIRST + length - count, count), length - count),
                                     (lambda: runs.take_at(tree, FIRST + 1, count), 1)):
                        if at + count > length:
                            continue
                        fresh(length)
                        run = take()
                        assert run >> 1 == FIRST + at
                        parts = [(FIRST, at), (FIRST + at + count, length - at - count)]
                        parts = [part for part in parts if part[1]]
                        assert [run[:2] for run in runs.runs_of(tree)] == parts, (length, count, at)
                        assert runs.total_of(tree) == length - count
                        assert runs.largest_of(tree) == max([n for _, n in parts])
                        assert runs.give(tree, run, count) == 0
                        assert [run[:2] for run in runs.runs_of(tree)] == [(FIRST, length)]
    """)


def test_a_search_ends_when_its_budget_is_used_up(check):
    """Twenty runs that are long enough and begin at odd numbers: what looks for an even one gives up, or goes on."""
    check("""
        from memory.runs import TOO_MANY
        from memory.runs.search import find
        owned = [allocate_frames(1) for _ in range(90)]
        first = owned[0].first_number
        assert [each.first_number for each in owned] == list(range(first, first + 90))
        odd = (first + 1) | 1
        gone = [each for each in owned if (each.first_number - odd) % 4 < 2 and 0 <= each.first_number - odd < 80]
        assert len(gone) == 40
        for each in gone: each.drop()
        tree, low, high = fa.pool.tree, first, first + 1000
        before = digest()
        assert [find(tree, low, high, 2, 2, budget) for budget in (1, 3, 20)] == [TOO_MANY] * 3
        assert find(tree, low, high, 2, 2, 21) >= first + 90
        assert find(tree, low, high, 2, 1, 1) == odd
        assert digest() == before
    """)
