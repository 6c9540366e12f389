"""Python functions that machine code calls: what goes in and out, what is raised, how long their addresses are good."""

import pytest
from on_target import source

LIMITS = {"b": 8, "h": 16, "i": 32, "l": 64, "q": 64}


@pytest.fixture
def calling(kernel):
    """A kernel with machine code that calls whom it is told to."""
    kernel.exec(source("memory/names") + source("memory/callbacks"))
    yield kernel
    assert kernel.eval("memory.verify().violations") == []
    assert kernel.eval("critical.depth()") == 0


def extremes(letter):
    """Return the least and the greatest value that a letter can hold, and one more."""
    if letter in "fd":
        return [-2.5, 0.0, 1024.25]
    bits = LIMITS[letter.lower()]
    return [0, 1, (1 << bits) - 1] if letter.isupper() else [-1 << bits - 1, -1, (1 << bits - 1) - 1]


SIGNATURES = [f"{letter}({letter})" for letter in "bBhHiIlLqQfd"]
SIGNATURES += ["q(bBhHiI)", "d(ffffffdd)", "Q(dqfbdIQfHdhdfd)", "(qd)", "i()"]


def test_arguments_and_result_arrive_as_the_abi_says(calling):
    """as_func() puts them into registers, by code that callbacks do not share."""
    for signature in SIGNATURES:
        result, letters = signature[:-1].split("(")
        for which in range(3):
            values = [extremes(letter)[which] for letter in letters]
            returned = extremes(result)[which] if result else None
            calling.exec(f"""
                seen = []
                cb = callback(lambda *values: seen.extend(values) or {returned!r}, {signature!r})
                returned = forward(cb.address, {signature!r})(*{values!r})
                """)
            assert calling.eval("(seen, returned)") == (values, returned), signature


