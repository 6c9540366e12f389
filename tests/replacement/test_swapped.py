"""More pages than frames: what goes and comes, what the policy is told, how stores are asked; and how it looks."""

import pytest
from harness.screen import Reader


def test_only_what_was_written_is_stored(swapped):
    swapped.exec("new((1, 3), (0, 2, 4, 5, 6, 7))")
    assert swapped.eval("(s.faults, s.evictions, s.stored, resident(), dirty())") == (8, 5, 2, [5, 6, 7], [])
    swapped.exec("memory[0]; write(0); s.sync(); s.sync()")
    assert swapped.eval("[call for call in store.calls if call[0] == 'write']") == [("write", 0, 1)]
    swapped.exec("write(0, 77); s.sync()")
    assert swapped.eval("(store.pages[0][0], store.calls[-2:])") == (77, [("write", 0, 1), ("flush", None, 0)])
    assert swapped.eval("(faults_of_state(), end())") == ([], [])


def test_what_the_pager_does_marks_no_page(swapped):
    """A policy sees what programs do: a page that was loaded or stored is neither accessed nor dirty by that."""
    swapped.exec("""
        marks = []
        class Looking(policy_of("fifo")):
            def loaded(self, page):
                marks.append((self.bits.take_accessed(page), self.bits.is_dirty(page)))
                super().loaded(page)
        new((0,), (1,), policy=Looking)
        for page in 0, 1: s.bits.take_accessed(FIRST + page)
        s.sync()
        """)
    assert swapped.eval("marks") == [(False, False)] * 2
    assert (
        swapped.eval("[(s.bits.take_accessed(FIRST + n), s.bits.is_dirty(FIRST + n)) for n in (0, 1)]")
        == [(False, False)] * 2
    )
    swapped.exec("memory[0]; write(1)")
    assert swapped.eval("[(s.bits.take_accessed(FIRST + n), s.bits.is_dirty(FIRST + n)) for n in (0, 1)]") == [
        (True, False),
        (True, True),
    ]
    assert swapped.eval("s.bits.take_accessed(FIRST + 1)") is False
    assert swapped.eval("[(memory[0], s.bits.take_accessed(FIRST))[1] for _ in range(3)]") == [True] * 3
    assert swapped.eval("(faults_of_state(), end())") == ([], [])


def test_another_policy_is_told_of_the_resident_pages_in_the_order_of_loading(swapped):
    swapped.exec("new((), (6, 0, 3)); s.policy = 'fifo'")
    for page, left in (1, [0, 1, 3]), (2, [1, 2, 3]), (4, [1, 2, 4]):
        swapped.exec(f"memory[{page} * PAGE_SIZE]")
        assert swapped.eval("resident()") == left
    assert swapped.eval("(faults_of_state(), end())") == ([], [])


@pytest.mark.parametrize(("interval", "ticks"), [(0, []), (1, [1, 2, 3, 4, 5]), (2, [2, 4])])
def test_a_policy_is_told_that_an_interval_is_over(swapped, interval, ticks):
    swapped.exec(f"""
        ticks = []
        class Ticking(policy_of("fifo")):
            def tick(self): ticks.append(s.faults)
        new((), range(5), policy=Ticking, interval={interval})
        """)
    assert swapped.eval("ticks") == ticks
    swapped.exec("s.tick()")
    assert swapped.eval("(len(ticks), end())") == (len(ticks) + 1, [])


# Pages that are touched, and what the store was asked for then.
SEQUENCES = {
    (0, 1): [(0, 1), (1, 4)],
    (0, 2, 1): [(0, 1), (2, 1), (1, 1)],
    (3, 4, 0): [(3, 1), (4, 4), (0, 1)],
    (2, 0, 1): [(2, 1), (0, 1), (1, 1)],
    (4, 5): [(4, 1), (5, 3)],
    (0, 1, 5, 6): [(0, 1), (1, 4), (5, 1), (6, 1)],
}


@pytest.mark.parametrize("touched", SEQUENCES)
def test_a_fault_that_follows_the_last_one_reads_ahead(swapped, touched):
    """As far as frames are free, up to the end, up to what is resident; pages that are read ahead push out nobody."""
    swapped.exec("new(frames=6, cluster=4)")
    for page in touched:
        swapped.exec(f"memory[{page} * PAGE_SIZE]")
    asked = SEQUENCES[touched]
    assert swapped.eval("[(page, count) for _, page, count in store.calls]") == asked
    ahead = sum(count - 1 for _, count in asked)
    assert swapped.eval("(s.faults, s.read_ahead, s.evictions)") == (len(asked), ahead, 0 if len(touched) < 4 else 1)
    assert swapped.eval("(faults_of_state(), end())") == ([], [])


