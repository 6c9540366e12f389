"""What broke in another memory system of this design does not break here. The Bn are the list in the issue."""

import pytest


def test_b1_an_exact_request_over_freed_neighbours_never_reaches_into_a_live_owner(check):
    check("""
        owned = [allocate_pages_at(V(0x70000000 + i * 0x1000), 1) for i in range(16)]
        for owner in owned[:12]:
            owner.drop()
        before = digest()
        error = error_of(allocate_pages_at, V(0x70000000), 16)
        assert type(error) is AddressInUse and error.overlap == pages(0x7000c000, 0x7000ffff), error.args
        assert digest() == before
    """)


def test_b2_the_tail_behind_an_exact_request_is_not_lost(check):
    check("""
        before = digest()
        owned = [allocate_pages_at(V(0x70000000 + i * 0x4000), 4) for i in range(4)]
        for owner in owned:
            owner.drop()
        first = allocate_pages_at(V(0x70000000), 5)
        tail = allocate_pages_at(V(0x70005000), 11)
        first.drop()
        tail.drop()
        assert digest() == before
    """)


def test_b3_a_chunk_of_exactly_the_wanted_size_is_found(check):
    check("""
        limits = pages(0x800000, 0x803000)
        assert allocate_pages_in_range(4, limits).range == limits
        assert type(error_of(allocate_pages_in_range, 1, limits)) is OutOfPages
    """)


@pytest.mark.parametrize("number", [1 << 35, (1 << 51) + 5, 510 << 27])
def test_b4_the_canonical_hole_is_never_handed_out(check, number):
    check(f"""
        assert type(error_of(Page, {number})) is NonCanonicalAddress
        assert type(error_of(V, {number} << 12)) is NonCanonicalAddress
        assert type(error_of(PageRange, Page(1), Page(0xffff800000000))) is AcrossTheHole
        for arena in pa._arenas:
            for first, count, _ in arena.runs():
                assert first + count <= 1 << 35 or first >= 0xffff800000000
        lower = PageRange(Page(1), Page((1 << 35) - 1))
        assert type(error_of(allocate_pages_in_range, 1 << 35, lower)) is OutOfPages
        allocate_pages_in_range((1 << 35) - 1, lower).drop()
    """)


def test_b5_ten_pages_at_the_top_are_refused_not_shortened(check):
    check("""
        top = allocate_pages_at(V(0xfffffdfffffff000), 1)
        assert len(top) == 1
        top.drop()
        before = digest()
        assert type(error_of(allocate_pages_at, V(0xfffffdfffffff000), 10)) is AddressInUse
        assert type(error_of(allocate_pages_at, V(0x7ffffffff000), 10)) is OutOfRange
        assert type(error_of(allocate_pages_at, V(0xfffffffffffff000), 10)) is OutOfRange
        assert digest() == before
    """)


def test_b6_no_frame_number_above_what_the_cpu_addresses(check):
    check("""
        assert Frame.maximum().number == (1 << 40) - 1
        assert type(error_of(lambda: Frame.maximum() + 1)) is OutOfRange
        assert type(error_of(allocate_frames_at, P(0xffffffffff000), 2)) is OutOfRange
        assert type(error_of(Frame, 1 << 40)) is PhysicalAddressTooWide
        assert len(allocate_frames_at(P(0xffffffffff000), 1)) == 1
    """)


def test_b7_an_exact_request_over_five_freed_neighbours_is_served(check):
    check("""
        owned = [allocate_frames_at(P(0x800000 + i * 0x1000), 1) for i in range(5)]
        for i in (0, 2, 4, 1, 3):
            owned[i].drop()
        assert len(allocate_frames_at(P(0x800000), 5)) == 5
    """)


@pytest.mark.parametrize("count", [3, 7])
def test_b8_fragments_that_were_freed_serve_a_larger_request(check, count):
    check(f"""
        everything = allocate_frames(fa.statistics().largest_run)
        rest = []
        while fa.statistics().free:
            rest.append(allocate_frames(1))
        parts = []
        _, tail = everything.split(everything.start + (len(everything) - 7))
        for _ in range(6):
            part, tail = tail.split(tail.start + 1)
            parts.append(part)
        for i in (0, 2, 4, 1, 3, 5):
            parts[i].drop()
        tail.drop()
        assert fa.statistics().free == fa.statistics().largest_run == 7
        assert len(allocate_frames({count})) == {count}
    """)


