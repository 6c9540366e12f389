"""Whatever Python runs inside a call may use everything: what it does has happened, and the outer call's answer is true.

A shootdown callback, a frame allocator, a frame_to_page function, a fault handler: each runs in the middle of a change.
It meets the object that is being changed as dead or busy, never as it was.
"""

import pytest

SETUP = """
from faults import on_fault
DEAD_OR_BUSY = ("Busy", "UseAfterMove")
class Inside:
    "A shootdown callback that acts once, on its first call, with the mappings that it was given; `.answer` is what came."
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


REENTRANT = """
lent = memory.allocate_frames(24)
shown = memory.allocate_frames(1)
class Maps(Frames):
    "A frame allocator, and a frame_to_page, that call `act` at the n-th time that they are asked."
    def __init__(self, n, act):
        Frames.__init__(self, lent)
        self.left, self.act, self.answer = n, act, None
    def turn(self):
        self.left -= 1
        if self.left == 0:
            self.answer = refused(self.act)
    def allocate_frame(self):
        frame = Frames.allocate_frame(self)
        self.turn()
        return frame
    def deallocate_frame(self, frame):
        Frames.deallocate_frame(self, frame)
        self.turn()
    def frame_to_page(self, frame):
        self.turn()
        return WINDOW + frame
def trial(how, n, same):
    "An outer map_to whose helper maps at its n-th turn; what is wrong afterwards, in words."
    helper = Maps(n, lambda: mapper.map_to(inner_page, Frame(0x222), DATA, plain))
    plain = Frames(lent)
    plain.free = plain.free[:12]
    helper.free = helper.free[12:]
    mapper = MappedPageTable(helper.frame_to_page) if how == "frame_to_page" else OffsetPageTable()
    outer = at(LOW)
    inner_page = outer if same else outer + 1
    helper.left = n
    said = refused(mapper.map_to, outer, Frame(0x111), DATA, helper)
    inner, helper.left = helper.answer, 0
    wrong = []
    looker = OffsetPageTable()
    def seen(page):
        found = looker.translate(page.start_address)
        return found.frame.number if found else None
    if same:
        expected = 0x111 if said == "nothing" else 0x222 if inner == "nothing" else None
        if said == inner == "nothing":
            wrong.append("both say that they mapped the page")
        if seen(outer) != expected:
            wrong.append("%s, %s, but %r is mapped" % (said, inner, seen(outer)))
    else:
        if seen(outer) != (0x111 if said == "nothing" else None):
            wrong.append("outer %s, but %r is mapped" % (said, seen(outer)))
        if inner is not None and seen(inner_page) != (0x222 if inner == "nothing" else None):
            wrong.append("inner %s, but %r is mapped" % (inner, seen(inner_page)))
    for page in {outer, inner_page}:
        if seen(page) is not None:
            looker.unmap(page)[2].flush()
    class Both:
        "Each frame goes back to whom it came from."
        def deallocate_frame(self, frame):
            (plain if frame.number not in helper.free and frame.number in lows else helper).deallocate_frame(frame)
    lows = set([number for number in range(lent.start.number, lent.end.number + 1)][12:])
    looker.clean_up_range(pages_from(outer, 2), Both())
    if helper.out or plain.out:
        wrong.append("%d and %d frames for tables are lost" % (helper.out, plain.out))
    return wrong, inner
