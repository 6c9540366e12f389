"""A frame is given back by whom it was given to, once, and not while a table lies in it.

The allocators of the paging layer hand frames in and out one by one. What comes back there may be anything: the active
root, a table in use, somebody's data. Taken back, it would have a second owner.
"""

import pytest
from harness import depth

SETUP = """
t = PageTable.new_table(K)
m = create_mapping(4096, WRITE)
owned = memory.allocate_frames(16)
shared = SharedFrames(memory.allocate_frames(1))
seen = K.map_shared(memory.allocate_pages(1), shared, WRITE)
mapper = OffsetPageTable()
mapper.map_to(at(LOW), owned.end, DATA, tf)
memory_map = BootInfo().memory_map
def lend():
    "An allocator over `owned`, with three of its frames in use as tables of the page at LOW + 1 TiB."
    b = BootInfoFrameAllocator(memory_map, owned)
    mapper.map_to(at(LOW + (1 << 40)), Frame(0xb8), DATA, b)
    return b
def end(b):
    "The end of lend()."
    mapper.unmap(at(LOW + (1 << 40)))[2].flush()
    return mapper.clean_up_range(pages_from(at(LOW + (1 << 40)), 1), b)
"""

FOREIGN = {
    "the active root": "Frame(active_root())",
    "the root of another table": "root_frame(t)",
    "a level-3 table of the shared half": "Frame(raw(active_root(), 300) >> 12 & 0xfffffff)",
    "a level-1 table of an owned mapping": "Frame(place(m.start_address.value, 1)[0])",
    "a table that tf gave, and that is in use": "Frame(place(LOW, 1)[0])",
    "the frame of a mapping": "mapper.translate_page(m.start)",
    "a frame that somebody owns": "owned.start",
    "a shared frame": "shared.range.start",
    "a frame of the kernel's image": "mapper.translate_page(Page(TEXT))",
    "a frame of a device": "Frame(0xfee00)",
    "a frame of reserved RAM": "Frame(0xb8)",
}


@pytest.fixture
def kernel(attacked):
    attacked.exec(SETUP)
    return attacked


def everything_comes_back(kernel):
    kernel.exec("""
        mapper.unmap(at(LOW))[2].flush()
        mapper.clean_up_range(pages_from(at(LOW), 1), tf)
        for one in (t, m, seen, owned, shared): one.drop()
        del t, m, seen, owned, shared, one
        """)
    kernel.adds_up()


def test_the_source_of_tables_takes_only_what_it_gave(kernel):
    """Would tf free a frame that is in use, because somebody says that it is a table?"""
    for what, frame in FOREIGN.items():
        kernel.refuses(f"tf.deallocate_frame({frame})", ["IllegalState"])
        kernel.refuses(f"tf.deallocate_number(({frame}).number)", ["IllegalState"])
        if "device" not in what and "reserved" not in what:
            kernel.refuses(f"memory.allocate_frames_at(({frame}).start_address, 1)", ["AddressInUse"])
    everything_comes_back(kernel)


def test_a_frame_comes_back_once_and_a_table_after_its_end(kernel):
    """What tf gave it takes back: unused, or when nothing leads to it any more; and never twice."""
    kernel.exec("frame = tf.allocate_frame()\ntf.deallocate_frame(frame)")
    kernel.refuses("tf.deallocate_frame(frame)", ["IllegalState"])
    kernel.exec("frame = Frame(place(LOW, 1)[0])")
    kernel.refuses("tf.deallocate_frame(frame)", ["IllegalState"])
    kernel.exec("mapper.unmap(at(LOW))[2].flush()")
    kernel.refuses("tf.deallocate_frame(frame)", ["IllegalState"])
    assert kernel.eval("mapper.clean_up_range(pages_from(at(LOW), 1), tf)") == depth.LEVELS - 1
    kernel.refuses("tf.deallocate_frame(frame)", ["IllegalState"])
    kernel.exec("mapper.map_to(at(LOW), owned.end, DATA, tf)")
    everything_comes_back(kernel)


