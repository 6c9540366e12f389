"""Who owns which frame: a source of frames takes back only what it handed out, and what is lent stays where it is."""

import pytest

PRELUDE = """
import _critical
from paging import *
from memory import *
tables = memory.frame_allocator.table_frames
memory_map = BootInfo().memory_map
def states():
    s = memory.frame_allocator.statistics()
    return s.free, s.allocated, s.mapped, s.unmapped, s.tables, s.reserved
def attempt(call, *arguments):
    # What a call raises: (class, text); and that nothing has changed.
    before, answer = states(), None
    try:
        call(*arguments)
    except Exception as error:
        answer = type(error).__name__, str(error.args[0])
    assert states() == before, (before, states())
    assert _critical.depth() == 0
    return answer
"""


@pytest.fixture
def frames(memory_kernel):
    """A kernel with short names for what is tested here."""
    memory_kernel.exec(PRELUDE)
    return memory_kernel


OTHERS = {
    "the active root": "Cr3.read()[0].number",
    "a mapping's frame": "mapped.frames()[0].first_number",
    "somebody's frame": "owned.first_number",
    "a table that the mapper made": "table_of(placed)",
    "a free frame": "memory.frame_allocator.pool.free_from(0)[0]",
    "a frame of the kernel's image": "BootInfo().sections[0].first_frame",
    "a frame of the bookkeeping": "memory.frame_allocator.reservations[-1][0]",
    "a device's": "0xfee00",
    "one outside all there is": "(1 << 52) - 1",
}
HOLDERS = """
mapped, owned = create_mapping(4096, RW), allocate_frames(4)
placed = create_mapping_at(VirtualAddress(0x123400000000), 4096, RW)
out = tables.allocate_number()  # so that there is one out
def table_of(mapping):
    return walk(mapping.start_address)[-1].table.number
def walk(address):
    return list(OffsetPageTable().walk(address))
"""


@pytest.mark.parametrize("whose", OTHERS)
def test_a_frame_that_is_no_table_of_ours_cannot_be_freed_as_one(frames, whose):
    frames.exec(HOLDERS)
    frames.exec(f"number = {OTHERS[whose]}")
    assert frames.eval("attempt(tables.deallocate_number, number)")[0] == "IllegalState"
    assert frames.eval("attempt(tables.deallocate_run, number, 1)")[0] == "IllegalState"
    if whose != "one outside all there is":
        assert frames.eval("attempt(tables.deallocate_frame, Frame(number))")[0] == "IllegalState"
    frames.exec("tables.deallocate_number(out)")
    assert frames.eval("verify().violations") == []


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ("'x'", "TypeError"),
        ("None", "TypeError"),
        ("1.0", "TypeError"),
        ("True", "TypeError"),
        ("owned.start", "TypeError"),
        ("-1", "ValueError"),
        ("1 << 52", "ValueError"),
        ("out + (1 << 64)", "ValueError"),
    ],
)
def test_what_is_no_number_is_refused_and_no_door_stays_locked(frames, wrong, error):
    frames.exec(HOLDERS)
    for call in ("deallocate_number", "deallocate_run"):
        more = ", 1" * call.endswith("run")
        assert frames.eval(f"attempt(tables.{call}, {wrong}{more})")[0] == error
    assert frames.eval(f"attempt(tables.deallocate_frame, {wrong})")[0] == (
        "IllegalState" if wrong == "owned.start" else "TypeError"
    )
    assert frames.eval("attempt(tables.deallocate_frame, Frame(out & ~511, Page2M))")[0] == "TypeError"
    frames.exec("tables.deallocate_number(out)")


def test_a_table_frame_comes_back_once(frames):
    frames.exec("before = states(); frame = tables.allocate_frame(); tables.deallocate_frame(frame)")
    assert frames.eval("states() == before")
    assert frames.eval("attempt(tables.deallocate_frame, frame)")[0] == "IllegalState"
    frames.exec("taken = allocate_frames_at(frame.start_address, 1)")
    assert frames.eval("attempt(tables.deallocate_frame, frame)")[0] == "IllegalState"


