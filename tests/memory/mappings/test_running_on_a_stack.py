"""`Stack.call`: code that runs with the stack pointer in mapped pages, Python or machine code, and how it can end."""

import time

import pytest

CODE = {
    "where": "48 89 e0 c3",  # mov rax,rsp; ret
    "overflow": "50 e8 fa ff ff ff",  # push rax; call itself
    "spin": "eb fe",  # jmp to itself
    "spin_at": "48 89 fc c6 06 01 eb fe",  # mov rsp,rdi; mov byte ptr [rsi],1; jmp to itself
    "load": "48 8b 07 c3",  # mov rax,[rdi]; ret
}
SIGNATURES = {"where": "Q()", "overflow": "()", "spin": "()", "spin_at": "(QQ)", "load": "Q(Q)"}


@pytest.fixture
def running(owned):
    """`stack` of 16 pages and `other` of 20; run_inside(one)() tells if the stack pointer is in it; machine code."""
    owned.exec(
        """
        import faults, micropython
        stack, other = Stack(16), Stack(20)
        code = memory.create_mapping(4096, WRITE)
        usage = micropython.stack_use()
        """
    )
    for number, code in enumerate(CODE.values()):
        owned.exec(f"write(code, {64 * number}, {bytes.fromhex(code)!r})")
    owned.exec("code.remap(RUN)\nsection = memory.LoadedSection('text', code)")
    for number, name in enumerate(CODE):
        owned.exec(f"{name} = section.as_func({SIGNATURES[name]!r}, {64 * number})")
    owned.exec(
        """
        def run_inside(s):
            pages = s.mapped_pages.range
            return lambda: pages.contains_address(VirtualAddress(where()))
        """
    )
    yield owned
    assert owned.eval("(run_inside(stack)(), run_inside(other)())") == (False, False)
    names = ", ".join(CODE)
    owned.exec(f"for f in ({names}): f.release()\ncode.drop()\nstack.drop()\nother.drop()\ndel {names}, section")


def test_a_call_runs_on_the_pages_of_the_stack_and_returns_what_it_returns(running):
    running.exec("on_it, on_other = run_inside(stack), run_inside(other)")
    assert running.eval("(on_it(), stack.call(on_it), stack.call(on_other), on_it())") == (False, True, False, False)
    assert running.eval("stack.call(lambda a, b=1, *c: (a, b, c), 2, 3, 4)") == (2, 3, (4,))
    assert running.eval("stack.call(max, [3, 9, 1])") == 9
    assert running.eval("stack.bottom.value < stack.call(where) < stack.top.value")
    assert running.eval("stack.call(lambda: micropython.stack_use()) < 1000")


def test_what_is_raised_on_it_arrives_and_leaves_nothing_behind(running):
    for _ in range(3):
        with running.raises("ZeroDivisionError"):
            running.exec("stack.call(lambda: 1 // 0)")
        with running.raises("PageFault", "read of v0x10: not present"):
            running.exec("stack.call(load, 16)")
        with running.raises("TypeError"):
            running.exec("stack.call(lambda: 1, 2)")
    running.exec("import sys")
    assert running.eval("refused(lambda: stack.call(lambda: other.call(sys.exit)))") == "SystemExit"
    assert running.eval("stack.call(run_inside(stack))") is True
    assert running.eval("micropython.stack_use()") <= running.eval("usage")


def test_calls_nest_on_other_stacks_but_not_on_the_same(running):
    assert running.eval("stack.call(other.call, run_inside(other))") is True
    assert running.eval("stack.call(lambda: (other.call(where), where())[1]) < stack.top.value")
    for call in ("stack.call(stack.call, print)", "stack.call(other.call, stack.call, print)"):
        with running.raises("Busy", r"Stack\.call\(\)"):
            running.exec(call)
    assert running.eval("stack.call(run_inside(stack))") is True


