"""Protection belongs to tables: a mapper of another root can do no more to the kernel's half than one of the active.

Another PageTable's upper half leads to the very tables that the CPU walks. So whoever looks at it, by whatever
technique, through `view` or under another active table, must neither free nor change what the kernel runs on, and what
is changed there must be flushed.
"""

import pytest
from harness import depth

SETUP = """
t2 = PageTable.new_table(K)
R2 = root_frame(t2)
MAPPERS = TECHNIQUES + ["view"]
def through(name):
    "A mapper of the second root."
    return t2.view if name == "view" else technique(name, R2)
def each(act):
    "act(mapper) with every mapper of the second root: {its name: what it said}."
    answers = {}
    for name in MAPPERS:
        print(name)  # if this is the last, the machine hangs or died in it
        mapper = through(name)
        answers[name] = act(mapper)
        if name != "view":
            mapper.leave()
    return answers
m = create_mapping_at(Page(page_of_root_entry(386)).start_address, 8 * 4096, WRITE)  # far from Python's heap
"""


@pytest.fixture
def kernel(attacked):
    attacked.exec(SETUP)
    return attacked


def other(kernel):
    return kernel.eval("R2.number")


def all_refuse(kernel, act, names=("KernelInUse",)):
    """Every mapper of the second root refuses act(mapper); nothing has changed."""
    before = kernel.state(other(kernel))
    kernel.exec(f"answers = each(lambda mapper: refused(lambda: {act}))")
    kernel.is_as(before, other(kernel), after=f"{act}: {kernel.eval('answers')}")
    assert set(kernel.eval("answers").values()) <= set(names), kernel.eval("answers")


def test_cleaning_up_another_root_frees_no_table_of_the_shared_half(kernel):
    """Do 251 shared tables that are empty, but in every root, count as nobody's?"""
    before = kernel.state(other(kernel))
    for call in (
        "mapper.clean_up(tf)",
        "mapper.clean_up_range(PageRange(Page(WINDOW), at(0xfffffffffffff000)), tf)",
    ):
        kernel.exec(f"answers = each(lambda mapper: {call})")
        kernel.is_as(before, other(kernel), after=f"{call}: {kernel.eval('answers')} freed")
        assert set(kernel.eval("answers").values()) == {0}


TEXT_CALLS = [
    "mapper.update_flags(Page(TEXT), P | W)",
    "mapper.update_flags_range(pages_from(Page(TEXT), 3), DATA)",
    "mapper.unmap(Page(TEXT))",
    "mapper.unmap_range(pages_from(Page(TEXT), 2))",
    "mapper.set_flags_p4_entry(Page(TEXT), P | W)",
    "mapper.set_flags_p3_entry(Page(TEXT), P | NX)",
    "mapper.set_flags_p2_entry(Page(TEXT), P | NX)",
]


@pytest.mark.parametrize("call", TEXT_CALLS)
def test_the_kernels_text_is_not_to_be_changed_through_another_root(kernel, call):
    """Is a page of the kernel's image the kernel's own in every root?"""
    all_refuse(kernel, call)


@pytest.mark.parametrize(
    "call",
    [
        "mapper.update_flags(Page(WINDOW + active_root()), P)",
        "mapper.unmap(Page(WINDOW))",
        "mapper.set_flags_p4_entry(Page(WINDOW), P)",
        "mapper.map_to(Page(WINDOW + 64 * PAGES_PER_ROOT_ENTRY), Frame(9), DATA, tf)",
        "mapper.map_to(Page(page_of_root_entry(510)), Frame(9), DATA, tf)",
        "mapper.map_to(Page(page_of_root_entry(509)), Frame(9), DATA, tf)",
        "mapper.map_to(Page(BootInfo().guard_pages[0]), Frame(9), DATA, tf)",
    ],
)
def test_window_slots_and_guard_pages_are_not_to_be_changed_through_another_root(kernel, call):
    """Are window, recursive slots and the guard pages below stacks protected in every root?"""
    all_refuse(kernel, call)


