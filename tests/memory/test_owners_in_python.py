"""Owners in the language: they iterate, contain and index as their ranges do, take no attributes, and end a `with`."""

import pytest

PREPARE = """
import memory
from memory import *
RW = PteFlags().writable(True)
K = get_kernel_mmi_ref().page_table
OWNERS = {
    "AllocatedPages": lambda: allocate_pages(4),
    "AllocatedFrames": lambda: allocate_frames(4),
    "UnmappedFrames": lambda: create_mapping(16384, RW, huge=False).unmap_into_parts()[1][0],
    "MappedPages": lambda: create_mapping(16384, RW),
    "SharedFrames": lambda: SharedFrames(allocate_frames(4)),
    "Stack": lambda: Stack(4),
    "PageTable": lambda: PageTable.new_table(K),
}
def refused(call):
    try: call()
    except Exception as error: return type(error).__name__
    return "nothing was refused"
"""
RANGED = ["AllocatedPages", "AllocatedFrames", "UnmappedFrames", "MappedPages", "SharedFrames"]
ATTRIBUTES = ["flags", "range", "start", "state", "size_in_bytes", "root", "access", "anything"]


@pytest.fixture
def owners(kernel):
    kernel.exec(PREPARE)
    return kernel


@pytest.mark.parametrize("kind", RANGED)
def test_an_owner_is_iterated_over_indexed_and_asked_as_its_range(owners, kind):
    owners.exec(f"x = OWNERS[{kind!r}]()\nr = x.range\nchunks = list(r)")
    assert owners.eval("len(chunks)") == 4
    same = ["list(x)", "list(reversed(x))[::-1]", "[x[n] for n in range(4)]", "[x[n] for n in range(-4, 0)]"]
    for way in same:
        assert owners.eval(f"{way} == chunks"), way
    assert owners.eval("(x[1:3] == r[1:3], list(x[1:3]) == chunks[1:3], x[:] == r, x[3:1].is_empty())") == (True,) * 4
    inside = ["chunks[3]", "r.start_address", "r.start_address + 16383", "r", "r[1:3]"]
    outside = ["chunks[3] + 1", "r.start_address + 16384", "type(r)(chunks[0], chunks[3] + 1)"]
    assert owners.eval(f"[each in x for each in ({', '.join(inside)})]") == [True] * 5
    assert owners.eval(f"[each in x for each in ({', '.join(outside)})]") == [False] * 3
    assert owners.eval("[refused(lambda: x[n]) for n in (4, -5, 1 << 70)]") == ["IndexError"] * 3
    assert owners.eval("[refused(lambda: x[n]) for n in (None, 'a', 1.0)]") == ["TypeError"] * 3
    assert owners.eval("refused(lambda: 5 in x)") == "TypeError"
    owners.exec("x.drop()")
    asked = ["list(x)", "x[0]", "chunks[0] in x", "list(reversed(x))"]
    for way in asked:
        assert owners.eval(f"refused(lambda: {way})") == "UseAfterMove", way


@pytest.mark.parametrize("kind", [*RANGED, "Stack", "PageTable"])
def test_nobody_sets_an_attribute_of_an_owner(owners, kind):
    """It would be no right and no place of what is owned, and hide the true one."""
    owners.exec(f"x = OWNERS[{kind!r}]()\nbefore = repr(x)")
    for name in ATTRIBUTES:
        told = f"refused(lambda: x.{name})"
        owners.exec(f"before = {told}")
        assert owners.eval(f"refused(lambda: setattr(x, {name!r}, 5))") == "AttributeError", name
        assert owners.eval(f"{told} == before"), name
    with owners.raises("AttributeError", match="'flags'"):
        owners.exec("x.flags = PteFlags()")
    owners.exec("x.drop()")


STUCK = {
    "PageTable": "inside = x.create_mapping_at(VirtualAddress(0x7000000), 4096, RW)",
    "AllocatedFrames": "from paging import BootInfoFrameAllocator\n"
    "    inside = BootInfoFrameAllocator(BootInfo().memory_map, x); out = inside.allocate_frame()",
    "MappedPages": "from paging import OffsetPageTable\n"
    "    inside = OffsetPageTable().access.walk(x.start.number, 1, 0) & -8; import _memory\n"
    "    from paging.guard import opens_guard; store64 = opens_guard(_memory.store64)\n"
    "    entry = _memory.load64(inside); store64(inside, 0)",
}
UNSTUCK = {
    "PageTable": "inside.drop()",
    "AllocatedFrames": "inside.deallocate_frame(out)",
    "MappedPages": "store64(inside, entry)",
}


SAID = {"PageTable": "TableInUse", "AllocatedFrames": "IllegalState", "MappedPages": "MappingDamaged"}


@pytest.mark.parametrize("kind", STUCK)
def test_what_went_wrong_inside_goes_on(owners, kind):
    """Also when the owner can't be dropped then; and without an exception that is told."""
    owners.exec(f"x = OWNERS[{kind!r}]()")
    with owners.raises("OSError", match="on purpose"):
        owners.exec(f"with x:\n    {STUCK[kind]}\n    raise OSError('on purpose')")
    owners.exec(UNSTUCK[kind])
    with owners.raises(SAID[kind]):
        owners.exec(f"with x:\n    {STUCK[kind]}")
    owners.exec(UNSTUCK[kind] + "\nx.drop()")
    assert owners.eval("memory.verify().violations") == []