def test_what_is_no_frame_number_is_refused_and_the_guard_left(kernel):
    """Does a wrong argument leave Ctrl-C dead?"""
    for argument in ("-1", "1 << 40", "1 << 80", "True", "1.5", "None", "'x'"):
        names = ["TypeError", "ValueError", "OverflowError", "IllegalState"]
        kernel.refuses(f"tf.deallocate_number({argument})", names)
    everything_comes_back(kernel)


def test_the_allocator_makes_no_owner_of_somebodys_frame(kernel):
    """Can from_mapped() be asked for a frame that somebody maps or owns?"""
    for frame in FOREIGN.values():
        names = ["IllegalState", "AttributeError"]  # or the step is nobody's but the mapper's
        kernel.refuses(f"memory.frame_allocator.from_mapped(({frame}).number, 1)", names)
    everything_comes_back(kernel)


RANGES = {
    "the active root": "FrameRange(Frame(active_root()), Frame(active_root()))",
    "the kernel's tables": "FrameRange(Frame(active_root()), Frame(active_root() + 9))",
    "a mapping's frames": "m.frames()[0]",
    "a shared frame": "shared.range",
    "the frames of another allocator's tables": "FrameRange(Frame(place(LOW, 1)[0]), Frame(place(LOW, 1)[0]))",
    "all of RAM": "FrameRange(Frame(0x100), Frame(0x7fdf))",
    "its own frames and the next one": "FrameRange(owned.start, owned.end + 1)",
}


def test_an_allocator_over_frames_that_nobody_lent_gives_none_of_them(kernel):
    """The post's allocator takes every usable frame of the map: also those that others use by now?"""
    kernel.exec("""
        def try_all(frames):
            b = BootInfoFrameAllocator(memory_map, frames)
            got = []
            try:
                for _ in range(len(frames)):
                    got.append(b.allocate_frame())
            finally:
                for frame in got:
                    if frame is not None: b.deallocate_frame(frame)
        """)
    for frames in RANGES.values():
        kernel.refuses(f"try_all({frames})", ["IllegalState", "AddressInUse"])
    everything_comes_back(kernel)


LENT_CALLS = [
    "owned.drop()",
    "K.map_allocated_pages_to(pages, owned, WRITE)",
    "SharedFrames(owned)",
    "owned.split(owned.start + 8)",
]


@pytest.mark.parametrize("call", LENT_CALLS)
def test_lent_frames_stay_lent_while_tables_lie_in_them(kernel, call):
    """Frames that were lent are dropped, or mapped as data, while they are live tables: refused by name."""
    kernel.exec("b = lend()\npages = memory.allocate_pages(16)")
    kernel.refuses(call, ["IllegalState"])
    assert kernel.text("mapper.translate_page(at(LOW + (1 << 40)))") == "Frame(p0xb8000)"
    assert kernel.eval("end(b)") == 3
    kernel.exec("pages.drop(); del pages, b")
    everything_comes_back(kernel)


def test_tables_in_lent_frames_are_accounted_for(kernel):
    """Does the audit know that a frame that was lent is a table, so that the post's code runs on a healthy system?"""
    kernel.exec("b = lend()")
    assert kernel.eval("violations()") == []
    kernel.exec("end(b)\ndel b")
    everything_comes_back(kernel)


def test_lent_frames_that_were_forgotten_stay_while_tables_lie_in_them(kernel):
    """Owner and allocator are gone, the tables are not: whose are the frames?"""
    kernel.exec("lend()\nfirst = owned.start\nmapper.unmap(at(LOW))[2].flush()\nowned = None\ncollected()")
    assert kernel.text("mapper.translate_page(at(LOW + (1 << 40)))") == "Frame(p0xb8000)"
    kernel.exec("tables = [Frame(place(LOW + (1 << 40), level)[0]) for level in range(1, LEVELS)]")
    assert kernel.eval("[refused(memory.allocate_frames_at, frame.start_address, 1) for frame in tables]") == (
        ["AddressInUse"] * (depth.LEVELS - 1)
    )
    assert kernel.eval("violations()") == []


