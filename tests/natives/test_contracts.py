"""Natives keep what their contracts (port/typings) promise: values, refusals, nothing changed, nothing allocated."""

import ast
import struct

import machine
import pytest
from harness import depth
from harness.guard import SHOWS_STALE

TYPINGS = machine.ROOT / "port" / "typings"
NATIVES = sorted(path.stem for path in TYPINGS.glob("_[a-z]*.pyi"))
PAGE = 4096
HOLE = depth.HALF_BYTES
SCRATCH = 0x300_0000
"""Physical address of RAM that nobody uses."""


def public_names(native):
    """Return the names that a contract declares at its top."""
    tree = ast.parse((TYPINGS / f"{native}.pyi").read_text())
    declared = (ast.FunctionDef, ast.ClassDef)
    constants = {node.target.id for node in tree.body if isinstance(node, ast.AnnAssign)}
    return {node.name for node in tree.body if isinstance(node, declared)} | constants


def test_every_native_has_a_contract():
    sources = {path.stem for path in (machine.ROOT / "port").glob("*/_*.c")}
    assert set(NATIVES) == sources


@pytest.mark.parametrize("native", NATIVES)
def test_a_contract_names_what_the_native_has(kernel, native):
    has = {name for name in kernel.eval(f"dir(__import__({native!r}))") if not name.startswith("__")}
    assert public_names(native) - {"Buffer", "View"} == has, "but for protocols, which have no object on the target"


# --- nothing allocated in the calls that are hot ---

HOT = {
    "_cpu": (
        "read_root_frame()",
        "invlpg(page)",
        "flush()",
        "flush_global()",
        "read_flags()",
        "write_root_frame(root)",
        "invalidate(page, 1, 1)",
    ),
    "_memory": (
        "load8(low)",
        "load16(low)",
        "load32(low)",
        "load64(low)",
        "store8(low, 255)",
        "store64(low, 0x123456789abcde)",
        "zero_frames(frame, 1)",
        "copy_frames(frame, frame, 1)",
    ),
    "_critical": ("enter()", "depth()", "leave()"),
    "_finaliser": ("take()", "pending()"),
    "_entries": (
        "frame(low)",
        "word(low)",
        "write(low, 0, 0)",
        "take(low)",
        "compare_and_set(low, 0, 0, 0, 0)",
        "fill(low, 512, 0, 0, 1)",
        "clear(low, 512)",
        "change(low, 512, 0, 0)",
        "unused(low, 512)",
        "absent(low, 512)",
        "leaves(low, 512, 1, 0, 0)",
        "touching(low, 512, 0, 0, 1)",
        "copy(low, low, 512)",
        "prove_writable(low)",
    ),
    "_heap": ("reserved_pages()", "taken_pages()", "largest()", "is_taken(0)"),
}


@pytest.mark.usefixtures("open_window")
@pytest.mark.parametrize("native", HOT)
def test_hot_calls_allocate_nothing(kernel, native):
    """The measure itself is proved first: something that allocates is seen to."""
    kernel.exec(f"""
        import gc, _boot, _cpu, _memory, {native}
        page = _boot.layout()['WINDOW_PAGE'] + {SCRATCH // PAGE:#x}
        low, frame = page << 12, {SCRATCH // PAGE:#x}
        root = _cpu.read_root_frame()
        def measure(call):
            gc.collect(); gc.disable()
            call()
            before = gc.mem_alloc()
            for _ in range(100): call()
            after = gc.mem_alloc()
            gc.enable()
            return after - before
        """)
    assert kernel.eval("measure(lambda: [1])") >= 100
    for call in HOT[native]:
        kernel.exec(f"from {native} import {call.partition('(')[0]} as native")
        argument = call[call.index("(") :]
        assert kernel.eval(f"measure(lambda: native{argument})", timeout=30) == 0, call


# --- values ---


