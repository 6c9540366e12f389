"""Several page tables: all have the kernel's half, the lower half belongs to one, and none goes while it is used."""

from harness import depth
from oracle import page_walk

PAGE = 4096


def test_the_kernels_half_is_shared_by_tables_made_before(owned):
    owned.exec(
        """
        other = PageTable.new_table(table)
        my = memory.create_mapping(600 * 4096, WRITE, huge=False)
        write(my, 599 * 4096, b'there')
        address = my.start_address.value + 599 * 4096
        other.switch_to()
        in_other = bytes(read(my, 599 * 4096, 5))
        late = other.map_allocated_pages(memory.allocate_pages(2), WRITE)
        write(late, 0, b'late')
        other_is = PageTable.from_current() is other
        early_drop = memory.create_mapping(600 * 4096, WRITE, huge=False)
        early_drop.drop()
        table.switch_to()
        """
    )
    assert owned.eval("(in_other, other_is, read(late, 0, 4), read(my, 599 * 4096, 5))") == (
        b"there",
        True,
        b"late",
        b"there",
    )
    owned.exec("late.drop()\nmy.drop()\nother.drop()")


def test_a_shared_table_of_the_kernels_half_outlives_its_last_mapping(owned):
    """Root entry 416 is empty but for this: freeing its table would take it away from every other root."""
    owned.exec(
        f"""
        other = PageTable.new_table(table)
        at = VirtualAddress({depth.root_entry(416):#x})
        table.map_allocated_pages(memory.allocate_pages_at(at, 1), WRITE).drop()
        """
    )
    for root in owned.eval("(table.root, other.root)"):
        assert int(page_walk.read_table(owned.guest.memory, root * PAGE)[416]) & 1
    owned.exec(
        """
        my = table.map_allocated_pages(memory.allocate_pages_at(at, 1), WRITE)
        write(my, 0, b'again')
        other.switch_to()
        seen = read(my, 0, 5)
        table.switch_to()
        my.drop()
        other.drop()
        """
    )
    assert owned.eval("seen") == b"again"


def test_the_lower_half_belongs_to_its_own_table(owned):
    # B15, B23: every operation acts on the mapping's own table, whichever is active.
    owned.exec(
        """
        a, b = PageTable.new_table(table), PageTable.new_table(table)
        my = a.map_allocated_pages(memory.allocate_pages_at(VirtualAddress(0x5000000), 2), WRITE)
        at = VirtualAddress(0x5000000)
        """
    )
    assert owned.eval("(a.translate_addr(at) is not None, b.translate_addr(at), table.translate_addr(at))") == (
        True,
        None,
        None,
    )
    owned.exec("view = my.as_slice('B')")
    with owned.raises("NotActive"):
        owned.exec("view[0]")
    owned.exec("b.switch_to()")
    with owned.raises("NotActive"):
        owned.exec("view[0]")
    owned.exec("view.release()\nmy.remap(READ)")
    assert "WRITABLE" not in owned.text("a.translate(at).flags")
    owned.exec("a.switch_to()\nmy.remap(WRITE)\nwrite(my, 0, b'mine')\nb.switch_to()\nmy.drop()")
    assert owned.eval("a.translate_addr(at)") is None
    owned.exec("table.switch_to()\na.drop()\nb.drop()")


def test_with_works_on_another_table_and_leaves_no_trace_in_either_root(owned):
    # B16: the second recursive slot is not left behind.
    owned.exec(
        """
        other = PageTable.new_table(table)
        def work(mapper_of_other, mapper_of_self):
            return mapper_of_other.map_allocated_pages(memory.allocate_pages_at(VirtualAddress(0x7000000), 1), WRITE)
        my = table.with_(other, work)
        """
    )
    for root in owned.eval("(table.root, other.root)"):
        entries = page_walk.read_table(owned.guest.memory, root * PAGE)
        assert int(entries[509]) == 0
        assert int(entries[508]) & 0xFFFFFFFFFF000 != root * PAGE
        assert int(entries[510]) & 0xFFFFFFFFFF000 == root * PAGE
    assert owned.eval("my.page_table is other and PageTable.from_current() is table")
    owned.exec("my.drop()\nother.drop()")


def test_an_active_table_and_one_with_mappings_cannot_be_dropped(owned):
    owned.exec("other = PageTable.new_table(table)\nother.switch_to()")
    with owned.raises("TableInUse", "active"):
        owned.exec("other.drop()")
    owned.exec(
        "table.switch_to()\n"
        "my = other.map_allocated_pages(memory.allocate_pages_at(VirtualAddress(0x7000000), 1), WRITE)"
    )
    with owned.raises("TableInUse", "1 mapping"):
        owned.exec("other.drop()")
    with owned.raises("TableInUse", "kernel"):
        owned.exec("table.drop()")
    owned.exec("my.drop()\nother.drop()")
    with owned.raises("UseAfterMove"):
        owned.exec("other.switch_to()")


def test_the_tables_of_a_dropped_root_are_not_called_clean(owned):
    """The paging layer put a page into a table of an owned mapping, which goes with the root, and with that entry."""
    owned.exec(
        """
        other = PageTable.new_table(table)
        my = other.map_allocated_pages(memory.allocate_pages_at(VirtualAddress(0x7000000), 1), WRITE)
        other.view.map_to(my.start + 1, Frame(0xb8), WRITE, memory.frame_allocator.table_frames)
        tables = [entry.frame.number for entry in other.view.walk(my.start)][:3]
        my.drop()
        held = []  # all that is free: what comes back now touches nothing dirty
        while memory.frame_allocator.statistics().free:
            held.append(memory.allocate_frames(memory.frame_allocator.statistics().largest_run))
        other.drop()
        frames = [memory.allocate_frames_at(PhysicalAddress(number << 12), 1) for number in tables]
        for owner in held: owner.drop()
        """
    )
    for place, number in enumerate(owned.eval("tables")):
        is_clean = owned.eval(f"frames[{place}].is_clean()")
        assert not is_clean or not any(page_walk.read_table(owned.guest.memory, number * PAGE))
        owned.exec(f"my = table.map_allocated_pages_to(memory.allocate_pages(1), frames[{place}], READ)")
        assert owned.eval("read(my, 0, 4096) == bytes(4096)"), "entries of a table that is gone can be read"
        owned.exec("my.drop()")


def test_the_root_of_a_dropped_table_is_clean_if_it_is_called_so(owned):
    """It comes back alone, so nothing dirty hides what is left in it: the kernel's half is not the next owner's."""
    owned.exec(
        """
        other = PageTable.new_table(table)
        root = other.root
        held = []
        while memory.frame_allocator.statistics().free:
            held.append(memory.allocate_frames(memory.frame_allocator.statistics().largest_run))
        other.drop()
        frame = memory.allocate_frames_at(PhysicalAddress(root << 12), 1)
        for owner in held: owner.drop()
        """
    )
    assert not owned.eval("frame.is_clean()") or not any(
        page_walk.read_table(owned.guest.memory, owned.eval("root") * PAGE)
    )
    owned.exec("frame.drop()")
