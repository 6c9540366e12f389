"""Faults become exceptions where the machine can go on, and a readable panic where it can't. Each row of the policy
in port/faults/traps.c is tried from both sides: with its condition, and without it."""

import re

import pytest
from harness import depth

HOLE = depth.root_entry(192)
"""An address that nothing maps."""

RAISED = {
    0: "DivideFault",
    3: "BreakpointTrap",
    6: "InvalidOpcode",
    13: "GeneralProtectionFault",
    12: "StackOverflow",
}


def panic_of(guest, status=35):
    """Wait for a guest's panic; return (the line on the console, the whole log)."""
    guest.expect_exit(status)
    line = guest.console.transcript().strip().splitlines()[-1]
    assert line.startswith("PANIC: ")
    assert line in guest.log()
    return line, guest.log()


@pytest.mark.parametrize("vector", RAISED)
def test_an_exception_of_the_cpu_is_an_exception_of_python(kernel, vector):
    with kernel.raises(RAISED[vector]):
        kernel.exec(f"import _provoke; _provoke.exception({vector})")
    assert kernel.eval("6 * 7") == 42


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("_memory.load64(HOLE)", f"read of v{HOLE:#x}: not present at {depth.ROOT}"),
        ("_memory.store8(HOLE + 5, 1)", f"write to v{HOLE + 5:#x}: not present at {depth.ROOT}"),
        ("_memory.store8(TEXT, 1)", "write to v0xffffffff80[0-9a-f]+: read-only at P1"),
        ("_memory.read_bytes(HOLE, 10)", f"read of v{HOLE + 0:#x}"),
        ("uctypes.bytearray_at(HOLE, 10)[3]", f"read of v{HOLE + 3:#x}"),
        ("bytes(uctypes.bytearray_at(HOLE, 10))", f"read of v{HOLE + 0:#x}"),
        ("machine.mem32[HOLE]", f"read of v{HOLE + 0:#x}"),
        ("viper_read(HOLE)", f"read of v{HOLE + 0:#x}"),
        ("uctypes.struct(HOLE, {'x': 0 | uctypes.UINT32}, uctypes.NATIVE).x", f"read of v{HOLE + 0:#x}"),
        ("memoryview(uctypes.bytearray_at(HOLE, 10))[1:3] == b'xx'", f"read of v{HOLE >> 4:#x}"),
    ],
)
def test_a_refused_access_is_a_page_fault_wherever_it_is_made(kernel, code, message):
    kernel.exec(f"""
        import _memory, _boot, uctypes, machine, micropython
        HOLE = {HOLE:#x}
        TEXT = (_boot.sections()[0][1] << 12)
        @micropython.viper
        def viper_read(address: uint) -> int:
            return ptr8(address)[0]
        """)
    with kernel.raises("PageFault", message):
        kernel.exec(code)


def test_a_page_fault_carries_what_was_true_at_the_fault(kernel):
    kernel.exec(f"""
        import _memory, _traps
        try:
            _memory.store16({HOLE + 0x1234:#x}, 1)
        except _traps.PageFault as fault:
            raw = fault.record
            facts = [raw.address, raw.error_code, raw.page, raw.vector, raw.entries, raw.name]
            pointer = raw.instruction_pointer
        """)
    assert kernel.eval("facts") == [
        HOLE + 0x1234,
        2,
        (HOLE + 0x1234) >> 12,
        14,
        [(depth.LEVELS, 192, 0, 0)],
        "page fault",
    ]
    start, end = kernel.eval("[(page << 12, page + count << 12) for _, page, _, count, _ in "
                             "__import__('_boot').sections()][0]")  # fmt: skip
    assert start <= kernel.eval("pointer") < end


def test_thousands_of_faults_leave_nothing_behind(kernel):
    kernel.exec(f"""
        import _memory, _traps, gc
        def fault(count):
            caught = 0
            for _ in range(count):
                try:
                    _memory.load8({HOLE:#x})
                except _traps.PageFault:
                    caught += 1
            return caught
        fault(10)
        gc.collect()
        before = gc.mem_alloc()
        """)
    assert kernel.eval("fault(5000)", timeout=60) == 5000
    assert abs(kernel.eval("(gc.collect(), gc.mem_alloc() - before)[1]")) < 1000


def test_a_fault_inside_except_and_finally_unwinds_like_any_exception(kernel):
    kernel.exec(f"""
        import _memory
        trace = []
        def probe():
            try:
                try:
                    _memory.load8({HOLE:#x})
                finally:
                    trace.append('finally')
            except Exception as error:
                trace.append(type(error).__name__)
                try:
                    _memory.load8({HOLE + 1:#x})
                except Exception as second:
                    trace.append(second.record.address)
        probe()
        """)
    assert kernel.eval("trace") == ["finally", "PageFault", HOLE + 1]


def test_a_fault_without_memory_for_its_details_still_is_a_page_fault(kernel):
    kernel.exec(f"""
        import _memory, _traps, micropython
        caught = None
        micropython.heap_lock()
        try:
            _memory.load8({HOLE:#x})
        except _traps.PageFault:
            caught = True
        micropython.heap_unlock()
        """)
    assert kernel.eval("caught") is True


# --- the policy, row by row ---


COLLECTOR = """
import gc, vfs, _memory
class Disk:
    def __init__(self): self.data, self.bad = bytearray(64 * 512), False
    def readblocks(self, n, buffer): buffer[:] = memoryview(self.data)[n * 512 : n * 512 + len(buffer)]
    def writeblocks(self, n, buffer):
        if self.bad: _memory.load8({hole})
        self.data[n * 512 : n * 512 + len(buffer)] = buffer
    def ioctl(self, operation, argument): return 64 if operation == 4 else 512 if operation == 5 else 0
disk = Disk()
vfs.VfsFat.mkfs(disk)
vfs.mount(disk, '/d')
file = open('/d/f', 'w')
file.write('x' * 100)
disk.bad = {bad}
file = None
"""