@pytest.mark.usefixtures("open_window")
def test_loads_and_stores_have_the_width_they_say(kernel):
    memory = kernel.guest.memory
    memory.write(SCRATCH, bytes(range(1, 17)))
    kernel.exec(f"import _memory, _boot\nwindow = _boot.layout()['WINDOW_PAGE'] << 12\nat = window + {SCRATCH:#x}")
    for width, code in ((8, "B"), (16, "<H"), (32, "<I"), (64, "<Q")):
        expected = struct.unpack_from(code, memory.read(SCRATCH, 8))[0]
        assert kernel.eval(f"_memory.load{width}(at)") == expected
        largest = (1 << width) - 1
        kernel.exec(f"_memory.store{width}(at + 64, {largest:#x})")
        assert memory.read(SCRATCH + 64, 9) == b"\xff" * (width // 8) + bytes(9 - width // 8)
        memory.write(SCRATCH + 64, bytes(16))


@pytest.mark.parametrize("width", [8, 16, 32, 64])
def test_what_does_not_fit_is_refused_and_nothing_is_written(kernel, width):
    kernel.guest.memory.write(SCRATCH, b"unchanged")
    kernel.exec(f"import _memory, _boot\nat = (_boot.layout()['WINDOW_PAGE'] << 12) + {SCRATCH:#x}")
    with kernel.raises("OverflowError"):
        kernel.exec(f"_memory.store{width}(at, 1 << {width})")
    for value in ("True", "1.0", "'1'", "None"):
        with kernel.raises("TypeError"):
            kernel.exec(f"_memory.store{width}(at, {value})")
    if width > 8:
        with kernel.raises("ValueError", "is not aligned"):
            kernel.exec(f"_memory.store{width}(at + 1, 0)")
    assert kernel.guest.memory.read(SCRATCH, 9) == b"unchanged"


def test_big_and_small_forms_of_a_number_are_taken_alike(kernel):
    """Numbers in frozen tuples are big ones whatever their value."""
    assert kernel.eval("__import__('_cpu').cpuid(0x80000000)[0]") >= 0x80000008
    assert kernel.eval("len(__import__('shell.commands', None, None, ['cpuid']).cpuid().features) > 5") is True


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        ("_cpu.invlpg(1 << 52)", "ValueError", "page number is 4503599627370496: must be from 0 to 0xfffffffffffff"),
        (f"_cpu.invlpg({HOLE >> 12})", "ValueError", f"page number {HOLE >> 12} is not canonical"),
        ("_cpu.invlpg(-1)", "ValueError", "must be from 0"),
        ("_cpu.invlpg(True)", "TypeError", "int expected, not bool"),
        ("_cpu.write_root_frame(1 << 28)", "ValueError", "frame number is 268435456: must be from 0 to 0xfffffff"),
        ("_cpu.write_cr3(1 << 40)", "ValueError", "CR3 = 0x10000000000 is not valid on this CPU"),
        ("_cpu.write_cr3(1)", "ValueError", "CR3"),
        ("_cpu.write_cr4(0)", "ValueError", "CR4"),
        ("_cpu.write_cr4(_cpu.read_cr4() | 1 << 13)", "ValueError", "CR4"),
        ("_cpu.write_cr4(_cpu.read_cr4() ^ 1 << 12)", "ValueError", "CR4"),
        ("_cpu.write_cr0(0)", "ValueError", "CR0"),
        ("_cpu.write_cr0(_cpu.read_cr0() & ~(1 << 31))", "ValueError", "CR0"),
        ("_cpu.write_cr0(_cpu.read_cr0() & ~1)", "ValueError", "CR0"),
        ("_cpu.write_cr0(_cpu.read_cr0() | 1 << 29)", "ValueError", "CR0"),
        ("_cpu.write_cr0(_cpu.read_cr0() | 1 << 6)", "ValueError", "CR0"),
        ("_cpu.port_read(0x10000, 8)", "ValueError", "port is 65536"),
        ("_cpu.port_read(0x80, 64)", "ValueError", "8, 16 or 32 bits"),
        ("_cpu.port_write(0x10000, 8, 0)", "ValueError", "port is 65536"),
        ("_cpu.port_write(0x80, 64, 0)", "ValueError", "8, 16 or 32 bits"),
        ("_cpu.port_write(0x80, 8, 256)", "ValueError", "value is 256: must be from 0 to 0xff"),
        ("_cpu.exit(128)", "ValueError", "exit value"),
        ("_cpu.cpuid(1 << 32)", "ValueError", "leaf is 4294967296"),
        ("_memory.load64(1 << 64)", "OverflowError", "does not fit 64 bits"),
        ("_memory.load8(-(1 << 63) - 1)", "OverflowError", "does not fit 64 bits"),
        (f"_memory.load8({HOLE})", "GeneralProtectionFault", ""),
        ("_critical.leave()", "RuntimeError", r"leave\(\) without enter\(\)"),
        ("_finaliser.new_state(None, 1, 256)", "ValueError", "kind is 256"),
    ],
)
def test_a_bad_argument_is_refused_by_name_and_the_machine_goes_on(kernel, call, error, message):
    kernel.exec("import _cpu, _memory, _critical, _finaliser")
    registers = kernel.guest.monitor.registers()
    with kernel.raises(error, message):
        kernel.exec(call)
    after = kernel.guest.monitor.registers()
    assert [after[name] for name in ("CR0", "CR3", "CR4")] == [registers[name] for name in ("CR0", "CR3", "CR4")]


