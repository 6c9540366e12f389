"""A mapping has the flags that were asked for, or there is none: nothing is left out, added or clamped in silence."""

import pytest

PREPARE = """
import memory
from memory import *
from paging import ContradictoryFlags
table, LOW = get_kernel_mmi_ref().page_table, VirtualAddress(0x7000000)
RW = PteFlags().writable(True)
X86 = PteFlagsX86_64
shared = SharedFrames(allocate_frames(2))
low = table.create_mapping_at(LOW + (1 << 30), 8192, RW)
high = create_mapping(8192, RW)
def attempt(call, flags, *allocate):
    "The name of what a call raises, and whether everything is as it was, the owners that it was handed included."
    owners = [make() for make in allocate]
    before = memory.verify().violations, memory.frame_allocator.statistics().free
    try:
        call(*owners, flags)
        name = "nothing was refused"
    except Exception as error:
        name = type(error).__name__
    live = all([owner.size_in_bytes == 8192 for owner in owners])
    same = before == (memory.verify().violations, memory.frame_allocator.statistics().free)
    for owner in owners: owner.drop()
    return name, live and same
pages = lambda: allocate_pages(2)
low_pages = lambda: allocate_pages_at(LOW, 2)
frames = lambda: allocate_frames(2)
"""
# Each way to a mapping, with what it is handed.
UPPER = {
    "create_mapping": ["lambda flags: create_mapping(8192, flags)"],
    "create_mapping, many": ["lambda flags: create_mapping(1 << 22, flags)"],
    "create_mapping_at": ["lambda flags: create_mapping_at(high.start_address + (1 << 30), 8192, flags)"],
    "create_contiguous_mapping": ["lambda flags: create_contiguous_mapping(8192, flags)"],
    "map_frame_range": ["lambda flags: map_frame_range(PhysicalAddress(0xb8000), 8192, flags)"],
    "map_allocated_pages": ["table.map_allocated_pages", "pages"],
    "map_allocated_pages_to": ["table.map_allocated_pages_to", "pages", "frames"],
    "map_shared": ["lambda p, flags: table.map_shared(p, shared, flags)", "pages"],
    "remap": ["high.remap"],
    "deep_copy": ["low.deep_copy"],
}
LOWER = {
    "create_mapping_at": ["lambda flags: create_mapping_at(LOW, 8192, flags)"],
    "create_identity_mapping": ["lambda flags: create_identity_mapping(2, flags)"],
    "map_allocated_pages": ["table.map_allocated_pages", "low_pages"],
    "map_allocated_pages_to": ["table.map_allocated_pages_to", "low_pages", "frames"],
    "map_shared": ["lambda p, flags: table.map_shared(p, shared, flags)", "low_pages"],
    "remap": ["low.remap"],
}
NOWHERE = {
    "not VALID": "PteFlags().valid(False)",
    "not PRESENT": "X86.WRITABLE | X86.NO_EXECUTE",
    "HUGE_PAGE": "X86.PRESENT | X86.HUGE_PAGE | X86.NO_EXECUTE",
}


@pytest.fixture
def asked(kernel):
    kernel.exec(PREPARE)
    return kernel


def refuse(asked, ways, flags):
    """Every way refuses the flags by name, and everything is as it was."""
    for name, way in ways.items():
        call, *handed = way
        found = asked.eval(f"attempt({', '.join([call, flags, *handed])})")
        assert found == ("ContradictoryFlags", True), f"{name}: {flags}"
    assert asked.eval("memory.verify().violations") == []


@pytest.mark.parametrize("what", NOWHERE)
def test_flags_that_no_mapping_can_have_are_refused_by_every_call(asked, what):
    refuse(asked, UPPER, NOWHERE[what])
    refuse(asked, LOWER, NOWHERE[what])


def test_ring_3_can_be_let_in_below_and_not_above(asked):
    """Above, the root entries are the kernel's, and one level without the bit is enough to refuse."""
    asked.exec("USER = RW.user_accessible(True)\nuser = create_mapping_at(LOW + (2 << 30), 8192, USER)")
    refuse(asked, {**UPPER, "deep_copy of a user's": ["lambda flags: user.deep_copy()"]}, "USER")
    asked.exec("from faults import probe")
    asked.exec("user.remap(PteFlags().user_accessible(True)); low.remap(USER)")
    for name in ("user", "low"):
        assert asked.eval(f"probe.access({name}.start_address.value, probe.READ | probe.USER).ok")
    assert asked.eval("probe.access(high.start_address.value, probe.READ | probe.USER).error_code") == 5


def test_shared_frames_are_no_mappings_alone(asked):
    """EXCLUSIVE would be left out there; everywhere else it comes by itself, asked for or not."""
    asked.exec("ALONE = RW.exclusive(True)\nsecond = table.map_shared(pages(), shared, RW)")
    refuse(asked, {"map_shared": UPPER["map_shared"], "remap": ["second.remap"]}, "ALONE")
    assert asked.eval("create_mapping(8192, ALONE).flags == high.flags")


def test_what_a_call_gives_can_be_asked_for(asked):
    """The flags of a mapping, and the constants, ACCESSED and all, are good for the next one."""
    asked.exec("""
        kept = [create_mapping(4096, flags) for flags in (high.flags, HEAP_FLAGS, DMA_FLAGS, MMIO_FLAGS)]
        kept.append(create_mapping(4096, high.flags.to_arch()))
        """)
    assert asked.eval("[m.flags == high.flags for m in kept]") == [True, True, True, False, True]


@pytest.mark.parametrize("flags", ["X86.WRITABLE", "X86.PRESENT | X86.HUGE_PAGE"])
def test_what_the_paging_layer_is_asked_for_makes_sense(asked, flags):
    """A page is PRESENT, and a table no huge page. (A table is PRESENT whatever the parents' flags say.)"""
    asked.exec("""
        from paging import OffsetPageTable
        mapper, tables = OffsetPageTable(), memory.frame_allocator.table_frames
        page, frame, DATA = Page.containing_address(LOW), Frame(0xb8), X86.PRESENT | X86.NO_EXECUTE
        """)
    asks = f"DATA, tables, {flags}" if "HUGE" in flags else f"{flags}, tables"
    call = f"lambda flags: mapper.map_to(page, frame, {asks})"
    assert asked.eval(f"attempt({call}, None)") == ("ContradictoryFlags", True)
