"""QEMU's status tells how it ended: 33 is success, everything else is not, a triple fault (status 0!) included."""

import pytest
from harness import GuestFailure


@pytest.mark.parametrize(("line", "status"), [("exit", 33), ("exit 0", 33), ("exit 1", 35), ("exit 5", 43)])
def test_exit_ends_qemu_with_a_status(guest, line, status):
    guest.console.sendline(line)
    guest.expect_exit(status)


def test_exit_is_a_callable_too(kernel):
    kernel.exit(0)


@pytest.mark.bochs
def test_where_there_is_no_exit_port_exit_halts_and_says_so(bochs_kernel):
    bochs_kernel.exit(5)
    assert not bochs_kernel.guest.console.transcript().endswith("clew> ")


def test_a_triple_fault_is_a_failure_although_its_status_is_zero(guest):
    """Without its own mapping the kernel can't even take the fault that this is."""
    guest.console.command("import _cpu")
    root = guest.monitor.registers()["CR3"]
    guest.memory.write_entry(root + 511 * 8, 0)  # the kernel's image is gone, as soon as the TLB forgets it
    guest.console.sendline("_cpu.flush_global()")
    with pytest.raises(GuestFailure, match="triple fault"):
        guest.console.wait_for_prompt()
    assert guest.process.returncode == 0


def test_a_panic_is_a_failure_with_one_line_on_the_console(guest):
    guest.console.sendline("import _console; _console.panic('on purpose')")
    guest.expect_exit(35)
    assert guest.console.transcript().strip().endswith("PANIC: on purpose")
    assert guest.log().strip().endswith("PANIC: on purpose")


def test_machine_reset_restarts_and_is_no_success(guest):
    guest.console.sendline("import machine; machine.reset()")
    with pytest.raises(GuestFailure, match="status 0: the machine reset"):
        guest.console.wait_for_prompt()
