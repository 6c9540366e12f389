"""What was forgotten comes back: owners of every kind, lost or orphaned by an exception, and all at a soft reset."""

import pytest

LOSSES = {
    "pages": ("allocate_pages(3)", 1),
    "frames": ("allocate_frames(3)", 1),
    "huge frames": ("allocate_frames(1024)", 1),
    "pages of the lower half": ("allocate_pages_at(VirtualAddress(0x40000000 + number * 0x10000), 2)", 1),
    "a device region": ("allocate_frames_at(PhysicalAddress(0xfeb00000 + number * 0x1000), 1)", 1),
    "both halves of a split": ("split_frames()", 2),
    "a mapping": ("create_mapping(12288, RW)", 1),
    "a contiguous mapping": ("create_contiguous_mapping(12288, RW)", 1),
    "a huge mapping": ("create_mapping(4 << 20, RW)", 1),
    "a mapping with views": ("create_mapping(4096, RW).as_slice_mut('B')", 1),
    "a borrowed mapping": ("create_mapping(4096, RW).into_borrowed_slice_mut('B')", 1),
    "both halves of a mapping": ("halves()", 2),
    "what unmapping gave": ("create_mapping(8192, RW).unmap_into_parts()", 2),
    "a shared mapping": ("shared()", 2),
    "frames that were shared": ("SharedFrames(allocate_frames(2))", 1),
    "a page table": ("PageTable.new_table(get_kernel_mmi_ref().page_table)", 1),
    "a page table with a mapping": ("lower_mapping(number)", 2),
    "a stack": ("Stack(4)", 1),
    "a deferred allocation": ("allocate_frames_deferred(AllocationRequest.Any(), 2)[0]", 1),
}
HELPERS = """
def split_frames():
    frames = allocate_frames(4)
    return frames.split(frames.start + 1)
def halves():
    mapping = create_mapping(8192, RW)
    return mapping.split(mapping.start + 1)
def shared():
    frames = SharedFrames(allocate_frames(2))
    return frames, get_kernel_mmi_ref().page_table.map_shared(allocate_pages(2), frames, RW)
def lower_mapping(number):
    table = PageTable.new_table(get_kernel_mmi_ref().page_table)
    return table.map_allocated_pages(allocate_pages_at(VirtualAddress(0x80000000 + number * 0x1000), 1), RW)
def reclaimed():
    return memory.frame_allocator.statistics().reclaimed + memory.page_allocator.statistics().reclaimed
def lose():
    for number in range(10): make(number)
def settle():
    clutter(); gc.collect(); clutter(); gc.collect(); clutter()
"""


@pytest.fixture
def losing(memory_kernel):
    """A kernel with the helpers above."""
    memory_kernel.exec(HELPERS)
    return memory_kernel


@pytest.mark.parametrize("loss", LOSSES)
def test_what_is_lost_comes_back_and_is_counted(losing, loss):
    """Ten of a kind. The conservative collector may keep one or two alive for a while."""
    source, each = LOSSES[loss]
    losing.exec(f"def make(number): return {source}")
    before = losing.eval("(free(), reclaimed())")
    losing.exec("lose()")
    losing.exec("settle()")
    free, found = losing.eval("(free(), reclaimed())")
    assert found - before[1] >= 8 * each, "they were counted"
    spare = (before[0][0] - free[0], before[0][1] - free[1])
    assert all(0 <= left <= 2 * 1024 for left in spare)
    losing.exec("gc.collect(); settle(); settle()")
    assert losing.eval("memory.verify().violations") == []


def test_what_is_dropped_is_not_given_back_twice(losing):
    losing.exec("""
        def make(number):
            frames, pages = allocate_frames(2), allocate_pages(2)
            frames.drop(); pages.drop()
            create_mapping(4096, RW).drop()
            kept.append(allocate_frames(1))
        kept = []
        before = reclaimed()
        lose(); settle()
        """)
    assert losing.eval("(reclaimed() - before, len(kept), all(kept))") == (0, 10, True)
    assert losing.eval("len({owner.start.number for owner in kept})") == 10