"""


@pytest.mark.parametrize("same", [True, False], ids=["the same page", "its neighbour"])
@pytest.mark.parametrize("how", ["frame_to_page", "allocate_frame"])
def test_a_helper_that_maps_with_the_same_mapper_leaves_true_answers(kernel, how, same):
    """frame_to_page or allocate_frame maps inside map_to: does the outer success still say what is mapped?"""
    kernel.exec(REENTRANT)
    met = 0
    for n in range(1, 10):
        wrong, inner = kernel.eval(f"trial({how!r}, {n}, {same})")
        assert wrong == [], f"at its turn number {n}"
        met += inner is not None
    assert met >= 3, "the helper was asked at least three times"
    kernel.exec("lent.drop(); shown.drop(); lent = shown = None")
    kernel.adds_up()


def test_a_deallocator_that_maps_during_clean_up_leaves_true_answers(kernel):
    """deallocate_frame maps with the same mapper, where tables were just freed."""
    kernel.exec("""
        lent = memory.allocate_frames(24)
        mapper = OffsetPageTable()
        class Back(Frames):
            def deallocate_frame(self, frame):
                Frames.deallocate_frame(self, frame)
                if frame.number not in self.seen:
                    self.seen.add(frame.number)
                    self.told.append(refused(mapper.map_to, at(LOW) + 2 + len(self.told), Frame(0x222), DATA, self))
        back = Back(lent)
        back.seen, back.told = set(), []
        mapper.map_to(at(LOW), Frame(0x111), DATA, back)
        mapper.unmap(at(LOW))[2].flush()
        freed = mapper.clean_up_range(pages_from(at(LOW), 1), back)
        mapped = [n for n in range(len(back.told)) if mapper.translate_addr((at(LOW) + 2 + n).start_address) is not None]
        for n in mapped: mapper.unmap(at(LOW) + 2 + n)[2].flush()
        back.seen = set(range(1 << 16))
        mapper.clean_up_range(pages_from(at(LOW), 8), back)
        """)
    told, mapped = kernel.eval("(back.told, mapped)")
    assert mapped == [n for n, answer in enumerate(told) if answer == "nothing"]
    assert kernel.eval("(freed, back.out)") == (3, 0)
    kernel.exec("lent.drop(); lent = None")
    kernel.adds_up()


@pytest.mark.parametrize("act", ["map_to", "map_range", "translate", "unmap"])
def test_a_fault_handler_maps_what_a_walk_touches(kernel, act):
    """frame_to_page names pages that are not mapped yet; a handler maps them, with the live mapper, amid the walk."""
    kernel.exec("""
        lent = memory.allocate_frames(24)
        tables = memory.allocate_frames(8)
        frames = Frames(tables)
        live = OffsetPageTable()
        SEEN = at(LOW + (1 << 45))
        root = new_root(frames.allocate_frame())
        first = tables.start.number
        spare = Frames(lent)
        def answer(fault):
            page = Page.containing_address(fault.address)
            live.map_to(page, Frame(first + page.number - SEEN.number), DATA, spare)
            answered.append(page)
            return True
        answered = []
        handler = on_fault(pages_from(SEEN, 8), answer)
        mapper = MappedPageTable(lambda frame: SEEN.number + frame - first, root)
        plain = OffsetPageTable(root)
        def forget():
            while answered:
                live.unmap(answered.pop())[2].flush()
        """)
    if act != "map_to":
        kernel.exec("mapper.map_to(at(0x5000), Frame(0x111), DATA, frames); forget()")
    if act in ("map_to", "map_range"):
        call = "map_to(at(0x6000), Frame(0x222), DATA, frames)"
        call = call if act == "map_to" else "map_range(pages_from(at(0x6000), 3), FrameRange(Frame(2), Frame(4)), DATA, frames)"
        assert kernel.eval(f"(refused(lambda: mapper.{call}), said)") == ("nothing", "")
        expected = "Frame(p0x222000)" if act == "map_to" else "Frame(p0x2000)"
        assert kernel.text("plain.translate_page(at(0x6000))") == expected
    elif act == "translate":
        assert kernel.text("mapper.translate_page(at(0x5000))") == "Frame(p0x111000)"
    else:
        assert kernel.text("mapper.unmap(at(0x5000))[0]") == "Frame(p0x111000)"
        assert kernel.eval("plain.translate_addr(VirtualAddress(0x5000))") is None
    assert kernel.eval("len(answered)") == 4, "each table that is touched faults once"
    assert kernel.eval("frames.out") == 4
    kernel.exec("""
        forget(); handler.cancel()
        live.clean_up_range(pages_from(SEEN, 8), spare)
        lent.drop(); tables.drop()
        lent = tables = handler = mapper = plain = None
        """)
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
        m = create_mapping_at(VirtualAddress(0xffffc00000000000 + (1 << 40)), 4 * 4096, WRITE)
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
