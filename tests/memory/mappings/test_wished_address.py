"""`create_mapping_at`: the mapping is like any other; and what is refused has changed nothing."""

import pytest
from harness import depth
from on_target import source
from oracle import page_walk

PRELUDE = source("memory/prelude")
PAGE = 4096
LOWER, POOL = depth.root_entry(224), depth.root_entry(386)
"""A page of the kernel's pool, with no tables below the level-3 one."""
EXCLUSIVE = 1 << 55


@pytest.fixture
def owned(kernel):
    """A kernel with the prelude and `at`; at the end every frame and page is back, and the audit is clean."""
    kernel.exec(PRELUDE)
    kernel.exec(f"""
        LOWER, POOL = VirtualAddress({LOWER:#x}), VirtualAddress({POOL:#x})
        at = memory.create_mapping_at
        def facts(my):
            return [my.start_address.value, len(my), my.kind, my.flags == WRITE, my.page_table is table]
        """)
    kernel.exec("before = state()")
    yield kernel
    assert kernel.eval("memory.verify().violations") == []
    assert kernel.eval("state()") == kernel.eval("before")


def leaf_of(kernel, address):
    root = kernel.eval("PageTable.from_current().root") * PAGE
    return page_walk.translate(root, kernel.guest.memory, address)


@pytest.mark.parametrize("address", [LOWER, POOL], ids=["lower half", "pool"])
@pytest.mark.parametrize("pages", [1, 3, 511, 513])
def test_it_is_exclusive_cleared_and_exactly_there(owned, address, pages):
    owned.exec(f"my = at(VirtualAddress({address}), {pages} * 4096, WRITE)")
    assert owned.eval("facts(my)") == [address, pages, "exclusive", True, True]
    assert owned.eval(f"read(my, 0, {pages} * 4096) == bytes({pages} * 4096)")
    for number in (0, pages - 1):
        leaf = leaf_of(owned, address + number * PAGE)
        assert leaf.raw & EXCLUSIVE
        assert leaf.raw & 2
        assert not leaf.executable
    assert owned.eval("memory.verify().violations") == []
    owned.exec("my.drop()")
    assert leaf_of(owned, address) is None


def test_bytes_are_rounded_up_to_pages(owned):
    for size, pages in ((1, 1), (4096, 1), (4097, 2)):
        owned.exec(f"my = at(LOWER, {size}, READ)")
        assert owned.eval("len(my)") == pages
        owned.exec("my.drop()")


def test_frames_that_held_something_come_back_zero(owned):
    owned.exec(
        "my = at(LOWER, 64 * 4096, WRITE)\n"
        "write(my, 0, b'secret' * 40000)\n"
        "frames = [f.start.number for f in my.frames()]\n"
        "my.drop()\n"
        "my = at(POOL, 64 * 4096, READ)"
    )
    assert owned.eval("[f.start.number for f in my.frames()] == frames")
    assert owned.eval("read(my, 0, 64 * 4096) == bytes(64 * 4096)")
    owned.exec("my.drop()")


def test_it_uses_huge_pages_where_the_address_allows(owned):
    owned.exec("my = at(POOL, 4 << 20, WRITE)")
    assert [leaf_of(owned, POOL + n * (2 << 20)).level for n in range(2)] == [2, 2]
    owned.exec("my.drop()\nmy = at(POOL, 4 << 20, WRITE, huge=False)")
    assert leaf_of(owned, POOL).level == 1
    owned.exec("my.drop()")


def test_it_can_be_split_merged_remapped_and_borrowed(owned):
    owned.exec("""
        my = at(LOWER, 4 * 4096, WRITE)
        a, b = my.split(my.start + 1)
        write(b, 5, b'x')
        b.remap(READ)
        found = [refused(lambda: my.drop()), read(b, 5, 1), refused(lambda: a.merge(b))]
        b.remap(WRITE)
        a.merge(b)
        with a.as_slice('B') as view:
            found.append(refused(a.drop))
        found.append(len(a))
        a.drop()
        """)
    assert owned.eval("found") == ["UseAfterMove", b"x", "NotTouching", "StillBorrowed", 4]