def test_b9_free_ram_and_reserved_frames_never_melt_into_one(check):
    check("""
        ram = allocate_frames_at(P(0xfef000), 1)
        acpi = allocate_frames_at(P(0xff0000), 1)
        assert type(error_of(ram.merge, acpi)) is NotTouching
        first, count, _ = fa.into_mapped(ram, "map()")
        second, _, _ = fa.into_mapped(acpi, "map()")
        assert second == first + 1
        a, b = fa.from_mapped(first, 1), fa.from_mapped(second, 1)
        assert type(error_of(a.merge, b)) is NotTouching
        a.drop()
        b.drop()
        assert fa.statistics().reserved == 96 + 160 + 256 + 16, fa.statistics()
        assert all(first + count <= 0xff0 or first >= 0x100000 for first, count, _ in fa.pool.runs())
    """)


def test_b10_an_overlap_is_seen_below_the_lowest_region(check):
    check("""
        high = FrameAllocator.from_boot([(0x800000, 0x900000, 1)], [])
        owner = high.allocate_at(P(0x200000), 16)
        assert type(error_of(high.allocate_at, P(0x1ff000), 2)) is AddressInUse
        assert type(error_of(high.allocate_at, P(0x20f000), 1)) is AddressInUse
        assert type(error_of(high.allocate_at, P(0x7ff000), 2)) is OutOfRange
        assert len(high.allocate_at(P(0x1ff000), 1)) == 1
    """)


def test_b11_hundreds_of_free_chunks_and_regions_are_no_limit(check):
    check("""
        regions = [(0x10000000 + i * 0x4000, 0x10000000 + i * 0x4000 + 0x2000, 1) for i in range(500)]
        reserved = [(0x10000000 + i * 0x4000 + 0x1000, 0x10000000 + i * 0x4000 + 0x1800, 2) for i in range(0, 500, 5)]
        many = FrameAllocator.from_boot(regions + reserved, [])
        assert many.statistics().chunks == 500
        assert many.statistics().free == 900
        owned = [many.allocate(1) for _ in range(900)]
        assert many.statistics().free == 0
        for owner in owned[::2] + owned[1::2]:
            owner.drop()
        assert many.statistics().chunks == 500
    """)


def test_b17_huge_ranges_know_their_last_byte_and_emptiness(check):
    check("""
        huge = PageRange(Page(512, Page2M), Page(1024, Page2M))
        assert huge.contains_address(V(0x5fffff)) and not huge.contains_address(V(0x600000))
        assert huge.offset_of_address(V(0x5fffff)) == 0x3fffff
        for size in (Page2M, Page1G):
            assert len(PageRange.empty(size).to_size(Page4K)) == 0
    """)


def test_b18_arithmetic_never_yields_a_non_canonical_address(check):
    check("""
        assert type(error_of(lambda: V(0x7ffffffff000) + 0x1000)) is NonCanonicalAddress
        assert type(error_of(lambda: V(0x7ffffffff000) + V(0x1000))) is TypeError
        for operation in (lambda a, b: a & b, lambda a, b: a | b, lambda a, b: a ^ b):
            assert type(error_of(operation, V(0x1000), V(0x800))) is TypeError
    """)


def test_b19_ranges_run_backwards_down_to_zero(check):
    check("""
        assert [c.number for c in reversed(PageRange(Page(0), Page(2)))] == [2, 1, 0]
        assert [c.number for c in reversed(FrameRange(Frame(0, Page2M), Frame(512, Page2M)))] == [512, 0]
    """)


def test_b20_an_alignment_of_zero_is_refused_and_the_allocator_lives(check):
    check("""
        assert type(error_of(AllocationRequest.AlignedTo, 0)) is ValueError
        assert len(allocate_pages(1)) == 1
    """)


def test_b21_each_mistake_has_its_own_error(check):
    check("""
        device = allocate_frames_at(P(0xfee00000), 1)
        again = error_of(allocate_frames_at, P(0xfee00000), 1)
        assert type(again) is AddressInUse and again.overlap == frames(0xfee00000, 0xfee00000)
        assert type(error_of(allocate_pages_by_bytes_at, V(0x800001), 0)) is ValueError
        assert type(error_of(allocate_pages_by_bytes_at, V(0x800000), 0)) is ValueError
    """)


def test_b22_a_second_allocator_does_not_reset_the_first(check):
    check("""
        owner = allocate_pages(5)
        PageAllocator.from_layout(POOL, [LOWER], RESERVED_PAGES)
        assert type(error_of(allocate_pages_at, owner.start_address, 1)) is AddressInUse
    """)
