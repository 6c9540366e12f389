"""Somebody's note in an entry that is not present, and an entry that leads nowhere: refused by name, by both layers.

An entry that is not present belongs to whoever wrote it; one with reserved bits, or that leads where no RAM is, is not
followed. What is mapped by owners and what is mapped by the paging layer goes by the same rules.
"""

import pytest
from harness import depth

SETUP = """
t = PageTable.new_table(K)
lent = memory.allocate_frames(24)
frames = Frames(lent)
data = memory.allocate_frames(4)
mapper = OffsetPageTable()
UP = page_of_root_entry(387) << 12  # a part of the pool where nothing is
def neighbours(base):
    "Map a page below each of three entries, so that every level has a table on the way of base + one entry."
    for level in range(1, LEVELS):
        mapper.map_to(at(base + (3 << 12 + 9 * (level - 1))), data.start, DATA, frames)
def far(base, level):
    "An address whose entry of `level` is free, with tables above it. The root's: in the lower half only."
    return base + (5 << 12 + 9 * (level - 1))
def undo(base):
    for level in range(1, LEVELS):
        mapper.unmap(at(base + (3 << 12 + 9 * (level - 1))))[2].flush()
    mapper.clean_up_range(pages_from(at(base), 4 << 9 * (LEVELS - 2)), frames)
neighbours(LOW)
neighbours(UP)
def owned_calls(address):
    "What owners do at an address, each a function; all give back what they took when it fails."
    def with_owners(act):
        def call():
            with memory.allocate_pages_at(address, 2) as pages, memory.allocate_frames(2) as frames:
                act(pages, frames)
        return call
    shared = SharedFrames(memory.allocate_frames(2))
    def share(pages, _):
        try:
            K.map_shared(pages, shared, WRITE)
        finally:
            shared.drop()
    yield lambda: create_mapping_at(address, 4096, WRITE)
    yield lambda: create_mapping_at(address, 5 * 4096, READ)
    yield lambda: K.create_mapping_at(address, 3 << 20, WRITE)
    yield with_owners(lambda pages, frames: K.map_allocated_pages(pages, WRITE))
    yield with_owners(lambda pages, frames: K.map_allocated_pages_to(pages, frames, WRITE))
    yield with_owners(share)
def paging_calls(address):
    page = Page.from_start_address(address)
    for name in TECHNIQUES[:2] + TECHNIQUES[3:]:
        one = technique(name)
        yield lambda: one.map_to(page, data.start, DATA, frames)
        yield lambda: one.map_to(page, data.start, DATA, frames, P | W | U)
        yield lambda: one.map_range(pages_from(page, 4), data.range, DATA, frames)
        one.leave()
def answers(calls):
    return [refused(call) for call in calls]
"""

NOTES = [0x2, 0x80, 1 << 63, 0x000FFFFFFFFFF000, 0xDEAD0000]
PLACES = [(name, n) for name in ("LOW", "UP") for n in range(1, depth.LEVELS + (name == "LOW"))]


@pytest.fixture
def kernel(attacked):
    attacked.exec(SETUP)
    return attacked


def everything_comes_back(kernel):
    kernel.exec("undo(LOW); undo(UP)\nfor one in (t, lent, data): one.drop()\ndel one, t, lent, data, mapper")
    kernel.adds_up()


@pytest.mark.parametrize(("base", "level"), PLACES)
def test_a_note_in_an_entry_that_is_not_present_is_refused_by_both_layers(kernel, base, level):
    """Whose is the note? Not the one's who maps: StaleEntry where the leaf would go, StaleParentEntry on the way."""
    kernel.exec(f"address = VirtualAddress(far({base}, {level}))")
    for note in NOTES:
        kernel.exec(f"set_entry(address.value, {level}, {note})")
        before = kernel.state()
        owned, paging = kernel.eval("(answers(owned_calls(address)), answers(paging_calls(address)))")
        kernel.is_as(before, after=f"a note {note:#x} at level {level}: owners said {owned}, the paging layer {paging}")
        name = "StaleEntry" if level == 1 else "StaleParentEntry"
        assert set(paging) == {name}
        # Two MiB may go where a level-2 entry is: then it is the leaf's own.
        assert set(owned) <= ({name, "StaleEntry"} if level == 2 else {name}), f"a note {note:#x} at level {level}"
        kernel.exec(f"set_entry(address.value, {level}, 0)")
    everything_comes_back(kernel)


