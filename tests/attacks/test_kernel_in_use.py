"""What the kernel runs on is not unmapped and not changed: not by any technique, not through any root, not by a view.

Its image, the window, the slots of the techniques, and Python's own heap where it has grown: without one page of them
the machine hangs or resets, and nobody is left to raise an exception.
"""

import pytest

SETUP = """
t = PageTable.new_table(K)
t_root = root_frame(t)
big = [bytearray(1 << 20) for _ in range(12)]  # Python's heap has grown into its first area
areas = MMI.heap.areas()
SYSTEM = [section.first_page for section in BootInfo().sections]
SYSTEM += [section.last_page for section in BootInfo().sections]
SYSTEM += [WINDOW, WINDOW + active_root(), WINDOW + 0xfffff]
SLOTS = [page_of_root_entry(508), page_of_root_entry(509), page_of_root_entry(510), page_of_root_entry(511) - 1]
HEAP = [first for first, count in areas] + [first + count - 1 for first, count in areas]
HEAP += [first + count // 2 for first, count in areas]
def mappers():
    for name in TECHNIQUES:
        yield name, technique(name)
        yield name + " of t", technique(name, t_root)
    yield "view", K.view
    yield "view of t", t.view
def tried(act, numbers):
    "act(mapper, page) with every mapper on every page; {(mapper, page): what it said} where that is not KernelInUse."
    answers = {}
    for name, mapper in mappers():
        for number in numbers:
            answer = refused(act, mapper, Page(number))
            if answer != "KernelInUse":
                answers[name, hex(number)] = answer
        if "view" not in name:
            mapper.leave()
    return answers
def sized(mapper, page):
    "The page of whatever size is mapped there, as the live mapper says."
    found = LIVE.translate(page.start_address)
    return Page.containing_address(page.start_address, found.size) if found else page
LIVE = OffsetPageTable()
"""

CALLS = {
    "unmap": "mapper.unmap(sized(mapper, page))",
    "unmap_range": "mapper.unmap_range(pages_from(page, 1))",
    "unmap_range of its page": "mapper.unmap_range(pages_from(Page(page.number & ~511), 512))",
    "update_flags": "mapper.update_flags(sized(mapper, page), P)",
    "update_flags_range": "mapper.update_flags_range(pages_from(Page(page.number & ~511), 512), P | W)",
    "set_flags_p4_entry": "mapper.set_flags_p4_entry(page, P)",
    "set_flags_p3_entry": "mapper.set_flags_p3_entry(page, P)",
    "set_flags_p2_entry": "mapper.set_flags_p2_entry(page, P)",
    "map_to": "mapper.map_to(page, Frame(9), DATA, tf)",
    "map_to with parent_flags": "mapper.map_to(page, Frame(9), DATA, tf, P | U)",
    "map_range": "mapper.map_range(pages_from(page, 1), FrameRange(Frame(9), Frame(9)), DATA, tf)",
    "clear": "mapper.clear(page)",
}
# What lies there may decide first whether a call applies at all: these say so, and nothing has changed. In a slot of a
# technique nothing may be mapped at the moment.
ALSO = {
    "map_to": {"PageAlreadyMapped", "ParentEntryHugePage"},
    "map_to with parent_flags": {"PageAlreadyMapped", "ParentEntryHugePage"},
    "map_range": {"PageAlreadyMapped", "ParentEntryHugePage"},
    "clear": {"PageAlreadyMapped", "PageNotMapped", "ParentEntryHugePage"},
    "set_flags_p3_entry": {"ParentEntryHugePage"},
    "set_flags_p2_entry": {"ParentEntryHugePage"},
}


@pytest.fixture
def kernel(attacked):
    attacked.exec(SETUP)
    assert attacked.eval("len(areas)") >= 1
    assert attacked.eval("MMI.heap.size_in_bytes") > 8 << 20, "the heap has grown"
    return attacked


@pytest.mark.parametrize("call", CALLS)
def test_it_is_refused_by_every_mapper(kernel, call):
    """Twelve mappers, and each page that the kernel can't do without: refused by name, and nothing has changed."""
    before = kernel.state(kernel.eval("t_root.number"))
    for numbers in ("SLOTS", "SYSTEM", "HEAP"):
        print(numbers)
        answers = kernel.eval(f"tried(lambda mapper, page: {CALLS[call]}, {numbers})", timeout=20)
        kernel.is_as(before, kernel.eval("t_root.number"), after=f"{call} on {numbers}: {str(answers)[:200]}")
        also = ALSO.get(call, set()) if numbers != "SLOTS" else set() if call.startswith("map_") else {"PageNotMapped"}
        assert {where: name for where, name in answers.items() if name not in also} == {}


