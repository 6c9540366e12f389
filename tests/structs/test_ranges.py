"""Pages, frames and their ranges keep to the x86-64 architecture.

Rows are read as in test_addresses.py. Where this kernel differs from the x86_64 crate on purpose:

    the crate                                          here
    ranges with exclusive ends                         inclusive only; len() of a range across the hole can't exist
    `Page - n` below 0 panics                          OutOfRange
"""

import pytest
from harness import unix_port
from on_target import source

SETUP = source("unix_port/short_names")

PAGES = """
page(0x1fff) | Page(v0x1000)
page(0x3fffff, Page2M) | Page[2M](v0x200000)
page(0xdeadbeef, Page1G) | Page[1G](v0xc0000000)
Page.from_start_address(V(0x1000)) | Page(v0x1000)
Page.from_start_address(V(0x1001)) | Misaligned
Page.from_start_address(V(0x1000), Page2M) | Misaligned
Page.from_start_address(V(0x40000000), Page1G) | Page[1G](v0x40000000)
Page.containing_address(P(0)) | TypeError
Frame.containing_address(V(0)) | TypeError
Page.containing_address(0) | TypeError
page(0, 4096) | TypeError
Page(0xfffff80100) | NonCanonicalAddress
Page(0xfffffffff8010) | Page(v0xfffffffff8010000)
Page(1 << 35) | NonCanonicalAddress
Page(1 << 52) | NonCanonicalAddress
Page(True) | TypeError
Page(1, Page2M) | Misaligned
Frame((1 << 40) - 1) | Frame(p0xffffffffff000)
Frame(1 << 40) | PhysicalAddressTooWide
Frame.maximum() | Frame(p0xffffffffff000)
LAST | Page(v0xfffffffffffff000)
LAST.number == 2**52 - 1 | True
Page.maximum(Page2M) | Page[2M](v0xffffffffffe00000)
Page.maximum(Page1G) + 1 | OutOfRange
LAST + 1 | OutOfRange
page(0x7ffffffff000) + 1 | OutOfRange
page(0xffff800000000000) - 1 | OutOfRange
page(0x7ffffffff000) + 0xffff000000001 | AcrossTheHole
page(0) - 1 | OutOfRange
page(0) + 0 | Page(v0x0)
page(0) + 0x100000 | Page(v0x100000000)
page(0x7fffffffe000) + 1 | Page(v0x7ffffffff000)
page(0xffff800000000000) + 0x7ffffffff | Page(v0xfffffffffffff000)
page(0xffff800000000000) + 0x800000000 | OutOfRange
page(0x100000000) - 0x100000 | Page(v0x0)
page(0x100000000) - page(0) | 1048576
page(0x200000, Page2M) + 3 | Page[2M](v0x800000)
page(0x80000000, Page1G) - 1 | Page[1G](v0x40000000)
page(0x5000) - page(0x1000) | 4
page(0x800000, Page2M) - page(0x200000, Page2M) | 3
page(0x1000) - frame(0x1000) | TypeError
page(0x1000) + 1.0 | TypeError
page(0x1000) == page(0x1000) | True
page(0x1000) == frame(0x1000) | False
page(0x200000) == page(0x200000, Page2M) | False
page(0x1000) < page(0x2000) | True
page(0x1000) < frame(0x2000) | TypeError
page(0x200000) < page(0x400000, Page2M) | TypeError
len({page(0, s) for s in (Page4K, Page2M, Page1G)}) | 3
page(0x200000).to_size(Page2M) | Page[2M](v0x200000)
page(0x5000).end_address | v0x6000
page(0x200000, Page2M).end_address | v0x400000
Page.maximum().end_address | OutOfRange
Page.containing_address(V(0x7fffffffffff)).end_address | NonCanonicalAddress
Frame(0x101).end_address | p0x102000
Frame.maximum().end_address | PhysicalAddressTooWide
V(0x5000) in page(0x5000), V(0x5fff) in page(0x5000), V(0x6000) in page(0x5000) | (True, True, False)
V(0x4fff) in page(0x5000), V(0x3fffff) in page(0x200000, Page2M), P(0x101fff) in Frame(0x101) | (False, True, True)
P(0x5000) in page(0x5000) | TypeError
0x5000 in page(0x5000) | TypeError
page(0x201000).to_size(Page2M) | Misaligned
page(0x200000, Page2M).to_size(Page4K) | Page(v0x200000)
page(0x200000, Page2M).to_size(Page1G) | Misaligned
page(0xffffff7fbfdfe000).p4_index() | 510
page(0xffffff7fbfdfe000).p1_index() | 510
page(0x1000).start_address | v0x1000
page(0x200000, Page2M).last_number | 1023
frame(0x1000).start_address | p0x1000
frame(0x1000).p4_index() | AttributeError
Page4K.size_in_bytes | 4096
Page2M.size_in_bytes | 2097152
Page1G.size_in_bytes | 1073741824
[s.num_4k_pages for s in (Page4K, Page2M, Page1G)] | [1, 512, 262144]
[s.level for s in (Page4K, Page2M, Page1G)] | [1, 2, 3]
MemChunkSize.Huge2M is Page2M | True
"""

