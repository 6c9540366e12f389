"""What another CPU remembers goes before anybody gets what it led to, by every path, on whatever machine.

Each is a function of a kernel that has the prelude. The lower half: there both machines are strict (QEMU forgets the
whole upper half at once, see CONTRIBUTING).
"""

from harness import depth

TABLE = """
    table = get_kernel_mmi_ref().page_table
    LOW = VirtualAddress((BASE & -(PAGES_PER_ROOT_ENTRY << 12)) + (PAGES_PER_ROOT_ENTRY << 12))
    def lower(count, flags=RW, at=LOW):
        return create_mapping_at(at, count * 4096, flags, huge=False)
    def address(m, n):
        return m.start_address.value + n * 4096
    def outcome(act, *arguments):
        try: act(*arguments)
        except PageFault as fault: return fault.error_code.value
        return "done"
    def served(call):
        before = ap.counts[2]
        call()
        return ap.counts[2] - before
    """


def drop_is_told(kernel, count):
    """Each page was read and written by the other CPU; after drop() it faults there, and the frames are left alone."""
    kernel.exec(TABLE)
    kernel.exec(f"""
        m = lower({count})
        places = [address(m, n) for n in range({count})]
        for place in places: ap.write(place, 1)
        frame = table.access.translate(m.range.start.number)
        rounds = served(m.drop)
        seen_as = [outcome(ap.read, place) for place in (places[0], places[-1])]
        seen_as += [outcome(ap.write, place, 2) for place in (places[0], places[-1])]
        kept = _memory.load64(LAYOUT["WINDOW_PAGE"] + frame << 12)
        """)
    assert kernel.eval("(seen_as, rounds, kept)") == ([0, 0, 2, 2], 1, 1)
    assert kernel.eval("memory.verify().violations") == []


def drop_of_one(kernel):
    drop_is_told(kernel, 1)


def drop_of_a_few(kernel):
    drop_is_told(kernel, 3)


def drop_of_many(kernel):
    drop_is_told(kernel, 100)


def drop_beside_another(kernel):
    """No table goes with it, so it is the short way."""
    kernel.exec(TABLE)
    kernel.exec("other = lower(1, at=LOW + 20 * 4096); ap.read(other)")
    drop_is_told(kernel, 2)
    kernel.exec("one_round = served(lower(1).drop); other.drop()")
    assert kernel.eval("one_round") == 1


def drop_of_global_pages(kernel):
    """QEMU can't show this one."""
    kernel.exec(TABLE)
    for count in 1, 100:
        kernel.exec(f"""
            from memory import PteFlagsX86_64
            m = lower({count}, RW.to_arch() | PteFlagsX86_64.GLOBAL)
            places = [address(m, n) for n in range({count})]
            for place in places: ap.write(place, 1)
            m.drop()
            found = [outcome(ap.read, place) for place in (places[0], places[-1])]
            """)
        assert kernel.eval("found") == [0, 0]


def the_window_is_told(kernel):
    """What becomes executable is read-only in the window before: one request for that, one for the pages; when it goes,
    the other way round."""
    kernel.exec(TABLE)
    for count in 2, 100:
        kernel.exec(f"""
            from paging.guard import opened
            m = lower({count})
            place = LAYOUT["WINDOW_PAGE"] + table.access.translate(m.range.start.number) << 12
            with opened():
                found = [outcome(ap.write, place, 1), served(lambda: m.remap(PteFlags().executable(True)))]
                found += [outcome(ap.write, place, 2), served(m.drop), outcome(ap.write, place, 3)]
            """)
        assert kernel.eval("found") == ["done", 2, 3, 2, "done"]
    assert kernel.eval("memory.verify().violations") == []


def remap_is_told(kernel):
    kernel.exec(TABLE)
    for count in 1, 100:
        kernel.exec(f"""
            m = lower({count})
            for n in range({count}): ap.write(address(m, n), 1)
            rounds = served(lambda: m.remap(PteFlags()))
            ends = address(m, 0), address(m, {count} - 1)
            found = [outcome(ap.write, place, 2) for place in ends] + [outcome(ap.read, place) for place in ends]
            m.drop()
            """)
        assert kernel.eval("(found, rounds)") == ([3, 3, "done", "done"], 1)


