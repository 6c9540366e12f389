"""Borrow rules: many readers or one writer of a byte; what is borrowed does not change; what ended can't be used."""

import itertools

import pytest

STEPS = {
    "drop": "mp.drop()",
    "remap": "mp.remap(PteFlags())",
    "merge": "mp.merge(neighbour)",
    "merged": "neighbour.merge(mp)",
    "split": "mp.split(mp.start + 1)",
    "unmap_into_parts": "mp.unmap_into_parts()",
    "into_borrowed": "mp.into_borrowed({'a': uctypes.UINT8 | 0})",
    "into_borrowed_slice_mut": "mp.into_borrowed_slice_mut('B')",
}
BORROWS = {
    "slice": "mp.as_slice('B', 0, 1)",
    "slice_mut": "mp.as_slice_mut('Q', 8184, 1)",
    "type": "mp.as_type({'a': uctypes.UINT8 | 0}, 4096)",
    "type_mut": "mp.as_type_mut({'a': uctypes.UINT8 | 0}, 4096)",
    "a part of a struct": "mp.as_type({'a': (uctypes.ARRAY | 0, 4 | uctypes.UINT8)}).a",
    "an iterator": "iter(mp.as_slice('B', 0, 4))",
}


@pytest.fixture
def mapped(memory_kernel):
    """A kernel with `mp`, two pages, and `neighbour`, the page behind, with the same flags."""
    memory_kernel.exec("""
        pages = allocate_pages(3)
        low, high = pages.split(pages.start + 2)
        table = get_kernel_mmi_ref().page_table
        mp = table.map_allocated_pages(low, RW)
        neighbour = table.map_allocated_pages(high, RW)
        with mp.as_slice_mut('B') as view: view[5] = 99
        """)
    return memory_kernel


@pytest.mark.parametrize("borrow", BORROWS)
def test_no_step_is_possible_while_a_borrow_lives(mapped, borrow):
    """Each is refused with StillBorrowed, and nothing has changed."""
    mapped.exec(f"borrow = {BORROWS[borrow]}")
    for step in STEPS.values():
        with mapped.raises("StillBorrowed", "borrowed by <"):
            mapped.exec(step)
        assert mapped.eval("(len(mp), len(neighbour), memory.verify().violations)") == (2, 1, [])


@pytest.mark.parametrize("step", STEPS)
def test_every_step_is_possible_when_the_borrow_is_released(mapped, step):
    mapped.exec("borrow = mp.as_slice_mut('B'); borrow.release(); borrow.release()")
    mapped.exec(f"parts = {STEPS[step]}")
    by_neighbour = step == "merged"
    with mapped.raises("UseAfterUnmap", "merge" if by_neighbour else STEPS[step][3:].split("(")[0]):
        mapped.exec("borrow[0]")


def test_still_borrowed_lists_the_borrows_and_they_can_be_released_from_there(mapped):
    mapped.exec("""
        borrows = [mp.as_slice('B', number, 1) for number in range(6)]
        try: mp.drop()
        except StillBorrowed as error: listed = error.borrows; text = str(error)
        same = all(any(one is other for other in borrows) for one in listed)
        for borrow in listed: borrow.release()
        mp.drop()
        """)
    assert mapped.eval("(same, len(listed), 'and 2 more' in text, 'drop()' in text)") == (True, 6, True, True)


def test_a_forgotten_borrow_is_found_by_a_collection(mapped):
    """No reference, no release: the call itself collects, and goes through."""
    mapped.exec("""
        def forget():
            for number in range(50):
                mp.as_slice('B', number, 1); mp.as_slice_mut('H', 4096 + 2 * number, 1)
        def count(): return len(mp._lend().borrows())
        def change():
            forget()
            before = count()
            clutter()
            mp.remap(PteFlags())
            return before
        """)
    assert mapped.eval("change()") == 100, "there were borrows to be found"


def test_a_write_through_a_forgotten_view_does_not_lock_the_bytes(mapped):
    mapped.exec("for value in range(20): mp.as_slice_mut('B', 0, 4)[0] = value")
    assert mapped.eval("mp.as_slice('B', 0, 4)[0]") == 19


