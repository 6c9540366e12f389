"""verify() in the middle of another call: what is under way is named as such, and what is a violation still shows."""

import pytest

SETUP = """
import _inject, _memory
from faults import on_fault
from paging import MappedPageTable, OffsetPageTable
P, W = PteFlagsX86_64.PRESENT, PteFlagsX86_64.WRITABLE
LOW = VirtualAddress(0x40_0000_0000)
def mapping(count=4):
    return memory.create_mapping(count * 4096, WRITE, huge=False)
def huge():
    return memory.create_mapping(2 << 20, WRITE)
def halves():
    m = mapping(6)
    return m.split(m.start + 2)
def device():
    frames = memory.allocate_frames_at(PhysicalAddress(0xfee00000), 1)
    return table.map_allocated_pages_to(memory.allocate_pages(1), frames, WRITE)
def shared():
    return table.map_shared(memory.allocate_pages(2), SharedFrames(memory.allocate_frames(2)), READ)
def there():
    return PageTable.new_table(table).create_mapping_at(LOW, 8192, WRITE)
ACTS = {
    "create": (lambda: None, lambda _: mapping()),
    "create at": (lambda: None, lambda _: memory.create_mapping_at(LOW, 8192, WRITE)),
    "create a huge page": (lambda: None, lambda _: huge()),
    "drop": (mapping, lambda m: m.drop()),
    "drop many": (lambda: mapping(600), lambda m: m.drop()),
    "drop a huge page": (huge, lambda m: m.drop()),
    "drop of a device": (device, lambda m: m.drop()),
    "drop of a shared one": (shared, lambda m: m.drop()),
    "drop in another table": (there, lambda m: m.drop()),
    "remap": (mapping, lambda m: m.remap(READ)),
    "split": (mapping, lambda m: m.split(m.start + 1)),
    "split a huge page": (huge, lambda m: m.split(m.start + 7)),
    "merge": (halves, lambda both: both[0].merge(both[1])),
    "unmap_into_parts": (mapping, lambda m: m.unmap_into_parts()),
    "unmap a huge page into parts": (huge, lambda m: m.unmap_into_parts()),
    "deep_copy": (mapping, lambda m: m.deep_copy()),
    "a table": (lambda: None, lambda _: PageTable.new_table(table)),
    "drop of a table": (lambda: PageTable.new_table(table), lambda t: t.drop()),
    "a stack": (lambda: None, lambda _: Stack(4)),
}
def everything(made):
    "All owners in what a call returned."
    if type(made) in (tuple, list):
        return [one for part in made for one in everything(part)]
    return [made] if hasattr(made, "drop") else []
looks, wrong, under_way = 0, [], []
def look(*_):
    "An audit, from wherever this is called; it must have nothing to complain of."
    global looks
    looks += 1
    try:
        audit = memory.verify()
        wrong.extend(audit.violations[:3])
        under_way.extend(audit.under_way)
    except Exception as error:
        wrong.append("verify() raised %r" % (error,))
def perform(name, callback, n):
    "Do one of ACTS, with an audit in each shootdown, or at the n-th check; how many checks were left."
    prepare, act = ACTS[name]
    given = prepare()
    memory.set_broadcast_tlb_shootdown_cb(look if callback else None)
    _inject.call(n, look)
    made = act(given)
    left = _inject.call(0, None)
    memory.set_broadcast_tlb_shootdown_cb(None)
    for one in everything([made, given]):
        refused(one.drop)
    return left
"""
ACTS = [line.split('"')[1] for line in SETUP.splitlines() if line.startswith('    "') and '": (' in line]
FLUSHED = ["drop", "drop many", "drop a huge page", "drop of a device", "drop of a shared one", "drop in another table"]
FLUSHED += ["remap", "split a huge page", "unmap_into_parts", "unmap a huge page into parts"]


@pytest.fixture
def looking(audited):
    """A kernel in which `look` audits; in the end it has not complained."""
    audited.exec(SETUP)
    yield audited
    audited.exec("memory.set_broadcast_tlb_shootdown_cb(None)")
    assert audited.eval("wrong[:5]") == []


def test_the_acts_are_read_from_the_setup(looking):
    assert sorted(ACTS) == looking.eval("sorted(ACTS)")
    assert set(FLUSHED) < set(ACTS)


@pytest.mark.parametrize("name", FLUSHED)
def test_in_the_shootdown_of_a_call(looking, name):
    looking.exec(f"perform({name!r}, True, 0)", timeout=60)
    assert looking.eval("looks") > 0


@pytest.mark.parametrize("name", ACTS)
def test_wherever_a_call_can_be_interrupted(looking, name):
    """A scheduled function audits at the n-th place where Python looks for such: every n, or one in five of many."""
    looking.exec(
        f"n = 1\nwhile not perform({name!r}, False, n):\n    n += 1 if n < 30 else 5\n",
        timeout=60,
    )
    assert looking.eval("looks") > 1


