"""The index of Theseus's crate `memory`: each name is here, or CONTRIBUTING says what there is in its place."""

import machine

STRUCTS = """
AllocatedPages EarlyIdentityMappedPages Frame FrameRange Immutable InitialMemoryMappings MappedPages
MemoryManagementInfo Mutable Page Page1G Page2M Page4K PageRange PageTable PhysicalAddress PteFlags PteFlagsArch
PteFlagsX86_64 VirtualAddress AllocationRequest MemChunkSize MemoryState DMA_FLAGS MMIO_FLAGS PAGE_SIZE PTE_FRAME_MASK
Mutability PageSize AllocatedFrames UnmappedFrames BorrowedMappedPages BorrowedSliceMappedPages MmiRef
"""
FUNCTIONS = """
allocate_frames allocate_frames_at allocate_frames_by_bytes allocate_frames_by_bytes_at
allocate_frames_by_bytes_deferred allocate_frames_deferred allocate_pages allocate_pages_at allocate_pages_by_bytes
allocate_pages_by_bytes_at allocate_pages_by_bytes_deferred allocate_pages_by_bytes_in_range allocate_pages_deferred
allocate_pages_in_range
create_contiguous_mapping create_identity_mapping create_mapping get_kernel_mmi_ref init init_post_heap map_frame_range
set_broadcast_tlb_shootdown_cb translate
"""
OF_MAPPED_PAGES = "as_type as_type_mut as_slice as_slice_mut remap merge unmap_into_parts split deep_copy into_borrowed"
OF_MAPPER = "map_allocated_pages map_allocated_pages_to"


def test_each_name_of_the_index_is_here_or_is_told_of(kernel):
    kernel.exec("import memory")
    names = (STRUCTS + FUNCTIONS).split()
    missing = kernel.eval(f"[name for name in {names} if name not in memory.__all__ or not hasattr(memory, name)]")
    assert missing == ["MmiRef"]
    told = (machine.ROOT / "CONTRIBUTING.md").read_text()
    assert all(f"`{name}`" in told for name in missing)
    for owner, methods in (("memory.MappedPages", OF_MAPPED_PAGES), ("memory.Mapper", OF_MAPPER)):
        assert kernel.eval(f"[name for name in {methods.split()} if not hasattr({owner}, name)]") == []
    assert kernel.eval("hasattr(memory.LoadedSection, 'as_func')")


def test_the_chapters_say_what_is_so(kernel):
    """A page from v0x5000 to v0x6000 contains its addresses; an allocation starts at the page that contains one."""
    kernel.exec("import memory\nfrom memory import *\npage = Page.containing_address(VirtualAddress(0x5678))")
    assert kernel.text("(page.start_address, page.end_address)") == "(v0x5000, v0x6000)"
    assert kernel.eval("[VirtualAddress(a) in page for a in (0x4fff, 0x5000, 0x5fff, 0x6000)]") == [
        False,
        True,
        True,
        False,
    ]
    kernel.exec("pages = allocate_pages_at(VirtualAddress(0x5678), 2)")
    assert kernel.text("pages.range") == "PageRange(v0x5000..=v0x6fff)"
    with kernel.raises("AddressInUse"):
        kernel.exec("allocate_pages_at(VirtualAddress(0x6abc), 1)")
    kernel.exec("pages.drop()\nframe = allocate_frames(1)\nat = frame.start_address + 5\nframe.drop()")
    kernel.exec("frame = allocate_frames_at(at, 1)\nrequest = AllocationRequest.AtAddress(VirtualAddress(0x7001))")
    assert kernel.eval("at in frame.range.start")
    kernel.exec("pages, action = memory.allocate_pages_deferred(request, 1)")
    assert kernel.text("pages.range.start") == "Page(v0x7000)"
    mmi = "memory.get_kernel_mmi_ref()"
    assert kernel.eval(f"[type(m).__name__ for m in {mmi}.extra_mapped_pages]") == ["MappedPages"] * kernel.eval(
        f"len({mmi}.extra_mapped_pages)"
    )
    assert kernel.eval(f"type({mmi}) is MemoryManagementInfo")
    assert kernel.eval("issubclass(Mutable, Mutability) and issubclass(Immutable, Mutability)")