@pytest.mark.parametrize("numbers", ["HEAP", "SYSTEM"])
def test_cleaning_up_frees_no_table_of_what_the_kernel_runs_on(kernel, numbers):
    """Its tables are not empty, and the shared ones are nobody's: there is nothing to free."""
    before = kernel.state(kernel.eval("t_root.number"))
    freed = kernel.eval(f"""[
        (name, mapper.clean_up_range(pages_from(Page(number & ~511), 512), tf), name[:4] == 'view' or mapper.leave())[1]
        for number in {numbers} for name, mapper in mappers()]""")
    kernel.is_as(before, kernel.eval("t_root.number"), after="clean_up_range")
    assert set(freed) == {0}


@pytest.mark.parametrize("level", [3, 2])
def test_the_tables_of_python_heap_are_protected_by_the_entry_objects_too(kernel, level):
    """An entry on the way to the live heap, set by hand."""
    kernel.exec(f"""
        table = active_level_4_table()
        for above in range(LEVELS, {level}, -1):
            table = table.next_table(Page(HEAP[0]).index_at(above))
        entry = table[Page(HEAP[0]).index_at({level})]
        """)
    for call in ("set_unmapped()", "set_flags(P)", "set_entry(Frame(9), P | W)"):
        kernel.refuses(f"entry.{call}", ["KernelInUse"])


@pytest.mark.parametrize("level", [2, 1])
def test_tables_of_the_window_are_protected_by_the_entry_objects_too(kernel, level):
    """Where the window shows the image its pages are small, and read-only: an entry on their way, set by hand."""
    kernel.exec(f"""
        shown = Page(WINDOW + LIVE.translate_page(Page(TEXT)).number)
        table = active_level_4_table()
        for above in range(LEVELS, {level}, -1):
            table = table.next_table(shown.index_at(above))
        entry = table[shown.index_at({level})]
        """)
    for call in ("set_unmapped()", "set_flags(P | W)", "set_entry(Frame(9), P | W)"):
        kernel.refuses(f"entry.{call}", ["KernelInUse"])


@pytest.mark.parametrize("mapper", ["LIVE", "K.view"])
def test_under_an_entry_that_was_lent_the_kernels_table_it_is_the_kernel(kernel, mapper):
    """A root entry of the lower half leads to the kernel's own table: what lies there is not to be changed, and
    not even its holes, the guard pages, are to be filled."""
    kernel.exec("""
        guard = Page(page_of_root_entry(41) | BootInfo().guard_pages[0] & PAGES_PER_ROOT_ENTRY - 1)
        text = Page(page_of_root_entry(41) | TEXT & PAGES_PER_ROOT_ENTRY - 1)
        poke(active_root(), 41, raw(active_root(), 511))
        """)
    for call in (
        f"{mapper}.map_to(guard, Frame(9), DATA, tf)",
        f"{mapper}.map_range(pages_from(guard, 1), FrameRange(Frame(9), Frame(9)), DATA, tf)",
        f"{mapper}.unmap(text)",
        f"{mapper}.unmap_range(pages_from(text, 2))",
        f"{mapper}.update_flags(text, P | W)",
        "create_mapping_at(guard.start_address, 4096, WRITE)",
    ):
        kernel.refuses(call, ["KernelInUse"])
    kernel.exec("poke(active_root(), 41, 0)")
    assert kernel.eval("violations()") == []


def test_a_range_that_reaches_into_an_entry_that_was_lent_the_kernels_table_is_refused_too(kernel):
    """Its first page is nobody's, its second the physical window's."""
    kernel.exec("""
        pages = pages_from(Page(page_of_root_entry(41) - 1), 2)
        poke(active_root(), 41, raw(active_root(), 256))
        """)
    for call in (
        "LIVE.map_range(pages, FrameRange(Frame(9), Frame(10)), DATA, tf)",
        "LIVE.unmap_range(pages)",
        "LIVE.update_flags_range(pages, P)",
    ):
        kernel.refuses(call, ["KernelInUse"])
    kernel.exec("poke(active_root(), 41, 0)")
    assert kernel.eval("violations()") == []


def test_what_lies_beside_the_heap_can_be_changed(kernel):
    """Protection is for the heap's pages: an owned page of the same pool is free to play with."""
    kernel.exec("""
        m = create_mapping(4096, WRITE)
        for name, mapper in mappers():
            mapper.update_flags(m.start, OWNED).flush()
            if "view" not in name: mapper.leave()
        """)
    assert kernel.eval("_memory.load64(m.start_address.value)") == 0
    kernel.exec("m.drop(); t.drop(); del m, t, name, mapper")
    assert kernel.eval("violations()") == []
