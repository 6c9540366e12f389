"""Techniques can be left in any order, under any active table, or forgotten: the roots are what they were.

Whatever a technique links into the active root, or into the one that it looks at, it takes out of that same root, even
if another root is active by then, another technique was chosen since, or the PageTable is gone.
"""

from itertools import combinations, permutations

import pytest
from harness import depth

SETUP = """
t = PageTable.new_table(K)
t_root = root_frame(t)
lent = memory.allocate_frames(12)
frames = Frames(lent)
MAKE = {
    "offset": lambda: OffsetPageTable(),
    "mapped": lambda: MappedPageTable(window_page),
    "identity": lambda: IdentityPageTable(),
    "temporary": lambda: TemporaryPageTable(frames),
    "recursive": lambda: RecursivePageTable(),
    "identity of t": lambda: IdentityPageTable(t_root),
    "temporary of t": lambda: TemporaryPageTable(frames, t_root),
    "recursive of t": lambda: RecursivePageTable(t_root),
}
SOMEWHERE = VirtualAddress(TEXT << 12)
EXPECTED = OffsetPageTable().translate_addr(SOMEWHERE).value
def right(mapper):
    try:
        return mapper.translate_addr(SOMEWHERE).value == EXPECTED
    except Exception:
        return False
def entered(name):
    "A mapper, or None where it can't be had beside the others: that is an answer, too."
    try:
        return MAKE[name]()
    except KernelError as error:
        assert type(error).__name__ == "TechniqueUnavailable", error
"""
INSTALLING = ["identity", "temporary", "recursive of t", "temporary of t", "identity of t"]
ALL = ["offset", "mapped", "identity", "temporary", "recursive", *INSTALLING[2:]]


@pytest.fixture
def kernel(attacked):
    attacked.exec(SETUP)
    return attacked


def roots(kernel):
    """Return both roots, entry by entry, all that hangs below them, and what the allocators count."""
    return kernel.state(kernel.eval("t_root.number")), kernel.eval("frames.out")


def unchanged(kernel, before, after):
    state, out = before
    kernel.is_as(state, kernel.eval("t_root.number"), after=after)
    assert kernel.eval("frames.out") == out, f"{after}: frames for tables are lost"


@pytest.mark.parametrize("count", [2, 3])
def test_techniques_may_be_left_in_every_order(kernel, count):
    """Do two or three windows, entered one after the other and left in any order, disturb each other?"""
    before = roots(kernel)
    for chosen in combinations(INSTALLING, count):
        for leaving in permutations(range(count)):
            kernel.exec(f"used = [entered(name) for name in {chosen!r}]\nwrong = []")
            for n in leaving:
                kernel.exec(f"""
                    wrong += [n for n, mapper in enumerate(used) if mapper is not None and not right(mapper)]
                    if used[{n}] is not None: used[{n}].leave()
                    used[{n}] = None
                    """)
            kernel.exec("del used")
            assert kernel.eval("wrong") == [], f"{chosen} left in the order {leaving}"
            unchanged(kernel, before, f"{chosen} left in the order {leaving}")


def test_two_of_a_kind_do_not_share_what_one_takes_away(kernel):
    """Is the identity mapping, or the window, still there for the second when the first has left?"""
    before = roots(kernel)
    for name in ALL:
        for order in ((0, 1), (1, 0)):
            kernel.exec(f"two = [entered({name!r}), entered({name!r})]\nright(two[0])")
            kernel.exec(f"two[{order[0]}] and two[{order[0]}].leave()")
            assert kernel.eval(f"two[{order[1]}] is None or right(two[{order[1]}])"), f"{name}, left {order}"
            kernel.exec(f"two[{order[1]}] and two[{order[1]}].leave()\ndel two")
            unchanged(kernel, before, f"two times {name}, left {order}")


@pytest.mark.parametrize("name", INSTALLING)
def test_a_technique_that_was_forgotten_leaves_by_itself(kernel, name):
    """Does a mapper without leave() and without a `with` keep frames, or an entry in a root, for ever?"""
    before = roots(kernel)
    kernel.exec(f"""
        def use_and_forget():
            assert right(MAKE[{name!r}]())
        use_and_forget()
        """)
    kernel.exec("collected()")
    unchanged(kernel, before, f"{name}, forgotten")
    kernel.exec(f"use_and_forget(); collected(); MAKE[{name!r}]().leave()")
    unchanged(kernel, before, f"{name}, forgotten and chosen again")