def test_runs_of_table_frames_come_and_go_as_a_whole(frames):
    frames.exec("before = states(); first, count = tables.allocate_run(40)")
    assert frames.eval("(count, states()[4] - before[4], before[0] - states()[0])") == (40, 40, 40)
    assert frames.eval("(tables.has_out(first, 40), tables.has_out(first, 41), tables.has_out(first - 1))") == (
        True,
        False,
        False,
    )
    frames.exec("tables.deallocate_number(first + 20)")
    assert frames.eval("attempt(tables.deallocate_run, first, 40)")[0] == "IllegalState"
    assert frames.eval("attempt(tables.deallocate_run, first, 1 << 51)")[0] == "IllegalState"
    for wrong in ("0", "-1"):
        assert frames.eval(f"attempt(tables.deallocate_run, first, {wrong})")[0] == "ValueError"
    frames.exec("tables.deallocate_run(first, 20); tables.deallocate_run(first + 21, 19)")
    assert frames.eval("states() == before")


def test_a_run_of_table_frames_is_as_long_as_there_is(frames):
    frames.exec("""
        before, runs = states(), []
        largest = memory.frame_allocator.statistics().largest_run
        while True:
            run = tables.allocate_run(1 << 40)
            if run is None: break
            runs.append(run)
        """)
    assert frames.eval("runs[0][1] == largest and sum([count for _, count in runs]) == before[0] - states()[0]")
    assert frames.eval("(tables.allocate_number(), tables.allocate_frame(), states()[0])") == (-1, None, 0)
    frames.exec("for first, count in runs: tables.deallocate_run(first, count)")
    assert frames.eval("states() == before")


def test_table_frames_by_number_need_no_heap(frames):
    frames.exec("""
        import micropython
        def several():
            micropython.heap_lock()
            for _ in range(20):
                tables.deallocate_number(tables.allocate_number())
            micropython.heap_unlock()
        before = states()
        several()
        """)
    assert frames.eval("states() == before")


@pytest.mark.parametrize("kind", ["frame", "page"])
def test_only_what_was_mapped_by_hand_is_brought_back_so(frames, kind):
    frames.exec(f"""
        allocator, allocate = memory.{kind}_allocator, allocate_{kind}s
        owned, mine, mapping = allocate(4), allocate(6), create_mapping(4096, RW)
        of_mapping = mapping.frames()[0].first_number if "{kind}" == "frame" else mapping.range.first_number
        first, count, _ = allocator.into_mapped(mine, "my mapper")
        """)
    for run in ("owned.first_number, 4", "of_mapping, 1", "first - 1, 2", "first, 7", "first + 5, 2", "first, 1 << 51"):
        assert frames.eval(f"attempt(allocator.from_mapped, {run})")[0] == "IllegalState"
    for run, error in (("'x', 1", "TypeError"), ("first, 'x'", "TypeError"), ("first + (1 << 64), 1", "ValueError")):
        assert frames.eval(f"attempt(allocator.from_mapped, {run})")[0] == error
    frames.exec("middle = allocator.from_mapped(first + 2, 2)")
    assert frames.eval("attempt(allocator.from_mapped, first, 6)")[0] == "IllegalState"
    assert frames.eval("attempt(allocator.from_mapped, first + 2, 2)")[0] == "IllegalState"
    frames.exec("parts = middle, allocator.from_mapped(first, 2), allocator.from_mapped(first + 4, 2)")
    frames.exec("for part in parts + (owned, mapping): part.drop()")
    assert frames.eval("allocator.pool.mapped") == 0
    assert frames.eval("verify().violations") == []


KERNELS = {
    "its image": "FrameRange.from_numbers(BootInfo().sections[0].first_frame, BootInfo().sections[0].first_frame + 3)",
    "its free RAM": "FrameRange.from_numbers(*[memory.frame_allocator.pool.free_from(0)[0]] * 2)",
    "all there is": "FrameRange(Frame(0), Frame((1 << 28) - 1))",
    "somebody's frames": "others.range",
    "a mapping's frames": "mapping.frames()[0]",
}


@pytest.mark.parametrize("whose", KERNELS)
def test_the_memory_map_hands_out_nothing_that_nobody_lends(frames, whose):
    frames.exec("others, mapping = allocate_frames(4), create_mapping(8192, RW)")
    answer = frames.eval(f"attempt(BootInfoFrameAllocator, memory_map, {KERNELS[whose]})")
    assert answer[0] == "AddressInUse"
    if whose == "its image":
        assert "the kernel's image" in answer[1]


