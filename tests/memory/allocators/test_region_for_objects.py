"""The region for loaded objects is handed out to requests that name it, and to nobody else, however little is left."""

import pytest

REGION = "PageRange.from_numbers(LAYOUT['OBJECTS_PAGE'], LAYOUT['OBJECTS_PAGE'] + LAYOUT['OBJECTS_PAGES'] - 1)"


@pytest.fixture
def region_kernel(memory_kernel):
    memory_kernel.exec(f"""
        import memory
        from memory import *
        from paging.natives import LAYOUT
        from memory.allocators.requests import AllocationRequest
        region = {REGION}
        pool = memory.page_allocator.pool
        """)
    return memory_kernel


def test_it_lies_in_the_last_two_gib_between_the_image_and_emitted_code(region_kernel):
    first, pages, kernel, emitted = region_kernel.eval(
        "[LAYOUT[name] for name in ('OBJECTS_PAGE', 'OBJECTS_PAGES', 'KERNEL_PAGE', 'EMITTED_CODE_PAGE')]"
    )
    assert kernel < first
    assert first + pages == emitted


@pytest.mark.parametrize(
    "call",
    [
        "allocate_pages_in_range(1, region)",
        "allocate_pages_in_range(600, region)",
        "allocate_pages_at(region.start_address, 2)",
        "allocate_pages_deferred(AllocationRequest.WithinRange(region), 2)[0]",
    ],
)
def test_a_request_that_names_it_gets_it(region_kernel, call):
    assert region_kernel.eval(f"region.contains_address({call}.start_address)")


def test_a_mapping_in_it_is_owned_seen_and_given_back(region_kernel):
    before = region_kernel.eval("memory.page_allocator.statistics().free")
    region_kernel.exec("mapped = create_mapping_at(region.start_address, 8192, PteFlags().writable(True))")
    assert region_kernel.eval("memory.page_allocator.statistics().free") == before - 2
    assert region_kernel.eval("memory.verify().violations") == []
    region_kernel.exec("from shell.commands import owners, picture")
    assert "loaded objects" in region_kernel.eval("repr(owners())")
    assert region_kernel.eval("len(repr(picture('pool')))") < 2000  # it ends where the pool ends
    region_kernel.exec("mapped.drop(); del mapped")
    assert region_kernel.eval("memory.page_allocator.statistics().free") == before


def test_who_names_nothing_is_refused_when_the_pool_is_used_up(region_kernel):
    region_kernel.exec("""
        taken = []
        for first, count, _ in list(pool.runs()):
            if first < LAYOUT['OBJECTS_PAGE']:
                taken.append(allocate_pages_at(VirtualAddress(first << 12), count))
        """)
    for call in (
        "allocate_pages(1)",
        "allocate_pages(512)",
        "allocate_pages_deferred(AllocationRequest.Any(), 3)",
        "allocate_pages_deferred(AllocationRequest.AlignedTo(4), 3)",
        "create_mapping(4096, PteFlags())",
    ):
        with region_kernel.raises("OutOfPages", match="the largest free run has 0"):
            region_kernel.exec(call)
    assert region_kernel.eval("len(allocate_pages_in_range(1, region))") == 1
    region_kernel.exec("while taken: taken.pop().drop()")


@pytest.mark.parametrize(
    ("first", "holder"),
    [("LAYOUT['OBJECTS_PAGE'] - 1", "the kernel's image"), ("LAYOUT['EMITTED_CODE_PAGE'] - 1", "emitted code")],
)
def test_its_neighbours_are_refused_by_name(region_kernel, first, holder):
    with region_kernel.raises("AddressInUse", match=holder):
        region_kernel.exec(f"allocate_pages_at(VirtualAddress(({first}) << 12), 2)")
