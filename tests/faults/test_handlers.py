"""Python answers page faults: right at the faulting instruction, on its stack, and whatever a handler does, the machine
stays alive."""

import pytest
from harness import depth
from on_target.playground import BASE, CODE, NX, PRESENT, SUPPLY, WRITABLE

READ_ONLY = PRESENT | NX


@pytest.fixture
def play(kernel):
    """A kernel with a playground, and a handler that maps what is missing."""
    kernel.exec(
        CODE
        + SUPPLY
        + """
import micropython, array
from memory_structs import Page
def supply_numbers(page, code):
    p.map(page - PAGE, page - PAGE)
    return True
@micropython.viper
def peek(address: uint) -> uint:
    return uint(ptr32(address)[0])
@micropython.viper
def peek_sum(address: uint, count: int) -> uint:
    total = uint(0)
    for n in range(count):
        total += uint(ptr8(address)[n * 4096])
    return total
def unmap_all():
    asked.clear()
    for n in range(20): p.unmap(n)
"""
    )
    return kernel


@pytest.mark.parametrize(
    "access",
    [
        "_memory.load64(BASE + 0x5000)",
        "peek(BASE + 0x5000)",
        "uctypes.bytearray_at(BASE + 0x5000, 8)[0]",
        "_memory.store8(BASE + 0x5000, 1)",
        "bytes(uctypes.bytearray_at(BASE + 0x5000, 8))",
    ],
)
def test_what_the_handler_maps_is_there_for_the_same_access(play, access):
    play.exec(f"with faults.on_fault(pages, supply):\n    {access}")
    assert play.eval("asked") == [5]


def test_one_native_call_may_fault_many_times(play):
    play.exec("""
        with faults.on_fault(pages, supply):
            total = peek_sum(BASE, 16)
            copied = bytes(uctypes.bytearray_at(BASE + 16 * 4096, 4 * 4096))
        """)
    assert play.eval("(total, len(copied), asked)") == (16 * 0xB8, 4 * 4096, list(range(20)))


def test_floats_live_on_across_a_handler_that_uses_floats(play):
    play.exec("""
        def handler(fault):
            for n in range(50): n * 1.5 + 0.25
            return supply(fault)
        with faults.on_fault(pages, handler):
            total = 0.0
            for n in range(16): total = total * 0.5 + _memory.load8(BASE + n * 4096) * 0.125
        expected = 0.0
        for n in range(16): expected = expected * 0.5 + 0xb8 * 0.125
        """)
    assert play.eval("total == expected") is True


def test_the_collector_may_run_in_a_handler(play):
    play.exec("""
        def handler(fault):
            gc.collect()
            [bytearray(64) for _ in range(100)]
            gc.collect()
            return supply(fault)
        with faults.on_fault(pages, handler):
            found = [[n, str(_memory.load8(BASE + n * 4096)), bytes(20)] for n in range(16)]
        """)
    assert play.eval("found") == [[n, str(0xB8), bytes(20)] for n in range(16)]


def test_numbers_are_enough_for_a_handler_and_allocate_nothing(play):
    play.exec("""
        def touch():
            for n in range(16):
                p.unmap(n)
                peek(BASE + n * 4096)
        with faults.on_fault_numbers(pages, supply_numbers):
            touch()
            gc.collect(); gc.disable()
            before = gc.mem_alloc()
            touch()
            used = gc.mem_alloc() - before
            without = gc.mem_alloc()
            for n in range(16): p.unmap(n), p.map(n, n), peek(BASE + n * 4096)
            without = gc.mem_alloc() - without
            gc.enable()
        """)
    assert play.eval("used <= without + 64") is True


@pytest.mark.parametrize("answer", ["False", "None", "0", "1", "'yes'"])
def test_anything_but_true_raises_the_fault(play, answer):
    with play.raises("PageFault", f"read of v{BASE + 0x5000:#x}: not present at P1; nothing is mapped"):
        play.exec(f"with faults.on_fault(pages, lambda fault: {answer}): peek(BASE + 0x5000)")
    with play.raises("PageFault", f"read of v{BASE + 0x5000:#x}"):
        play.exec(f"with faults.on_fault_numbers(pages, lambda page, code: {answer}): peek(BASE + 0x5000)")