@pytest.mark.parametrize("level", [2, 3])
def test_a_note_where_a_huge_page_would_go_is_refused(kernel, level):
    """The same for the leaf of a huge page."""
    kernel.exec(f"""
        address = VirtualAddress(far(UP, {level}))
        size = {{2: Page2M, 3: Page1G}}[{level}]
        page = Page.from_start_address(address, size)
        frame = Frame.containing_address(PhysicalAddress(16 << 30), size)
        set_entry(address.value, {level}, 0x1234000)
        """)
    kernel.refuses("mapper.map_to(page, frame, DATA, frames)", ["StaleEntry"])
    kernel.exec("""
        pages = memory.allocate_pages_at(address, size.num_4k_pages)
        device = memory.allocate_frames_at(PhysicalAddress(16 << 30), size.num_4k_pages)
        """)
    kernel.refuses("K.map_allocated_pages_to(pages, device, WRITE)", ["StaleEntry", "StaleParentEntry"])
    kernel.exec(f"pages.drop(); device.drop(); del pages, device\nset_entry(address.value, {level}, 0)")
    everything_comes_back(kernel)


def test_a_note_inside_the_range_of_a_mapping_in_the_pool_stays(kernel):
    """create_mapping chooses its own place: it does not overwrite what it finds at the first free page."""
    kernel.exec("""
        first = create_mapping(4096, WRITE)
        address = first.start_address.value
        first.drop()
        beside = create_mapping_at(VirtualAddress(address + 8 * 4096), 4096, WRITE)  # so that its tables stay
        set_entry(address, 1, 0xdead0)
        made = []
        answer = refused(lambda: made.append(create_mapping(4 * 4096, WRITE)))
        """)
    assert kernel.eval("raw(*place(address, 1))") == 0xDEAD0, kernel.eval("answer")
    kernel.exec("[one.drop() for one in made]\nset_entry(address, 1, 0)\nbeside.drop()\ndel made, beside, first")
    everything_comes_back(kernel)


def test_a_table_that_is_dropped_does_not_follow_notes(kernel):
    """What a note names was a table once, or never: it is not freed with the PageTable."""
    kernel.exec("""
        low = t.create_mapping_at(VirtualAddress(LOW), 4096, WRITE)
        root = root_frame(t).number
        leaf = data.start.number << 12
        for level in (3, 2):
            where = place(LOW, level, root)
            poke(where[0], where[1] + 7, leaf | 2)
        poke(root, 3, leaf | 0x2)
        low.drop()
        """)
    assert kernel.eval("refused(t.drop)") == "nothing"
    assert kernel.eval("refused(memory.allocate_frames_at, data.start_address, 1)") == "AddressInUse"
    kernel.exec("t = PageTable.new_table(K)\ndel low")
    everything_comes_back(kernel)


DAMAGES = {
    "a reserved bit": "1 << 51 | 3",
    "every bit": "(1 << 64) - 1",
    "a table outside RAM": "0x7f00000003",
    "a table behind the window": "0x100000003",
}
NAMED = {"MalformedEntry", "InvalidFrameAddress"}


ASKED = """[refused(call) for call in (
    lambda: mapper.translate(address), lambda: K.translate(address),
    lambda: mapper.translate_page(Page.from_start_address(address)),
    lambda: mapper.unmap(Page.from_start_address(address)),
    lambda: mapper.update_flags(Page.from_start_address(address), DATA),
    lambda: mapper.unmap_range(pages_from(Page.from_start_address(address), 2)),
    lambda: mapper.translate_range(pages_from(Page.from_start_address(address), 2)),
    )]"""


@pytest.mark.parametrize(("base", "level"), [place for place in PLACES if place[1] > 1])
def test_an_entry_that_leads_nowhere_is_refused_by_both_layers(kernel, base, level):
    """A table that is none: MalformedEntry or InvalidFrameAddress, not a PageFault, and nothing is lost."""
    kernel.exec(f"address = VirtualAddress(far({base}, {level}))")
    for what, value in DAMAGES.items():
        kernel.exec(f"set_entry(address.value, {level}, {value})")
        before = kernel.state()
        owned, paging = kernel.eval("(answers(owned_calls(address)), answers(paging_calls(address)))")
        asked = kernel.eval(ASKED)
        kernel.is_as(before, after=f"{what} at level {level}: owners said {owned}, the paging layer {paging}, {asked}")
        assert set(owned + paging + asked) <= NAMED, (what, owned, paging, asked)
        kernel.exec(f"set_entry(address.value, {level}, 0)")
    everything_comes_back(kernel)


