"""The example objects, as a person compiles and loads them: C that calls Python, what takes its place, Rust."""

import pytest
from harness.example_objects import C_LINE, RUST_LINE
from harness.objects import compiled

FAULTY = """
long pad(void) { return 1; }
long load(long *place) { return *place; }
long divide(long a, long b) { return a / b; }
void trap(void) { __builtin_trap(); }
"""
CALLER = "extern long load(long *); long through(long *place) { return load(place) + 1; }"
OTHER = "long another(long *place) { return *place + 1; } long filler(long a) { return a * 3; }"
SPINS = 'long spin(void) { for (;;) __asm__ volatile (""); }'
SPINNER = "extern long spin(void); long spinner(void) { return spin() + 1; }"


@pytest.fixture
def calling(kernel):
    """A kernel with a callback: the page that its address is in stays, so it comes before anything is counted."""
    kernel.exec("from loader.callbacks import callback\nfirst = callback(print, '()')")
    return kernel


@pytest.fixture
def counting(calling, loading, example_object):
    """A kernel with counter.o and math.o."""
    loading.load({f"{name}.o": example_object(f"{name}.c").read_bytes() for name in ("counter", "math")})
    return loading


def test_c_calls_python_and_goes_on_with_what_takes_its_place(counting, example_object):
    counting.exec("""
        count, count_all = function('count', 'q(q)'), function('count_all', 'q(qQ)')
        squares = callback(lambda number: number * number, 'q(q)')
        """)
    assert counting.eval("function('add3', 'q(qqq)')(1, 2, 39)") == 42
    assert counting.eval("(count(5), count(2))") == (5, 7)
    assert counting.eval("count_all(4, squares.address)") == 7 + 0 + 1 + 4 + 9
    counting.exec(f"objects.replace('math.o', ('math2.o', {example_object('math2.c').read_bytes()!r}))")
    assert counting.eval("count(10)") == 21 + 10 + 1
    counting.exec("del count, count_all, squares")


def test_what_python_raises_goes_through_c_which_keeps_what_it_did(counting):
    counting.exec("""
        count_all = function('count_all', 'q(qQ)')
        def numbers(which):
            if which == 3: raise LookupError("no more")
            return 1
        cb, kinds = callback(numbers, "q(q)"), []
        for _ in range(3):
            try: count_all(10, cb.address)
            except LookupError as error: kinds.append(str(error))
        total = function('count', 'q(q)')(0)
        del count_all, cb
        """)
    assert counting.eval("(kinds, total)") == (["no more"] * 3, 9)


def test_a_callback_can_not_unload_or_replace_away_the_code_that_called_it(counting, example_object):
    counting.exec(f"""
        count_all, said = function('count_all', 'q(qQ)'), []
        def attack(which):
            both = ("counter.o", "math.o")
            for call, names in (objects.unload, both), (count_all.release, ()), (objects.unload, both[1:]):
                try: call(*names)
                except Exception as error: said.append(type(error).__name__)
            if not which: objects.replace('math.o', ('math2.o', {example_object("math2.c").read_bytes()!r}))
            return 1
        cb = callback(attack, "q(q)")
        total = count_all(2, cb.address)
        del count_all, cb
        """)
    assert counting.eval("said[:3]") == ["ObjectHeld", "StillRunning", "ObjectNeeded"]
    assert counting.eval("total") == 1 + 1 + 2  # with math2.o from the first callback on


@pytest.mark.parametrize(
    ("call", "arguments", "kind", "symbol"),
    [
        (("load", "q(Q)"), (8,), "PageFault", "load"),
        (("through", "q(Q)"), (8,), "PageFault", "load"),  # called by another object
        (("divide", "q(qq)"), (1, 0), "DivideFault", "divide"),
        (("trap", "()"), (), "InvalidOpcode", "trap"),
        (("load", "q(Q)"), (1 << 63,), "GeneralProtectionFault", "load"),
    ],
)
def test_a_fault_in_an_object_names_it_and_not_what_is_loaded_there_later(loading, call, arguments, kind, symbol):
    loading.load({"faulty.o": compiled(FAULTY), "caller.o": compiled(CALLER)})
    loading.exec(f"""
        def fault_of(call):
            try: call()
            except Exception as error: return error
        with function{call} as called: fault = fault_of(lambda: called(*{arguments}))
        text, place = str(fault), fault.place
        place = place.object, place.section[:5], place.symbol, place.offset < 16
        """)
    assert loading.eval("type(fault).__name__") == kind
    assert loading.eval("place") == ("faulty.o", ".text", symbol, True)
    assert f" {symbol}+0x" in loading.eval("text")
    loading.exec("gc.collect(); objects.unload('faulty.o', 'caller.o')")
    loading.load({"other.o": compiled(OTHER)})
    assert loading.eval("objects.where(fault.instruction_pointer.value)[0]") == "other.o"
    assert loading.eval("(fault.place, 'other.o' in str(fault))") == (None, False)
    loading.exec("del fault")


def test_help_load_prints_the_lines_that_these_were_compiled_by(console):
    said = " ".join(console.command("help load").split())
    for line in (C_LINE, RUST_LINE):
        assert line in said


def test_load_finds_what_make_run_handed_over(boot, example_object):
    guest = boot(files=(example_object("counter.c"), example_object("math.c")))
    guest.console.wait_for_prompt(15)
    assert "counter.o" in guest.console.command("load counter.o math.o")
    guest.console.command("from loader import symbol")
    assert guest.console.command("symbol('add3').as_func('q(qqq)')(1, 2, 39)") == "42\n"


def test_ctrl_c_ends_an_object_that_another_called(loading):
    loading.load({"spins.o": compiled(SPINS), "spinner.o": compiled(SPINNER)})
    loading.start("print('running')\nfunction('spinner', 'q()')()")
    loading.wait_for_output("running")
    loading.interrupt()
    with loading.raises("KeyboardInterrupt"):
        loading.finish(10)


def test_rust_adds_up_what_lies_in_a_mapping(loading, example_object):
    loading.load({"sum.o": example_object("sum.rs").read_bytes()})
    loading.exec("""
        mapped = memory.create_mapping(4096, memory.PteFlags().writable(True))
        with mapped.as_slice_mut("q") as numbers: numbers.copy_from(range(-10, 502))
        total = function('sum', 'q(QQ)')(mapped.start_address.value, 512)
        mapped.drop()
        """)
    assert loading.eval("total") == sum(range(-10, 502))