def test_a_device_that_reaches_memory_by_itself_is_given_frames(swapped):
    swapped.exec("""
        from paging.guard import opens_guard
        from replacement.residents import buffer_of
        class Device(Failing):
            @opens_guard
            def read_frames(self, offset, frames):
                self.calls.append(("read", offset, len(frames)))
                for at, frame in enumerate(frames): RamStore.read(self, offset + at, buffer_of(frame, 1))
            def write_frames(self, offset, frames):
                self.calls.append(("write", offset, len(frames)))
                for at, frame in enumerate(frames): RamStore.write(self, offset + at, buffer_of(frame, 1))
            read = write = None
        Ordinary, Failing = Failing, Device
        new((0, 1), frames=6, cluster=4)
        Failing = Ordinary
        s.sync()
        """)
    assert swapped.eval("(store.calls[:2], resident())") == ([("write", 0, 1), ("write", 1, 1)], [0, 1, 2, 3, 4])
    assert swapped.eval("(faults_of_state(), end())") == ([], [])


def test_a_collection_and_a_soft_reset_in_between_lose_nothing(swapped):
    swapped.exec("import gc\nnew((0, 1, 2))\ngc.collect()\nmemory[5 * PAGE_SIZE]\ngc.collect()")
    assert swapped.eval("(faults_of_state(), verify().violations)") == ([], [])
    assert swapped.eval("end()") == []


def test_another_table_has_nothing_there(swapped):
    """A fault in the lower half of another table is not answered by a page in the kernel's."""
    swapped.exec("""
        from memory import PageTable, get_kernel_mmi_ref
        from faults import PageFault
        new((0,))
        kernels = get_kernel_mmi_ref().page_table
        other = PageTable.new_table(kernels)
        said = []
        other.switch_to()
        for page in 0, 5:
            try: memory[page * PAGE_SIZE]
            except PageFault as fault: said.append(fault.reason)
        kernels.switch_to()
        other.drop()
        """)
    assert swapped.eval("(said, resident(), mapped())") == (["not present"] * 2, [0], [0])
    assert swapped.eval("(faults_of_state(), end())") == ([], [])


def test_the_end_is_the_end(swapped):
    swapped.exec("new((0,))\nwith s: write(3)")
    assert swapped.eval("(bool(s), repr(s), mapped(), store.pages[3][0])") == (
        False,
        "Swapped(consumed by drop())",
        [],
        104,
    )
    for call in "s.sync()", "s.drop()", "s.tick()", "s.policy", "s.policy = 'fifo'", "s.__enter__()":
        with swapped.raises("UseAfterMove", r"Swapped is dead: consumed by drop\(\)"):
            swapped.exec(call)
    swapped.exec("t = Swapped(area, 2)")
    with swapped.raises("AddressInUse", "the fault handler|is not free"):
        swapped.exec("Swapped(area, 2)")
    swapped.exec("memory[0]")
    with swapped.raises("AddressInUse"):
        swapped.exec("Swapped(area, 2)")
    swapped.exec("t.drop()")


def test_a_store_that_asks_for_more_is_told_that_this_is_not_the_moment(swapped):
    """What a store does to its own Swapped amid a fault is refused, and is the store's error."""
    swapped.exec("new((), (0,)); store.count = lambda *_: s.sync()")
    with swapped.raises(
        "StoreError", r"page 5 of .* can't be read: Busy: Swapped\(.*\) is busy: a fault is changing it"
    ):
        swapped.exec("memory[5 * PAGE_SIZE]")
    swapped.exec("del store.count")
    assert swapped.eval("(faults_of_state(), end())") == ([], [])


@pytest.mark.parametrize("size", [(80, 24), (60, 20)])
def test_it_fits_the_screen(guest, size):
    """At the prompt it is one screen: where, how many, what is resident and dirty, faults, evictions, the store."""
    reader = Reader(guest, *size)
    for line in (
        "terminal {}x{}".format(*size),
        "from replacement import map_file",
        "f = open('a-file-with-a-long-name.bin', 'wb'); n = f.write(bytes(50000)); f.close()",
        "m = map_file('a-file-with-a-long-name.bin', frames=4)",
        "m.memory[5000] = 1",
    ):
        reader.read(line)
    pages = reader.read("m")
    text = " ".join(" ".join(pages[0].shown).split())
    for said in (
        ") pages 13, frames 4, policy clock",
        "resident 1, of these dirty 1",
        "faults 1, pages read ahead 0",
        "evictions 0, pages written to the store 0",
        "FileStore('a-file-with-a-long-name.bin', 50000 bytes)",
    ):
        assert said in text
    assert len(pages) == 1
    assert reader.display.wraps == []