def test_a_collection_inside_finds_what_waits_and_what_runs(running):
    """Objects that only C of a waiting stack knows (a list that is being made), and only frames of Python's there."""
    running.exec(
        """
        def junk(n):
            mine = [bytes([n, k % 256]) * 40 for k in range(50)]
            gc.collect()
            [bytes([255]) * 80 for k in range(400)]
            return mine == [bytes([n, k % 256]) * 40 for k in range(50)] and bytes([n]) * 100
        def waits(n, depth=20):
            kept = bytes([n, depth]) * 40  # only a frame of Python's knows it
            if depth: below = waits(n, depth - 1)
            else: below = list(other.call(junk, n + k) for k in range(12)) == [bytes([n + k]) * 100 for k in range(12)]
            return kept == bytes([n, depth]) * 40 and below
        """
    )
    assert running.eval("list(stack.call(waits, n) for n in range(4))") == [True] * 4
    assert running.eval("[bytes([7]) * 100, stack.call(junk, 5)][0] == bytes([7]) * 100")


def test_mappings_that_only_waiting_functions_have_are_not_forgotten(running):
    """What a collection does not find is unmapped at once: surer than bytes that may lie in a free block for long."""
    running.exec(
        """
        def forget(): gc.collect(); table.reclaim(); gc.collect(); table.reclaim()
        def holds(depth, switches):
            mine = memory.create_mapping(4096, WRITE)
            if depth: found = holds(depth - 1, switches)
            else: found = switches[0](*switches[1:])
            return [memory.translate(mine.start_address) is not None, mine.drop()] + (found or [])
        found = stack.call(holds, 6, (other.call, holds, 6, (forget,)))
        """
    )
    assert running.eval("found") == [True, None] * 14


def test_the_frames_of_a_function_that_waits_are_not_used_for_others(running):
    running.exec(
        """
        import _stack
        def other_frames(depth, *many):
            return depth and other_frames(depth - 1, 1, 2, 3, 4, 5, 6, 7, 8)
        def waits():
            mine = [1, 2, 3]
            _stack.call(stack.bottom.number, 16, other_frames, (20,))
            other_frames(20)
            return mine
        found = waits()
        """
    )
    assert running.eval("found") == [1, 2, 3]


def test_an_exception_there_ends_nothing_that_waits_here(running):
    """`exec` leaves a note on its stack, for exceptions that pass it by. What waits may lie lower or higher."""
    running.exec(
        """
        def caught():
            try: 1 // 0
            except ZeroDivisionError: return 'caught'
        def runs_a_script(outer, inner):
            names = {'inner': inner, 'caught': caught}
            outer.call(exec, "seen = inner.call(caught)\\nafter = 5", names)
            return names.get('seen'), names.get('after'), 'after' in globals()
        """
    )
    assert running.eval("stack.bottom.value < other.bottom.value") is True
    for pair in ("stack, other", "other, stack"):
        assert running.eval(f"runs_a_script({pair})") == ("caught", 5, False)


def test_random_calls_on_stacks_give_what_plain_calls_give(running):
    """Nested calls, exceptions, scripts, collections, on whichever stack is free, with Ctrl-C at random moments."""
    running.exec(
        """
        import random, _inject
        stacks = [stack, other, Stack(24)]
        def work(depth, free, direct):
            kind, kept = random.getrandbits(3), bytes([depth, random.getrandbits(8)]) * 30
            if depth == 0: return kept
            use = random.getrandbits(2) % len(free) if free else None
            rest = free[:use] + free[use + 1:] if free else free
            call = free[use].call if free and not direct and kind != 7 else lambda f, *a: f(*a)
            if kind == 0: gc.collect()
            if kind == 1:
                try: call(work_and_raise, depth - 1, rest, direct)
                except ValueError as error: return [kept, error.args]
            if kind == 2:
                names = {'work': work, 'call': call, 'a': (depth - 1, rest, direct)}
                exec('found = call(work, *a)', names)
                return [kept, names['found']]
            if kind == 3: return [kept] + list(call(work, depth - 1 - k, rest, direct) for k in range(min(2, depth)))
            return [kept, call(work, depth - 1, rest, direct)]
        def work_and_raise(*a): raise ValueError(work(*a))
        def both(seed):
            found = []
            for direct in (True, False):
                random.seed(seed)
                found.append(work(6, stacks, direct))
            return found[0] == found[1]
        def disturbed(seed):
            random.seed(seed)
            try:
                _inject.interrupt(1 + random.getrandbits(10))
                work(6, stacks, False)
                _inject.interrupt(0)
                for _ in range(2): pass
            except KeyboardInterrupt: _inject.interrupt(0)
        """
    )
    assert running.eval("[seed for seed in range(60) if not both(seed)]", timeout=60) == []
    running.exec("for seed in range(60): disturbed(seed)", timeout=60)
    assert running.eval("[run_inside(s)() or s.call(run_inside(s)) for s in stacks]") == [True] * 3
    assert running.eval("memory.verify().violations") == []
    running.exec("stacks.pop().drop()")