def model_conflict(one, other):
    """The rule, in one line, for (offset, count, writable) of bytes."""
    return (one[2] or other[2]) and max(one[0], other[0]) < min(one[0] + one[1], other[0] + other[1])


def test_any_two_borrows_agree_with_the_rule(mapped):
    """All pairs of ranges over eight bytes, both kinds: 4,624 pairs."""
    ranges = [(offset, count) for offset in (0, 1, 3, 4, 7) for count in (0, 1, 3, 4)]
    wanted = [
        [*one, w1, *other, w2]
        for (one, other) in itertools.product(ranges, ranges)
        for (w1, w2) in itertools.product((0, 1), (0, 1))
    ]
    mapped.exec("""
        def lend(offset, count, writable):
            return (mp.as_slice_mut if writable else mp.as_slice)('B', offset, count)
        def clash(o1, c1, w1, o2, c2, w2):
            with lend(o1, c1, w1) as one:
                try: lend(o2, c2, w2).release()
                except AlreadyBorrowed as error: return error.borrow is one
                return False
        """)
    for start in range(0, len(wanted), 400):
        part = wanted[start : start + 400]
        expected = [bool(model_conflict((o1, c1, w1), (o2, c2, w2))) for o1, c1, w1, o2, c2, w2 in part]
        assert mapped.eval(f"[clash(*pair) for pair in {part}]", timeout=60) == expected


def test_a_view_keeps_its_mapping_alive(mapped):
    """Only the view is left: nothing is reclaimed under it."""
    mapped.exec("""
        view = create_mapping(4096, RW).as_slice_mut('I')
        view[0] = 1234
        clutter(); gc.collect(); clutter(); gc.collect()
        other = create_mapping(4096, RW); other.as_slice_mut('I')[0] = 1
        """)
    assert mapped.eval("(view[0], type(view.owner).__name__)") == (1234, "MappedPages")


def test_a_part_keeps_the_borrow_and_ends_with_it(mapped):
    mapped.exec("""
        whole = mp.as_type_mut({'a': (uctypes.ARRAY | 0, 4 | uctypes.UINT8), 's': (8, {'x': uctypes.UINT16 | 0})})
        part, struct = whole.a, whole.s
        whole = None
        clutter(); gc.collect()
        part[1] = 7; struct.x = 500
        """)
    with mapped.raises("StillBorrowed"):
        mapped.exec("mp.drop()")
    mapped.exec("part.release()")
    for use in ("part[1]", "struct.x", "struct.x\nstruct.x = 1", "list(part)"):
        with mapped.raises("UseAfterRelease"):
            mapped.exec(use)


def test_the_end_of_with_ends_the_views_of_the_mapping(mapped):
    mapped.exec("""
        with create_mapping(4096, RW) as inner:
            view = inner.as_slice_mut('B')
            view[0] = 1
        """)
    for use in (
        "view[0]",
        "view[0] = 1",
        "view[:]",
        "view.copy_to(bytearray(1))",
        "view.copy_from(b'1')",
        "list(view)",
        "view == b''",
        "bytes(view)",
    ):
        with mapped.raises("UseAfterUnmap", "the end of its `with`"):
            mapped.exec(use)
    assert mapped.eval("(len(view), view.is_live)") == (4096, False), "what needs no memory can be asked"


def test_an_exception_in_with_passes_through_and_unmaps(mapped):
    with mapped.raises("ZeroDivisionError"):
        mapped.exec("""
            with create_mapping(4096, RW) as inner:
                view = inner.as_slice_mut('B')
                1 // 0
            """)
    assert mapped.eval("bool(inner)") is False


def test_a_failed_borrow_leaves_nothing_behind(mapped):
    mapped.exec("""
        for attempt in range(100):
            for call in (lambda: mp.as_slice('B', 8000, 1000), lambda: mp.as_slice('I', 2), lambda: mp.as_slice('x'),
                         lambda: mp.as_slice('B', -1), lambda: mp.as_type({'a': uctypes.UINT64 | 0}, 8188)):
                try: call()
                except (KernelError, ValueError): pass
        """)
    assert mapped.text("mp._lend().borrows()") == "[]"