def test_what_a_handler_raises_arrives_at_the_statement(play):
    play.exec("""
        def handler(fault): raise ValueError("no page for you")
        trace = []
        with faults.on_fault(pages, handler):
            try:
                peek(BASE + 0x5000)
                trace.append("not reached")
            except ValueError as error:
                trace.append(str(error))
            finally:
                trace.append("finally")
        """)
    assert play.eval("trace") == ["no page for you", "finally"]


def test_the_fault_itself_can_be_raised_by_the_handler(play):
    play.exec("""
        kept = []
        def handler(fault):
            kept.append(fault)
            raise fault
        with faults.on_fault(pages, handler):
            try: peek(BASE + 0x5000)
            except faults.PageFault as fault: same = fault is kept[0]
        """)
    assert play.eval("same") is True


def test_a_handler_that_faults_in_its_own_range_gets_the_fault(play):
    play.exec("""
        def handler(fault):
            try: peek(BASE + 0x6000)
            except faults.PageFault as inner: asked.append(inner.page.number - PAGE)
            return supply(fault)
        with faults.on_fault(pages, handler): peek(BASE + 0x5000)
        """)
    assert play.eval("asked") == [6, 5]
    with play.raises("PageFault", f"{BASE + 0x7000:#x}"):
        play.exec("with faults.on_fault(pages, lambda fault: peek(BASE + 0x7000)): peek(BASE + 0x8000)")


def test_handlers_of_other_ranges_nest_only_so_deep(play):
    play.exec("""
        depth = 0
        def handler(fault):
            global depth
            depth += 1
            peek(fault.address.value + 0x1000)
            return supply(fault)
        handlers = [faults.on_fault(PageRange.from_numbers(PAGE + n, PAGE + n), handler) for n in range(20)]
        """)
    with play.raises("PageFault", f"{BASE + 0x8000:#x}"):
        play.exec("peek(BASE)")
    assert play.eval("depth") == 8
    play.exec("p.map(5, 5); depth = 0; peek(BASE)")
    assert play.eval("(depth, asked)") == (5, [4, 3, 2, 1, 0])


@pytest.mark.parametrize(
    "body",
    [
        "return True",
        "p.map(page - PAGE, 3, 1 | 1 << 23); return True",
        "p.map(page - PAGE, 3); p.unmap(page - PAGE); return True",
        "p.set(p.p1, page - PAGE, 1 << 39, 3); return True",
        "p.map(page - PAGE + 1, 3); return True",
    ],
)
def test_a_handler_without_progress_ends_in_the_fault(play, body):
    play.exec(f"def handler(page, code): {body}")
    with play.raises("PageFault", "the handler said retry, yet the access is still refused"):
        play.exec("with faults.on_fault_numbers(pages, handler): _memory.store64(BASE + 0x5000, 1)")
    assert play.eval("6 * 7") == 42


def test_pages_that_take_each_others_frame_end_in_the_fault(play):
    """One instruction reads across two pages, and there is one frame for both: retrying would go on for ever."""
    play.exec("""
        def one_frame(page, code):
            asked.append(page - PAGE)
            p.unmap(7); p.unmap(8); p.map(page - PAGE, 1)
            return True
        def two_frames(page, code):
            asked.append(page - PAGE)
            p.map(page - PAGE, page - PAGE)
            return True
        """)
    with play.raises("PageFault", "said retry"):
        play.exec("with faults.on_fault_numbers(pages, one_frame): peek(BASE + 0x7ffe)")
    assert play.eval("len(asked)") <= 17
    play.exec("unmap_all()\nwith faults.on_fault_numbers(pages, two_frames): peek(BASE + 0x7ffe)")
    assert play.eval("asked") == [7, 8]


