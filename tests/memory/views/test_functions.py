"""Machine code in a mapping, called from Python: what comes back, what faults, what ends it, how long it is lent."""

import struct

import pytest

# Bytes as an assembler gives them for the System V ABI; each begins at a multiple of 64.
CODE = {
    "add": "48 8d 04 37 c3",  # lea rax,[rdi+rsi]; ret
    "add_doubles": "f2 0f 58 c1 c3",  # addsd xmm0,xmm1; ret
    "add_floats": "f3 0f 58 c1 c3",  # addss xmm0,xmm1; ret
    "load": "48 8b 07 c3",  # mov rax,[rdi]; ret
    "store": "48 89 37 c3",  # mov [rdi],rsi; ret
    "spin": "eb fe",  # jmp to itself
    "divide": "48 89 f8 48 99 48 f7 fe c3",  # mov rax,rdi; cqo; idiv rsi; ret
    "undefined": "0f 0b",  # ud2
    "identity": "48 89 f8 c3",  # mov rax,rdi; ret
    "sixth": "4c 89 c8 c3",  # mov rax,r9; ret
    "eighth": "f2 0f 10 c7 c3",  # movsd xmm0,xmm7; ret
    "mixed": "f2 48 0f 2a d6 f2 0f 59 c2 f2 48 0f 2a d7 f2 0f 58 c2 c3",  # xmm0 * rsi + rdi
}
PLACE = {name: 64 * number for number, name in enumerate(CODE)}


@pytest.fixture
def coded(memory_kernel):
    """A kernel with `section`, in an executable page, and `data`, a writable one."""
    memory_kernel.exec("mp, data = create_mapping(4096, RW), create_mapping(4096, RW)\nview = mp.as_slice_mut('B')")
    for name, code in CODE.items():
        code = bytes.fromhex(code)
        memory_kernel.exec(f"view[{PLACE[name]}:{PLACE[name] + len(code)}] = {code!r}")
    memory_kernel.exec("view.release(); mp.remap(RX); section = LoadedSection('text', mp, 0, 1024)")
    return memory_kernel


def call(kernel, name, signature, *arguments):
    """Return what a function returns, by its own kind of number."""
    values = ", ".join(map(str, arguments))
    return kernel.eval(f"section.as_func({signature!r}, {PLACE[name]})({values})")


def test_integers_and_doubles_go_in_and_out_as_the_abi_says(coded):
    assert call(coded, "add", "q(qq)", 2, 40) == 42
    assert call(coded, "add", "q(qq)", -(1 << 62), 5) == 5 - (1 << 62)
    assert call(coded, "add", "Q(QQ)", (1 << 64) - 2, 1) == (1 << 64) - 1
    assert call(coded, "add", "(qq)", 1, 1) is None
    assert call(coded, "add_doubles", "d(dd)", 1.5, -0.25) == 1.25
    assert call(coded, "add_floats", "f(ff)", 0.1, 0.2) == pytest.approx(sum_of_floats(0.1, 0.2), rel=1e-14)
    assert call(coded, "sixth", "q(qqqqqq)", 1, 2, 3, 4, 5, 6) == 6
    assert call(coded, "eighth", "d(dddddddd)", 1, 2, 3, 4, 5, 6, 7, 8.5) == 8.5
    assert call(coded, "mixed", "d(dqq)", 2.5, 10, 4) == 2.5 * 4 + 10


def sum_of_floats(one, other):
    """Return a sum in single precision."""
    single = [struct.unpack("f", struct.pack("f", value))[0] for value in (one, other)]
    return struct.unpack("f", struct.pack("f", sum(single)))[0]


@pytest.mark.parametrize(
    ("code", "value", "seen"),
    [
        ("b", -1, -1),
        ("B", 255, 255),
        ("h", -2, -2),
        ("i", -(1 << 31), -(1 << 31)),
        ("I", (1 << 32) - 1, (1 << 32) - 1),
        ("l", -5, -5),
        ("q", -(1 << 63), -(1 << 63)),
    ],
)
def test_narrow_integers_are_extended_and_cut_as_their_letter_says(coded, code, value, seen):
    assert call(coded, "identity", f"{code}({code})", value) == seen
    assert call(coded, "identity", f"q({code})", value) == value
    assert call(coded, "identity", "b(q)", 0x180) == -128


def test_a_fault_in_the_code_is_raised_at_the_call_and_the_next_call_works(coded):
    for _ in range(3):
        with coded.raises("PageFault", "0x10"):
            coded.exec(f"section.as_func('q(Q)', {PLACE['load']})(0x10)")
        with coded.raises("PageFault"):
            coded.exec(f"section.as_func('(QQ)', {PLACE['store']})(mp.start_address.value, 1)")
        with coded.raises("DivideFault"):
            coded.exec(f"section.as_func('q(qq)', {PLACE['divide']})(1, 0)")
        with coded.raises("InvalidOpcode"):
            coded.exec(f"section.as_func('()', {PLACE['undefined']})()")
        assert call(coded, "add", "q(qq)", 2, 3) == 5


def test_the_code_reads_and_writes_what_is_mapped(coded):
    coded.exec(f"section.as_func('(QQ)', {PLACE['store']})(data.start_address.value, 0x1122334455667788)")
    assert coded.eval(f"section.as_func('Q(Q)', {PLACE['load']})(data.start_address.value)") == 0x1122334455667788
    assert coded.eval("data.as_slice('Q', 0, 1)[0]") == 0x1122334455667788


def test_ctrl_c_ends_code_that_never_returns(coded):
    coded.exec(f"spin = section.as_func('()', {PLACE['spin']})")
    coded.start("print('running')\nspin()")
    coded.wait_for_output("running")
    coded.interrupt()
    with coded.raises("KeyboardInterrupt"):
        coded.finish(10)
    assert call(coded, "add", "q(qq)", 2, 3) == 5


def test_the_mapping_is_lent_while_the_function_lives(coded):
    coded.exec(f"add = section.as_func('q(qq)', {PLACE['add']})")
    for step in ("mp.drop()", "mp.remap(PteFlags())", "mp.split(mp.start + 1)"):
        with coded.raises("StillBorrowed", "<Function"):
            coded.exec(step)
    coded.exec("add.release()")
    with coded.raises("UseAfterRelease"):
        coded.exec("add(1, 2)")
    coded.exec("mp.remap(PteFlags())")
    with coded.raises("UseAfterUnmap"):
        coded.exec("add(1, 2)")
    with coded.raises("NotExecutable"):
        coded.exec("section.as_func('q(qq)')")


def test_a_function_is_gone_with_its_mapping_and_the_others_stay(coded):
    coded.exec(f"""
        first, second = section.as_func('q(qq)', {PLACE["add"]}), section.as_func('q(q)', {PLACE["identity"]})
        with first: inside = first(1, 2)
        outside = refused(first, 1, 2)
        """)
    assert coded.eval("(inside, outside, second(9))") == (3, "UseAfterRelease", 9)
