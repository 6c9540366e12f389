"""What a person runs on the host: make run and its like, gdb."""

import os
import re
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


SCRIPT = """
x = 2
for i in range(x):
    print("row", i)

    if i:
        print("odd")
    else:
        print("even")
for i in range(1): print("row", "alone")
if x: print("row", "again")
def once(f): f()
@once
def decorated(): print("row", "decorated")
print("sum", x + 40)
%s
def f():
    return 7"""


def test_a_script_is_typed_as_a_person_would_and_succeeds():
    """Blocks end where they end in a file, and an unfinished one at its end does not swallow `exit`."""
    result = run_tool("run", typed=SCRIPT % "")
    lines = result.stdout.replace("\r", "").split("\n")
    assert [line for line in lines if line.startswith(("row", "odd", "even", "sum"))] == [
        "row 0",
        "even",
        "row 1",
        "odd",
        "row alone",
        "row again",
        "row decorated",
        "sum 42",
    ]
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize(
    ("line", "error"),
    [("1 // 0", "ZeroDivisionError"), ("walk", "UsageError"), ("x y", "SyntaxError"), ("vm", "NameError")],
)
def test_a_script_with_a_line_that_fails_fails_even_if_it_exits_by_itself(line, error):
    result = run_tool("run", typed=f"{line}\n6 * 7\nexit\n")
    assert "\n42\n" in result.stdout.replace("\r", ""), "what follows runs all the same"
    assert (result.returncode, result.stderr) == (1, f"clew: lines that failed: 1 ({error})\n")


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


def in_gdb(*commands):
    """Start `make debug`, and gdb as it says; return what gdb printed to commands."""
    port = str(26000 + os.getpid() % 5000)
    debugged = pexpect.spawn(
        RUN[0], [*RUN[1:], "debug"], timeout=20, cwd=machine.ROOT, env={**os.environ, "GDB_PORT": port}
    )
    try:
        debugged.expect_exact("gdb -x build/clew.gdb")
        words = ["gdb", "-batch", "-x", "build/clew.gdb", *[w for line in (*commands, "kill") for w in ("-ex", line)]]
        result = subprocess.run(words, cwd=machine.ROOT, capture_output=True, text=True, timeout=30, check=False)
    finally:
        debugged.close(force=True)
    return result.stdout


def test_gdb_stops_in_the_kernel_with_its_symbols():
    said = in_gdb("hbreak kernel_entry", "continue", "backtrace")
    assert "#0  kernel_entry" in said
    assert "port/main.c" in said


def test_gdb_shows_lines_of_python_and_micropythons_sources_and_locals():
    """In the middle of the boot, and of what it calls."""
    said = in_gdb(
        "hbreak console_set_command_runner", "continue", "py-bt", "frame function fun_bc_call", "info locals", "list"
    )
    found = re.findall(r'^#(\d) File "(.+)", line (\d+), in (\w+)', said, re.MULTILINE)
    assert [(number, file, function) for number, file, _, function in found] == [
        ("0", "kernel/shell/prompt.py", "install"),
        ("1", "kernel/main.py", "boot"),
    ]
    lines = [(machine.ROOT / file).read_text().splitlines()[int(line) - 1] for _, file, line, _ in found]
    assert "console.set_command_runner(run)" in lines[0]
    assert "prompt.install()" in lines[1]
    assert re.search(r"^code_state = 0xf", said, re.MULTILINE), "a local variable of MicroPython's"
    assert re.search(r"^\d+\s.*mp_execute_bytecode\(code_state, MP_OBJ_NULL\)", said, re.MULTILINE), "its source"