RANGES = """
pages(0x1000, 0x3000) | PageRange(v0x1000..=v0x3fff)
len(pages(0x1000, 0x3000)) | 3
pages(0x1000, 0x3000).size_in_pages | 3
pages(0x1000, 0x3000).size_in_bytes | 12288
FrameRange(frame(0), frame(0x32000)).size_in_frames | 51
pages(0x3000, 0x1000) | ReversedRange
PageRange(page(0), frame(0)) | TypeError
PageRange(page(0), page(0x200000, Page2M)) | TypeError
PageRange(page(0x7ffffffff000), page(0xffff800000000000)) | AcrossTheHole
PageRange(page(0), LAST) | AcrossTheHole
FrameRange(Frame(0), Frame.maximum()).size_in_bytes == 1 << 52 | True
PageRange(page(0xffff800000000000), LAST).size_in_bytes == 1 << 47 | True
PageRange.from_virt_addr(V(0x1fff), 2) | PageRange(v0x1000..=v0x2fff)
PageRange.from_virt_addr(V(0x1fff), 1) | PageRange(v0x1000..=v0x1fff)
PageRange.from_virt_addr(V(0x1fff), 0) | PageRange(empty)
PageRange.from_virt_addr(MAX, 1) | PageRange(v0xfffffffffffff000..=v0xffffffffffffffff)
PageRange.from_virt_addr(MAX, 2) | OutOfRange
PageRange.from_virt_addr(LOW_LAST, 2) | NonCanonicalAddress
PageRange.from_virt_addr(P(0), 1) | TypeError
FrameRange.from_phys_addr(P(0x200000), 1, Page2M) | FrameRange[2M](p0x200000..=p0x3fffff)
len(PageRange.empty()) | 0
PageRange.empty().start_address | EmptyRange
PageRange.empty().start | EmptyRange
PageRange.empty().end | EmptyRange
PageRange.empty().size_in_bytes | 0
list(PageRange.empty()) | []
list(reversed(PageRange.empty())) | []
PageRange.empty() == PageRange.empty() | True
PageRange.empty(Page2M).to_size(Page4K) | PageRange(empty)
PageRange.empty(Page1G).to_size(Page4K).size_in_pages | 0
PageRange.empty().contains_address(V(0)) | False
PageRange.empty().to_extended(page(0x5000)) | PageRange(v0x5000..=v0x5fff)
pages(0x2000, 0x3000).to_extended(page(0x5000)) | PageRange(v0x2000..=v0x5fff)
pages(0x2000, 0x3000).to_extended(page(0)) | PageRange(v0x0..=v0x3fff)
pages(0x2000, 0x3000).to_extended(LAST) | AcrossTheHole
pages(0x2000, 0x3000).contains_address(V(0x3fff)) | True
pages(0x2000, 0x3000).contains_address(V(0x4000)) | False
pages(0x2000, 0x3000).contains_address(V(0x1fff)) | False
pages(0x2000, 0x3000).contains_address(P(0x2000)) | TypeError
V(0x2000) in pages(0x2000, 0x3000) | True
page(0x4000) in pages(0x2000, 0x3000) | False
frame(0x2000) in pages(0x2000, 0x3000) | TypeError
5 in pages(0x2000, 0x3000) | TypeError
pages(0x2000, 0x5000).contains_range(pages(0x3000, 0x5000)) | True
pages(0x2000, 0x5000).contains_range(pages(0x3000, 0x6000)) | False
pages(0x2000, 0x5000).contains_range(PageRange.empty()) | False
pages(0x2000, 0x5000).overlap(pages(0x4000, 0x9000)) | PageRange(v0x4000..=v0x5fff)
pages(0x2000, 0x5000).overlap(pages(0x6000, 0x9000)) | None
pages(0x2000, 0x5000).overlap(PageRange.empty()) | None
pages(0x2000, 0x5000).overlap(FrameRange.empty()) | TypeError
pages(0x2000, 0x5000).offset_of_address(V(0x3004)) | 4100
pages(0x2000, 0x5000).offset_of_address(V(0x5fff)) | 16383
pages(0x2000, 0x5000).offset_of_address(V(0x6000)) | OutOfRange
pages(0x2000, 0x5000).address_at_offset(16383) | v0x5fff
pages(0x2000, 0x5000).address_at_offset(16384) | OutOfRange
pages(0x2000, 0x5000).address_at_offset(-1) | ValueError
PageRange.empty().address_at_offset(0) | OutOfRange
pages(0x200000, 0x600000, Page2M) | PageRange[2M](v0x200000..=v0x7fffff)
len(pages(0x200000, 0x600000, Page2M)) | 3
pages(0x200000, 0x600000, Page2M).contains_address(V(0x7fffff)) | True
pages(0x200000, 0x600000, Page2M).offset_of_address(V(0x7fffff)) | 6291455
pages(0x200000, 0x600000, Page2M).to_size(Page4K).size_in_pages | 1536
pages(0x200000, 0x3ff000).to_size(Page2M) | PageRange[2M](v0x200000..=v0x3fffff)
pages(0x201000, 0x3ff000).to_size(Page2M) | Misaligned
pages(0x200000, 0x3fe000).to_size(Page2M) | Misaligned
len(pages(0, 0x3ffff000).to_size(Page1G)) | 1
list(pages(0x1000, 0x3000)) | [Page(v0x1000), Page(v0x2000), Page(v0x3000)]
list(reversed(pages(0, 0x1000))) | [Page(v0x1000), Page(v0x0)]
list(PageRange(LAST - 1, LAST)) | [Page(v0xffffffffffffe000), Page(v0xfffffffffffff000)]
list(pages(0x7fffffffe000, 0x7ffffffff000)) | [Page(v0x7fffffffe000), Page(v0x7ffffffff000)]
sum(1 for p in PageRange(LAST - 1000, LAST)) | 1001
list(FrameRange(Frame.maximum() - 1, Frame.maximum())) | [Frame(p0xfffffffffe000), Frame(p0xffffffffff000)]
[hex(p.number) for p in reversed(PageRange(TOP_1G - 1, TOP_1G))] | ['0xffffffffc0000', '0xffffffff80000']
list(reversed(pages(0, 0x200000, Page2M))) | [Page[2M](v0x200000), Page[2M](v0x0)]
pages(0, 0x1000) == pages(0, 0x1000) | True
pages(0, 0x1000) == FrameRange(frame(0), frame(0x1000)) | False
pages(0, 0x1ff000) == pages(0, 0, Page2M) | False
len({pages(0, 0x1000), pages(0, 0x1000)}) | 1
"""