@pytest.mark.parametrize(
    "kind", ["into_borrowed", "into_borrowed_mut", "into_borrowed_slice", "into_borrowed_slice_mut"]
)
def test_a_borrowed_mapping_gives_back_the_mapping_that_it_took(mapped, kind):
    argument = "'B'" if "slice" in kind else "{'a': uctypes.UINT8 | 5}"
    read = "borrowed[5]" if "slice" in kind else "borrowed.a"
    mapped.exec(f"borrowed = mp.{kind}({argument})")
    assert mapped.eval(f"({read}, borrowed.mutability.__name__, len(borrowed.inner_ref()))") == (
        99,
        "Mutable" if "mut" in kind else "Immutable",
        2,
    )
    with mapped.raises("UseAfterMove", f"{kind}"):
        mapped.exec("mp.drop()")
    with mapped.raises("UseAfterMove", f"{kind}"):
        mapped.exec("mp.as_slice('B')")
    with mapped.raises("StillBorrowed"):
        mapped.exec("borrowed.inner_ref().drop()")
    write = f"{read} = 3"
    if "mut" in kind:
        mapped.exec(write)
    else:
        with mapped.raises("NotWritable"):
            mapped.exec(write)
    mapped.exec("mp = borrowed.into_inner()")
    assert mapped.eval("mp.as_slice('B', 5, 1)[0]") == (3 if "mut" in kind else 99)
    for use in (read, write, "borrowed.into_inner()", "borrowed.drop()", "borrowed.view", "borrowed.__enter__()"):
        with mapped.raises("UseAfterMove", r"into_inner\(\)"):
            mapped.exec(use)


@pytest.mark.parametrize(
    "call",
    [
        "mp.into_borrowed({'a': uctypes.UINT64 | 0}, 8188)",
        "mp.into_borrowed_slice('B', 1, 8192)",
        "mp.into_borrowed_slice('P')",
        "mp.into_borrowed({'p': (uctypes.PTR | 0, uctypes.UINT8)})",
    ],
)
def test_a_refused_borrow_leaves_the_mapping_with_its_owner(mapped, call):
    assert mapped.eval(f"refused(lambda: {call})") in ("Misaligned", "OutOfBounds", "ValueError", "TypeError")
    mapped.exec("mp.drop()")


def test_dropping_a_borrowed_mapping_and_losing_it_both_unmap(mapped):
    mapped.exec("""
        with create_mapping(4096, RW).into_borrowed_slice_mut('B') as borrowed: borrowed[0] = 1
        create_mapping(4096, RW).into_borrowed_mut({'a': uctypes.UINT8 | 0}).drop()
        def lose():
            for number in range(20): create_mapping(4096, RW).into_borrowed_slice_mut('B')[0] = number
        lose()
        """)


def test_a_scheduled_callback_can_not_borrow_in_the_middle_of_a_change(mapped):
    """Callbacks come between bytecodes, as often as they can, and borrow: no view may be alive on what is unmapped."""
    mapped.exec(
        """
        import micropython
        views, running = [], True
        def borrow(_):
            try:
                if len(views) < 3: views.append(current.as_slice('B'))
            except KernelError: pass
            if running: micropython.schedule(borrow, None)
        wrong = refusals = 0
        current = create_mapping(8192, RW)
        micropython.schedule(borrow, None)
        for turn in range(120):
            try:
                if turn % 3 == 0: current.drop(); current = create_mapping(8192, RW)
                elif turn % 3 == 1: current.remap(PteFlags() if turn & 1 else RW)
                else: a, b = current.split(current.start + 1); a.merge(b); current = a
            except StillBorrowed:
                refusals += 1
            except UseAfterMove:
                pass
            for view in views:
                if view.is_live and not view.owner: wrong += 1
                view.release()
            views = []
        running = False
        for wait in range(100): pass
        for view in views: view.release()
        current.drop()
        """,
        timeout=60,
    )
    assert mapped.eval("(wrong, refusals > 0)") == (0, True)


