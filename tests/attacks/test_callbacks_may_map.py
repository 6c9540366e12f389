"""A shootdown callback may use everything: what it does has happened, and the outer call's answer is true.

It runs in the middle of a change, and meets the object that is being changed as dead or busy, never as it was.
"""

import pytest

SETUP = """
DEAD_OR_BUSY = ("Busy", "UseAfterMove")
class Inside:
    "A shootdown callback that acts on its first call, with the mappings that it was given; `.answer` is what came."
    def __init__(self, act, *owners):
        self.act, self.owners = act, owners
        self.calls = 0
        self.answer = self.made = None
    def __call__(self, pages):
        self.calls += 1
        if self.calls == 1:
            try:
                self.made = self.act(*self.owners)
                self.answer = "done"
            except Exception as error:
                self.answer = type(error).__name__ + ": " + str(error)
def mapping(count=4):
    return create_mapping(count * 4096, WRITE, huge=False)
def huge():
    return create_mapping(2 << 20, WRITE)
def everything(made):
    "All live owners in what a call returned."
    if type(made) in (tuple, list):
        return [one for part in made for one in everything(part)]
    return [made] if hasattr(made, "drop") and made else []
def clean_away(*made):
    "Drop what lives; what could not be dropped, in words."
    names = [refused(one.drop) for one in everything(made)]
    return "".join([", left behind: " + name for name in names if name not in ("nothing", "UseAfterMove")])
def stranger(name, inside):
    "What the callback met if it was neither dead nor busy. That two do not touch may be found out first."
    answer = inside.answer or "it was not called"
    allowed = DEAD_OR_BUSY + ("NotTouching",) if "merge" in name else DEAD_OR_BUSY
    return "" if answer.split(":")[0] in allowed else ", inside: " + answer
OUTER = {
    "drop": (mapping, lambda m: m.drop()),
    "drop of one page": (lambda: mapping(1), lambda m: m.drop()),
    "drop of many": (lambda: mapping(700), lambda m: m.drop()),
    "drop of a huge page": (huge, lambda m: m.drop()),
    "remap": (mapping, lambda m: m.remap(READ)),
    "split of a huge page": (huge, lambda m: m.split(m.start + 7)),
    "unmap_into_parts": (mapping, lambda m: m.unmap_into_parts()),
    "drop in another table": (lambda: t.create_mapping_at(VirtualAddress(LOW), 8192, WRITE), lambda m: m.drop()),
}
INNER = {
    "create": lambda a, b: mapping(3),
    "create many": lambda a, b: mapping(700),
    "create at": lambda a, b: create_mapping_at(VirtualAddress(LOW + (7 << 30)), 8192, WRITE),
    "create a huge page": lambda a, b: huge(),
    "create and drop": lambda a, b: mapping(3).drop(),
    "drop": lambda a, b: a.drop(),
    "drop many": lambda a, b: b.drop(),
    "remap": lambda a, b: a.remap(READ),
    "split": lambda a, b: a.split(a.start + 1),
    "split a huge page": lambda a, b: b.split(b.start + 7),
    "merge": lambda a, b: merged(*a.split(a.start + 1)),
    "unmap_into_parts": lambda a, b: b.unmap_into_parts(),
    "deep_copy": lambda a, b: a.deep_copy(),
    "a table": lambda a, b: PageTable.new_table(K).drop(),
    "paging": lambda a, b: paging_too(),
    "verify": lambda a, b: memory.verify(),
}
def merged(low, high):
    low.merge(high)
    return low
def paging_too():
    mapper = OffsetPageTable()
    mapper.map_to(at(LOW + (9 << 30)), Frame(0xb8), DATA, tf)
    mapper.unmap(at(LOW + (9 << 30)))[2].flush()
    return mapper.clean_up_range(pages_from(at(LOW + (9 << 30)), 1), tf)
"""


@pytest.fixture
def kernel(attacked):
    attacked.exec(SETUP)
    return attacked


OUTER = ["drop", "drop of one page", "drop of many", "drop of a huge page", "remap", "split of a huge page"]
OUTER += ["unmap_into_parts", "drop in another table"]