def test_ctrl_c_ends_what_runs_on_it(running):
    for code in ("while True: pass", "spin()"):
        running.start(f"def endless():\n print('on it')\n {code}\nstack.call(endless)")
        running.wait_for_output("on it")
        running.interrupt()
        with running.raises("KeyboardInterrupt"):
            running.finish()
    assert running.eval("stack.call(run_inside(stack))") is True


@pytest.mark.parametrize(
    ("step", "error"),
    [
        ("stack.drop()", "Busy"),
        ("stack.__exit__(None, None, None)", "Busy"),
        ("stack.mapped_pages.drop()", "Busy"),
        ("stack.mapped_pages.remap(READ)", "Busy"),
        ("stack.mapped_pages.unmap_into_parts()", "Busy"),
        ("stack.mapped_pages.split(stack.mapped_pages.start + 1)", "Busy"),
        ("stack.mapped_pages.as_slice('B')", "Busy"),
        ("OffsetPageTable().unmap(Page(first + 3))", "KernelInUse"),
        ("OffsetPageTable().update_flags(Page(first + 15), P)", "KernelInUse"),
        ("OffsetPageTable().map_to(Page(first - 1), Frame(9), P, EmptyFrameAllocator())", "KernelInUse"),
    ],
)
def test_the_pages_stay_while_something_runs_on_them(running, step, error):
    running.exec("from paging import *\nP, first = PteFlagsX86_64.PRESENT, stack.bottom.number")
    assert running.eval(f"stack.call(lambda: refused(lambda: {step}))") == error
    assert running.eval(f"stack.call(lambda: other.call(lambda: refused(lambda: {step})))") == error
    assert running.eval("stack.call(lambda: memory.verify().violations)") == []


def test_the_pages_are_free_again_after_the_call(running):
    running.exec("from paging import *\nP, page = PteFlagsX86_64.PRESENT, Page(stack.bottom.number + 3)")
    running.exec("stack.call(lambda: None)\nframe, flags, token = OffsetPageTable().unmap(page)\ntoken.flush()")
    with running.raises("PageFault", "write|read"):
        running.exec("stack.call(print, 'must not run')")
    running.exec("OffsetPageTable().map_to(page, frame, flags, EmptyFrameAllocator())")
    running.exec("view = stack.mapped_pages.as_slice('B')")
    with running.raises("StillBorrowed"):
        running.exec("stack.call(print, 'must not run')")
    running.exec("view.release()\nstack.mapped_pages.remap(READ)")
    with running.raises("PageFault", "write to .*read-only"):
        running.exec("stack.call(print, 'must not run')")
    running.exec("stack.mapped_pages.remap(WRITE)")
    assert running.eval("stack.call(run_inside(stack))") is True


def test_what_cannot_run_is_refused_by_name(running):
    for call, error in (("stack.call(7)", "TypeError"), ("Stack(15).call(print)", "StackTooSmall")):
        with running.raises(error):
            running.exec(call)
    running.exec("gone = Stack(16)\ngone.drop()")
    with running.raises("UseAfterMove"):
        running.exec("gone.call(print)")