LOWER = """
    table = get_kernel_mmi_ref().page_table
    other = PageTable.new_table(table)
    page = allocate_pages_at(VirtualAddress(0x10000000), 1)
    low = other.map_allocated_pages(page, RW)
    """


def test_a_view_of_another_table_is_refused_until_that_table_is_active(memory_kernel):
    memory_kernel.exec(LOWER)
    memory_kernel.exec("view = low.as_slice_mut('B')")
    for use in ("view[0]", "view[0] = 1", "view[:]", "list(view)", "view.copy_from(b'1')", "bytes(view)"):
        with memory_kernel.raises("NotActive", "switch_to"):
            memory_kernel.exec(use)
    memory_kernel.exec("""
        other.switch_to()
        view[0] = 5; seen = view[0]
        raw = refused(bytes, view)
        table.switch_to()
        """)
    assert memory_kernel.eval("seen") == 5
    assert memory_kernel.eval("raw") == "NotExportable", "a raw buffer could be looked through in any table"
    with memory_kernel.raises("NotActive"):
        memory_kernel.exec("view[0]")
    memory_kernel.exec("view.release(); low.drop(); other.drop()")


def test_an_exported_buffer_puts_the_pages_into_quarantine_and_faults_when_stale(memory_kernel):
    memory_kernel.exec("""
        mp = create_mapping(8192, RW)
        first = mp.start.number
        with mp.as_slice_mut('B') as view: raw = memoryview(view); raw[4096] = 77; seen = view[4096]
        marked = mp._live().exported
        mp.drop()
        again = [create_mapping(8192, RW) for number in range(20)]
        def read(): return raw[4096]
        def write(): raw[4096] = 1
        """)
    assert memory_kernel.eval("(seen, bool(marked), memory.page_allocator.statistics().quarantine)") == (77, True, 2)
    assert (
        memory_kernel.eval("[mapping.start.number for mapping in again if first <= mapping.start.number < first + 2]")
        == []
    )
    assert memory_kernel.eval("(refused(read), refused(write))") == ("PageFault", "PageFault")
    memory_kernel.exec("raw = None")


def test_what_was_handed_out_stays_so_in_the_parts_and_in_the_whole(mapped):
    """Pages whose memory a raw buffer shows are not used again, whatever became of their mapping meanwhile."""
    mapped.exec("""
        def hand_out(mapping):
            with mapping.as_slice('B') as view: return memoryview(view)
        def quarantined(): return memory.page_allocator.statistics().quarantine
        raw = hand_out(mp)
        low, high = mp.split(mp.start + 1)
        high.drop()
        after_high = quarantined()
        low.drop()
        """)
    assert mapped.eval("(after_high, quarantined())") == (1, 2), "both parts"
    for whole, other in (("one", "two"), ("two", "one")):
        mapped.exec(f"""
            pages = allocate_pages(4)
            lower, upper = pages.split(pages.start + 2)
            one, two = table.map_allocated_pages(lower, RW), table.map_allocated_pages(upper, RW)
            before, raw = quarantined(), hand_out(one)
            {whole}.merge({other})
            {whole}.drop()
            """)
        assert mapped.eval("quarantined() - before") == 4, "the whole"
    mapped.exec("raw = None; neighbour.drop()")


def test_a_read_only_view_exports_a_read_only_buffer(memory_kernel):
    memory_kernel.exec("mp = create_mapping(4096, RW); raw = memoryview(mp.as_slice('B'))")
    with memory_kernel.raises("TypeError"):
        memory_kernel.exec("raw[0] = 1")
    assert memory_kernel.eval("raw[0]") == 0


def test_a_field_named_release_does_not_keep_a_mapping_borrowed(mapped):
    mapped.exec("""
        borrowed = mp.into_borrowed_mut({'release': uctypes.UINT8 | 0})
        borrowed.release = 7
        inner = borrowed.into_inner()
        """)
    assert mapped.eval("(inner.as_slice('B', 0, 1)[0], borrowed._view)") == (7, "into_inner()")