TOKENS = [
    "mapper.unmap(m.start)[2]",
    "mapper.unmap_range(pages_from(m.start, 3))[1]",
    "mapper.update_flags(m.start, P | NX | EXCL)",
    "mapper.update_flags_range(pages_from(m.start, 5), P | NX | EXCL)",
    "mapper.set_flags_p2_entry(m.start, P | U | W)",
    "mapper.set_flags_p3_entry(m.start, P | U | W)",
]


@pytest.mark.parametrize("call", TOKENS)
def test_a_change_of_a_shared_page_through_another_root_needs_a_flush(kernel, call):
    """The CPU translates this page whatever root is active: does the token say so, and does flushing it help?"""
    assert kernel.eval("(lambda: _memory.load64(m.start_address.value))()") == 0
    kernel.exec(f"""
        def act(mapper):
            first = m.start_address.value
            entries = [(level,) + place(first, level) for level in (1, 2, 3)]
            leaf = place(first, 1)
            kept = [(frame, index, raw(frame, index)) for _, frame, index in entries]
            kept += [(leaf[0], leaf[1] + n, raw(leaf[0], leaf[1] + n)) for n in range(8)]
            _memory.store64(first, 7)  # the CPU remembers the way, and the right to write
            token = {call}
            needed = token.needed
            token.flush()
            seen = refused(_memory.store64, first, 8)
            for frame, index, value in kept:
                poke(frame, index, value)
            return needed, seen
        answers = each(act)
        """)
    seen = "nothing" if "set_flags" in call else "PageFault"
    assert set(kernel.eval("answers").values()) == {(True, seen)}, kernel.eval("answers")
    kernel.exec("m.drop(); t2.drop(); del m, t2")
    kernel.adds_up()


@pytest.mark.parametrize("call", [*TEXT_CALLS, "mapper.clean_up(tf)"])
def test_a_view_that_was_first_taken_under_another_table_protects_all_the_same(kernel, call):
    """Does K.view know what is the kernel's, when K was not active while it was made?"""
    kernel.exec("t2.switch_to(); mapper = K.view; K.switch_to()")
    before = kernel.state(other(kernel))
    answer = kernel.eval(f"refused(lambda: {call})")
    kernel.is_as(before, other(kernel), after=f"{call}: {answer}")
    assert answer == ("nothing" if "clean_up" in call else "KernelInUse")


def test_cleaning_up_what_all_roots_share_is_flushed_whichever_root_it_was_done_through(kernel):
    """The way through a table of the shared half may be remembered whatever root is active."""
    kernel.exec("""
        far = Page(page_of_root_entry(416))  # its shared table has nothing below it yet
        live = OffsetPageTable()
        told = []
        def freed_through(mapper):
            live.map_to(far, Frame(0xb8), DATA, tf)
            live.unmap(far)[2].flush()
            told.clear()
            memory.set_broadcast_tlb_shootdown_cb(told.append)
            count = mapper.clean_up(tf)
            memory.set_broadcast_tlb_shootdown_cb(None)
            return count, len(told)
        """)
    kernel.exec("answers = each(freed_through)")
    assert kernel.eval("answers") == dict.fromkeys(kernel.eval("MAPPERS"), (depth.LEVELS - 2, 2)), (
        "both halves are told"
    )
    assert kernel.eval("freed_through(live)") == (depth.LEVELS - 2, 2)
    assert kernel.eval("[range.contains(far) for range in told]") == [False, True]


def test_a_flush_that_is_owed_through_another_root_is_a_finding(kernel):
    """Who asks the audit what is owed must hear of it, whichever mapper owes it."""
    kernel.exec("""
        def owed(mapper):
            token = mapper.update_flags(m.start, OWNED)
            found = [text for text in violations() if "flush is owed" in text]
            token.flush()
            return len(found)
        """)
    kernel.exec("answers = each(owed)")
    assert kernel.eval("answers") == dict.fromkeys(kernel.eval("MAPPERS"), 1)
    assert kernel.eval("violations()") == []