def test_pruning_frees_no_table_of_somebody_else(kernel):
    """An owned mapping hangs in tables that were lent; with its end they are empty: who gets them?"""
    kernel.exec("""
        b = lend()
        near = create_mapping_at(VirtualAddress(LOW + (1 << 40) + 4096), 4096, WRITE)
        mapper.unmap(at(LOW + (1 << 40)))[2].flush()
        near.drop()
        """)
    for frame in range(3):
        call = f"memory.allocate_frames_at((owned.start + {frame}).start_address, 1)"
        assert kernel.eval(f"refused(lambda: {call})") == "AddressInUse", "the frame has two owners"
    kernel.exec("mapper.clean_up_range(pages_from(at(LOW + (1 << 40)), 1), b)")
    assert kernel.eval("b.allocated") == 0, "the tables came back to whom they belong"
    kernel.exec("del b, near")
    everything_comes_back(kernel)


def test_a_dropped_table_leaves_the_frames_that_somebody_lent_it(kernel):
    """Tables of another root lie in an owner's frames: without that root they are no tables, yet the owner's."""
    kernel.exec("""
        b = BootInfoFrameAllocator(memory_map, owned)
        OffsetPageTable(root_frame(t)).map_to(at(LOW), Frame(0xb8), DATA, b)
        before = memory.frame_allocator.statistics()
        t.drop()
        after = memory.frame_allocator.statistics()
        """)
    told = kernel.eval("(b.allocated, after.free - before.free, before.tables - after.tables)")
    assert told == (depth.LEVELS - 1, 1, 1), "its root"
    for number in range(16):
        call = f"memory.allocate_frames_at((owned.start + {number}).start_address, 1)"
        assert kernel.eval(f"refused(lambda: {call})") == "AddressInUse", "the frame has two owners"
    assert kernel.eval("violations()") == []
    kernel.exec("for frame in owned.range: refused(b.deallocate_frame, frame)")
    assert kernel.eval("b.allocated") == 0
    kernel.exec("t = PageTable.new_table(K)\ndel b, frame")
    everything_comes_back(kernel)


def test_cleaning_up_frees_no_table_of_an_owned_mapping(kernel):
    """The paging layer takes the only page out of an owned table: the table is empty, and its owner's all the same."""
    kernel.exec("""
        near = create_mapping_at(VirtualAddress(LOW + (2 << 40)), 4096, WRITE)
        frame, flags, token = mapper.unmap(near.start)
        token.flush()
        """)
    assert kernel.eval("mapper.clean_up_range(pages_from(near.start, 1), tf)") == 0
    kernel.exec("mapper.map_to(near.start, frame, flags, EmptyFrameAllocator())\nnear.drop()\ndel near, token")
    everything_comes_back(kernel)


def test_a_table_stays_its_makers_when_its_entry_gets_other_flags(kernel):
    """Who frees the tables of an owned mapping whose entries were set by the paging layer?"""
    kernel.exec("""
        near = create_mapping_at(VirtualAddress(LOW + (2 << 40)), 4096, WRITE)
        for level in range(LEVELS, 1, -1): mapper.set_parent_flags(near.start, level, P | W).flush()
        near.drop()
        del near
        """)
    everything_comes_back(kernel)


def test_cleaning_up_gives_each_table_to_its_own_allocator_or_refuses(kernel):
    """Tables of one allocator's frames, cleaned up with another: does that one take what it never had?"""
    kernel.exec("b = lend()\nmapper.unmap(at(LOW))[2].flush()")
    kernel.eval("refused(mapper.clean_up_range, pages_from(at(LOW), 1), b)")
    assert kernel.eval("b.allocated") == 3, "it counts three frames in use, and has taken none of another's"
    kernel.exec("taken = [b.allocate_frame() for _ in range(13)]")
    assert kernel.eval("b.allocate_frame()") is None
    assert kernel.eval("all([owned.contains(frame) for frame in taken])")
    kernel.exec("for frame in taken: b.deallocate_frame(frame)")
    kernel.exec("end(b)\nmapper.map_to(at(LOW), owned.end, DATA, tf)\ndel b, taken, frame")
    everything_comes_back(kernel)


def test_a_lending_allocator_takes_only_what_it_gave(kernel):
    """Does deallocate_frame() of the post's allocator add frames to it that were never its own?"""
    kernel.exec("b = BootInfoFrameAllocator(memory_map, owned)")
    for what, frame in FOREIGN.items():
        kernel.refuses(f"b.deallocate_frame({frame})", ["IllegalState", "ValueError"])
        assert kernel.eval("(b.allocated, b.free())") == (0, 16), what
    kernel.exec("del b")
    everything_comes_back(kernel)


