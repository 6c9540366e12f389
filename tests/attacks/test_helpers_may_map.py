"""What a user's function does inside a call of the paging layer has happened, or was refused; the answers are true.

A frame allocator, a frame_to_page function, a fault handler: each runs in the middle of a walk, and may map with the
very mapper that called it.
"""

import pytest
from harness import depth

SETUP = """
lent = memory.allocate_frames(24)
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
def trial(how, n, distance):
    "An outer map_to whose helper maps at its n-th turn; what is wrong afterwards, in words."
    helper = Maps(n, lambda: mapper.map_to(inner_page, Frame(0x222), DATA, plain))
    plain = Frames(lent)
    plain.free = plain.free[:12]
    helper.free = helper.free[12:]
    mapper = MappedPageTable(helper.frame_to_page) if how == "frame_to_page" else OffsetPageTable()
    outer = at(LOW)
    inner_page = outer + distance
    helper.left = n
    said = refused(mapper.map_to, outer, Frame(0x111), DATA, helper)
    inner, helper.left = helper.answer, 0
    wrong = []
    looker = OffsetPageTable()
    def seen(page):
        found = looker.translate(page.start_address)
        return found.frame.number if found else None
    if distance == 0:
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
    for page in {outer, inner_page}:
        looker.clean_up_range(pages_from(page, 1), Both())
    if helper.out or plain.out:
        wrong.append("%d and %d frames for tables are lost" % (helper.out, plain.out))
    return wrong, inner
"""


@pytest.mark.parametrize("distance", [0, 1, 1 << 18], ids=["the same page", "its neighbour", "a page far away"])
@pytest.mark.parametrize("how", ["frame_to_page", "allocate_frame"])
def test_a_helper_that_maps_with_the_same_mapper_leaves_true_answers(attacked, how, distance):
    """frame_to_page or allocate_frame maps inside map_to: does the outer success still say what is mapped?"""
    attacked.exec(SETUP)
    met = 0
    for n in range(1, 10):
        wrong, inner = attacked.eval(f"trial({how!r}, {n}, {distance})")
        assert wrong == [], f"at its turn number {n}"
        met += inner is not None
    assert met >= 3, "the helper was asked at least three times"
    attacked.exec("lent.drop(); lent = None")
    attacked.adds_up()


def test_a_deallocator_that_maps_during_clean_up_leaves_true_answers(attacked):
    """deallocate_frame maps with the same mapper, where tables were just freed."""
    attacked.exec("""
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
        def is_mapped(n):
            return mapper.translate_addr((at(LOW) + 2 + n).start_address) is not None
        mapped = [n for n in range(len(back.told)) if is_mapped(n)]
        for n in mapped: mapper.unmap(at(LOW) + 2 + n)[2].flush()
        back.seen = set(range(1 << 16))
        mapper.clean_up_range(pages_from(at(LOW), 8), back)
        """)
    told, mapped = attacked.eval("(back.told, mapped)")
    assert mapped == [n for n, answer in enumerate(told) if answer == "nothing"]
    assert attacked.eval("(freed, back.out)") == (depth.LEVELS - 1, 0)
    attacked.exec("lent.drop(); lent = None")
    attacked.adds_up()


MAPS = {
    "map_to": ("map_to(at(0x6000), Frame(0x222), DATA, frames)", "Frame(p0x222000)"),
    "map_range": (
        "map_range(pages_from(at(0x6000), 3), FrameRange(Frame(2), Frame(4)), DATA, frames)",
        "Frame(p0x2000)",
    ),
}


@pytest.mark.parametrize("act", ["map_to", "map_range", "translate", "unmap"])
def test_a_fault_handler_maps_what_a_walk_touches(attacked, act):
    """frame_to_page names pages that are not mapped yet; a handler maps them, with the live mapper, amid the walk."""
    attacked.exec("""
        from faults import on_fault
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
        attacked.exec("mapper.map_to(at(0x5000), Frame(0x111), DATA, frames); forget()")
    if act in ("map_to", "map_range"):
        call, expected = MAPS[act]
        assert attacked.eval(f"(refused(lambda: mapper.{call}), said)") == ("nothing", "")
        assert attacked.text("plain.translate_page(at(0x6000))") == expected
    elif act == "translate":
        assert attacked.text("mapper.translate_page(at(0x5000))") == "Frame(p0x111000)"
    else:
        assert attacked.text("mapper.unmap(at(0x5000))[0]") == "Frame(p0x111000)"
        assert attacked.eval("plain.translate_addr(VirtualAddress(0x5000))") is None
    assert attacked.eval("len(answered)") == depth.LEVELS, "each table that is touched faults once"
    assert attacked.eval("frames.out") == depth.LEVELS
    attacked.exec("""
        forget(); handler.cancel()
        live.clean_up_range(pages_from(SEEN, 8), spare)
        lent.drop(); tables.drop()
        lent = tables = handler = mapper = plain = None
        """)
    attacked.adds_up()
