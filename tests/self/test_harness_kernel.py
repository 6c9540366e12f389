"""What the harness makes of the kernel, when it is well and when it goes wrong."""

import pytest
from harness import GuestFailure, KernelRaised

EXIT_PORT = 0xF4


def test_values_come_back_and_errors_raise(kernel):
    assert kernel.eval("{'a': (1, -2**63, b'x')}") == {"a": (1, -(2**63), b"x")}
    with kernel.raises("ZeroDivisionError", match="divide by zero"):
        kernel.exec("print('before')\n1 // 0")


def test_what_was_printed_before_an_error_is_kept(kernel):
    with pytest.raises(KernelRaised) as raised:
        kernel.exec("print('before')\nraise ValueError(7)")
    assert (raised.value.name, raised.value.message, raised.value.output) == ("ValueError", "7", "before\n")


def test_a_long_program_arrives_whole(kernel):
    text = "x" * 100_000
    assert kernel.eval(f"len({text!r})", timeout=30) == 100_000


@pytest.mark.parametrize(("code", "status"), [(0x10, 33), (0x11, 35)])
def test_the_exit_port_sets_qemus_status(kernel, code, status):
    kernel.start(f"import _cpu\n_cpu.port_write({EXIT_PORT}, 32, {code})")
    kernel.guest.expect_exit(status)


def test_a_panic_fails_at_once_with_its_line(kernel):
    with pytest.raises(GuestFailure, match=r"(?s)log says 'PANIC'.*PANIC: on purpose"):
        kernel.exec("import _console\n_console.panic('on purpose')", timeout=60)


def test_a_kernel_that_hangs_fails_after_the_time_given(kernel):
    with pytest.raises(GuestFailure, match="did not answer"):
        kernel.exec("import _cpu\n_cpu.interrupts(False)\nwhile True:\n    pass", timeout=1)


def test_ctrl_c_stops_a_loop_and_the_kernel_goes_on(kernel):
    kernel.start("print('begun')\nwhile True:\n    pass")
    kernel.wait_for_output("begun\r\n")
    kernel.interrupt()
    with kernel.raises("KeyboardInterrupt"):
        kernel.finish()
    assert kernel.eval("1") == 1


def test_qemu_and_the_kernel_agree_about_the_root_table(kernel):
    assert kernel.guest.monitor.registers()["CR3"] >> 12 == kernel.eval("__import__('_cpu').read_root_frame()")
