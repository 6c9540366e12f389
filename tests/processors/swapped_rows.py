"""Two CPUs on a range with more pages than frames."""

from processors.shootdown_rows import TABLE


def a_page_that_was_stored_is_dirty_again(kernel):
    """What the other CPU writes after sync() is stored by the next one."""
    kernel.exec(TABLE)
    kernel.exec("""
        from replacement import RamStore, Swapped
        store = RamStore(4)
        pages = allocate_pages_at(LOW, 4)
        whole = PageRange.from_numbers(pages.start.number, pages.end.number)
        pages.drop()
        swapped = Swapped(whole, frames=4, store=store)
        place = LOW.value
        found = []
        for value in 1, 2:
            ap.write(place, value)
            swapped.sync()
            found.append(store.pages[0][0])
        swapped.drop()
        """)
    assert kernel.eval("found") == [1, 2]


def a_range_with_few_frames_is_everybodys(kernel):
    """Both processors write to pages that come and go: nothing that one of them has written is lost or torn."""
    kernel.exec(TABLE)
    kernel.exec("""
        from replacement import RamStore, Swapped
        store = RamStore(12)
        swapped = Swapped(PageRange.from_virt_addr(LOW, 12 * 4096), frames=3, store=store)
        base, expected, wrong = LOW.value, {}, []
        for n in range(12): _memory.store64(base + n * 4096 + 8, n)
        for n in range(120):
            page, mine = n * 7 % 12, n * 5 % 12
            ap.start(WRITE, base + page * 4096, n)
            _memory.store64(base + mine * 4096 + 16, n)
            ap.wait(5000)
            expected[page, 0] = expected[mine, 16] = n
            if ap.read(base + mine * 4096 + 16) != n or _memory.load64(base + page * 4096) != n: wrong.append(n)
        for page, offset in expected:
            if _memory.load64(base + page * 4096 + offset) != expected[page, offset]: wrong.append((page, offset))
        for n in range(12):
            if ap.read(base + n * 4096 + 8) != n: wrong.append(n)
        evictions = swapped.evictions
        swapped.drop()
        """)
    assert kernel.eval("(wrong, evictions > 100, memory.verify().violations)") == ([], True, [])


def a_page_that_comes_or_goes_is_seen_whole(kernel):
    """While a store is at work, the other processor reads the page that comes, and writes to the one that goes."""
    kernel.exec(TABLE)
    kernel.exec("""
        from replacement import RamStore, Swapped
        from time import sleep_ms
        class Nosy(RamStore):
            def write(self, offset, buffer):
                RamStore.write(self, offset, buffer)
                self.begin(WRITE, base + offset * 4096, 77)
            def read(self, offset, buffer):
                self.begin(READ, base + offset * 4096)
                RamStore.read(self, offset, buffer)
            job = None
            def begin(self, *job):
                if self.job == job[0]:
                    self.job = None
                    ap.start(*job)
                    sleep_ms(5)
        store = Nosy(3)
        swapped = Swapped(PageRange.from_virt_addr(LOW, 3 * 4096), frames=1, store=store)
        base = LOW.value
        _memory.store64(base, 5)
        _memory.load64(base + 4096)
        ap.read(base + 4096)
        store.job = READ
        mine = _memory.load64(base)
        theirs = ap.wait(5000)
        _memory.store64(base, 6)
        store.job = WRITE
        other = _memory.load64(base + 4096)
        ap.wait(5000)
        last = _memory.load64(base)
        swapped.drop()
        """)
    assert kernel.eval("(mine, theirs, other, last)") == (5, 5, 0, 77)


ROWS = (
    a_page_that_was_stored_is_dirty_again,
    a_range_with_few_frames_is_everybodys,
    a_page_that_comes_or_goes_is_seen_whole,
)
