"""The guard (`make run GUARD=1`): a stray store to a page table or an allocator's record is a fault that says so, and
only the kernel's own commits get through, whatever happens to them."""

import pytest
from harness import Kernel, QemuGuest
from harness.depth import WINDOW

AT_REST = 2 << 30  # key 15 can't be written

NAMES = """
    import uctypes
    import _cpu, _inject, _memory
    from memory import *
    from memory import frame_allocator
    from faults import PageFault, on_fault
    from paging import *
    from paging.keys import key
    from paging.protection import address_in_window
    WRITABLE = PteFlags().writable(True)
    def register():
        return _cpu.read_msr(0x6E1)
    def refusal(call, *arguments):
        try:
            call(*arguments)
        except Exception as error:
            return type(error).__name__, str(error)
    def stray(address):
        uctypes.bytearray_at(address, 1)[0] ^= 0xFF
"""


@pytest.fixture(scope="module")
def guests(request):
    """One guarded machine with two CPUs, for all tests of this file that leave it whole."""
    with QemuGuest(guard=True, processors=2) as guest:
        guest.console.wait_for_prompt(30)
        yield guest


@pytest.fixture
def guarded(guests):
    """A kernel behind the guard, softly reset. What it has at rest, it has at the end of each test."""
    kernel = Kernel(guests, timeout=60)
    kernel.soft_reset()
    kernel.exec(NAMES)
    yield kernel
    assert kernel.eval("(register(), verify().violations)") == (AT_REST, [])


def test_a_stray_store_to_a_table_or_a_record_is_a_fault_that_says_so(guarded):
    guarded.exec("""
        m = create_mapping(4096, WRITABLE)
        walk = OffsetPageTable().walk(m.start_address)
        tables = [address_in_window(entry.table.number) + 8 * entry.index for entry in walk]
        records = [frame_allocator.pool.tree, frame_allocator.table_frames.link_marks]
        before = [_memory.load64(at & -8) for at in tables]
        told = [refusal(stray, at) for at in tables + records]
    """)
    for name, text in guarded.eval("told"):
        assert name == "PageFault"
        assert "protection key 15: IA32_PKRS forbids writes at P" in text
        assert "this is the physical window, with page tables and the allocators' records" in text
        assert "`with key(15).writable():` opens it" in text
    assert guarded.eval("before == [_memory.load64(at & -8) for at in tables]") is True


@pytest.mark.parametrize(("page", "is_ram"), [(0x9E, True), (0xB8, False), (0xFE, True), (0xFEE00, False)])
def test_devices_are_no_ram_and_have_no_guard(guarded, page, is_ram):
    """The last is the local APIC, of which a register that takes any value is written."""
    told = guarded.eval(f"refusal(_memory.store32, address_in_window({page}) + 0x80, 0)")
    assert (told and told[0]) == ("PageFault" if is_ram else None)


def test_who_means_it_opens_the_key(guarded):
    guarded.exec("""
        m = create_mapping(4096, WRITABLE)
        frame = OffsetPageTable().translate_addr(m.start_address).number
        with key(15).writable():
            uctypes.bytearray_at(address_in_window(frame), 1)[0] = 42
        found = m.as_slice("B")[0]
    """)
    assert guarded.eval("found") == 42
    name, text = guarded.eval("refusal(lambda: key(15).closed())")
    assert (name, text) == ("KeyInUse", "protection key 15: page tables lie behind it, which the kernel reads")


