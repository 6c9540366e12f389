"""The four invariants under fire: every attempt through the public interface is refused with its own error.

    1  pages and frames are mapped one to one, by owners
    2  a mapping is unmapped exactly once, and only after the last reference to it
    3  nothing is accessed beyond the bounds of a mapping
    4  what can be written or executed was mapped so, and never both

Each attempt runs in the kernel against the same set of living owners; after each, all of them still live, the
allocators count what they counted, and the audit is clean.
"""

import pytest
from harness import Kernel, QemuGuest, depth
from on_target import source

PRELUDE = source("memory/prelude")

SETUP = """
ro = memory.create_mapping(4 * 4096, READ)
rw = memory.create_mapping(4 * 4096, WRITE)
rx = memory.create_mapping(4096, RUN)
big = memory.create_mapping(2 << 20, WRITE)
lent = memory.create_mapping(4096, WRITE)
view = lent.as_slice_mut("B")
dead = memory.create_mapping(4096, WRITE)
dead.drop()
gone_pages = memory.allocate_pages(2)
gone_pages.drop()
gone_frames = memory.allocate_frames(2)
gone_frames.drop()
pages, frames = memory.allocate_pages(4), memory.allocate_frames(4)
few = memory.allocate_frames(3)
shared = SharedFrames(memory.allocate_frames(2))
shared_rw = table.map_shared(memory.allocate_pages(2), shared, WRITE)
two = memory.allocate_pages(2)
other = PageTable.new_table(table)
low = other.map_allocated_pages(memory.allocate_pages_at(VirtualAddress(0x6000000), 2), WRITE)
low_next = table.map_allocated_pages(memory.allocate_pages_at(VirtualAddress(0x6002000), 2), WRITE)
device = memory.map_frame_range(PhysicalAddress(0xb8000), 4096, memory.MMIO_FLAGS)
section = memory.LoadedSection("data", rw)
owners = [ro, rw, rx, big, lent, pages, frames, few, shared_rw, two, low, low_next, device]
was = state()
"""

