"""Which pages and frames a request gets: the lowest that fit, huge boundaries for large ones, wishes combined."""

import pytest


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