@pytest.mark.parametrize("outer", OUTER)
def test_a_shootdown_callback_maps_changes_and_drops_others(kernel, outer):
    """One call inside another, each of the two on its own mappings: do both happen, and do the counts add up?"""
    kernel.exec(f"""
        t = PageTable.new_table(K)
        prepare, act = OUTER[{outer!r}]
        wrong = []
        for name in INNER:
            before = counts()
            m, a, b = prepare(), mapping(), huge()
            inside = Inside(INNER[name], a, b)
            memory.set_broadcast_tlb_shootdown_cb(inside)
            try:
                made = act(m)
            except Exception as error:
                made = None
                wrong.append((name, "the outer call", repr(error)))
            memory.set_broadcast_tlb_shootdown_cb(None)
            if inside.answer != "done":
                wrong.append((name, inside.answer, inside.calls))
            found = memory.verify()
            if found.violations:
                wrong.append((name, found.violations[:3]))
            for one in everything([made, inside.made, m, a, b]):
                one.drop()
            made = inside = m = a = b = found = one = None
            if counts() != before:
                wrong.append((name, before, counts()))
                break
        t.drop()
        """)
    assert kernel.eval("wrong") == []
    assert kernel.eval("_critical.depth()") == 0


SEEN = {
    "drop": "m.drop()",
    "remap": "m.remap(READ)",
    "split": "m.split(m.start + 1)",
    "merge": "m.merge(neighbour)",
    "merge into another": "neighbour.merge(m)",
    "unmap_into_parts": "m.unmap_into_parts()",
    "as_slice": "m.as_slice('B')",
    "as_slice_mut": "m.as_slice_mut('B')",
    "as_type": "m.as_type({'a': 0})",
    "into_borrowed": "m.into_borrowed({'a': 0})",
    "deep_copy": "m.deep_copy()",
}


@pytest.mark.parametrize("outer", ["drop", "drop of many", "drop of a huge page", "unmap_into_parts"])
def test_a_mapping_that_is_being_taken_away_is_dead_or_busy(kernel, outer):
    """A view made inside the callback would lead into the next owner's memory: who sees the mapping sees no life."""
    kernel.exec(f"""
        prepare, act = OUTER[{outer!r}]
        answers = {{}}
        for name, call in {list(SEEN.items())!r}:
            m = prepare()
            m, neighbour = m.split(m.start + len(m) - 1) if len(m) != 512 else (m, mapping())
            got = []
            inside = Inside(lambda: got.append(eval(call)))
            memory.set_broadcast_tlb_shootdown_cb(inside)
            made = []
            answers[name] = refused(lambda: made.append(act(m)))
            memory.set_broadcast_tlb_shootdown_cb(None)
            answers[name] += stranger(name, inside)
            got = inside = None
            answers[name] += clean_away(m, neighbour, made)
            neighbour = m = made = None
            if violations() or _critical.depth():
                answers[name] += ", then: %s" % violations()[:2]
        """)
    assert set(kernel.eval("answers").values()) == {"nothing"}, kernel.eval("answers")


@pytest.mark.parametrize("outer", ["remap", "split of a huge page"])
def test_a_mapping_that_is_being_changed_is_busy(kernel, outer):
    """It lives on after the call, so what comes in between must neither change nor end it."""
    kernel.exec(f"""
        prepare, act = OUTER[{outer!r}]
        answers = {{}}
        for name, call in {list(SEEN.items())!r}:
            m, neighbour = prepare(), mapping()
            inside = Inside(lambda: eval(call))
            memory.set_broadcast_tlb_shootdown_cb(inside)
            made = []
            answers[name] = refused(lambda: made.append(act(m)))
            memory.set_broadcast_tlb_shootdown_cb(None)
            answers[name] += stranger(name, inside)
            answers[name] += clean_away(made, m, neighbour, inside.made)
            inside = made = m = neighbour = None
            if violations() or _critical.depth():
                answers[name] += ", then: %s" % violations()[:2]
        """)
    assert set(kernel.eval("answers").values()) == {"nothing"}, kernel.eval("answers")
    kernel.adds_up()