def test_the_same_access_may_fault_for_ever_as_long_as_it_gets_on(play):
    """The same instruction, the same address, the same registers: but it came to its end each time."""
    play.exec("""
        def loop():
            for n in range(300):
                p.unmap(7)
                peek(BASE + 0x7000)
        with faults.on_fault(pages, supply): loop()
        """)
    assert play.eval("len(asked)") == 300
    assert play.eval("_cpu.read_flags() >> 8 & 1") == 0


def test_a_handler_out_of_frames_says_so(play):
    play.exec("""
        from memory_structs import OutOfFrames
        frames = [1, 2, 3]
        def handler(fault):
            if not frames: raise OutOfFrames(1)
            p.map(fault.page.number - PAGE, frames.pop())
            return True
        """)
    with play.raises("OutOfFrames", "no 1 free frames"):
        play.exec("with faults.on_fault(pages, handler): peek_sum(BASE, 20)")
    assert play.eval("[n for n in range(20) if p.get(p.p1, n) & 1]") == [0, 1, 2]


def test_a_handler_that_cancels_itself_is_asked_no_more(play):
    play.exec("""
        def handler(fault):
            registration.cancel()
            gc.collect()
            return supply(fault)
        registration = faults.on_fault(pages, handler)
        peek(BASE + 0x5000)
        """)
    assert play.eval("(asked, registration.is_active)") == ([5], False)
    with play.raises("PageFault"):
        play.exec("peek(BASE + 0x6000)")


def test_ctrl_c_ends_a_handler_that_never_returns(play):
    play.start("""
        def handler(fault):
            print('in')
            while True: pass
        with faults.on_fault(pages, handler): peek(BASE + 0x5000)
        """)
    play.transport.serial.read(2)  # the "in" of the handler: it loops by now
    play.interrupt()
    with play.raises("KeyboardInterrupt"):
        play.finish()
    assert play.eval("6 * 7") == 42


def test_callbacks_of_others_wait_for_the_handler(play):
    play.exec("""
        order = []
        def handler(fault):
            micropython.schedule(lambda _: order.append('callback'), 0)
            for n in range(100): pass
            order.append('handler')
            return supply(fault)
        with faults.on_fault(pages, handler): peek(BASE + 0x5000)
        for n in range(10): pass
        """)
    assert play.eval("order") == ["handler", "callback"]


def test_endless_recursion_in_a_handler_is_an_exception(play):
    play.exec("def deep(): return deep()")
    with play.raises("RuntimeError", "maximum recursion depth exceeded"):
        play.exec("with faults.on_fault(pages, lambda fault: deep()): peek(BASE + 0x5000)")
    play.exec("with faults.on_fault(pages, supply): peek(BASE + 0x5000)")


def test_a_thousand_failures_of_handlers_leak_nothing(play):
    play.exec("""
        def raising(fault): raise ValueError
        def run(times):
            for n in range(times):
                for handler in (raising, lambda fault: True, lambda fault: False):
                    with faults.on_fault(pages, handler):
                        try: peek(BASE + 0x5000)
                        except (ValueError, faults.PageFault): pass
        run(5); gc.collect(); before = gc.mem_alloc()
        """)
    play.exec("run(350)", timeout=60)
    assert abs(play.eval("(gc.collect(), gc.mem_alloc() - before)[1]")) < 1000


# --- registering ---


def test_ranges_must_not_overlap(play):
    play.exec("first = faults.on_fault(PageRange.from_numbers(PAGE + 5, PAGE + 9), supply)")
    for start, end in ((5, 9), (0, 5), (9, 19), (6, 7), (0, 19)):
        with play.raises("AddressInUse", "in use by the fault handler"):
            play.exec(f"faults.on_fault(PageRange.from_numbers(PAGE + {start}, PAGE + {end}), supply)")
    play.exec("with faults.on_fault(PageRange.from_numbers(PAGE, PAGE + 4), supply): peek(BASE)")
    play.exec("first.cancel(); first.cancel()\nwith faults.on_fault(pages, supply): peek(BASE + 0x9000)")
    assert play.eval("asked") == [0, 9]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ("(BASE, supply)", "TypeError"),
        ("(Page(PAGE), supply)", "TypeError"),
        ("(pages, None)", "TypeError"),
        ("(pages, 5)", "TypeError"),
        ("(PageRange.empty(), supply)", "EmptyRange"),
    ],
)
def test_what_is_no_range_or_no_function_is_refused(play, arguments, error):
    with play.raises(error):
        play.exec(f"faults.on_fault{arguments}")
    assert play.eval("__import__('faults.handlers', None, None, ['handlers']).handlers()") == []