@pytest.mark.parametrize("name", INSTALLING)
@pytest.mark.parametrize(("enter", "leave"), [("K", "t"), ("t", "K")])
def test_a_technique_may_be_left_under_another_table(kernel, name, enter, leave):
    """Does leave() act on the root that it changed, or on whichever is active?"""
    before = roots(kernel)
    kernel.exec(f"""
        {enter}.switch_to()
        mapper = entered({name!r})
        {leave}.switch_to()
        if mapper is not None: mapper.leave()
        K.switch_to()
        del mapper
        """)
    unchanged(kernel, before, f"{name}, entered under {enter} and left under {leave}")


@pytest.mark.parametrize("name", INSTALLING)
def test_leaving_takes_nothing_of_what_came_to_the_other_table_meanwhile(kernel, name):
    """Left under another table, does identity take what that one has mapped in its own first root entry?"""
    kernel.exec(f"mapper = MAKE[{name!r}]()\nt.switch_to()")
    kernel.exec("low = t.create_mapping_at(VirtualAddress(0x600000), 4096, WRITE)")
    kernel.exec("_memory.store64(0x600000, 77)\nmapper.leave()")
    assert kernel.eval("refused(_memory.load64, 0x600000)") == "nothing"
    assert kernel.eval("_memory.load64(0x600000)") == 77
    kernel.exec("low.drop(); K.switch_to(); t.drop(); lent.drop(); del t, mapper, low, lent")
    kernel.adds_up()


@pytest.mark.parametrize("name", ["recursive of t", "temporary of t", "identity of t"])
def test_leaving_after_the_table_was_dropped_writes_into_nobodys_frame(kernel, name):
    """The root's frame has its next owner: does leave() still write into it?"""
    kernel.exec(f"""
        mapper = MAKE[{name!r}]()
        answer = refused(t.drop)
        taken = memory.allocate_frames_at(t_root.start_address, 1) if answer == "nothing" else memory.allocate_frames(1)
        """)
    answer = kernel.eval("answer")
    assert answer in ("nothing", "TableInUse")
    if answer == "nothing":
        kernel.exec("for n in range(512): poke(t_root.number, n, 0xabcd0000 + n)")
        kernel.exec("mapper.leave()")
        found = kernel.table(kernel.eval("t_root.number"))
        assert [n for n, entry in enumerate(found) if entry != 0xABCD0000 + n & ~0x60] == [], "leave() wrote there"
    else:
        kernel.exec("mapper.leave()\nt.drop()")
    kernel.exec("taken.drop(); lent.drop(); del mapper, t, taken, lent")
    kernel.adds_up()


@pytest.mark.parametrize("name", INSTALLING)
def test_a_table_that_a_technique_was_entered_under_may_go(kernel, name):
    """Entered under t, K switched to, t dropped: then leave() has freed tables before it, and the window's with it."""
    kernel.exec(f"""
        t.switch_to()
        mapper = MAKE[{name!r}]()
        K.switch_to()
        answer = refused(t.drop)
        """)
    assert kernel.eval("answer") in ("nothing", "TableInUse")
    kernel.exec("mapper.leave()\nif answer != 'nothing': t.drop()")
    kernel.exec("lent.drop(); del mapper, t, lent")
    kernel.adds_up()


@pytest.mark.parametrize("name", INSTALLING)
def test_a_table_that_was_made_meanwhile_keeps_nothing(kernel, name):
    """A new table shares the kernel's half: also what a technique has lent to it for a while?"""
    kernel.exec(f"mapper = MAKE[{name!r}]()\nmade = PageTable.new_table(K)\nmapper.leave()")
    kernel_root, made = (kernel.table(n) for n in kernel.eval("(active_root(), root_frame(made).number)"))
    assert [n for n in range(256, 512) if n != 510 and kernel_root[n] != made[n]] == []
    assert made[:256] == [0] * 256
    kernel.exec("made.drop(); t.drop(); lent.drop(); del made, t, mapper, lent")
    kernel.adds_up()


CALLS = [
    "mapper.translate(SOMEWHERE)",
    "mapper.translate_addr(SOMEWHERE)",
    "mapper.translate_page(Page(TEXT))",
    "mapper.translate_range(pages_from(Page(TEXT), 2))",
    "mapper.walk(SOMEWHERE)",
    "mapper.map_to(at(LOW), Frame(9), DATA, frames)",
    "mapper.map_range(pages_from(at(LOW), 4), FrameRange(Frame(9), Frame(12)), DATA, frames)",
    "mapper.unmap(m.start)",
    "mapper.unmap_range(m.range)",
    "mapper.update_flags(m.start, OWNED)",
    "mapper.update_flags_range(m.range, OWNED)",
    "mapper.set_flags_p2_entry(m.start, P | W)",
    "mapper.clear(m.start)",
    "mapper.clean_up(frames)",
    "mapper.clean_up_range(m.range, frames)",
]


