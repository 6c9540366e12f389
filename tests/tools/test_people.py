"""What a person runs on the host: make run and its like, gdb."""

import os
import subprocess
import sys

import machine
import pexpect
import pytest

RUN = [sys.executable, str(machine.ROOT / "tools" / "run.py")]


def run_tool(*words, typed="", timeout=30):
    """Run a tool of the project with typed input; return its result."""
    return subprocess.run(
        [*RUN, *words], input=typed, capture_output=True, text=True, timeout=timeout, check=False, cwd=machine.ROOT
    )


@pytest.fixture
def terminal():
    """`make run` on a terminal of its own, at the prompt."""
    child = pexpect.spawn(RUN[0], [*RUN[1:], "run"], timeout=20, cwd=machine.ROOT)
    child.expect_exact("clew> ")
    yield child
    child.close(force=True)


def test_input_from_a_pipe_is_typed_at_the_prompt():
    result = run_tool("run", typed="6 * 7\n")
    assert "clew> 6 * 7\n42\n" in result.stdout.replace("\r", "")
    assert result.returncode == 0


@pytest.mark.bochs
def test_bochs_takes_input_from_a_pipe_too_and_ends_as_the_kernel_says():
    result = run_tool("bochs", typed="6 * 7\nexit 3\n")
    assert "clew> 6 * 7\n42\n" in result.stdout.replace("\r", "")
    assert "clew: halted with status 39," in result.stdout
    assert result.returncode == 1
    assert "the kernel exited with failure" in result.stderr


def test_a_failing_exit_is_reported():
    result = run_tool("run", typed="exit 1\n")
    assert result.returncode == 1
    assert "QEMU ended with status 35: the kernel exited with failure" in result.stderr


def test_a_reset_is_reported_as_failure():
    result = run_tool("run", typed="import _cpu; _cpu.port_write(0xcf9, 8, 6)\n")
    assert result.returncode == 1
    assert "QEMU ended with status 0: the machine reset" in result.stderr


def test_leaving_is_explained_and_works(terminal):
    assert b"Ctrl-] then x" in terminal.before
    terminal.send("\x1dx")
    terminal.expect(pexpect.EOF)
    terminal.wait()
    assert terminal.exitstatus == 0


def test_ctrl_c_reaches_the_kernel(terminal):
    terminal.send("while True: pass\r\r")
    terminal.send("\x03")
    terminal.expect_exact("KeyboardInterrupt")
    terminal.expect_exact("clew> ")


def test_gdb_stops_in_the_kernel_with_its_symbols(tmp_path):
    port = str(26000 + os.getpid() % 5000)
    debugged = pexpect.spawn(
        RUN[0], [*RUN[1:], "debug"], timeout=20, cwd=machine.ROOT, env={**os.environ, "GDB_PORT": port}
    )
    try:
        debugged.expect_exact("gdb -x build/clew.gdb")
        commands = ["hbreak kernel_entry", "continue", "backtrace", "kill"]
        words = ["gdb", "-batch", "-x", "build/clew.gdb", *[word for line in commands for word in ("-ex", line)]]
        result = subprocess.run(words, cwd=machine.ROOT, capture_output=True, text=True, timeout=30, check=False)
    finally:
        debugged.close(force=True)
    assert "#0  kernel_entry" in result.stdout
    assert "port/main.c" in result.stdout