def other_ends_of_a_mapping_are_told(kernel):
    """unmap_into_parts, parts that were split off, what was forgotten, shared frames, huge pages."""
    kernel.exec(TABLE)
    kernel.exec("""
        def ends(end, count=2, **named):
            m = lower(count, **named)
            place = address(m, 0)
            ap.write(place, 1)
            end(m)
            return outcome(ap.read, place)
        def forgotten(m):
            pass
        def in_parts(m):
            for owner in m.unmap_into_parts():
                for part in owner if isinstance(owner, (list, tuple)) else (owner,): part.drop()
        def in_halves(m):
            low, high = m.split(m.start + 1)
            low.drop(); high.drop()
        def by_reclaim():
            m = lower(2)
            place = address(m, 0)
            ap.write(place, 1)
            m = None
            return place
        place = by_reclaim()
        clutter = [[n] for n in range(200)]; clutter = None
        import gc
        gc.collect(); table.reclaim(); gc.collect(); table.reclaim()
        found = [ends(in_parts), ends(in_halves)]
        shared = SharedFrames(allocate_frames(2))
        m = table.map_shared(allocate_pages_at(LOW, 2), shared, RW)
        address_of_shared = address(m, 0)
        ap.write(address_of_shared, 3)
        m.drop()
        found.append(outcome(ap.read, address_of_shared))
        m = create_mapping_at(LOW, 2 << 20, RW)
        ap.write(address(m, 300), 1)
        place_in_huge = address(m, 300)
        m.drop()
        found.append(outcome(ap.read, place_in_huge))
        reclaimed = outcome(ap.read, place)
        shared.drop()
        """)
    assert kernel.eval("(found, reclaimed)") == ([0, 0, 0, 0], 0)


def tokens_of_the_paging_layer(kernel):
    """Until a token is flushed the other CPU goes on with what it knew; then it does not. One request for a run."""
    kernel.exec(TABLE)
    kernel.exec("""
        from paging import BootInfo, BootInfoFrameAllocator, OffsetPageTable
        owned = allocate_frames(40)
        lent = BootInfoFrameAllocator(BootInfo().memory_map, owned)
        mapper = OffsetPageTable()
        DATA = PteFlagsX86_64.PRESENT | PteFlagsX86_64.WRITABLE | PteFlagsX86_64.NO_EXECUTE
        READ_ONLY = PteFlagsX86_64.PRESENT | PteFlagsX86_64.NO_EXECUTE
        FIRST, target = (BASE >> 12) + 5, allocate_frames(64)
        def prepared(count=1):
            mapper.map_numbers(FIRST, target.start.number, count, DATA, lent)
            for n in range(count): ap.write(FIRST + n << 12, n + 1)
        def trial(count, change, act):
            prepared(count)
            answer = change()
            token = answer[-1] if type(answer) is tuple else answer
            before = [outcome(act, FIRST + n << 12) for n in (0, count - 1)]
            rounds = served(token.flush)
            after = [outcome(act, FIRST + n << 12) for n in (0, count - 1)]
            if mapper.runs(FIRST, 1)[0].is_mapped:
                mapper.unmap_numbers(FIRST, count)[1].flush()
            return before, rounds, after
        write = lambda place: ap.write(place, 9)
        found = [
            trial(1, lambda: mapper.unmap(Page(FIRST)), ap.read),
            trial(30, lambda: mapper.unmap_numbers(FIRST, 30), ap.read),
            trial(1, lambda: mapper.update_flags(Page(FIRST), READ_ONLY), write),
            trial(64, lambda: mapper.update_numbers(FIRST, 64, READ_ONLY), write),
        ]
        found.append(trial(1, lambda: mapper.set_flags_p2_entry(Page(FIRST), READ_ONLY), write))
        """)
    gone, read_only = (["done", "done"], 1, [0, 0]), (["done", "done"], 1, [3, 3])
    assert kernel.eval("found") == [gone, gone, read_only, read_only, read_only]
    kernel.exec(
        "cleaned = served(lambda: mapper.clean_up_numbers(FIRST, FIRST + 100, lent)); owned.drop(); target.drop()"
    )
    assert kernel.eval("cleaned") == 1