ATTEMPTS = [
    # 1: one to one, by owners
    ("table.map_allocated_pages_to(pages, few, WRITE)", "CountMismatch"),
    ("table.map_allocated_pages_to(gone_pages, frames, WRITE)", "UseAfterMove"),
    ("table.map_allocated_pages_to(pages, gone_frames, WRITE)", "UseAfterMove"),
    ("table.map_allocated_pages(gone_pages, WRITE)", "UseAfterMove"),
    ("table.map_allocated_pages(AllocatedPages(), WRITE)", "UseAfterMove"),
    ("table.map_allocated_pages_to(pages, AllocatedFrames(), WRITE)", "UseAfterMove"),
    ("table.map_allocated_pages_to(frames, pages, WRITE)", "TypeError"),
    ("table.map_allocated_pages_to(pages.range, frames.range, WRITE)", "TypeError"),
    ("table.map_allocated_pages_to(4, 5, WRITE)", "TypeError"),
    ("table.map_allocated_pages(rw, WRITE)", "TypeError"),
    ("table.map_allocated_pages_to(pages, shared, WRITE)", "TypeError"),
    ("table.map_shared(pages, shared, WRITE)", "CountMismatch"),
    ("table.map_shared(two, frames, WRITE)", "AttributeError TypeError"),
    ("SharedFrames(gone_frames)", "UseAfterMove"),
    ("SharedFrames(rw)", "TypeError"),
    ("memory.allocate_pages_at(rw.start_address, 1)", "AddressInUse"),
    ("memory.allocate_frames_at(rw.frames()[0].start_address, 1)", "AddressInUse"),
    ("memory.map_frame_range(rw.frames()[0].start_address, 4096, READ)", "AddressInUse"),
    ("memory.map_frame_range(PhysicalAddress(0xb8000), 4096, READ)", "AddressInUse"),
    ("memory.map_frame_range(PhysicalAddress(table.root << 12), 4096, WRITE)", "AddressInUse"),
    ("memory.map_frame_range(PhysicalAddress(0x200000), 4096, WRITE)", "AddressInUse"),
    ("memory.allocate_pages_at(VirtualAddress(0), 1)", "AddressInUse"),
    (f"memory.allocate_pages_at(VirtualAddress({depth.WINDOW:#x}), 1)", "AddressInUse"),
    (f"memory.allocate_pages_at(VirtualAddress({depth.root_entry(510):#x}), 1)", "AddressInUse"),
    ("memory.allocate_pages_at(VirtualAddress(0xffffffff80200000), 1)", "AddressInUse"),
    ("rw.merge(rw)", "NotTouching"),
    ("rw.merge(ro)", "NotTouching"),
    ("low.merge(low_next)", "NotTouching"),
    ("shared_rw.merge(rw)", "NotTouching"),
    ("rw.merge(pages)", "TypeError"),
    ("rw.merge(None)", "TypeError"),
    ("MappedPages().drop()", "UseAfterMove"),
    ("MappedPages().merge(rw)", "UseAfterMove"),
    ("rw.merge(MappedPages())", "UseAfterMove"),
    ("PageTable.new_table(None)", "AttributeError TypeError"),
    ("table.with_(None, print)", "TypeError"),
    ("memory.create_mapping(0, WRITE)", "ValueError"),
    ("memory.create_mapping(-1, WRITE)", "ValueError"),
    ("memory.create_mapping(True, WRITE)", "TypeError"),
    ("memory.create_mapping(1.5, WRITE)", "TypeError"),
    ("memory.create_mapping('1', WRITE)", "TypeError"),
    ("memory.create_mapping(1 << 50, WRITE)", "OutOfFrames OutOfPages"),
    ("memory.create_mapping(1 << 80, WRITE)", "OutOfFrames OutOfPages ValueError"),
    ("memory.create_mapping(4096, 3)", "TypeError"),
    ("memory.create_mapping(4096, None)", "TypeError"),
    ("memory.create_contiguous_mapping(1 << 45, WRITE)", "OutOfFrames"),
    ("memory.create_identity_mapping(0, WRITE)", "ValueError"),
    ("memory.map_frame_range(0xb9000, 4096, WRITE)", "TypeError AttributeError"),
    ("memory.map_frame_range(VirtualAddress(0xb9000), 4096, WRITE)", "TypeError"),
    ("Stack(0)", "ValueError"),
    ("Stack(-1)", "ValueError"),
    ("Stack(True)", "TypeError"),
    ("Stack(1 << 40)", "OutOfFrames OutOfPages"),
    # 2: exactly once, and after the last reference
    ("dead.drop()", "UseAfterMove"),
    ("dead.unmap()", "UseAfterMove"),
    ("dead.remap(READ)", "UseAfterMove"),
    ("dead.merge(rw)", "UseAfterMove"),
    ("rw.merge(dead)", "UseAfterMove"),
    ("dead.split(rw.start)", "UseAfterMove"),
    ("dead.unmap_into_parts()", "UseAfterMove"),
    ("dead.deep_copy()", "UseAfterMove"),
    ("dead.range", "UseAfterMove"),
    ("dead.flags", "UseAfterMove"),
    ("dead.page_table", "UseAfterMove"),
    ("len(dead)", "UseAfterMove"),
    ("dead.frames()", "UseAfterMove"),
    ("dead.__enter__()", "UseAfterMove"),
    ("dead.as_slice('B')", "UseAfterMove"),
    ("dead.as_type({'a': 0})", "UseAfterMove"),
    ("lent.drop()", "StillBorrowed"),
    ("lent.remap(READ)", "StillBorrowed"),
    ("lent.unmap_into_parts()", "StillBorrowed"),
    ("lent.merge(rw)", "StillBorrowed"),
    ("rw.merge(lent)", "StillBorrowed NotTouching"),
    ("big.split(big.start)", "OutOfRange"),
    ("big.split(big.end + 1)", "OutOfRange"),
    ("big.split(rw.start)", "OutOfRange"),
    ("big.split(5)", "TypeError"),
    ("big.split(big.start_address)", "TypeError"),
    ("shared_rw.split(shared_rw.start + 1)", "OutOfRange"),
    ("shared.into_frames()", "IllegalState"),
    ("table.drop()", "TableInUse"),
    ("other.drop()", "TableInUse"),
    ("device.deep_copy()", "IllegalState"),
    # 3: never beyond the bounds
    ("rw.as_slice('B', 0, 4 * 4096 + 1)", "OutOfBounds"),
    ("rw.as_slice('B', 4 * 4096, 1)", "OutOfBounds"),
    ("rw.as_slice('B', -1, 1)", "ValueError OutOfBounds"),
    ("rw.as_slice('Q', 4 * 4096 - 4, 1)", "Misaligned OutOfBounds"),
    ("rw.as_slice('Q', 0, 1 << 61)", "OutOfBounds ValueError OverflowError"),
    ("rw.as_slice('B', 1 << 63, 1)", "OutOfBounds ValueError OverflowError"),
    ("rw.as_slice('I', 1, 1)", "Misaligned"),
    ("rw.as_slice('O', 0, 1)", "ValueError"),
    ("rw.as_slice('P', 0, 1)", "ValueError"),
    ("rw.as_type({'a': 0 | (3 << 28)}, 4 * 4096)", "OutOfBounds TypeError ValueError"),
    ("view[4096]", "IndexError"),
    ("view[-4097]", "IndexError"),
    ("view.__setitem__(4096, 1)", "IndexError AttributeError"),
    ("rw.offset_of_address(rw.start_address + 4 * 4096)", "OutOfRange"),
    ("rw.address_at_offset(4 * 4096)", "OutOfRange"),
    ("memory.LoadedSection('x', rw, 0, 5 * 4096)", "OutOfBounds"),
    ("low.as_slice('B')[0]", "NotActive"),
    # 4: writable or executable only if mapped so, never both
    ("ro.as_slice_mut('B')", "NotWritable"),
    ("ro.as_type_mut({'a': 0})", "NotWritable"),
    ("rx.as_slice_mut('B')", "NotWritable"),
    ("ro.as_slice('B').__setitem__(0, 1)", "NotWritable AttributeError"),
    ("section.as_func('q(q)')", "NotExecutable"),
    ("memory.LoadedSection('x', ro).as_func('q(q)')", "NotExecutable"),
    ("memory.create_mapping(4096, WRITE.executable(True))", "WritableExecutable"),
    ("memory.create_mapping(4096, PteFlagsX86_64.PRESENT | PteFlagsX86_64.WRITABLE)", "WritableExecutable"),
    ("memory.create_mapping(4096, WRITE.executable(True), override='')", "WritableExecutable"),
    ("memory.create_mapping(4096, WRITE.executable(True), override=True)", "WritableExecutable"),
    ("table.map_allocated_pages(pages, WRITE.executable(True))", "WritableExecutable"),
    ("table.map_allocated_pages_to(pages, frames, WRITE.executable(True))", "WritableExecutable"),
    ("rw.remap(WRITE.executable(True))", "WritableExecutable"),
    ("rx.remap(RUN.writable(True))", "WritableExecutable"),
    ("ro.deep_copy(WRITE.executable(True))", "WritableExecutable"),
    ("table.map_shared(two, shared, RUN)", "WritableExecutable"),
    ("shared_rw.remap(WRITE.executable(True))", "WritableExecutable"),
    ("memory.create_contiguous_mapping(4096, WRITE.executable(True))", "WritableExecutable"),
    ("memory.map_frame_range(PhysicalAddress(0xb9000), 4096, WRITE.executable(True))", "WritableExecutable"),
    ("memory.create_identity_mapping(1, WRITE.executable(True))", "WritableExecutable"),
    ("rw.remap(PteFlags.EXECUTABLE | PteFlags.NOT_EXECUTABLE)", "ContradictoryFlags"),
    ("rw.remap(3)", "TypeError"),
    ("memory.get_kernel_mmi_ref().initial_mappings.text.remap(WRITE)", "SystemMapping"),
    ("memory.get_kernel_mmi_ref().initial_mappings.rodata.drop()", "SystemMapping"),
    ("memory.get_kernel_mmi_ref().initial_mappings.window[0].unmap_into_parts()", "SystemMapping"),
    ("memory.set_broadcast_tlb_shootdown_cb(5)", "TypeError"),
]


@pytest.fixture(scope="module")
def living(request):
    """One kernel for all attempts: each must leave it as it was."""
    with QemuGuest() as guest:
        guest.console.wait_for_prompt(15)
        kernel = Kernel(guest)
        kernel.exec(PRELUDE)
        kernel.exec(SETUP)
        yield kernel


@pytest.mark.parametrize(("attempt", "expected"), ATTEMPTS, ids=[attempt for attempt, _ in ATTEMPTS])
def test_the_attempt_is_refused_and_changes_nothing(living, attempt, expected):
    assert living.eval(f"refused(lambda: {attempt})") in expected.split()
    assert living.eval("all([bool(owner) for owner in owners])")
    assert living.eval("[now - then for now, then in zip(state(), was)]") == [0] * 18
    assert living.eval("(memory.verify().violations, memory.verify().unowned)") == ([], [])