def test_every_way_to_change_tables_goes_on_as_before_and_ends_closed(guarded):
    guarded.exec("""
        from replacement import Swapped
        found = []
        def ends_closed(name):
            found.append((name, register()))
        for size in 4096, 8192, 2 << 20, 5 << 20, 64 << 20:
            m = create_mapping(size, WRITABLE)
            m.as_slice_mut("B")[size - 1] = 7
            m.remap(PteFlags())
            ends_closed(size)
            m.drop()
            ends_closed(size)
        table = PageTable.new_table(PageTable.from_current())
        table.create_mapping_at(VirtualAddress(0x40000000), 8192, WRITABLE).drop()
        table.drop()
        ends_closed("table")
        owned = allocate_frames(40)
        frames = BootInfoFrameAllocator(BootInfo().memory_map, owned)
        for technique in OffsetPageTable(), RecursivePageTable(), TemporaryPageTable(frames):
            with technique as mapper:
                for page in 0x50000, 0x50200:
                    mapper.map_to(Page(page), Frame(0x80000), PteFlagsX86_64(3), frames).flush()
                    mapper.update_flags(Page(page), PteFlagsX86_64(1)).flush()
                    mapper.unmap(Page(page))[-1].flush()
                mapper.clean_up_range(PageRange(Page(0x50000), Page(0x503FF)), frames)
            ends_closed(technique.name)
        owned.drop()
        swapped = Swapped(PageRange(Page(0x60000), Page(0x60007)), frames=3)
        for round in range(2):
            for n in range(8):
                swapped.memory[n * 4096] = n + round
        ends_closed("swapped")
        kept = [swapped.memory[n * 4096] for n in range(8)]
        swapped.drop()
        take_bits = __import__("faults").take_bits
        m = create_mapping(4096, WRITABLE)
        m.as_slice_mut("B")[0] = 1
        bits = take_bits(m.range.start.number, 0x60)
        ends_closed("bits")
    """)
    assert {rest for _, rest in guarded.eval("found")} == {AT_REST}
    assert guarded.eval("(kept, bits)") == ([n + 1 for n in range(8)], 0x60)


def test_what_opens_the_guard_closes_it_however_it_ends(guarded):
    guarded.exec("""
        from paging.guard import opened, opens_guard
        at = frame_allocator.pool.tree + 8
        seen = []
        @opens_guard
        def inner():
            seen.append(register())
        @opens_guard
        def outer(end):
            inner()
            _memory.store64(at, _memory.load64(at))
            seen.append(register())
            return 1 // end
        class Holder:
            @opens_guard
            def method(self, *values, **named):
                return register(), values, named
        answers = outer(1), Holder().method(1, a=2)
        seen.append(register())
        error = refusal(outer, 0)[0]
        seen.append(register())
        @opens_guard
        def catches():
            try:
                outer(0)
            except ZeroDivisionError:
                pass
            try:
                _memory.load64(0x7000_0000)
            except PageFault:
                _memory.store64(at, _memory.load64(at))
            seen.append(register())
        catches()
        with opened():
            seen.append(register())
    """)
    opened_twice = [0, 0]
    expected = [*opened_twice, AT_REST, *opened_twice, AT_REST, *opened_twice, 0, 0]
    assert guarded.eval("(answers, error, seen)") == ((1, (0, (1,), {"a": 2})), "ZeroDivisionError", expected)


@pytest.mark.parametrize("trouble", ["interrupt", "fail_allocation"])
def test_trouble_amid_a_commit_leaves_nothing_open(guarded, trouble):
    """Ctrl-C at every seventh check, no memory at every allocation."""
    guarded.exec(f"""
        rests, n, left = set(), 0, 0
        while not left:
            n += {7 if trouble == "interrupt" else 1}
            made = None
            try:
                _inject.{trouble}(n)
                made = create_mapping(5 << 20, WRITABLE)
                made.remap(PteFlags())
                made.drop()
                left = _inject.{trouble}(0)
                for _ in "12":  # a Ctrl-C that waited comes here
                    pass
            except (KeyboardInterrupt, MemoryError):
                _inject.{trouble}(0)
            rests.add(register())
            made = None
    """)
    assert guarded.eval("(n > 7, rests)") == (True, {AT_REST})


def test_a_fault_of_a_commit_or_in_its_handler_is_at_rest(guarded):
    """The native stores where nothing is mapped: a handler runs at rest, what it answers lets the store go on."""
    guarded.exec("""
        import _entries
        pages = allocate_pages(2)
        at = pages.start_address.value
        seen = [register()]
        told = refusal(_entries.write, at, 1, 1)
        seen.append(register())
        def answer(fault):
            seen.append((register(), refusal(stray, address_in_window(1))[0]))
            global m
            handler.cancel()
            m = get_kernel_mmi_ref().page_table.map_allocated_pages(pages, WRITABLE)
            return True
        handler = on_fault(PageRange(pages.start, pages.end), answer)
        _entries.write(at, 0x1234, 1)
        seen.append(register())
        found = _memory.load64(at)
    """)
    rest = AT_REST
    assert guarded.eval("(told[0], seen)") == ("PageFault", [rest, rest, (rest, "PageFault"), rest])
    assert guarded.eval("found") == 0x1234001