@pytest.mark.parametrize("what", ["create_mapping(8192, RW)", "allocate_pages(2)", "None", "5", "gone", "shared"])
def test_only_an_owner_of_frames_lends_them(frames, what):
    frames.exec("gone, shared = allocate_frames(1), SharedFrames(allocate_frames(1)); gone.drop()")
    wanted = "UseAfterMove" if what == "gone" else "TypeError"
    assert frames.eval(f"attempt(BootInfoFrameAllocator, memory_map, {what})")[0] == wanted


LENDING = """
both = allocate_frames(8)
owned, beside = both.split(both.start + 5)
first, pages = owned.first_number, allocate_pages(5)
source = BootInfoFrameAllocator(memory_map, owned)
"""
CONSUMERS = {
    "drop": "owned.drop()",
    "split": "owned.split(owned.start + 2)",
    "split_range": "owned.split_range(FrameRange(owned.start, owned.start + 1))",
    "merge into it": "owned.merge(beside)",
    "merge it": "beside.merge(owned)",
    "map": "create_mapping_to(pages, owned)",
    "share": "SharedFrames(owned)",
    "map by hand": "memory.frame_allocator.into_mapped(owned, 'me')",
    "say that they are clean": "owned.mark_clean()",
    "with": "with_it()",
}
HELPERS = """
create_mapping_to = lambda pages, frames: get_kernel_mmi_ref().page_table.map_allocated_pages_to(pages, frames, RW)
def with_it():
    with owned: pass
"""


@pytest.fixture
def lending(frames):
    """A kernel with `owned`, five frames of which `source` may hand out, and `beside`, the three behind them."""
    frames.exec(LENDING + HELPERS)
    yield frames
    # Nobody may be sure that frames which are out are no tables, so they would stay out.
    frames.exec("""
        for one in [source for source in globals().values() if type(source) is BootInfoFrameAllocator]:
            for number in range(first, first + 5):
                try: one.deallocate_run(number, 1)
                except IllegalState: pass
        """)


@pytest.mark.parametrize("way", CONSUMERS)
def test_what_is_lent_and_out_cannot_change_hands(lending, way):
    lending.exec("frame = source.allocate_frame(); run = source.allocate_run(2)")
    name, text = lending.eval(f"attempt(lambda: {CONSUMERS[way]})")
    assert name == "IllegalState"
    assert "lent to BootInfoFrameAllocator(3 of 5 frames out)" in text
    lending.exec("source.deallocate_frame(frame)")
    assert lending.eval(f"attempt(lambda: {CONSUMERS[way]})")[0] == "IllegalState"
    lending.exec("source.deallocate_run(*run)")
    lending.exec(CONSUMERS[way])
    if way == "map by hand":
        lending.exec("memory.frame_allocator.from_mapped(first, 5).drop()")


def test_what_is_lent_answers_all_questions(lending):
    questions = (
        "(owned.start, owned.end, owned.range, owned.start_address, owned.size_in_bytes, len(owned), repr(owned), "
        "owned.state, owned.contains(Frame(first)))"
    )
    before = lending.text(questions)
    lending.exec("frame = source.allocate_frame()")
    assert lending.text(questions) == before
    assert not lending.eval("bool(owned)")
    lending.exec("source.deallocate_frame(frame)")
    assert lending.text(questions) == before
    assert lending.eval("bool(owned)")


def test_frames_that_were_lent_are_not_clean(lending):
    lending.exec("owned.mark_clean(); frame = source.allocate_frame()")
    assert not lending.eval("owned.is_clean()")
    lending.exec("source.deallocate_frame(frame)")
    assert not lending.eval("owned.is_clean()")


def test_a_borrower_whose_owner_is_gone_hands_nothing_out(lending):
    lending.exec("source.deallocate_frame(source.allocate_frame()); owned.drop()")
    assert lending.eval("attempt(source.allocate_frame)")[0] == "UseAfterMove"
    assert lending.eval("attempt(source.allocate_run, 3)")[0] == "UseAfterMove"
    assert lending.eval("source.allocated") == 0


def test_one_owner_has_one_borrower_at_a_time(lending):
    lending.exec("other = BootInfoFrameAllocator(memory_map, owned); frame = source.allocate_frame()")
    assert lending.eval("attempt(other.allocate_frame)")[0] == "IllegalState"
    assert lending.eval("attempt(BootInfoFrameAllocator, memory_map, owned)")[0] == "IllegalState"
    lending.exec("owned.take_back(other)")
    assert lending.eval("attempt(owned.drop)")[0] == "IllegalState"
    lending.exec("source.deallocate_frame(frame); frame = other.allocate_frame()")
    assert lending.eval("attempt(source.allocate_frame)")[0] == "IllegalState"


