"""What another CPU does, on whatever machine: each is a function of a kernel that has the prelude."""

from harness import depth


def settings_are_equal(kernel):
    kernel.exec("""
        from processors.starting import settings
        from _cpu import read_cr0, read_cr4, read_msr
        assert ap.call(READ_CONTROL, 0) == read_cr0()
        assert ap.call(READ_CONTROL, 4) == read_cr4()
        for number in [0xC0000080] + [number for number, _ in settings()]:
            assert ap.call(READ_MSR, number) == read_msr(number), hex(number)
        """)


def an_unflushed_change_is_not_seen(kernel):
    """The detector: without it, nothing below could fail."""
    kernel.exec("g = Ground(); g.set(0, 1)")
    assert kernel.eval("seen(0)") == 1
    kernel.exec("g.set(0, 2)")
    assert kernel.eval("(_memory.load64(at(0)), seen(0))") == (2, 1)
    kernel.exec("_processors.shoot(0, PAGE, 1, 4096)")
    assert kernel.eval("seen(0)") == 2
    kernel.exec("g.set(0, None)")
    assert kernel.eval("seen(0)") == 2, "its TLB knows the page still"
    kernel.exec("_processors.shoot(0, PAGE, 1, 4096)")
    assert kernel.eval("seen(0)") == "fault 0"
    kernel.exec("g.end()")


def a_range_is_exactly_that(kernel):
    kernel.exec("""
        g = Ground()
        for n in range(5): g.set(n, n)
        before = [seen(n) for n in range(5)]
        for n in range(5): g.set(n, n + 5)
        _processors.shoot(0, PAGE + 1, 3, 4096)
        """)
    assert kernel.eval("before") == [0, 1, 2, 3, 4]
    assert kernel.eval("[seen(n) for n in range(5)]") == [0, 6, 7, 8, 4]
    kernel.exec("_processors.shoot(0, 0, 0, _processors.NOT_GLOBAL)")
    assert kernel.eval("[seen(n) for n in range(5)]") == [5, 6, 7, 8, 9]
    kernel.exec("g.end()")


def a_global_page(kernel, mode, then):
    """The other CPU knows frame 1 by a GLOBAL entry, which leads to frame 2 when it is asked to forget."""
    kernel.exec("g = Ground(); g.set(0, 1, 0x103)")
    assert kernel.eval("seen(0)") == 1
    kernel.exec(f"g.set(0, 2, 0x103); _processors.shoot(0, 0, 0, _processors.{mode})")
    assert kernel.eval("seen(0)") == then
    kernel.exec("g.end()")


def everything_includes_global_pages(kernel):
    a_global_page(kernel, "EVERYTHING", then=2)


def global_pages_outlive_a_reload(kernel):
    """Only Bochs shows it."""
    a_global_page(kernel, "NOT_GLOBAL", then=1)


def who_is_parked_is_left_alone(kernel):
    kernel.exec("""
        def rounds():
            before = ap.counts[2]
            for n in range(100): _processors.shoot(0, PAGE, 1, 4096)
            return ap.counts[2] - before
        ap.park(); parked = rounds()
        ap.call(READ_CONTROL, 3); attached = rounds()
        """)
    assert kernel.eval("(parked, attached)") == (0, 100)


def who_was_parked_forgets(kernel):
    kernel.exec("g = Ground(); g.set(0, 1, 0x103)")
    assert kernel.eval("seen(0)") == 1
    kernel.exec("ap.park(); g.set(0, 2, 0x103); _processors.shoot(0, PAGE, 1, 4096)")
    assert kernel.eval("seen(0)") == 2
    kernel.exec("g.end()")


def the_lower_half_concerns_one_root(kernel):
    kernel.exec("""
        table = PageTable.new_table(PageTable.from_current())
        m = table.create_mapping_at(VirtualAddress(BASE), 4096, RW)
        ap.attach(table)
        ap.write(m, 7)
        kernel_root, root = read_root_frame(), table.physical_address.value >> 12
        def served(root):
            before = ap.counts[2]
            _processors.shoot(root, PAGE, 1, 4096)
            return ap.counts[2] - before
        """)
    assert kernel.eval("ap.read(m)") == 7
    assert kernel.eval("[served(kernel_root), served(root), served(0)]") == [0, 1, 1]
    kernel.exec("m.drop()")
    name, words = kernel.eval("raised(table.drop)")
    assert (name, "CPU 1 is on it" in words) == ("TableInUse", True)
    kernel.exec("ap.park(); table.drop()")