def test_a_soft_reset_begins_at_rest_whatever_was_open(guarded):
    guarded.exec("key(15).writable().__enter__()")
    assert guarded.eval("register()") == 0
    guarded.soft_reset()
    guarded.exec(NAMES)
    assert guarded.eval("(register(), refusal(stray, address_in_window(0x2000))[0])") == (AT_REST, "PageFault")


def test_another_cpu_works_behind_the_guard_and_strays_no_further(guarded):
    guarded.exec("""
        from processors import processor
        ap = processor(1)
        m = create_mapping(4096, WRITABLE)
        ap.write(m.start_address, 77)
        wrote = m.as_slice("Q")[0]
        frame = OffsetPageTable().translate_addr(m.start_address).number
        told = refusal(ap.write, address_in_window(frame), 78)
        after = ap.read(m.start_address)
        with key(15).writable():
            ap.write(address_in_window(frame), 79)
        opened = ap.read(m.start_address)
        again = refusal(ap.write, address_in_window(frame), 80)[0]
        key(5).rights = "readable"
        keyed = create_mapping(4096, WRITABLE.with_protection_key(5))
        other = refusal(ap.write, keyed.start_address, 1)
        key(5).rights = "writable"
        ap.write(keyed.start_address, 5)
        ap.park()
    """)
    assert guarded.eval("(wrote, told[0], after, opened, again)") == (77, "PageFault", 77, 79, "PageFault")
    assert "protection key 15: IA32_PKRS forbids writes" in guarded.eval("told[1]")
    assert "protection key 5: IA32_PKRS forbids writes" in guarded.eval("other[1]")


def test_another_cpu_touches_pages_for_users_where_it_is_told_to(guarded):
    guarded.exec("""
        from processors import READ, processor
        from shell.commands import stale
        ap = processor(1)
        u = create_mapping_at(VirtualAddress(0x40000000), 4096, WRITABLE.user_accessible(True))
        with u.as_slice_mut("Q") as words: words[0] = 5
        ap.write(u.start_address, 6)
        seen = [ap.read(u.start_address), u.as_slice("Q")[0]]
        told = refusal(ap.call, READ, u.start_address)
        others = stale(u.start_address).others
        ap.park()
    """)
    assert guarded.eval("(seen, told[0], others)") == ([6, 6], "PageFault", [(1, None)])
    assert "(SMAP)" in guarded.eval("told[1]")


def test_a_litmus_test_changes_entries_from_two_cpus(guarded):
    guarded.exec("from shell.commands import litmus\nseen = litmus('stale-write-after-unmap')")
    assert guarded.eval("len(repr(seen)) > 0") is True


def test_other_cpus_are_parked_on_as_many_tables_as_they_need(boot):
    """Without pages of 1 GiB these are more frames than what is left out of the guard for the CPUs themselves."""
    guest = boot(guard=True, processors=2, memory="600G", cpu="max,pdpe1gb=off")
    guest.console.wait_for_prompt(60)
    kernel = Kernel(guest, timeout=60)
    kernel.exec("from memory import verify\nfrom processors import processor\nap = processor(1)")
    assert kernel.eval("__import__('processors.parking').parking.frames_needed()") > 512
    kernel.exec(f"ap.read({WINDOW + 4096:#x})\nap.park()")
    assert kernel.eval("(ap.state, verify().violations)") == ("parked", [])


