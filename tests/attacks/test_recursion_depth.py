"""A call that runs out of stack has happened or has not, at whatever depth: it locks nothing, and nothing is lost."""

import pytest

SETUP = """
def deep(depth, act):
    "Call act() so many calls deeper."
    return deep(depth - 1, act) if depth else act()
ACTS = {
    "create and drop": lambda: create_mapping(4096, WRITE).drop(),
    "create many and drop": lambda: create_mapping(700 * 4096, WRITE).drop(),
    "create at": lambda: create_mapping_at(VirtualAddress(LOW), 8192, WRITE).drop(),
    "owners": lambda: memory.allocate_frames(5).drop(),
    "deferred": lambda: [one.drop() for one in memory.allocate_pages_deferred(AllocationRequest.AlignedTo(1024), 600)],
    "a table": lambda: PageTable.new_table(K).drop(),
    "a guarded callback": lambda: with_callback(),
    "split and merge": lambda: halves(),
}
def with_callback():
    memory.set_broadcast_tlb_shootdown_cb(lambda pages: create_mapping(4096, WRITE).drop())
    try:
        m = create_mapping(3 * 4096, WRITE, huge=False)
        memory.set_broadcast_tlb_shootdown_cb(lambda pages: None)
        m.drop()
    finally:
        memory.set_broadcast_tlb_shootdown_cb(None)
def halves():
    low, high = two()
    low.merge(high)
    low.drop()
def two():
    whole = create_mapping(8 * 4096, WRITE)
    return whole.split(whole.start + 3)
def edge(act):
    "The depth from which on the stack is not enough."
    low, high = 1, 3000
    while low < high:
        middle = (low + high) // 2
        try:
            deep(middle, act)
            low = middle + 1
        except RuntimeError:
            high = middle
    return low
"""
# So many depths around the edge are tried, one by one.
AROUND = 60


@pytest.fixture
def kernel(attacked):
    attacked.exec(SETUP)
    return attacked


def test_at_no_depth_is_anything_locked_or_lost(kernel):
    kernel.exec(
        f"""
        wrong = []
        for name in ACTS:
            act = ACTS[name]
            near = edge(act)
            for depth in range(max(near - 12, 1), near + {AROUND}):
                try:
                    deep(depth, act)
                except RuntimeError:
                    pass
                except BaseException as error:
                    wrong.append((name, depth, repr(error)))
                if _critical.depth():
                    wrong.append((name, depth, "the guard is held"))
                    while _critical.depth(): _critical.leave()
                if refused(lambda: memory.allocate_pages(1).drop()) != "nothing":
                    wrong.append((name, depth, "the allocator is locked"))
            memory.set_broadcast_tlb_shootdown_cb(None)
            if violations():
                wrong.append((name, violations()[:3]))
        """,
        timeout=60,
    )
    assert kernel.eval("wrong") == []
    kernel.exec("act = near = None")
    kernel.adds_up()


def test_a_tree_of_free_runs_that_has_to_be_balanced_is_not_left_half_changed(kernel):
    """Free runs of one frame each: who takes one takes a node out, who gives one back puts one in, four calls deep."""
    kernel.exec(
        """
        held = [memory.allocate_frames(1) for _ in range(160)]
        for one in held[::2]: one.drop()
        held = held[1::2]
        def churn():
            got = []
            for number in range(30): got.append(memory.allocate_frames(1))
            while got: got.pop(len(got) * 7 // 11).drop()
        def wider(depth, act, a=0, b=1, c=2, d=3):
            return deep(depth, lambda: act())
        wrong, near = [], edge(churn)
        for call in deep, wider:
            for depth in range(max(near - 40, 1), near + 4):
                try:
                    call(depth, churn)
                except RuntimeError:
                    pass
                error = refused(churn)
                if error != "nothing":
                    wrong.append((depth, error))
        for one in held: one.drop()
        held = one = None
        """,
        timeout=60,
    )
    assert kernel.eval("wrong") == []
    kernel.adds_up()


def test_who_finds_no_room_to_give_back_still_owns(kernel):
    kernel.exec("""
        from memory import runs
        def none():
            raise RuntimeError
        held = [memory.allocate_frames(1) for _ in range(3)]
        runs.set_room(none, none)  # the one in the middle touches no free run: a node for it would have to come
        said = refused(held[1].drop), bool(held[1])
        runs.set_room(_critical.require_room, _critical.require_room_to_undo)
        for one in held: one.drop()
        held = one = None
        """)
    assert kernel.eval("said") == ("RuntimeError", True)
    kernel.adds_up()


def test_verify_over_many_mappings_and_a_leaf_without_an_owner_is_quick_and_can_be_interrupted(kernel):
    """Time grows with what is mapped, not with that times what is wrong; and Ctrl-C ends it."""
    kernel.exec(
        """
        from time import ticks_cpu
        def ticks():
            before = ticks_cpu()
            memory.verify()
            return ticks_cpu() - before
        kept = [create_mapping(4096, WRITE) for _ in range(3000)]
        clean = min([ticks() for _ in range(3)])
        mapper = OffsetPageTable()
        mapper.map_to(kept[0].end + 200000, Frame(0xb8), DATA, tf)
        unowned = min([ticks() for _ in range(3)])
        """,
        timeout=60,
    )
    clean, unowned = kernel.eval("(clean, unowned)")
    assert unowned < 2 * clean
    kernel.exec("""
        _inject.interrupt(200)
        try:
            memory.verify()
            answer = "went on"
        except KeyboardInterrupt:
            answer = "ended"
        _inject.interrupt(0)
        """)
    assert kernel.eval("answer") == "ended"
    kernel.exec(
        "mapper.unmap(kept[0].end + 200000)[2].flush(); mapper.clean_up(tf)\n"
        "for one in kept: one.drop()\nkept = one = None"
    )
    kernel.adds_up()