def test_busy_names_the_call_that_is_under_way(kernel):
    """The refusal says what is being done: remap()."""
    kernel.exec("""
        m = mapping()
        inside = Inside(lambda: m.drop())
        memory.set_broadcast_tlb_shootdown_cb(inside)
        m.remap(READ)
        memory.set_broadcast_tlb_shootdown_cb(None)
        """)
    answer = kernel.eval("inside.answer")
    assert answer.startswith("Busy: ")
    assert "remap()" in answer
    kernel.exec("m.drop(); m = inside = None")
    kernel.adds_up()


def test_a_table_that_is_being_used_by_a_call_is_not_dropped_inside(kernel):
    """The last mapping of a table is being dropped, and the callback drops the table: before or after, never amid."""
    kernel.exec("""
        t = PageTable.new_table(K)
        m = t.create_mapping_at(VirtualAddress(LOW), 8192, WRITE)
        inside = Inside(lambda: t.drop())
        memory.set_broadcast_tlb_shootdown_cb(inside)
        answer = refused(m.drop)
        memory.set_broadcast_tlb_shootdown_cb(None)
        """)
    assert kernel.eval("answer") == "nothing"
    assert kernel.eval("inside.answer").split(":")[0] in ("done", "Busy", "TableInUse")
    kernel.exec("if inside.answer != 'done': t.drop()\nt = m = inside = None")
    kernel.adds_up()


FLUSHES = {
    "unmap": "mapper.unmap(m.start)[2].flush()",
    "unmap_range": "mapper.unmap_range(m.range)[1].flush()",
    "unmap_range of many": "mapper.unmap_range(many.range)[1].flush()",
    "update_flags": "mapper.update_flags(m.start, P | NX | EXCL).flush()",
    "update_flags_range": "mapper.update_flags_range(m.range, P | NX | EXCL).flush()",
    "set_flags_p2_entry": "mapper.set_flags_p2_entry(m.start, P | W | U).flush()",
    "clean_up": "mapper.clean_up_range(pages_from(at(LOW), 1), tf)",
}


@pytest.mark.parametrize("act", FLUSHES)
def test_the_paging_layers_own_flushes_call_the_shootdown_callback(kernel, act):
    """Other CPUs have to forget, too, whoever unmapped: the callback hears of the page, after the entry has changed."""
    kernel.exec("""
        m = create_mapping_at(VirtualAddress((page_of_root_entry(384) << 12) + (1 << 40)), 4 * 4096, WRITE)
        many = create_mapping(300 * 4096, WRITE, huge=False)
        mapper = OffsetPageTable()
        mapper.map_to(at(LOW), Frame(0xb8), DATA, tf)
        mapper.unmap(at(LOW))[2].flush()
        heard = []
        memory.set_broadcast_tlb_shootdown_cb(heard.append)
        """)
    kernel.exec(FLUSHES[act])
    kernel.exec("memory.set_broadcast_tlb_shootdown_cb(None)")
    assert kernel.eval("len(heard)") == 1
    page = {"clean_up": "at(LOW)", "unmap_range of many": "many.start"}.get(act, "m.start")
    assert kernel.eval(f"heard[0] is None or heard[0].contains({page})"), "the callback hears of the pages, or of all"


@pytest.mark.parametrize("pages", [1, 4, 700])
def test_a_mapping_that_goes_keeps_its_place_until_the_others_were_told(kernel, pages):
    """Whoever maps there meanwhile would be unmapped with it, and its frame be nobody's."""
    kernel.exec(f"""
        m, mapper = mapping({pages}), OffsetPageTable()
        first = m.start
        def act():
            answers = [refused(mapper.map_to, first + n, Frame(0xb8), DATA, tf) for n in ({{0, {pages} - 1}})]
            frames = FrameRange.from_numbers(0xb8, 0xb7 + {pages})
            return answers + [refused(mapper.map_range, pages_from(first, {pages}), frames, DATA, tf)]
        inside = Inside(act)
        memory.set_broadcast_tlb_shootdown_cb(inside)
        m.drop()
        memory.set_broadcast_tlb_shootdown_cb(None)
        """)
    assert kernel.eval("inside.answer") == "done"
    assert set(kernel.eval("inside.made")) <= {"StaleEntry", "StaleParentEntry", "PageAlreadyMapped"}
    assert kernel.eval("[run.is_mapped or run.word for run in mapper.runs(first.number, 1)]") == [0]
    kernel.exec("del m, inside")
    kernel.adds_up()