def test_recursion_of_python_ends_at_the_limit_of_this_stack(running):
    """Three quarters less 16 KiB are for C: 32 KiB of 16 pages, 128 KiB of 48, and of the kernel's own stack."""
    running.exec(
        """
        def depth(call):
            count = [0]
            def deeper(): count[0] += 1; deeper()
            try: call(deeper)
            except RuntimeError as error: return count[0], str(error)
        larger = Stack(48)
        """
    )
    (small, said), (large, _), (own, _) = running.eval("(depth(stack.call), depth(larger.call), depth(lambda f: f()))")
    assert said == "maximum recursion depth exceeded"
    assert large / small == pytest.approx(4, rel=0.05)
    assert large / own == pytest.approx(1, rel=0.05)
    running.exec("larger.drop()")


def test_machine_code_that_overflows_it_is_an_exception_by_name(running):
    for _ in range(3):
        with running.raises("StackOverflow", r"write to v0xf.*stack overflow: this is the guard page of the Stack on"):
            running.exec("stack.call(overflow)")
        with running.raises("StackOverflow"):
            running.exec("other.call(stack.call, overflow)")
    running.exec("try: stack.call(overflow)\nexcept faults.PageFault as error: caught = error")
    assert running.eval("caught.page == stack.guard_page")
    assert running.eval("stack.call(run_inside(stack))") is True


def test_an_interrupt_at_the_end_of_a_stack_does_not_need_it(running):
    """Ctrl-C comes with eight bytes left above the guard page, when the code has said that it is there."""
    running.exec("note = memory.create_mapping(4096, WRITE)")
    place = running.eval("note.frames()[0].start_address.value")
    running.start("stack.call(spin_at, stack.bottom.value + 8, note.start_address.value)")
    deadline = time.monotonic() + 20
    while running.guest.memory.read(place, 1) != b"\x01" and time.monotonic() < deadline:
        time.sleep(0.01)
    running.interrupt()
    with running.raises("StackOverflow"):
        running.finish()
    running.exec("note.drop()")
    assert running.eval("stack.call(run_inside(stack))") is True


def test_handlers_of_faults_and_callbacks_can_run_on_it(running):
    running.exec(
        """
        pages, ran, on_it = memory.allocate_pages(2), [], run_inside(stack)
        def answer(fault):
            ran.append(on_it())
            ran.append(memory.create_mapping_at(fault.page.start_address, 4096, WRITE))
            return True
        area = pages.range
        pages.drop()
        """
    )
    running.exec("with faults.on_fault(area, lambda fault: stack.call(answer, fault)): load(area.start_address.value)")
    assert running.eval("ran[0]") is True
    running.exec("ran.pop().drop()\nran.clear()")
    with running.raises("StackOverflow"):
        running.exec("with faults.on_fault(area, lambda fault: stack.call(overflow)): load(area.start_address.value)")
    running.exec(
        """
        memory.set_broadcast_tlb_shootdown_cb(lambda pages: stack.call(lambda: ran.append(on_it())))
        memory.create_mapping(4096, WRITE).drop()
        memory.set_broadcast_tlb_shootdown_cb(None)
        """
    )
    assert running.eval("ran") == [True]


def test_a_guard_page_is_one_as_long_as_its_stack_lives(running):
    running.exec("import _memory\nlast = Stack(2)\nguard = last.guard_page.number << 12")
    with running.raises("PageFault", "stack overflow: this is the guard page of the Stack on"):
        running.exec("_memory.load8(guard)")
    running.exec("last.drop()")
    with running.raises("PageFault", "nothing is mapped there: map it"):
        running.exec("_memory.load8(guard)")
    running.exec("def forget(): return Stack(2).guard_page.number << 12\nguard = forget()\nstate()")
    with running.raises("PageFault", "nothing is mapped there: map it"):
        running.exec("_memory.load8(guard)")


def test_a_soft_reset_on_a_stack_starts_afresh(kernel):
    kernel.exec("import machine\nfrom memory import *\nstack = Stack(16)")
    kernel.start("stack.call(machine.soft_reset)")
    kernel.soft_reset()
    kernel.exec("from memory import *\nstack = Stack(16)")
    assert kernel.eval("(stack.call(lambda: 42), verify().violations)") == (42, [])