OWNERS = ["m.drop()", "m.remap(READ)", "m.split(m.start + 2)", "m.unmap_into_parts()", "m.frames()", "m.deep_copy()"]


@pytest.mark.parametrize("level", [2, 3])
def test_an_owner_whose_tables_lead_nowhere_says_so(kernel, level):
    """Damage above a mapping that lives: every call that needs its entries is refused by name, and it lives on."""
    kernel.exec("m = create_mapping_at(VirtualAddress(UP + (9 << 30)), 4 * 4096, WRITE)")
    for value in DAMAGES.values():
        kernel.exec(f"was = set_entry(m.start_address.value, {level}, {value})")
        for call in OWNERS:
            kernel.refuses(call, {*NAMED, "MappingDamaged"})
        kernel.exec(f"set_entry(m.start_address.value, {level}, was)")
    kernel.exec("m.drop()\ndel m")
    everything_comes_back(kernel)


@pytest.mark.parametrize("what", ["a table outside RAM", "a reserved bit"])
def test_after_a_damaged_level_3_entry_ctrl_c_is_alive(kernel, what):
    """The guard of a commit is left, whatever faults inside: else Ctrl-C is dead, and a page and a frame are lost."""
    kernel.exec(f"address = VirtualAddress(far(UP, 3))\nset_entry(address.value, 3, {DAMAGES[what]})")
    before = kernel.state()
    assert kernel.eval("refused(create_mapping_at, address, 4096, WRITE)") in NAMED
    assert kernel.eval("_critical.depth()") == 0
    kernel.is_as(before, after="create_mapping_at")
    kernel.start("print('go')\nwhile True: pass")
    kernel.wait_for_output("go")
    kernel.interrupt()
    with kernel.raises("KeyboardInterrupt"):
        kernel.finish()
    kernel.exec("set_entry(address.value, 3, 0)")
    everything_comes_back(kernel)


@pytest.mark.parametrize("level", [2, 3])
def test_clean_up_follows_nothing_that_leads_nowhere(kernel, level):
    """Cleaning up walks all of a root: an entry that leads nowhere is refused or passed over, not followed."""
    for damage in (*DAMAGES.values(), "data.start_address.value | 2"):
        kernel.exec(f"set_entry(far(LOW, {level}), {level}, {damage})")
        before = kernel.state()
        answer = kernel.eval(f"refused(mapper.clean_up_range, pages_from(at(far(LOW, {level})), 2), frames)")
        kernel.is_as(before, after=f"clean_up_range over {damage}")
        assert answer in {*NAMED, "nothing"}
    kernel.exec(f"set_entry(far(LOW, {level}), {level}, 0)")
    everything_comes_back(kernel)


def test_a_run_ends_where_counting_on_leads_beyond_the_cpus_frames(kernel):
    """Two entries whose frames follow one upon the other; the second has the first bit that the CPU reserves."""
    kernel.exec("""
        last = (1 << _cpu.physical_bits() - 12) - 1
        page = at(LOW)
        LIVE = OffsetPageTable()
        LIVE.map_to(page, Frame(last), DATA, tf)
        table = LIVE.walk(page)[-1].table.number
        poke(table, 1, raw(table, 0) + 4096)
        """)
    assert kernel.eval("[run.count for run in LIVE.translate_range(pages_from(page, 1))]") == [1]
    assert kernel.eval("refused(lambda: LIVE.translate_range(pages_from(page, 2)))") == "MalformedEntry"
    assert kernel.eval("refused(lambda: LIVE.unmap_range(pages_from(page, 2)))") == "MalformedEntry"
    assert kernel.eval("LIVE.translate_page(page).number == last")
    kernel.exec("poke(table, 1, 0); LIVE.unmap(page)[2].flush(); LIVE.clean_up_range(pages_from(page, 1), tf)")
    assert kernel.eval("violations()") == []