def test_each_table_has_a_lower_half_of_its_own(owned):
    owned.exec("""
        other = PageTable.new_table(table)
        here, there = at(LOWER + 4096, 4096, WRITE), None
        taken = refused(lambda: other.create_mapping_at(LOWER + 4096, 4096, WRITE))
        there = other.create_mapping_at(LOWER, 4096, WRITE)
        above = other.create_mapping_at(POOL, 4096, WRITE)
        found = [there.page_table is other, above.page_table is table, table.translate_addr(LOWER) is None]
        found.append(other.translate_addr(LOWER) is not None)
        for mapping in here, there, above: mapping.drop()
        other.drop()
        found.append(refused(lambda: other.create_mapping_at(LOWER, 4096, WRITE)))
        """)
    assert owned.eval("found") == [True, True, True, True, "UseAfterMove"]
    assert owned.eval("taken") == "AddressInUse"


def test_what_was_forgotten_is_brought_back_first(owned):
    owned.exec("""
        def forget(): at(LOWER, 4096, WRITE)
        for _ in range(20): forget()
        """)
    owned.exec("my = at(LOWER + 4096, 4096, WRITE)\nmy.drop()")


def test_an_override_is_needed_for_writable_code_and_logged(owned):
    both = "WRITE.executable(True)"
    assert owned.eval(f"refused(lambda: at(LOWER, 4096, {both}))") == "WritableExecutable"
    mark = len(owned.guest.log())
    owned.exec(f"my = at(LOWER, 4096, {both}, override='a test')")
    assert owned.guest.log()[mark:].count("a test") == 1
    assert leaf_of(owned, LOWER).executable
    owned.exec("my.drop()")


REFUSED = {
    "Misaligned": ["at(LOWER + 1, 4096, WRITE)", "at(POOL + 4095, 1, WRITE)"],
    "AddressInUse": [
        "at(kept.start_address, 4096, WRITE)",
        "at(kept.start_address - 4096, 3 * 4096, WRITE)",
        "at(kept.start_address - 4096 * 600, 700 * 4096, WRITE)",
        "at(up.start_address, 1, WRITE)",
        "at(VirtualAddress(0), 4096, WRITE)",
        f"at(VirtualAddress({depth.WINDOW:#x}), 4096, WRITE)",
        "at(VirtualAddress(0xffffffff80000000), 4096, WRITE)",
    ],
    "OutOfRange": [
        f"at(VirtualAddress({depth.HALF_BYTES - 4096:#x}), 8192, WRITE)",
        "at(VirtualAddress(0xffff_ffff_ffff_f000), 8192, WRITE)",
        "at(LOWER + (1 << 30), 1 << 60, WRITE)",
    ],
    "OutOfFrames": ["at(LOWER + (1 << 30), 1 << 36, WRITE)", "at(POOL + (1 << 30), 1 << 36, WRITE)"],
    "PageAlreadyMapped": ["at(LOWER + 0x5000, 4096, WRITE)", "at(LOWER + 0x4000, 3 * 4096, WRITE)"],
    "WritableExecutable": ["at(LOWER, 4096, WRITE.executable(True))"],
    "ValueError": ["at(LOWER, 0, WRITE)", "at(LOWER, -4096, WRITE)"],
    "TypeError": [
        "at(LOWER.value, 4096, WRITE)",
        "at(PhysicalAddress(0x1000), 4096, WRITE)",
        "at(LOWER, 4096.0, WRITE)",
        "at(LOWER, True, WRITE)",
        "at(LOWER, 4096, 3)",
        "at(LOWER, 4096, None)",
    ],
}


@pytest.mark.parametrize(("error", "calls"), REFUSED.items())
def test_a_refusal_leaves_everything_as_it_was(owned, error, calls):
    owned.exec("""
        import paging
        kept, up = at(LOWER + 0x8000, 4096, WRITE), at(POOL + 0x8000, 4096, WRITE)
        frame = memory.allocate_frames(1)
        class Tables:
            def allocate_frame(self): return None
        raw = paging.OffsetPageTable(Frame.containing_address(PhysicalAddress(table.root << 12)))
        raw.map_to(Page.containing_address(LOWER + 0x5000), frame.start, PteFlagsX86_64.PRESENT, Tables()).flush()
        def all():
            return state(), memory.verify().violations, [n for n in range(12) if table.translate_addr(LOWER + n * 4096)]
        first = all()
        """)
    for call in calls:
        assert owned.eval(f"refused(lambda: {call})") == error, call
        assert owned.eval("all() == first"), call
    owned.exec("""
        raw.unmap(Page.containing_address(LOWER + 0x5000))[-1].flush()
        for owner in kept, up, frame: owner.drop()
        """)