def stale_asks_it_too(kernel):
    kernel.exec("""
        from diagnostics.stale import Stale
        g = Ground(); g.set(0, 1)
        def stale(): return Stale(VirtualAddress(BASE))
        ap.park(); parked = stale().others
        """)
    assert kernel.eval("(parked, seen(0), stale().others)") == ([], 1, [(1, None)])
    kernel.exec("g.set(0, 2)")
    assert kernel.eval("(stale().is_stale, stale().others[0][0])") == (False, 1)
    address = kernel.eval("BASE")
    assert f"CPU 1: STALE: it reads another frame, by the word at v{address:#x}" in kernel.eval("repr(stale())")
    kernel.exec("_processors.shoot(0, PAGE, 1, 4096); written(0, 5); g.set(0, 2, 1)")
    assert kernel.eval("stale().others") == [(1, "it still writes there")]
    kernel.exec("g.set(0, None)")
    assert kernel.eval("stale().others") == [(1, "it still reads 0x5 there")]
    kernel.exec("_processors.shoot(0, PAGE, 1, 4096)")
    assert kernel.eval("stale().others") == [(1, None)]
    kernel.exec("g.end()")


def a_fault_is_the_jobs_result(kernel):
    kernel.exec("""
        m = create_mapping(4096, PteFlags())
        def fault(act, *arguments):
            try: act(*arguments)
            except PageFault as error: return error
        found = [fault(ap.read, 0x5000), fault(ap.write, m, 1), fault(ap.fetch, m)]
        """)
    assert kernel.eval("[(f.error_code.value, f.address.value) for f in found][0]") == (0, 0x5000)
    assert kernel.eval("[f.error_code.value for f in found]") == [0, 3, 17]
    assert "exclusive mapping" in kernel.eval("str(found[1])"), "its mapping is known"
    assert kernel.eval("[entry.level for entry in found[1].walk.entries]") == list(range(depth.LEVELS, 0, -1))
    assert kernel.eval("(ap.read(m), memory.verify().violations)") == (0, [])


def a_handler_answers_a_fault(kernel):
    kernel.exec("""
        pages = allocate_pages(4)
        kept, words = [], []
        other = create_mapping(4096, RW)
        def answer(fault):
            words.append(fault.error_code.value)
            mapped = get_kernel_mmi_ref().page_table.map_allocated_pages(parts.pop(), RW)
            kept.append(mapped)
            _processors.shoot(0, other.start_address.value >> 12, 1, 4096)     # while it asks
            return True
        parts = list(pages.split(pages.start + 1))
        parts[0].drop(); parts.pop(0)
        place = parts[0].start.start_address.value
        handler = on_fault(parts[0], answer)
        ap.write(place, 11)
        """)
    assert kernel.eval("(words, ap.read(place), _memory.load64(place))") == ([2], 11, 11)
    kernel.exec("handler.cancel(); kept.pop().drop(); other.drop()")


def a_handler_that_fails_ends_the_job(kernel):
    kernel.exec("""
        pages = allocate_pages(1)
        place = pages.start_address.value
        def bad(fault): raise ValueError("no")
        def failing(handler):
            with on_fault(pages, handler): return raised(ap.read, place)
        resolved = []
        def lies(fault): return True
        """)
    assert kernel.eval("failing(bad)") == ("ValueError", "no")
    assert kernel.eval("failing(lambda fault: False)[0]") == "PageFault"
    name, words = kernel.eval("failing(lies)")
    assert (name, "the handler said retry" in words) == ("PageFault", True)
    assert kernel.eval("raised(ap.read, place)[0]") == "PageFault"
    assert kernel.eval("ap.state") == "attached"
    kernel.exec("pages.drop()")