def test_negative_addresses_are_the_upper_half(kernel):
    kernel.exec("import _memory")
    address = kernel.eval("__import__('_boot').sections()[1][1] << 12")
    assert kernel.eval(f"_memory.load64({address}) == _memory.load64({address - (1 << 64)})") is True


def test_registers_are_what_qemu_says(kernel):
    registers = kernel.guest.monitor.registers()
    kernel.exec("import _cpu")
    for name in ("CR0", "CR3", "CR4"):
        assert kernel.eval(f"_cpu.read_{name.lower()}()") == registers[name]
    assert kernel.eval("_cpu.read_msr(0xc0000080)") == registers["EFER"]
    assert kernel.eval("_cpu.physical_bits()") == 40


@pytest.mark.parametrize("bits", [36, 46, 52])
def test_physical_bits_are_the_cpus(boot, bits):
    guest = boot(cpu=f"max,phys-bits={bits}")
    guest.console.wait_for_prompt()
    assert guest.console.command("import _cpu; _cpu.physical_bits()") == f"{bits}\n"


def test_whole_pages_are_cleared_and_copied_and_no_byte_more(kernel):
    memory = kernel.guest.memory
    memory.write(SCRATCH, b"\xaa" * (4 * PAGE))
    memory.write(SCRATCH + 4 * PAGE, bytes(range(256)) * 16)
    kernel.exec(f"""
        import _memory
        frame = {SCRATCH // PAGE:#x}
        _memory.zero_frames(frame + 1, 2)
        """)
    assert memory.read(SCRATCH, 4 * PAGE) == b"\xaa" * PAGE + bytes(2 * PAGE) + b"\xaa" * PAGE
    kernel.exec("_memory.copy_frames(frame + 2, frame + 4, 1)")
    assert memory.read(SCRATCH + PAGE, 3 * PAGE) == bytes(PAGE) + bytes(range(256)) * 16 + b"\xaa" * PAGE


@pytest.mark.usefixtures("open_window")
def test_bytes_go_in_and_out_unchanged(kernel):
    kernel.exec(f"import _memory, _boot\nat = (_boot.layout()['WINDOW_PAGE'] << 12) + {SCRATCH + 5:#x}")
    kernel.exec("_memory.write_bytes(at, b'some bytes')")
    assert kernel.guest.memory.read(SCRATCH + 5, 10) == b"some bytes"
    assert kernel.eval("_memory.read_bytes(at, 10)") == b"some bytes"
    assert kernel.eval("_memory.read_bytes(at, 0)") == b""


@SHOWS_STALE
@pytest.mark.writable_executable("pages mapped by hand")
def test_a_stale_translation_lives_until_it_is_invalidated(kernel):
    """Each way to make the CPU forget does its work: without it the old page is still read, with it the new one."""
    kernel.exec(f"""
        import _boot, _cpu, _memory
        layout = _boot.layout()
        window = layout['WINDOW_PAGE'] << 12
        def table(frame, entries):
            _memory.zero_frames(frame, 1)
            for index, value in entries: _memory.store64(window + frame * 4096 + index * 8, value)
        first = {SCRATCH // PAGE:#x}
        table(first, [(0, (first + 1) * 4096 + 3)])
        table(first + 1, [(0, (first + 2) * 4096 + 3)])
        table(first + 2, [(0, (first + 3) * 4096 + 3)])
        table(first + 3, [(0, 0x1111)])
        table(first + 4, [(0, 0x2222)])
        from memory_structs.mode import LEVELS, page_of_root_entry
        index, top = layout['POOL_ROOT_INDEX'] + 7, first
        for level in range(4, LEVELS):
            top = first + level + 1
            table(top, [(0, first * 4096 + 3)])
        _memory.store64(window + _cpu.read_root_frame() * 4096 + index * 8, top * 4096 + 3)
        at = page_of_root_entry(index) << 12
        def remap_and_read(invalidate):
            old = _memory.load64(at)
            entry = _memory.load64(window + (first + 2) * 4096)
            other = first + 4 if entry >> 12 == first + 3 else first + 3
            _memory.store64(window + (first + 2) * 4096, other * 4096 + 3)
            invalidate()
            return old, _memory.load64(at)
        """)
    old, new = 0x1111, 0x2222
    for forget in ("_cpu.invlpg(at >> 12)", "_cpu.invalidate(at >> 12, 1, 1)", "_cpu.flush()", "_cpu.flush_global()"):
        assert kernel.eval(f"remap_and_read(lambda: {forget})") == (old, new), forget
        assert kernel.eval("remap_and_read(lambda: None)") == (new, new), "this test can only fail if the TLB remembers"
        kernel.exec("_cpu.invlpg(at >> 12)")
        assert kernel.eval("_memory.load64(at)") == old