def test_another_cpu_has_the_rights_of_its_job_from_its_first_to_what_comes_after_a_stop(boot):
    guest = boot(guard=True, processors=2)
    guest.console.wait_for_prompt(30)
    kernel = Kernel(guest, timeout=30)
    kernel.exec(NAMES)
    kernel.exec("""
        from paging.guard import opened, opens_guard
        from processors import READ_MSR, SPIN, processor
        ap = processor(1)
        def its():
            return ap.call(READ_MSR, 0x6E1)
        seen = [its(), opens_guard(its)()]
        with opened():
            seen.append(its())
            ap.start(SPIN)
        ap.stop()
        seen.append(its())
        ap.park()
        seen.append(its())
        key(5).rights = "closed"
        m = create_mapping(4096, WRITABLE.with_protection_key(5))
        def opens(fault):
            key(5).rights = "readable"
            return True
        handler = on_fault(m.range, opens)
        read = ap.read(m.start_address)
        handler.cancel()
        seen.append(its())
    """)
    assert kernel.eval("(seen, read)") == ([AT_REST, AT_REST, 0, AT_REST, AT_REST, AT_REST | 2 << 10], 0)
    where = "__import__('paging.guard').guard.Guard.blocks"
    before = kernel.eval(where)
    kernel.soft_reset()
    kernel.exec("from processors import READ_MSR, processor")
    assert kernel.eval(f"({where}, processor(1).call(READ_MSR, 0x6E1))") == (before, AT_REST)


@pytest.mark.parametrize(("memory", "told"), [("14M", "OutOfFrames"), ("20M", None)])
def test_a_small_machine_has_a_guard_and_other_cpus_if_it_has_room(boot, memory, told):
    guest = boot(guard=True, processors=2, memory=memory)
    guest.console.wait_for_prompt(30)
    kernel = Kernel(guest, timeout=30)
    kernel.exec(NAMES)
    kernel.exec("from processors import processor")
    said = kernel.eval(f"refusal(lambda: processor(1).read({WINDOW + 4096:#x}) and None)")
    assert (said and said[0]) == told
    assert kernel.eval("(refusal(stray, frame_allocator.pool.tree)[0], verify().violations)") == ("PageFault", [])


@pytest.mark.parametrize("ways", ["micropython.schedule(note, 0)", "gc.collect()", "_inject.interrupt(5)"])
def test_callbacks_amid_a_commit_find_the_guard_shut_and_leave_it_open(guarded, ways):
    guarded.exec(f"""
        import gc, micropython, memory
        from paging.guard import opens_guard
        at, seen = frame_allocator.pool.tree + 8, []
        def note(_):
            seen.append((register(), refusal(stray, at)[0]))
        memory.set_broadcast_tlb_shootdown_cb(note)
        @opens_guard
        def commit():
            try:
                create_mapping(4096, WRITABLE)
                {ways}
                for _ in range(100):
                    pass
            except KeyboardInterrupt:
                pass
            _memory.store64(at, _memory.load64(at))
            return register()
        inside = commit()
        gc.collect()
        memory.set_broadcast_tlb_shootdown_cb(None)
    """)
    assert guarded.eval("(inside, set(seen))") == (0, {(AT_REST, "PageFault")})


def test_the_windows_leaves_keep_the_key_when_they_are_divided_and_made_whole(guarded):
    guarded.exec("""
        window = OffsetPageTable()
        def shown(frame):
            leaf = window.translate(VirtualAddress(address_in_window(frame) & (1 << 64) - 1))
            return leaf.level, leaf.flags.protection_key, bool(leaf.flags & PteFlagsX86_64.WRITABLE)
        m = create_mapping(4096, WRITABLE)
        frame = window.translate_addr(m.start_address).number
        seen = [(shown(frame), shown(frame ^ 1))]
        m.remap(PteFlags().executable(True))
        seen.append((shown(frame), shown(frame ^ 1)))
        told = refusal(stray, address_in_window(frame))
        m.drop()
        seen.append((shown(frame), shown(frame ^ 1)))
    """)
    before, divided, after = guarded.eval("seen")
    assert before == after == ((before[0][0], 15, True),) * 2
    assert divided == ((1, 15, False), (1, 15, True))
    assert guarded.eval("told[0]") == "PageFault"


def test_a_panic_tells_what_happened(boot):
    guest = boot(guard=True)
    guest.console.expect("> $", 15)
    guest.console.sendline("import _cpu, _probe; off = _cpu.interrupts(False); _probe.call(0)")
    guest.expect_exit(35)
    assert "PANIC: page fault" in guest.log()
    assert "interrupts were off" in guest.log()