@pytest.mark.parametrize("name", ALL)
def test_used_after_it_was_left_a_technique_says_so(kernel, name):
    """Each call of a mapper that was left, by `with` or leave(): refused by name, whatever is at its window now."""
    kernel.exec(f"m = create_mapping(4096, WRITE)\nwith MAKE[{name!r}]() as mapper: right(mapper)")
    before = kernel.state(kernel.eval("t_root.number"))
    answers = kernel.eval(f"[(refused(lambda: eval(call)), call) for call in {CALLS!r}]")
    kernel.is_as(before, kernel.eval("t_root.number"), after=f"{name}, used after leave(): {answers[:3]}")
    assert [found for found in answers if found[0] != "TechniqueUnavailable"] == []


@pytest.mark.parametrize("name", ALL)
def test_verify_knows_the_windows_of_techniques_in_use(kernel, name):
    """Is the system healthy while a technique is used, and while something is mapped through it?"""
    kernel.exec(f"""
        mapper = MAKE[{name!r}]()
        right(mapper)
        found = memory.verify()
        idle = found.violations, found.unowned
        kept = memory.allocate_frames(1)
        mapper.map_to(at(LOW), kept.start, DATA, tf)
        busy = violations()
        mapper.unmap(at(LOW))[2].flush()
        mapper.clean_up_range(pages_from(at(LOW), 1), tf)
        mapper.leave()
        """)
    assert kernel.eval("(idle, busy)") == (([], []), [])
    kernel.exec("kept.drop(); t.drop(); lent.drop(); del kept, t, mapper, lent")
    kernel.adds_up()


@pytest.mark.parametrize("address", ["LOW", "16 << 30", "0x7000000", "(PAGES_PER_ROOT_ENTRY << 12) - 4096"])
def test_an_owned_mapping_under_identity_does_not_land_in_the_window(kernel, address):
    """Root entry 0 is lent from the window: whose tables does create_mapping_at fill there?"""
    kernel.exec(f"""
        address = VirtualAddress({address})
        def in_window():
            return OffsetPageTable().translate(VirtualAddress((WINDOW << 12) + address.value))
        before = repr(in_window())
        mapper = IdentityPageTable()
        made = []
        answer = refused(lambda: made.append(create_mapping_at(address, 4096, WRITE)))
        during = repr(in_window())
        if made: _memory.store64(address.value, 5)
        mapper.leave()
        after = refused(_memory.load64, address.value), repr(in_window())
        """)
    before, answer = kernel.eval("(before, answer)")
    assert kernel.eval("during") == before, f"create_mapping_at: {answer}, and the window has changed"
    assert kernel.eval("after") == ("nothing" if answer == "nothing" else "PageFault", before)
    assert answer in ("nothing", "KernelInUse", "AddressInUse", "PageAlreadyMapped", "ParentEntryHugePage")
    kernel.exec("[one.drop() for one in made]; t.drop(); lent.drop(); del made, t, mapper, lent")
    kernel.adds_up()


def test_cleaning_up_leaves_the_tables_that_a_technique_shows(kernel):
    """While the recursive slot leads to another root, that root's tables hang below the active one: whose are they?"""
    kernel.exec("""
        huge = Page.from_start_address(VirtualAddress(LOW), Page2M)
        mapper = OffsetPageTable(t_root)
        mapper.map_to(huge, Frame.from_start_address(PhysicalAddress(0x40000000), Page2M), DATA, frames)
        mapper.unmap(huge)
        """)
    assert kernel.eval("frames.out") == depth.LEVELS - 2
    for name in ("recursive of t", "identity of t", "temporary of t"):
        kernel.exec(f"used = MAKE[{name!r}]()\nout = frames.out")
        before = kernel.state(kernel.eval("t_root.number"))
        assert kernel.eval("OffsetPageTable().clean_up(frames)") == 0, name
        kernel.is_as(before, kernel.eval("t_root.number"), after=f"clean_up beside {name}")
        assert kernel.eval("frames.out == out")
        kernel.exec("used.leave()")
    assert kernel.eval("(mapper.clean_up(frames), frames.out)") == (depth.LEVELS - 2, 0)


def test_leaving_keeps_an_entry_that_somebody_else_has_written_since(kernel):
    """The identity mapping's root entry is somebody else's by the time the technique leaves: it is not taken back."""
    for entry, name in ((0, "identity"), (509, "recursive of t")):
        kernel.exec(f"""
            used = MAKE[{name!r}]()
            installed = raw(active_root(), {entry})
            poke(active_root(), {entry}, lent.start.number << 12 | 3)
            used.leave()
            found = raw(active_root(), {entry})
            poke(active_root(), {entry}, 0)
            """)
        assert kernel.eval("installed & 1 and installed != found")
        assert kernel.eval("found == lent.start.number << 12 | 3"), name
    assert kernel.eval("violations()") == []