@pytest.mark.parametrize(
    "frames_back",
    ["first + 3, 1", "first, 4", "first - 1, 1", "first + 5, 1", "first - 1, 2", "first + 2, 1 << 51", "0, 1"],
)
def test_frames_that_are_not_out_do_not_come_back(lending, frames_back):
    lending.exec("run = source.allocate_run(3)")
    assert lending.eval(f"attempt(source.deallocate_run, {frames_back})")[0] == "IllegalState"
    assert lending.eval("(source.allocated, source.free(), run == (first, 3))") == (3, 2, True)
    lending.exec("source.deallocate_run(first + 1, 1)")
    for again in ("first + 1, 1", "first, 3"):
        assert lending.eval(f"attempt(source.deallocate_run, {again})")[0] == "IllegalState"
    assert lending.eval("attempt(source.deallocate_frame, Frame(first + 1))")[0] == "IllegalState"
    assert lending.eval("attempt(source.deallocate_frame, Frame(first & ~511, Page2M))")[0] == "TypeError"
    assert lending.eval("attempt(source.deallocate_run, 'x', 1)")[0] == "TypeError"
    assert lending.eval("attempt(source.deallocate_run, first + (1 << 64), 1)")[0] == "ValueError"
    assert lending.eval("source.allocate_run(9)") == lending.eval("(first + 1, 1)")


def test_a_forgotten_owner_stays_while_its_frames_are_out(lending):
    lending.exec("""
        import gc
        number = first
        frame = source.allocate_frame()
        del owned, both
        for _ in range(5): clutter(); gc.collect()
        """)
    assert lending.eval("attempt(allocate_frames_at, Frame(number).start_address, 1)")[0] == "AddressInUse"
    lending.exec("before = memory.frame_allocator.statistics().reclaimed; source.deallocate_frame(frame)")
    lending.exec("del source\nfor _ in range(5): clutter(); gc.collect(); clutter()")
    assert lending.eval("memory.frame_allocator.statistics().reclaimed - before") == 1


def test_frames_between_pieces_of_usable_memory_are_never_out(frames):
    """A map made up over ten owned frames: usable are three, then, behind a gap, four in two regions that touch."""
    frames.exec("""
        from paging.boot_info import MemoryRegion
        owned = allocate_frames(10)
        first = owned.first_number
        regions = [(0, 3, 1), (3, 5, 2), (5, 7, 1), (7, 9, 1), (6, 8, 1)]
        made_up = [MemoryRegion(first + a << 12, first + b << 12, kind) for a, b, kind in regions]
        source = BootInfoFrameAllocator(made_up, owned)
        """)
    assert frames.eval("(source.free(), source.allocated)") == (7, 0)
    assert frames.eval("[(run[0] - first, run[1]) for run in [source.allocate_run(5), source.allocate_run(5)]]") == [
        (0, 3),
        (5, 4),
    ]
    assert frames.text("source.allocate_run(1)") == "None"
    for run in ("first + 3, 1", "first, 9", "first + 4, 2", "first + 9, 1"):
        assert frames.eval(f"attempt(source.deallocate_run, {run})")[0] == "IllegalState"
    frames.exec("source.deallocate_run(first + 5, 4); source.deallocate_run(first, 3)")
    assert frames.eval("(source.free(), source.allocated)") == (7, 0)
    frames.exec("owned.drop()")


def test_what_a_mapper_holds_between_clearing_and_flushing_is_unmapped(frames):
    """The mapper counts it in the arena while its frames are neither mapped nor free: the sum stays that of all RAM."""
    frames.exec("""
        mapped, start, seen = memory.create_mapping(6 * 4096, memory.HEAP_FLAGS), states(), []
        def look(pages):
            seen.append(([now - was for now, was in zip(states(), start)], verify().violations))
        memory.set_broadcast_tlb_shootdown_cb(look)
        try: mapped.drop()
        finally: memory.set_broadcast_tlb_shootdown_cb(None)
        """)
    (changes, violations) = frames.eval("seen[0]")
    assert changes == [0, 0, -6, 6, 0, 0]
    assert violations == []
    assert frames.eval("states()[3]") == 0