def viper_runs_without_python(kernel):
    kernel.exec("""
        @micropython.viper
        def add(a: int, b: int) -> int:
            return (a + b) // 2 % 1000
        @micropython.viper
        def fill(p: ptr32, count: int, value: int):
            for n in range(count): p[n] = value + n
        @micropython.viper
        def is_odd(a: int) -> bool:
            return a & 1 != 0
        @micropython.viper
        def prints(a: int): print(a)
        @micropython.viper
        def lists(a: int): return [a]
        @micropython.viper
        def raises(a: int): raise ValueError
        count = 0
        @micropython.viper
        def globals_(a: int):
            global count
            count = a
        def python(a): return a
        buffer = bytearray(40)
        ap.call(fill, buffer, 10, 100)
        """)
    assert kernel.eval("(ap.call(add, 40, 44), ap.call(is_odd, 3), ap.call(is_odd, 4))") == (42, True, False)
    assert kernel.eval("ap.call(add, -44, 2)") == (-21) % 1000
    assert kernel.eval("[buffer[n * 4] for n in range(10)]") == list(range(100, 110))
    for name in ("prints", "lists", "raises", "globals_"):
        assert kernel.eval(f"raised(ap.call, {name}, 1)[0]") == "NeedsPython"
    assert "number of arguments" in kernel.eval("raised(ap.call, add, 1)[1]")
    assert kernel.eval("raised(ap.call, python, 1)[0]") == "TypeError"
    assert kernel.eval("(count, memory.verify().violations, add(40, 44))") == (0, [], 42)


def machine_code_runs(kernel):
    kernel.exec("""
        add3 = function(b"\\x48\\x8d\\x04\\x37\\x48\\x01\\xd0\\xc3", "q(qqq)")  # lea (rdi,rsi),rax; add rdx,rax; ret
        half = function(b"\\xf2\\x0f\\x58\\xc1\\xc3", "d(dd)")                      # addsd xmm1,xmm0; ret
        narrow = function(b"\\x89\\xf8\\xc3", "b(i)")                               # mov edi,eax; ret
        divide = function(b"\\x31\\xc9\\xf7\\xf1\\xc3", "q()")                       # xor ecx,ecx; div ecx
        from loader.callbacks import callback
        python = callback(lambda: 1, "q()")
        import struct
        calls = function(b"\\x48\\xb8" + struct.pack("<Q", python.address) + b"\\xff\\xe0", "q()")     # jmp to it
        deep = function(b"\\x50\\xeb\\xfd", "q()")                                  # push rax; jmp back
        """)
    assert kernel.eval("(ap.call(add3, 40, 1, -2), ap.call(half, 1.5, 2.25), ap.call(narrow, 0x1ff))") == (39, 3.75, -1)
    assert kernel.eval("raised(ap.call, divide)[0]") == "DivideFault"
    assert kernel.eval("raised(ap.call, deep)[0]") == "StackOverflow"
    assert "it needs Python for a callback" in kernel.eval("raised(ap.call, calls)[1]")
    assert kernel.eval("calls()") == 1
    assert kernel.eval("raised(ap.call, add3, 1)[0]") == "TypeError"
    assert kernel.eval("raised(ap.call, narrow, 1 << 31)[0]") == "OverflowError"
    assert kernel.eval("ap.call(add3, 1, 2, 3)") == 6


def a_job_is_stopped(kernel):
    """Spinning, with interrupts off, and in a loop of faults that a handler answers."""
    kernel.exec("""
        deaf = function(b"\\xfa\\xf3\\x90\\xeb\\xfc", "q()")                        # cli; pause; jmp back
        def stopped(function):
            ap.start(function)
            until(lambda: ap.state == "running")
            busy = raised(ap.start, SPIN)[0], raised(ap.park)[0], raised(ap.wait, 20)[0]
            ap.stop()
            return busy + (ap.state, raised(ap.wait)[0], ap.read(place))
        m = create_mapping(4096, RW)
        place = m.start_address.value
        """)
    for function in ("SPIN", "deaf"):
        assert kernel.eval(f"stopped({function})") == (
            "ProcessorBusy",
            "ProcessorBusy",
            "JobTooLong",
            "attached",
            "ProcessorIdle",
            0,
        )
    assert kernel.eval("raised(ap.call, SPIN, limit_ms=30)[0]") == "JobTooLong"
    assert kernel.eval("ap.state") == "attached"


ROWS = (
    settings_are_equal,
    an_unflushed_change_is_not_seen,
    a_range_is_exactly_that,
    everything_includes_global_pages,
    who_is_parked_is_left_alone,
    who_was_parked_forgets,
    the_lower_half_concerns_one_root,
    stale_asks_it_too,
    a_fault_is_the_jobs_result,
    a_handler_answers_a_fault,
    a_handler_that_fails_ends_the_job,
    viper_runs_without_python,
    machine_code_runs,
    a_job_is_stopped,
)
