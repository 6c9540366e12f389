"""The fifth technique agrees with the others under any parents: what the walk may not write, the kernel still may.

Seen through the recursive slot a table's page has the rights that its parents leave to it: below an entry that is not
writable, the tables themselves are not writable. The offset technique does not notice.
"""

import pytest

SETUP = """
lent = memory.allocate_frames(64)
BITS = {"P": P, "P | W": P | W, "P | NX": P | NX, "P | U": P | U}
def fresh(live):
    "An allocator over clean frames, and a root: the active one, or another."
    global frames, root
    _memory.zero_frames(lent.start.number, 64)
    frames = Frames(lent)
    root = None if live else new_root(frames.allocate_frame())
def operate(name, levels, live):
    "The same calls by one technique; parents on the way at `levels` are not writable. What each answered."
    fresh(live)
    looker = OffsetPageTable(root)
    looker.map_to(at(LOW + 0x5000), Frame(0x123), DATA, frames)
    looker.map_to(at(LOW + 0x7000), Frame(0x124), DATA, frames)
    looker.map_range(pages_from(at(LOW + 0x3fe000), 4), FrameRange(Frame(0x200), Frame(0x203)), DATA, frames)
    for level in levels:
        looker.set_parent_flags(at(LOW + 0x5000), level, P).flush()
    told = []
    mapper = technique(name, root)
    def tell(call, *arguments):
        try:
            result = call(*arguments)
            for part in result if type(result) is tuple else (result,):
                if hasattr(part, "needed"):
                    part.flush()
                else:
                    told.append(repr(part))
        except Exception as error:
            told.append(type(error).__name__)
        told.append("|")
    page = at(LOW + 0x5000)
    tell(mapper.map_to, at(LOW + 0x6000), Frame(0x125), DATA, frames)
    tell(mapper.map_to, at(LOW + 0x40006000), Frame(0x126), DATA, frames)
    tell(mapper.map_range, pages_from(at(LOW + 0x10000), 600), FrameRange(Frame(0x300), Frame(0x557)), DATA, frames)
    tell(mapper.map_to, at(LOW + 0x5000), Frame(0x127), DATA, frames)
    tell(mapper.update_flags, page, P | NX)
    tell(mapper.update_flags_range, pages_from(at(LOW + 0x3fe000), 4), P | NX)
    tell(mapper.set_flags_p2_entry, page, P | W | U)
    tell(mapper.set_flags_p3_entry, page, P | U)
    tell(mapper.set_flags_p4_entry, page, P)
    tell(mapper.map_to, at(LOW + 0x8000), Frame(0x128), DATA, frames, P | U)
    tell(mapper.unmap, at(LOW + 0x7000))
    tell(mapper.unmap_range, pages_from(at(LOW + 0x3fe000), 4))
    tell(mapper.unmap_range, pages_from(at(LOW + 0x10000), 600))
    tell(mapper.clear, at(LOW + 0x9000))
    tell(mapper.translate, VirtualAddress(LOW + 0x5123))
    tell(mapper.translate_range, pages_from(at(LOW), 16))
    tell(mapper.walk, VirtualAddress(LOW + 0x5000))
    tell(mapper.clean_up_range, pages_from(at(LOW), 0x40100), frames)
    mapper.leave()
    return [line.replace(" | ACCESSED", "").replace(" | DIRTY", "") for line in told]
def undo():
    looker = OffsetPageTable(root)
    for run in looker.translate_range(pages_from(at(LOW), 1 << 20)):
        if run.is_mapped:
            looker.unmap_range(pages_from(Page(run.page), run.count))[1].flush()
    looker.clean_up_range(pages_from(at(LOW), 1 << 20), frames)
    return frames.out
"""

PARENTS = [(), (2,), (3,), (4,), (4, 3, 2)]


@pytest.fixture
def kernel(attacked):
    attacked.exec(SETUP)
    return attacked


def outcome(kernel, name, levels, live):
    """Return what was answered, and the bytes of all frames that were lent, without ACCESSED and DIRTY."""
    told = kernel.eval(f"operate({name!r}, {levels}, {live})")
    first = kernel.eval("lent.start.number")
    tables = {n: kernel.bytes_of(first + n) for n in range(64)}
    top = kernel.table(kernel.cr3() >> 12)[40]
    assert kernel.eval("undo()") == (0 if live else 1), f"{name}: frames for tables are lost"
    assert kernel.eval("violations()") == [], name
    return told, tables, top


@pytest.mark.parametrize("live", [True, False], ids=["live", "inactive"])
@pytest.mark.parametrize("levels", PARENTS)
def test_below_parents_that_are_not_writable_all_techniques_agree(kernel, levels, live):
    """Every call, with any of the parents on the way read-only: the same answers, the same tables byte for byte."""
    told, tables, top = outcome(kernel, "offset", levels, live)
    assert "PageFault" not in told
    for name in ("recursive", "temporary", "mapped") if live else ("recursive", "temporary", "identity"):
        other = outcome(kernel, name, levels, live)
        assert other[0] == told, name
        assert (other[1], other[2]) == (tables, top), f"{name}: the tables differ"
    kernel.exec("lent.drop(); lent = None")
    kernel.adds_up()