def a_root_that_is_not_active_here(kernel):
    """The lower half of another root: who is on it is told, who is not is not disturbed."""
    kernel.exec(TABLE)
    kernel.exec("""
        other = PageTable.new_table(table)
        m = other.create_mapping_at(LOW, 4096, RW)
        place = address(m, 0)
        ap.attach(other)
        ap.write(place, 7)
        mine = lower(1, at=LOW + 20 * 4096)
        foreign = served(mine.drop)
        upper = create_mapping(4096, RW); up = upper.start_address.value; ap.read(up)
        for_all = served(upper.drop)
        many = create_mapping(100 * 4096, RW, huge=False); high = many.start_address.value; ap.read(high)
        for_all += served(many.drop)
        there = served(m.drop)
        found = [outcome(ap.read, gone) for gone in (place, up, high)]
        ap.park(); other.drop()
        """)
    assert kernel.eval("(foreign, for_all, there, found)") == (0, 2, 1, [0, 0, 0])


def a_root_that_is_not_active_here_for_the_paging_layer(kernel):
    """Flushes are owed for it as long as another CPU is on it, and not when that is parked."""
    kernel.exec(TABLE)
    kernel.exec("""
        from paging import BootInfo, BootInfoFrameAllocator, OffsetPageTable
        from paging.tlb import NOTHING_TO_FLUSH
        other = PageTable.new_table(table)
        owned, target = allocate_frames(40), allocate_frames(4)
        lent = BootInfoFrameAllocator(BootInfo().memory_map, owned)
        mapper = OffsetPageTable(root=Frame.containing_address(other.physical_address))
        DATA = PteFlagsX86_64.PRESENT | PteFlagsX86_64.WRITABLE | PteFlagsX86_64.NO_EXECUTE
        FIRST = (BASE >> 12) + PAGES_PER_ROOT_ENTRY + 5
        mapper.map_numbers(FIRST, target.start.number, 4, DATA, lent)
        ap.attach(other)
        for n in range(4): ap.write(FIRST + n << 12, 1)
        token = mapper.unmap_numbers(FIRST + 1, 2)[1]
        single = mapper.unmap(Page(FIRST))[-1]
        stale = [outcome(ap.read, FIRST + n << 12) for n in range(3)]
        rounds = served(token.flush), served(single.flush)
        gone = [outcome(ap.read, FIRST + n << 12) for n in range(4)]
        ap.park()
        nothing = mapper.unmap(Page(FIRST + 3))[-1] is NOTHING_TO_FLUSH
        mapper.clean_up_numbers(FIRST, FIRST + 100, lent)
        other.drop(); owned.drop(); target.drop()
        """)
    assert kernel.eval("(stale, rounds, gone)") == (["done"] * 3, (1, 1), [0, 0, 0, "done"])
    assert kernel.eval("nothing")


def the_short_way_asks_only_who_is_concerned(kernel):
    kernel.exec(TABLE)
    kernel.exec("""
        other = PageTable.new_table(table)
        kept, high = lower(1), create_mapping(4096, RW)
        ap.attach(other)
        ap.read(high)
        foreign = served(lower(1, at=LOW + 20 * 4096).drop)
        place = create_mapping(4096, RW)
        up = place.start_address.value
        ap.read(up)
        for_all = served(place.drop)
        found = outcome(ap.read, up)
        kept.drop(); high.drop(); ap.park(); other.drop()
        """)
    assert kernel.eval("(foreign, for_all, found)") == (0, 1, 0)