def test_there_is_a_most_to_handlers(play):
    play.exec("""
        handlers = []
        def fill():
            for n in range(100):
                handlers.append(faults.on_fault(PageRange.from_numbers(PAGE + 100 + n, PAGE + 100 + n), supply))
        """)
    with play.raises("TooManyHandlers", "32 fault handlers"):
        play.exec("fill()")
    play.exec("for handler in handlers: handler.cancel()\nwith faults.on_fault(pages, supply): peek(BASE)")


def test_a_soft_reset_disarms_handlers(play):
    play.exec("registration = faults.on_fault(pages, supply)")
    play.soft_reset()
    assert play.eval("__import__('faults.handlers', None, None, ['handlers']).handlers()") == []
    play.exec("import _memory")
    with play.raises("PageFault"):
        play.exec(f"_memory.load8({BASE + depth.ROOT_ENTRY_BYTES + 0x5000:#x})")


def test_other_addresses_are_not_the_handlers(play):
    with play.raises("PageFault", f"{BASE + 0x14000:#x}"):
        play.exec("with faults.on_fault(pages, supply): peek(BASE + 20 * 4096)")
    play.exec(f"p.map(3, 3, {READ_ONLY})")
    with play.raises("PageFault", "read-only"):
        play.exec(f"assert {WRITABLE} == 2\n_memory.store8(BASE + 0x3000, 1)")
    assert play.eval("asked") == []


# --- accessed and dirty bits ---


def test_the_working_set_is_what_was_touched_since_the_last_look(play):
    play.exec("for n in range(20): p.map(n, n)\nfaults.working_set(pages)")
    play.exec("peek(BASE + 0x3000); _memory.store8(BASE + 0x4000, 1); peek_sum(BASE + 0x9000, 2)")
    play.exec("w = faults.working_set(pages)")
    assert play.eval("[page.number - PAGE for page in w.accessed]") == [3, 4, 9, 10]
    assert play.eval("[page.number - PAGE for page in w.dirty]") == [4]
    assert play.eval("w.chart()") == "...rW....rr........."
    assert play.eval("len(faults.working_set(pages))") == 0
    play.exec("peek(BASE + 0x3000)")
    assert play.eval("[page.number - PAGE for page in faults.working_set(pages).accessed]") == [3]


def test_bits_are_taken_from_the_tables_that_are_active(play):
    play.exec("""
        from memory import HEAP_FLAGS, PageTable, VirtualAddress, get_kernel_mmi_ref
        kernel = get_kernel_mmi_ref().page_table
        other = PageTable.new_table(kernel)
        mapping = kernel.create_mapping_at(VirtualAddress(0x700000000000), 4096, HEAP_FLAGS)
        def taken():
            return faults.take_bits(mapping.start.number, faults.DIRTY)
        _memory.store8(mapping.start_address.value, 1)
        found = [taken(), taken()]
        _memory.store8(mapping.start_address.value, 1)
        other.switch_to()
        found.append(taken())
        kernel.switch_to()
        found += [taken(), taken()]
        """)
    assert play.eval("[bits != 0 for bits in found]") == [True, False, False, True, False]


def test_unmapped_pages_are_in_no_working_set(play):
    assert play.eval("len(faults.working_set(pages))") == 0
    assert play.eval("len(faults.working_set(PageRange.from_numbers(PAGE + 0x40000, PAGE + 0x40010)))") == 0
