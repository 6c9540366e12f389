"""Between the clearing of its entries and the end of the flush a frame is neither mapped nor free: it is UNMAPPED.

Other CPUs may still reach it. The shootdown callback runs in that time, so it can see what statistics() says.
"""

import pytest

SETUP = """
seen = []
def look(pages):
    told = memory.frame_allocator.statistics()
    seen.append((told.unmapped, told.free, told.allocated, told.mapped, told.tables, told.reserved, told.total))
def watched(act):
    "What the callback saw during act(), and the same before and after it."
    seen.clear()
    look(None)
    memory.set_broadcast_tlb_shootdown_cb(look)
    try:
        made = act()
    finally:
        memory.set_broadcast_tlb_shootdown_cb(None)
    look(None)
    return made
def forget(mapping):
    "Lose a mapping and have the collector find it."
    mapping.clear()
    collected()
def shared_by_two():
    shared = SharedFrames(memory.allocate_frames(3))
    return [K.map_shared(memory.allocate_pages(3), shared, READ) for _ in range(2)] + [shared]
"""

CASES = {
    "one page": ("create_mapping(4096, WRITE)", "m.drop()", 1),
    "some pages": ("create_mapping(5 * 4096, WRITE)", "m.drop()", 5),
    "many pages": ("create_mapping(700 * 4096, WRITE, huge=False)", "m.drop()", 700),
    "a huge page": ("create_mapping(2 << 20, WRITE)", "m.drop()", 512),
    "the lower half": ("create_mapping_at(VirtualAddress(LOW), 3 * 4096, WRITE)", "m.drop()", 3),
    "the end of a `with`": ("create_mapping(4 * 4096, WRITE)", "m.__exit__(None, None, None)", 4),
    "a buffer was exported": ("create_mapping(2 * 4096, WRITE)", "m.drop()", 2),
    "unmap_into_parts": ("create_mapping(6 * 4096, WRITE)", "m.unmap_into_parts()", 6),
    "remap": ("create_mapping(6 * 4096, WRITE)", "m.remap(READ)", 0),
    "split of a huge page": ("create_mapping(2 << 20, WRITE)", "m.split(m.start + 3)", 0),
    "one of two users of shared frames": ("shared_by_two()", "m[0].drop()", 0),
    "a forgotten mapping": ("[create_mapping(7 * 4096, WRITE)]", "forget(m)", 7),
}


@pytest.fixture
def kernel(attacked):
    attacked.exec(SETUP)
    return attacked


@pytest.mark.parametrize("case", CASES)
def test_the_callback_sees_the_frames_that_are_unmapped_and_not_yet_free(kernel, case):
    """How many frames wait for the flush, and is none of them free, or counted twice, while it is under way?"""
    make, act, unmapped = CASES[case]
    kernel.exec(f"m = {make}")
    if "buffer" in case:
        kernel.exec("view = m.as_slice_mut('B'); memoryview(view); view.release(); del view")
    kernel.exec(f"made = watched(lambda: {act})")
    before, *during, after = kernel.eval("seen")
    assert during, "the callback was called"
    for told in during:
        assert told[0] == unmapped, f"{told[0]} frames are unmapped while the CPUs forget, not {unmapped}"
        assert sum(told[:-1]) == told[-1], "the states of RAM do not sum up to all of it"
    assert during[0][1] <= before[1], "frames were free before the flush"
    assert (before[0], after[0]) == (0, 0)
    assert sum(after[:-1]) == after[-1]


@pytest.mark.parametrize("act", ["m.drop()", "m.unmap_into_parts()"])
def test_what_is_unmapped_cannot_be_had_and_the_audit_knows_it(kernel, act):
    """Inside the callback: nobody can allocate such a frame, and verify() counts it for what it is."""
    kernel.exec(f"""
        m = create_mapping(4 * 4096, WRITE)
        first = m.frames()[0].start_address
        answers = []
        def callback(pages):
            answers.append(refused(memory.allocate_frames_at, first, 1))
            answers.append(memory.verify().violations)
            answers.append(memory.frame_allocator.statistics().unmapped)
        memory.set_broadcast_tlb_shootdown_cb(callback)
        made = {act}
        memory.set_broadcast_tlb_shootdown_cb(None)
        """)
    assert kernel.eval("answers") == ["AddressInUse", [], 4]
    kernel.exec("if made: [one.drop() for one in [made[0]] + made[1]]\nm = made = None")
    kernel.adds_up()


def test_a_callback_that_raises_leaves_nothing_unmapped(kernel):
    """The flush has ended, well or not: the frames are free, and what the callback raised comes out."""
    kernel.exec("""
        m = create_mapping(4 * 4096, WRITE)
        def callback(pages):
            seen.append(memory.frame_allocator.statistics().unmapped)
            raise ValueError("no")
        memory.set_broadcast_tlb_shootdown_cb(callback)
        answer = refused(m.drop)
        memory.set_broadcast_tlb_shootdown_cb(None)
        """)
    assert kernel.eval("(answer, seen)") == ("ValueError", [4])
    kernel.exec("m = None")
    kernel.adds_up()