def test_what_a_forgotten_owner_had_comes_back_once(kernel):
    kernel.exec("""
        import gc, _finaliser
        while _finaliser.pending(): _finaliser.take()
        def own(run, count):
            state = _finaliser.new_state("arena", count, 9); state[0] = run
            return state
        def lose():
            for run in range(100, 110): own(run, 3)
            own(200, 0); own(-1, 3); own("consumed", 3); own(300, 3)[0] = -1; own(400, 3).clear()
        kept = own(500, 3)
        def clutter(): return [[n] for n in range(200)]
        _critical = __import__("_critical"); _critical.enter()
        lose(); clutter(); gc.collect(); clutter(); gc.collect()
        taken = []
        while _finaliser.pending(): taken.append(_finaliser.take())
        _critical.leave()
        """)
    taken = kernel.eval("taken")
    assert {(arena, count, kind) for arena, run, count, kind in taken} == {("arena", 3, 9)}
    assert {run for arena, run, count, kind in taken} <= set(range(100, 110))
    assert len(taken) >= 9, "the conservative collector may keep one alive"
    assert len(taken) == len({run for arena, run, count, kind in taken})
    assert kernel.eval("_finaliser.take()") is None
    assert kernel.eval("kept[:4]") == [500, 3, "arena", "drop()"]


def test_critical_stretches_hold_callbacks_back_and_nest(kernel):
    kernel.exec("""
        import _critical, micropython, time
        seen = []
        _critical.enter(); _critical.enter()
        micropython.schedule(seen.append, 1)
        time.sleep_ms(5)
        inside = list(seen)
        _critical.leave()
        time.sleep_ms(5)
        still_inside = list(seen)
        _critical.leave()
        time.sleep_ms(5)
        """)
    assert kernel.eval("(inside, still_inside, seen, _critical.depth())") == ([], [], [1], 0)


def test_a_soft_reset_leaves_critical_stretches(kernel):
    kernel.exec("import _critical; _critical.enter()")
    kernel.soft_reset()
    assert kernel.eval("__import__('_critical').depth()") == 0


# --- objects without constructors ---


def test_made_objects_are_like_constructed_ones(kernel):
    kernel.exec("""
        from _instances import make
        from memory_structs import Page, Page4K, PageRange
        page = make(Page, '_number', 5, '_size', Page4K)
        class Plain:
            pass
        plain = make(Plain, 'a', 1, 'b', [2])
        plain.c = 3
        """)
    assert kernel.eval("(page == Page(5), hash(page) == hash(Page(5)), page + 1 == Page(6), type(page) is Page)") == (
        True,
        True,
        True,
        True,
    )
    assert kernel.eval("(plain.a, plain.b, plain.c)") == (1, [2], 3)


@pytest.mark.parametrize("arguments", ["int, 'a', 1", "5, 'a', 1", "Page, 'a'", "Page, 5, 1", "Page, 'a', 1, 'b'"])
def test_what_is_no_class_or_no_name_is_refused(kernel, arguments):
    kernel.exec("from _instances import make\nfrom memory_structs import Page")
    with kernel.raises("TypeError"):
        kernel.exec(f"make({arguments})")


# --- _console: what was read can be read again, and what there is to import ---


def test_unread_bytes_come_again_before_what_came_since(kernel):
    kernel.exec("import _console, sys")
    kernel.start(
        "first = sys.stdin.buffer.read(3)\nagain = _console.unread(2)\nprint(first, again, sys.stdin.buffer.read(4))"
    )
    kernel.transport.serial.write(b"abcde")
    assert kernel.finish() == "b'abc' True b'bcde'\n"
    assert kernel.eval("_console.unread(0)") is True
    assert kernel.eval("_console.unread(1 << 21)") is False, "its buffer is smaller"
    for bad in ("-1", "1 << 32"):
        with kernel.raises("ValueError"):
            kernel.exec(f"_console.unread({bad})")
    with kernel.raises("TypeError"):
        kernel.exec("_console.unread('1')")


def test_module_names_are_those_that_can_be_imported(kernel):
    kernel.exec("import _console\nnames = _console.module_names()")
    names = kernel.eval("names")
    assert {"sys", "uctypes", "_console", "memory/__init__.py", "examples/guard_page.py"} <= set(names)
    for name in names:
        if "/" not in name and name[0] != "_":
            kernel.exec(f"import {name.removesuffix('.py')}")