@pytest.mark.parametrize(
    ("error", "size_in_bytes", "flags"),
    [("WritableExecutable", 4096, "WRITE.executable(True)"), ("OutOfFrames", 1 << 36, "WRITE")],
)
def test_a_refusal_gives_back_at_once_not_when_the_collector_comes(owned, error, size_in_bytes, flags):
    """Both are refused when the pages are taken already."""
    owned.exec("""
        def refuse(size_in_bytes, flags):
            gc.collect()
            gc.disable()
            free = memory.page_allocator.statistics().free
            raised = refused(lambda: at(LOWER, size_in_bytes, flags))
            kept = free - memory.page_allocator.statistics().free
            gc.enable()
            return raised, kept
        """)
    assert owned.eval(f"refuse({size_in_bytes}, {flags})") == (error, 0)


def test_owners_are_counted_as_they_come_and_go(owned):
    """A tree that counts too few owners may run out of nodes; one that counts too many refuses too early."""
    owned.exec("""
        from memory import runs
        trees = table._frame_tree, table._page_tree, table._pages._arenas[1].tree
        def owners():
            return [runs.owners_of(tree) for tree in trees]
        first = owners()
        while_mapped = []
        for address in LOWER, POOL:
            my = at(address, 3 * 4096, WRITE)
            while_mapped.append(owners())
            my.drop()
        """)
    frames, pool, lower = owned.eval("first")
    tables_below_the_root, tables_below_shared_ones = depth.LEVELS - 1, depth.LEVELS - 2
    assert owned.eval("while_mapped") == [
        [frames + 1 + tables_below_the_root, pool, lower + 1],
        [frames + 1 + tables_below_shared_ones, pool + 1, lower],
    ]
    assert owned.eval("owners()") == [frames, pool, lower]


def test_owners_are_counted_as_mappings_are_cut_and_joined(owned):
    """Of pages always, of frames where the cut goes through a run of them."""
    owned.exec("""
        from memory import runs
        def owners():
            return [runs.owners_of(tree) for tree in (table._frame_tree, table._page_tree)]
        pages = memory.allocate_pages(4)
        low, high = pages.split(pages.start + 2)
        one, gap, two = [memory.allocate_frames(2) for _ in range(3)]
        my = table.map_allocated_pages_to(low, one, WRITE)
        counts = [owners()]
        my.merge(table.map_allocated_pages_to(high, two, WRITE))
        counts.append(owners())
        for place in 1, 2:
            lower, upper = my.split(my.start + place)
            counts.append(owners())
            lower.merge(upper)
            my = lower
            counts.append(owners())
        my.drop()
        gap.drop()
        """)
    (frames, pages), *rest = owned.eval("counts")
    whole = [frames, pages - 1]
    assert rest == [whole, [frames + 1, pages], whole, [frames, pages], whole]


@pytest.mark.parametrize("address", ["LOWER", "POOL"])
def test_want_of_the_last_frame_leaves_everything_as_it_was(owned, address):
    """With so few frames left that first the page, then one table, then the next can't be had."""
    owned.exec("""
        def counts():
            found = memory.frame_allocator.statistics()
            return found.free, found.tables, found.mapped
        def take_all_but(left):
            taken = []
            while counts()[0] > left:
                largest = memory.frame_allocator.statistics().largest_run
                taken.append(memory.allocate_frames(min(counts()[0] - left, largest)))
            return taken
        def hunger(address):
            found = []
            for left in range(6):
                gc.collect()
                table.reclaim()
                taken = take_all_but(left)
                most = counts()
                outcome = refused(lambda: at(address, 4096, WRITE).drop())
                found.append((outcome[:11], most == counts()))
                for owner in taken:
                    owner.drop()
            return found
        """)
    outcomes = owned.eval(f"hunger({address})")
    assert all(same for _, same in outcomes)
    assert outcomes[0][0] == "OutOfFrames"
    assert outcomes[-1][0] == "nothing, it"