def the_order(kernel):
    """When the others are asked, entries and tables are unlinked already, and nothing was given back."""
    kernel.exec(TABLE)
    kernel.exec("""
        import memory.mappings.unmapping as unmapping
        events = []
        def watched(m):
            page, path = m.range.start.number, table.dump_pte(m.start_address).entries
            at = [(entry.table.number + LAYOUT["WINDOW_PAGE"] << 12) + 8 * (page >> 9 * (entry.level - 1) & 511)
                for entry in path]
            statistics = lambda: (memory.frame_allocator.statistics().free, memory.page_allocator.statistics().free)
            before = statistics()
            events.append([_memory.load64(entry) & 1 for entry in at])
            def logged(name):
                asked = getattr(unmapping, name)
                def ask(*arguments):
                    present = [_memory.load64(entry) & 1 for entry in at]
                    asked(*arguments)
                    events.append((name, present, statistics() == before))
                setattr(unmapping, name, ask)
                return asked
            kept = [(name, logged(name)) for name in ("forget", "forget_all")]
            try: rounds = served(m.drop)
            finally:
                for name, function in kept: setattr(unmapping, name, function)
            events.append((rounds, statistics() != before))
        for count in 2, 100:
            m = lower(count)
            ap.read(m)
            watched(m)
        """)
    linked, unlinked, given_back = [1] * depth.LEVELS, [0] * depth.LEVELS, (1, True)
    found = kernel.eval("events")
    assert found[:3] == [linked, ("forget", unlinked, True), given_back], found
    assert found[3:] == [linked, ("forget_all", unlinked, True), given_back], found


def marks_are_taken_and_set_again(kernel):
    """The working set: after its bits were taken, an access of the other CPU sets them again."""
    kernel.exec(TABLE)
    kernel.exec("""
        from faults import take_bits, working_set, DIRTY, ACCESSED
        m = lower(3)
        pages = m.range
        for n in range(3): ap.write(address(m, n), 1)
        first = working_set(pages)
        again = working_set(pages)
        for n in range(3): ap.write(address(m, n), 2)
        taken = [take_bits(pages.start.number + n, ACCESSED | DIRTY) for n in range(3)]
        for n in range(2): ap.write(address(m, n), 3)
        last = working_set(pages)
        m.drop()
        """)
    assert kernel.eval("[len(found.dirty) for found in (first, again, last)]") == [3, 0, 2]
    assert kernel.eval("set(taken)") == {0x60}


def no_dirty_bit_is_lost(kernel, trials):
    """Rights change back and forth while the other CPU writes: each page that it has written says so."""
    kernel.exec(TABLE)
    kernel.exec(f"""
        from faults import working_set
        m = lower(512)
        lost = tried = 0
        for n in range({trials}):
            working_set(m.range)
            ap.start(HAMMER, m.start_address, 512, 4096, 1)
            m.remap(RW.device_memory(True) if n & 1 else RW)
            m.remap(RW if n & 1 else RW.device_memory(True))
            ap.wait()
            lost += 512 - len(working_set(m.range).dirty)
        m.drop()
        """)
    assert kernel.eval("lost") == 0


def nobody_is_told_when_all_are_parked(kernel):
    kernel.exec(TABLE)
    kernel.exec("""
        ap.park()
        m = lower(1); place = address(m, 0)
        rounds = served(m.drop)
        found = outcome(ap.read, place)
        """)
    assert kernel.eval("(rounds, found)") == (0, 0)


ROWS = (
    drop_of_one,
    drop_of_a_few,
    drop_of_many,
    drop_beside_another,
    drop_of_global_pages,
    the_window_is_told,
    remap_is_told,
    other_ends_of_a_mapping_are_told,
    tokens_of_the_paging_layer,
    a_root_that_is_not_active_here,
    a_root_that_is_not_active_here_for_the_paging_layer,
    the_short_way_asks_only_who_is_concerned,
    the_order,
    marks_are_taken_and_set_again,
    nobody_is_told_when_all_are_parked,
)