def test_an_exception_leaves_nothing_behind(losing):
    losing.exec("""
        def fail(number):
            frames, pages = allocate_frames(2), allocate_pages(2)
            mapping = create_mapping(4096, RW)
            view = mapping.as_slice_mut('B')
            raise RuntimeError
        def make(number):
            try: fail(number)
            except RuntimeError: pass
        before = free()
        lose(); settle()
        """)
    free, before = losing.eval("(free(), before)")
    assert all(had - has <= 6 for has, had in zip(free, before, strict=True))


def test_a_lost_mapping_is_unmapped_before_its_frames_are_given_out(losing):
    """Every frame that comes back is taken at once and filled; nothing that is still mapped may show it."""
    losing.exec("""
        def make(number): create_mapping(65536, RW).as_slice_mut('B')[0] = 1
        def check():
            for turn in range(20):
                lose()
                again = create_mapping(4 << 20, RW, huge=False)
                with again.as_slice_mut('Q') as words: words[:1000] = [7] * 1000
                assert not memory.verify().violations
                again.drop()
        """)
    losing.exec("check()", timeout=60)


def test_allocators_look_for_what_was_forgotten_before_they_refuse(losing):
    """All of free memory, lost and asked for again: no call for gc in between."""
    losing.exec("""
        count = memory.frame_allocator.statistics().largest_run - 600
        def take_all(): return create_mapping(count << 12, RW)
        def frames_all(): return allocate_frames(count)
        def again():
            for turn in range(4): take_all()
            for turn in range(4): frames_all()
            for turn in range(2): allocate_pages_at(VirtualAddress(0x7000000000), 5)
        """)
    losing.exec("again()", timeout=60)


def test_at_the_prompt_a_forgotten_mapping_comes_back_while_waiting(losing):
    """No call of an allocator or mapper: the safe point alone."""
    losing.exec("def make(number): create_mapping(4096, RW)")
    losing.exec("""
        before = reclaimed()
        lose(); clutter(); gc.collect(); clutter(); gc.collect()
        """)
    assert (
        losing.eval(
            "sum(arena.reclaimed for arena in (memory.frame_allocator.pool, memory.page_allocator.pool)) - before"
        )
        >= 16
    )


RANDOM_WORK = """
import random
random.seed({seed})
kept = []
for step in range(60):
    kind = random.randrange(7)
    try:
        if kind == 0: kept.append(create_mapping(random.randrange(1, 300000), RW))
        elif kind == 1: kept.append(allocate_frames(random.randrange(1, 700)))
        elif kind == 2: kept.append(allocate_pages(random.randrange(1, 700)))
        elif kind == 3 and kept: kept.pop(random.randrange(len(kept)))
        elif kind == 4: kept.append(memoryview(create_mapping(4096, RW).as_slice_mut('B')))
        elif kind == 5: kept.append(create_mapping(4096, RW).into_borrowed_slice_mut('B'))
        else: kept.append([bytes(random.randrange(2000)) for number in range(100)])
    except KernelError: pass
"""


def test_a_hundred_soft_resets_after_random_work_give_everything_back(kernel):
    look_at = """
        import memory
        def look():
            frames, pages = memory.frame_allocator.statistics(), memory.page_allocator.statistics()
            frames = frames.free, frames.tables, frames.mapped, frames.reserved, frames.reclaimed
            return frames, pages.free, pages.quarantine, pages.reclaimed
        """
    kernel.exec(look_at)
    at_boot = kernel.eval("look()")
    for seed in range(100):
        kernel.exec(
            "from memory import *\nRW = PteFlags().writable(True)\n" + RANDOM_WORK.format(seed=seed), timeout=30
        )
        kernel.soft_reset()
        kernel.exec(look_at)
        assert kernel.eval("look()") == at_boot, f"after reset {seed}"
    assert kernel.eval("memory.verify().violations") == []
