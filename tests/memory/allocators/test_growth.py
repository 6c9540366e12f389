"""Bookkeeping follows what is used, not what there is: it grows, and where it can't, nothing has changed."""

import pytest

SMALL = """
    from memory.allocators.boot_plan import WindowMemory
    import uctypes
    whole = bytearray(1 << 20)
    pieces = WindowMemory(uctypes.addressof(whole) + 63 & -64, (1 << 20) - 64)
    small = PageAllocator.from_layout((1000, 99_999), [], [], pieces, nodes=20)
    pool = small.pool
    asked, more = [], 10
    def add_room(arena, size):
        asked.append(size)
        return runs.extend(arena.tree, *pieces(4096)) if len(asked) <= more else 0
    pool.add_room = add_room
    start = list(pool.runs())
    def state():
        return list(pool.runs()), runs.owners_of(pool.tree), runs.total_of(pool.tree)
"""
FULL = """
    wide = small.allocate(4)
    more, owned = 0, []
    while True:
        try:
            owned.append(small.allocate(1))
        except OutOfBookkeeping:
            break
    asked.clear()
"""


def test_more_owners_than_the_first_memory_can_follow_get_more(check):
    check(
        SMALL
        + """
    owned = [small.allocate(1) for _ in range(500)]
    assert len(asked) >= 5 and asked[0] >= 1 << 16
    for owner in owned[::2]: owner.drop()
    assert len(list(pool.runs())) == 251
    for owner in owned[1::2]: owner.drop()
    assert list(pool.runs()) == start and runs.owners_of(pool.tree) == 0
    """
    )


@pytest.mark.parametrize(
    "act",
    [
        "small.allocate(1)",
        "small.allocate(600)",
        "small.allocate_at(V(50_000 << 12), 1)",
        "small.allocate_deferred(AllocationRequest.AlignedTo(7), 3)",
        "wide.split(wide.start + 1)",
    ],
)
def test_each_call_grows_or_is_refused_with_nothing_changed(check, act):
    check(
        SMALL
        + FULL
        + f"""
    before = state()
    assert type(error_of(lambda: {act})) is OutOfBookkeeping
    assert state() == before and len(asked) >= 1 and len(wide) == 4
    asked.clear()
    more = 1
    kept = {act}
    assert len(asked) == 1
    """
    )


def test_a_tree_uses_no_memory_that_its_references_do_not_reach(check):
    check("""
        import uctypes
        from memory.runs.tree import NODE_BYTES, REACH, nodes_in
        memory = bytearray(8192)
        tree = uctypes.addressof(memory) + 63 & -64
        def limit():
            return uctypes.struct(tree, {"limit": 14 * 4 | uctypes.UINT32}).limit
        for size in 1 << 32, (1 << 32) + 4096, 24 << 28, (1 << 33) + 96:
            runs.create(tree, size)
            assert limit() == REACH - NODE_BYTES + 1 and nodes_in(size) == nodes_in(REACH)
            assert runs.give(tree, 5 << 1, 7) == 0 and list(runs.runs_of(tree)) == [(5, 7, 0)]
        runs.create(tree, 4096)
        for address, size in (tree - 4096, 4096), (tree, 4096), (tree + REACH - 4095, 4096), (tree + (1 << 33), 4096):
            assert runs.extend(tree, address, size) == 0
        assert runs.extend(tree, tree + 4096, 100) == 2
    """)


def test_nodes_of_later_memory_are_used_up_to_the_last(check):
    """Eight nodes at first, eight more: sixteen runs, and not one more."""
    check("""
        import uctypes
        memory = bytearray(4096)
        tree = uctypes.addressof(memory) + 63 & -64
        runs.create(tree, runs.bytes_for(8))
        assert runs.extend(tree, tree + 1024, 8 * 48) == 8
        assert [runs.give(tree, 10 * n << 1, 1) for n in range(17)] == [0] * 16 + [runs.TOO_MANY]
        assert [first for first, _, _ in runs.runs_of(tree)] == [10 * n for n in range(16)]
    """)


def test_four_pebibytes_are_no_more_work_than_four_gibibytes(check):
    check("""
        for bits in 32, 40, 52:
            whole = FrameAllocator.from_boot([(0, 1 << bits, 1)], [])
            before = list(whole.pool.runs())
            owned = [whole.allocate(1) for _ in range(1000)] + [whole.allocate(1 << bits - 14)]
            assert whole.statistics().total == 1 << bits - 12
            assert len(owned[-1]) == 1 << bits - 14
            for owner in owned[::2] + owned[1::2]: owner.drop()
            assert list(whole.pool.runs()) == before
    """)


def test_sparse_marks_are_a_set_of_numbers(check):
    """Against a set: runs at random, across borders of regions, with blocks that come when they are asked for."""
    check("""
        import random, uctypes
        from memory_structs import sparse_marks as marks
        REGION = 1 << 17
        for size in 5 * REGION + 77, (1 << 34) + 5:
            memory = bytearray(marks.bytes_for(size))
            at, blocks = uctypes.addressof(memory), []
            marks.create(at, size)
            def give_blocks(first, count):
                region = marks.without_block(at, first, count)
                while region >= 0:
                    blocks.append(bytearray(marks.block_bytes(size, region)))
                    marks.add_block(at, region, uctypes.addressof(blocks[-1]))
                    region = marks.without_block(at, first, count)
            random.seed(size & 0xFFFF)
            known = set()
            assert marks.mark(at, size - 1, 1) == marks.NO_BLOCK and marks.marked(at) == 0
            borders = [0, REGION, 2 * REGION, size // REGION * REGION, size]
            for step in range(600):
                count = random.choice((1, 2, 31, 32, 33, 100))
                first = max(0, random.choice(borders) - random.randrange(2 * count))
                run = set(range(first, first + count))
                act = random.randrange(4)
                if first + count > size:
                    assert (marks.mark(at, first, count), marks.unmark(at, first, count)) == (-1, -1)
                    continue
                if act < 2:
                    give_blocks(first, count)
                    assert marks.mark(at, first, count) == (-1 if known & run else 0)
                    if not known & run: known |= run
                elif act == 2:
                    left = marks.unmark(at, first, count)
                    if run <= known: known -= run; assert left == len(known)
                    else: assert left == -1
                assert marks.are_marked(at, first, count) == int(run <= known), (first, count)
                assert marks.any_marked(at, first, count) == int(bool(run & known)), (first, count)
                assert marks.marked(at) == len(known)
            assert marks.any_marked(at, size, 5) == 0 and len(blocks) <= 6
    """)