READ_ONLY = """
setattr(V(1), "value", 2) | AttributeError
setattr(page(0), "number", 2) | AttributeError
setattr(page(0), "size", Page2M) | AttributeError
setattr(pages(0, 0), "start", 2) | AttributeError
setattr(Page4K, "level", 2) | AttributeError
"""

TABLES = {"pages": PAGES, "ranges": RANGES, "read only": READ_ONLY}


@pytest.mark.parametrize("table", TABLES)
def test_every_row_gives_what_the_table_says(tmp_path, table):
    assert unix_port.wrong_rows(tmp_path, SETUP, TABLES[table]) == []


@pytest.mark.four_levels
def test_the_kernel_itself_gives_the_same(kernel):
    kernel.exec("from memory_structs import set_physical_address_bits; set_physical_address_bits(52)")
    kernel.exec(SETUP)
    for table in TABLES.values():
        assert kernel.eval(f"wrong_rows({list(unix_port.rows_of(table))!r})") == []


def test_errors_name_the_value_and_the_way_out(tmp_path):
    answers = unix_port.evaluate(
        tmp_path,
        SETUP,
        [
            "V(1 << 47)",
            "page(0x3000, Page4K).to_size(Page2M)",
            "pages(0x2000, 0x3000).offset_of_address(V(0x9000))",
            "P(1 << 52 | 5)",
            "V(0x1000) - P(0x1000)",
            "P(0x1000) + V(0x1000)",
            "V(0x1000) + V(0x2000)",
            "Page(1) - Frame(1)",
            "Frame(1) + Page(1)",
        ],
    )
    assert answers[0][1] == (
        "v0x800000000000 is outside the canonical addresses (bits 48 to 63 copy bit 47); "
        "the nearest is v0x7fffffffffff, and new_canonical() gives v0xffff800000000000"
    )
    assert answers[1][1] == "v0x3000 is not aligned to 0x200000; the next one below is v0x0"
    assert answers[2][1] == "v0x9000 is outside PageRange(v0x2000..=v0x3fff)"
    assert answers[3][1] == (
        "p0x10000000000005 is outside the physical address space (52 bits on this CPU); "
        "the nearest is p0xfffffffffffff, and new_truncate() gives p0x5"
    ), "canonical is said of linear addresses only"
    assert [text for _, text in answers[4:]] == [
        "VirtualAddress and PhysicalAddress are two kinds of address: v0x1000 and p0x1000",
        "PhysicalAddress and VirtualAddress are two kinds of address: p0x1000 and v0x1000",
        "v0x1000 and v0x2000 can't be added; a count of bytes can",
        "Page and Frame are two kinds of chunk: Page(v0x1000) and Frame(p0x1000)",
        "Frame and Page are two kinds of chunk: Frame(p0x1000) and Page(v0x1000)",
    ]