@pytest.mark.parametrize(
    "lost",
    [
        "mapping(3)",
        "[mapping(3) for _ in range(5)]",
        "[huge() for _ in range(3)]",
        "[mapping(1) for _ in range(40)]",
        "[(mapping(3), memory.allocate_frames(7), memory.allocate_pages(5)) for _ in range(4)]",
        "[PageTable.new_table(table) for _ in range(3)]",
        "there()",
    ],
)
def test_while_what_was_forgotten_is_given_back(looking, lost):
    """The audit gives back first; the shootdown of that audits again, and so on: neither disturbs the other."""
    looking.exec(
        f"""
        lost = {lost}
        memory.set_broadcast_tlb_shootdown_cb(look)
        lost = None
        [[number] for number in range(500)]  # overwrites what the stack may still show
        gc.collect()
        look()
        """,
        timeout=60,
    )
    if "PageTable" not in lost:
        assert looking.eval("looks") > 1, "nothing was flushed"


def test_what_is_under_way_is_named(looking):
    looking.exec("perform('drop', True, 0)")
    assert looking.eval("under_way") == ["4 pages of exclusive mappings are unmapped, and wait for a TLB flush"]
    looking.exec("""
        under_way.clear()
        frames = memory.allocate_frames(1)
        from paging import BootInfoFrameAllocator
        mapper, page = OffsetPageTable(), Page.containing_address(LOW)
        lender = memory.frame_allocator.table_frames
        mapper.map_to(page, Frame(frames.start.number), P, lender)
        token = mapper.unmap(page)[2]
        owed = memory.verify()
        memory.set_broadcast_tlb_shootdown_cb(look)
        token.flush()
        memory.set_broadcast_tlb_shootdown_cb(None)
        mapper.clean_up_range(PageRange(page, page), lender)
        frames.drop()
        """)
    assert looking.eval("(owed.violations, owed.under_way)") == (
        ["a TLB flush is owed: MapperFlush(v0x4000000000: 1)"],
        [],
    )
    assert looking.eval("under_way") == ["a TLB flush: MapperFlush(v0x4000000000: 1)"]
    looking.exec("under_way.clear()\nlook()")
    assert looking.eval("under_way") == []


def test_a_flush_that_a_callback_ended_is_owed_still(looking):
    looking.exec("""
        frames = memory.allocate_frames(1)
        mapper, page = OffsetPageTable(), Page.containing_address(LOW)
        lender = memory.frame_allocator.table_frames
        mapper.map_to(page, Frame(frames.start.number), P, lender)
        token = mapper.unmap(page)[2]
        def callback(pages):
            raise ValueError("no")
        memory.set_broadcast_tlb_shootdown_cb(callback)
        answer = refused(token.flush)
        memory.set_broadcast_tlb_shootdown_cb(None)
        owed = memory.verify().violations
        token.flush()
        mapper.clean_up_range(PageRange(page, page), lender)
        frames.drop()
        """)
    assert looking.eval("(answer, owed)") == ("ValueError", ["a TLB flush is owed: MapperFlush(v0x4000000000: 1)"])


def test_in_a_fault_handler_in_the_middle_of_a_walk(looking):
    """frame_to_page looks at a page that is not there: its handler audits, maps it, and audits again."""
    looking.exec("""
        lazy = PageRange(Page.containing_address(LOW + (1 << 30)), Page.containing_address(LOW + (1 << 30)))
        there = []
        def handler(fault):
            look()
            there.append(memory.create_mapping_at(LOW + (1 << 30), 4096, WRITE))
            look()
            return True
        window = __import__("_boot").layout()["WINDOW_PAGE"]
        def frame_to_page(frame):
            _memory.load64((LOW + (1 << 30)).value)
            return window + frame
        frames = memory.allocate_frames(1)
        page = Page.containing_address(LOW)
        lender = memory.frame_allocator.table_frames
        with on_fault(lazy, handler):
            mapper = MappedPageTable(frame_to_page)
            mapper.map_to(page, Frame(frames.start.number), P, lender)
        mapper.unmap(page)[2].flush()
        mapper.clean_up_range(PageRange(page, page), lender)
        frames.drop()
        there[0].drop()
        """)
    assert looking.eval("looks") == 2


def test_a_violation_shows_in_the_middle_of_a_call_too(looking):
    looking.exec("""
        m, victim = mapping(), mapping(1)
        mapper = OffsetPageTable()
        page = Page.containing_address(LOW)
        lender = memory.frame_allocator.table_frames
        mapper.map_to(page, Frame(victim.frames()[0].start.number), P, lender)
        memory.set_broadcast_tlb_shootdown_cb(look)
        m.drop()
        memory.set_broadcast_tlb_shootdown_cb(None)
        seen = wrong[:]
        wrong.clear()
        mapper.unmap(page)[2].flush()
        mapper.clean_up_range(PageRange(page, page), lender)
        victim.drop()
        """)
    assert "another mapping's alone" in "\n".join(looking.eval("seen"))