def test_a_fault_in_the_collector_is_a_panic(kernel):
    """The collector closes a forgotten file, whose disk faults."""
    kernel.exec(COLLECTOR.format(hole=HOLE, bad=True))
    kernel.start("for _ in range(20): gc.collect(); [0] * 50")
    line, _ = panic_of(kernel.guest)
    assert "in the garbage collector" in line


def test_without_the_fault_the_collector_goes_on(kernel):
    kernel.exec(COLLECTOR.format(hole=HOLE, bad=False))
    kernel.exec("for _ in range(20): gc.collect(); [0] * 50")
    with kernel.raises("PageFault"):
        kernel.exec(f"_memory.load8({HOLE})")


def test_a_fault_with_interrupts_off_is_a_panic(kernel):
    kernel.start(f"import machine, _memory; machine.disable_irq(); _memory.load8({HOLE})")
    line, log = panic_of(kernel.guest)
    assert line.endswith("interrupts were off")
    assert f"address {HOLE:#x}" in line
    assert re.search(r"rip [0-9a-f]{16} .*\n.*rax", log)
    assert f"{depth.ROOT} entry 0000000000000000" in log


def test_with_interrupts_on_again_it_is_an_exception(kernel):
    with kernel.raises("PageFault"):
        kernel.exec(f"import machine, _memory; machine.enable_irq(machine.disable_irq()); _memory.load8({HOLE})")


def test_a_fault_that_nobody_could_catch_is_a_panic(kernel):
    kernel.start("import _provoke; _provoke.uncaught()")
    line, _ = panic_of(kernel.guest)
    assert line.startswith("PANIC: invalid opcode")
    assert line.endswith("nobody could catch an exception")


def test_the_prompt_catches_what_no_except_does(kernel):
    with kernel.raises("InvalidOpcode"):
        kernel.exec("import _provoke\n_provoke.exception(6)")


def test_a_trap_while_another_is_being_raised_is_a_panic(kernel):
    kernel.start("import _provoke; _provoke.while_raising()")
    line, _ = panic_of(kernel.guest)
    assert line.startswith("PANIC: debug exception")
    assert line.endswith("while another trap was being raised")


def test_a_trap_right_after_another_was_raised_is_an_exception(kernel):
    kernel.exec("""
        import _provoke
        caught = []
        for vector in 3, 6, 3:
            try:
                _provoke.exception(vector)
            except Exception as first:
                try:
                    _provoke.exception(0)
                except Exception as second:
                    caught.append((type(first).__name__, type(second).__name__))
        """)
    assert kernel.eval("caught") == [
        (name, "DivideFault") for name in ("BreakpointTrap", "InvalidOpcode", "BreakpointTrap")
    ]


def test_a_double_fault_has_a_stack_of_its_own_and_is_a_panic(kernel):
    kernel.start("import _provoke; _provoke.exception(8)")
    line, _ = panic_of(kernel.guest)
    assert line.startswith("PANIC: double fault")
    assert line.endswith("nothing can go on after this")


def test_a_page_fault_with_a_stack_pointer_to_nowhere_is_a_panic(kernel):
    kernel.start("import _provoke; _provoke.exception(14)")
    line, _ = panic_of(kernel.guest)
    assert line.endswith("the stack pointer is outside of the stack in use")


def test_running_into_the_guard_page_is_an_exception_again_and_again(kernel):
    kernel.exec("import _provoke")
    for _ in range(5):
        with kernel.raises("StackOverflow", "stack overflow: this is the guard page of a stack of the kernel's"):
            kernel.exec("_provoke.exception(12)")
    assert kernel.eval("sum(range(1000))") == 499500


def test_endless_recursion_is_an_exception(kernel):
    with kernel.raises("RuntimeError", "maximum recursion depth exceeded"):
        kernel.exec("def f(): return f()\nf()")
    with kernel.raises("RuntimeError", "maximum recursion depth exceeded"):
        kernel.exec("def g(n): return repr([n]) if n < 0 else [g(x) for x in (n,)]\ng(1)")


def test_every_guard_page_is_unmapped(kernel):
    kernel.exec("import _boot, _memory")
    for page in kernel.eval("_boot.guard_pages()"):
        with kernel.raises("PageFault", "not present at P1"):
            kernel.exec(f"_memory.load8({page << 12})")


def test_a_non_maskable_interrupt_is_a_panic(guest):
    guest.console.sendline("import time; time.sleep(100)")
    guest.monitor.execute("inject-nmi")
    line, _ = panic_of(guest)
    assert line.startswith("PANIC: non-maskable interrupt")


def test_a_fault_in_a_scheduled_callback_is_printed_and_the_machine_goes_on(kernel):
    kernel.exec(f"""
        import micropython, _memory, time
        def callback(_): _memory.load8({HOLE})
        """)
    assert "PageFault" in kernel.exec("micropython.schedule(callback, 0)\ntime.sleep_ms(10)")
    assert kernel.eval("6 * 7") == 42


def test_a_fault_inside_the_files_of_a_block_device_reaches_the_caller(kernel):
    kernel.exec(COLLECTOR.format(hole=HOLE, bad=False))
    with kernel.raises("PageFault"):
        kernel.exec("""
            f = open('/d/g', 'w')
            f.write('y' * 100)
            disk.bad = True
            try:
                f.close()
            finally:
                disk.bad = False
            """)
    assert kernel.eval("6 * 7") == 42