GIVEN = {what: frame for what, frame in FOREIGN.items() if what != "a frame that somebody owns"}
NEW = "pages_from(Page(page_of_root_entry(46)), 1)"


@pytest.mark.parametrize("what", GIVEN)
def test_an_allocator_of_somebodys_own_cannot_make_tables_of_others_frames(kernel, what):
    """A frame allocator written in Python says that this frame may hold a table: it is nobody's to give away."""
    kernel.exec(f"mine = Frames(owned)\nmine.free.append(({GIVEN[what]}).number)")
    kernel.refuses(f"mapper.map_range({NEW}, FrameRange(Frame(0xb8), Frame(0xb8)), DATA, mine)", ["IllegalState"])
    kernel.exec("del mine")
    everything_comes_back(kernel)


def test_a_frame_becomes_one_table_at_a_time(kernel):
    """An allocator hands the same frame out for two tables of one mapping, or for a table of another."""
    kernel.exec("mine = Frames(owned)\nmine.free = [owned.start.number] * LEVELS")
    kernel.refuses(f"mapper.map_range({NEW}, FrameRange(Frame(0xb8), Frame(0xb8)), DATA, mine)", ["IllegalState"])
    kernel.exec(
        "b = lend()\nmine.free = [place(LOW + (1 << 40), 1)[0]] + [owned.end.number - n for n in range(LEVELS - 2)]"
    )
    kernel.refuses(f"mapper.map_range({NEW}, FrameRange(Frame(0xb8), Frame(0xb8)), DATA, mine)", ["IllegalState"])
    kernel.exec("end(b)\ndel b, mine")
    everything_comes_back(kernel)


def test_frames_that_held_tables_are_not_clean(kernel):
    """Cleared once, then lent for tables by an allocator of somebody's own: what comes back has the tables' bytes."""
    kernel.exec(f"""
        owned.mark_clean()
        mine = Frames(owned)
        mapper.map_range({NEW}, FrameRange(Frame(0xb8), Frame(0xb8)), DATA, mine)
        mapper.unmap(Page(page_of_root_entry(46)))[2].flush()
        """)
    assert kernel.eval(f"mapper.clean_up_range({NEW}, mine)") == depth.LEVELS - 1
    assert not kernel.eval("owned.is_clean()"), "who gets them next would read entries"
    kernel.exec("del mine")
    everything_comes_back(kernel)


def test_tables_of_a_root_that_is_not_active_are_in_use_too(kernel):
    """Frames that an allocator of somebody's own gave to another root: nobody's until that root's tables are gone."""
    kernel.exec(f"""
        mine = Frames(owned)
        other = OffsetPageTable(root_frame(t))
        other.map_range({NEW}, FrameRange(Frame(0xb8), Frame(0xb8)), DATA, mine)
        """)
    kernel.refuses("owned.drop()", ["IllegalState"])
    kernel.refuses("owned.split(owned.start + 8)", ["IllegalState"])
    kernel.exec("other.unmap(Page(page_of_root_entry(46)))[2].flush()")
    assert kernel.eval(f"other.clean_up_range({NEW}, mine)") == depth.LEVELS - 1
    kernel.exec("del mine, other")
    everything_comes_back(kernel)


def test_forgotten_frames_come_back_with_the_end_of_their_tables(kernel):
    """Their owner was forgotten while they were tables: are they lost for ever?"""
    kernel.exec(f"""
        mine = Frames(owned)
        first = owned.start.start_address
        mapper.unmap(at(LOW))[2].flush()
        mapper.map_range({NEW}, FrameRange(Frame(0xb8), Frame(0xb8)), DATA, mine)
        owned = None
        collected()
        """)
    kernel.refuses("memory.allocate_frames_at(first, 16)", ["AddressInUse"])
    kernel.exec(
        f"mapper.unmap(Page(page_of_root_entry(46)))[2].flush()\nmapper.clean_up_range({NEW}, mine)\ncollected()"
    )
    kernel.exec("owned = memory.allocate_frames_at(first, 16)\nmapper.map_to(at(LOW), owned.end, DATA, tf)\ndel mine")
    everything_comes_back(kernel)