@pytest.mark.parametrize(
    ("raising", "kind"),
    [
        ("raise ValueError('x')", "ValueError"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("1 // 0", "ZeroDivisionError"),
        ("load_null()", "PageFault"),
        ("function(a, b)", "RuntimeError"),
        ("apply(cb.address, a, b)", "RuntimeError"),
        ("bytearray(1 << 40)", "MemoryError"),
        ("create_mapping(4096, RW).remap(RX.writable(True))", "WritableExecutable"),
        ("gone.release(); apply(gone.address, 1, 2)", "CallbackGone"),
    ],
)
def test_what_is_raised_goes_through_the_machine_code(calling, raising, kind):
    """To whoever called it; everything is as it was then, and the next call goes well. Also through several layers."""
    calling.exec(f"""
        load_null, gone = code(LOAD_NULL, "q()"), callback(print, "q(qq)")
        def function(a, b):
            {raising}
        def through(a, b):
            try:
                return apply(cb.address, a, b)
            finally:
                passed.append(critical.depth())
        passed = []
        cb, outer, good = callback(function, "q(qq)"), callback(through, "q(qq)"), callback(lambda a, b: a - b, "q(qq)")
        before = state()
        caught = []
        for address in (cb.address, outer.address) * 3:
            try:
                apply(address, 1, 2)
            except BaseException as error:
                caught.append(type(error).__name__)
        after = state()
        """)
    assert calling.eval("caught") == [kind] * 6
    assert calling.eval("passed") == [0] * 3
    assert calling.eval("before == after") is True
    assert calling.eval("apply(good.address, 50, 8)") == 42


def test_callbacks_nest_and_see_their_own_values(calling):
    calling.exec("""
        def function(n, sum):
            return apply(cb.address, n - 1, sum + n) if n else sum
        cb = callback(function, "q(qq)")
        """)
    assert calling.eval("apply(cb.address, 20, 0)") == 210


def test_registers_flags_and_stack_of_careless_code_do_no_harm(calling):
    """The direction flag, a stack that is no multiple of 16, what callees must keep: also when it is left at once."""
    calling.exec("""
        badly = code(BADLY, "q(Qqq)")
        good = callback(lambda a, b: len(bytes(range(a, b))) + int(1.5 * 2), "q(qq)")
        bad = callback(lambda a, b: bytes(-1), "q(qq)")
        first, second, kept = badly(good.address, 5, 45), refused(badly, bad.address, 1, 2), [1.5, "kept"]
        """)
    assert calling.eval("(first, second, kept, badly(good.address, 0, 40))") == (43, "ValueError", [1.5, "kept"], 43)


def test_a_collection_may_run_inside(calling):
    """Also one that finds the Callback itself held by nobody but the call."""
    calling.exec("""
        def function(a, b):
            made = [str(a + n) for n in range(200)]
            holder.clear()
            gc.collect(); clutter(); gc.collect()
            return int(made[-1])
        holder = [callback(function, "q(qq)")]
        found = [apply(holder[0].address, 5, 0)]
        """)
    assert calling.eval("found") == [204]


@pytest.mark.parametrize("how", ["held.release()", "held.__exit__(None, None, None)", "held = None"])
def test_a_callback_that_is_gone_refuses_by_name(calling, how):
    calling.exec(f"""
        def make(): return callback(lambda a, b: 1, "q(qq)")
        held = make()
        address, called = held.address, apply(held.address, 1, 2)
        {how}
        for depth_of in range(8): overwrite(depth_of); clutter(); gc.collect()
        """)
    assert calling.eval("called") == 1
    with calling.raises("CallbackGone", hex(calling.eval("address"))):
        calling.exec("apply(address, 1, 2)")
    with calling.raises("CallbackGone"):  # one that nobody has had yet
        calling.exec("apply(address + 8 * 100, 1, 2)")


def test_no_address_is_given_twice_and_all_pages_of_them_are_one_frame(calling):
    """Which is never writable where it is executable: QEMU's own list says so, and nothing else shows the frame."""
    calling.exec("""
        addresses = []
        before = free()[0]
        for _ in range(1100):
            addresses.append(callback(print, "()").address)
        gc.collect()
        """)
    addresses = calling.eval("addresses")
    assert len(set(addresses)) == 1100
    assert calling.eval("before - free()[0]") <= 0
    # QEMU's `info tlb`: address, physical address, and the flags, the first of which is X for no-execute.
    pages = {address & ~0xFFF for address in addresses}
    entries = [line.split() for line in calling.guest.monitor.human("info tlb").splitlines()]
    shown = {int(line[0].rstrip(":"), 16): (line[1], line[2]) for line in entries if len(line) == 3}
    frames = {shown[page][0] for page in pages}
    assert len(pages) >= 3
    assert len(frames) == 1
    assert all(shown[page][1][0] != "X" and shown[page][1][-1] != "W" for page in pages)


def test_what_a_function_returns_must_be_what_the_signature_says(calling):
    calling.exec("""
        def refusal(signature, value):
            cb = callback(lambda *_: value, signature)
            return refused(forward(cb.address, signature))
        values = [("b()", 128), ("B()", -1), ("B()", 256), ("i()", 1 << 31), ("q()", 1 << 63), ("Q()", -1)]
        values += [("Q()", 1 << 64)]
        values += [("q()", None), ("q()", "1"), ("q()", 1.0), ("d()", None), ("d()", "1"), ("f()", [])]
        """)
    assert calling.eval("[refusal(*each) for each in values]") == ["BadResult"] * 13
    with calling.raises("BadResult", "returned None to machine code, which expects 'q'"):
        calling.exec("cb = callback(lambda: None, 'q()'); forward(cb.address, 'q()')()")
    with calling.raises("TypeError", "takes 1 positional arguments but 2 were given"):
        calling.exec("cb = callback(lambda a: 1, 'q(qq)'); apply(cb.address, 1, 2)")


def test_what_is_no_callback_is_refused(calling):
    calling.exec("before = free(), len(memory.verify().violations)")
    for arguments, kind in [
        ("5, 'q()'", "TypeError"),
        ("print, 5", "TypeError"),
        ("print, 'q'", "ValueError"),
        ("print, 'z()'", "ValueError"),
        ("print, 'q(qqqqqqq)'", "ValueError"),
        ("print, 'd(ddddddddd)'", "ValueError"),
    ]:
        with calling.raises(kind):
            calling.exec(f"callback({arguments})")
    assert calling.eval("(free(), 0) == before") is True


def test_code_that_runs_stays_lent_until_it_is_back(calling):
    """A callback, or a fault's handler, can't take it away below itself: it would go back to who knows what."""
    calling.exec("""
        mapped = create_mapping(4096, RW)
        with mapped.as_slice_mut("B") as view: view.copy_from(bytes.fromhex(APPLY.replace(" ", "")))
        mapped.remap(RX)
        ours = LoadedSection("text", mapped).as_func("q(Qqq)")
        said, NONE = [], (None, None, None)
        def function(a, b):
            leave = mapped.__exit__
            for take, arguments in (ours.release, ()), (ours.__exit__, NONE), (mapped.drop, ()), (leave, NONE):
                said.append(refused(take, *arguments))
            return 7
        cb = callback(function, "q(qq)")
        result = ours(cb.address, 1, 2), ours.is_live
        """)
    assert calling.eval("said") == ["StillRunning", "StillRunning", "StillBorrowed", "StillRunning"]
    assert calling.eval("result") == (7, True)
    calling.exec("raising = callback(lambda a, b: 1 // 0, 'q(qq)'); kind = refused(ours, raising.address, 1, 2)")
    assert calling.eval("kind") == "ZeroDivisionError"
    calling.exec("ours.release(); mapped.drop()")


def test_a_callback_goes_back_under_the_page_table_that_it_came_under(calling):
    calling.exec("""
        from memory import PageTable
        home, other = get_kernel_mmi_ref().page_table, PageTable.new_table(get_kernel_mmi_ref().page_table)
        away, back = callback(lambda a, b: other.switch_to() or 1, "q(qq)"), callback(lambda a, b: 1, "q(qq)")
        kind = refused(apply, away.address, 1, 2)
        home.switch_to()
        """)
    assert calling.eval("(kind, apply(back.address, 1, 2))") == ("TableSwitched", 1)


@pytest.mark.parametrize(
    "spinning",
    [
        "apply(code(SPIN, '()').address, 1, 2)",  # in a page of its own, called by another's
        "code(APPLY_THEN_SPIN, 'q(Qqq)')(fine.address, 1, 2)",  # behind a callback that called other code
        "apply(endless.address, 1, 2)",  # in a callback's Python
        "apply(through.address, 1, 2)",  # in code that a callback called
    ],
)
def test_ctrl_c_ends_machine_code_wherever_it_is(calling, spinning):
    calling.exec("""
        def forever(a, b):
            while True: pass
        fine, endless = callback(lambda a, b: apply(inner.address, a, b), "q(qq)"), callback(forever, "q(qq)")
        inner, spin = callback(lambda a, b: a, "q(qq)"), code(SPIN, "q()")
        through = callback(lambda a, b: spin(), "q(qq)")
        before = state()
        """)
    calling.start(f"print('running')\n{spinning}")
    calling.wait_for_output("running")
    calling.interrupt()
    with calling.raises("KeyboardInterrupt"):
        calling.finish(10)
    assert calling.eval("(before == state(), apply(fine.address, 5, 6))") == (True, 5)
