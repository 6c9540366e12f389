"""Ctrl-C ends whatever runs: bytecode, machine code, sleeping, waiting for input; but not a critical stretch."""

import re
import select
import time

import pytest

CTRL_C = "\x03"
BEGUN_S = 0.2  # after so long a loop runs for certain
LOOPS = {
    "bytecode": "while True: pass",
    "a call in bytecode": "while True: abs(-1)",
    "native": "spin_native()",
    "viper": "spin_viper()",
    "sleep": "time.sleep(1000)",
    "input": "input('? ')",
    "a comprehension": "[0 for _ in range(10**12) if False]",
    "native that calls": "call_native()",
    "select": "select.poll().poll(1000000)",
}
DEFINITIONS = """
import time, micropython, select
@micropython.native
def spin_native():
    n = 0
    while True: n += 1
@micropython.viper
def spin_viper():
    n = 0
    while True: n += 1
@micropython.native
def call_native():
    while True: [1, 2].index(2)
"""


def define(console):
    """Paste the definitions of the loops."""
    console.send("\x05")
    console.expect_exact("=== ")
    console.send(DEFINITIONS.replace("\n", "\r") + "\x04")
    console.wait_for_prompt()


@pytest.mark.parametrize("what", LOOPS)
def test_ctrl_c_ends(console, what):
    define(console)
    console.sendline(LOOPS[what])
    console.expect_exact("\r\n")
    if LOOPS[what].startswith("while"):
        console.sendline("")
    if what == "input":
        console.expect_exact("? ")
    time.sleep(BEGUN_S)
    console.interrupt()
    console.expect_exact("KeyboardInterrupt")
    console.wait_for_prompt()
    assert console.command("6 * 7") == "42\n"


def test_ctrl_c_is_an_exception_that_can_be_handled(kernel):
    kernel.exec("import time")
    kernel.start("try:\n  while True: pass\nexcept KeyboardInterrupt:\n  print('handled')")
    time.sleep(BEGUN_S)
    kernel.interrupt()
    assert kernel.finish() == "handled\n"


def test_ctrl_c_runs_finally_in_native_code(kernel):
    kernel.exec("""
        import micropython
        done = []
        @micropython.native
        def loop():
            try:
                n = 0
                while True: n += 1
            finally:
                done.append(1)
        """)
    kernel.start("try:\n  loop()\nexcept KeyboardInterrupt:\n  print(done)")
    time.sleep(BEGUN_S)
    kernel.interrupt()
    assert kernel.finish() == "[1]\n"


def test_a_critical_stretch_is_not_interrupted_but_its_end_is(kernel):
    kernel.exec("import _critical, time")
    kernel.start("""
        _critical.enter()
        end = time.ticks_add(time.ticks_ms(), 300)
        while time.ticks_diff(end, time.ticks_ms()) > 0: pass
        print('whole')
        try:
            _critical.leave()
            while True: pass
        except KeyboardInterrupt:
            print('then')
        """)
    time.sleep(BEGUN_S)
    kernel.interrupt()
    assert kernel.finish() == "whole\nthen\n"


def test_what_was_typed_ahead_is_dropped_by_ctrl_c(console):
    console.sendline("import time; time.sleep(1000)")
    console.expect_exact("1000)\r\n")
    console.send("print('too late')\r" + CTRL_C)
    console.wait_for_prompt()
    assert "too late" not in console.command("1")


ROOM = 6000  # so many typed bytes are kept
LINE = "print('too late')  # " + 78 * "." + "\r"


@pytest.mark.parametrize(
    ("what", "typed"),
    [
        ("import time; time.sleep(1000)", ROOM - 1_000),
        ("import time; time.sleep(1000)", ROOM + 4_000),
        ("for n in range(10**12): pass\r", ROOM + 4_000),
    ],
)
def test_ctrl_c_is_seen_behind_whatever_was_typed_ahead(console, what, typed):
    """Also when that is more than the machine keeps, and the line is held up. What is dropped is said, to a byte."""
    console.command(f"import _provoke; _provoke.typed_ahead({ROOM})")
    console.sendline(what)
    console.expect_exact(what[-6:].strip() + "\r\n")
    lines = typed // len(LINE)
    paste(console, lines * LINE + CTRL_C)
    console.expect_exact("KeyboardInterrupt", timeout=20)
    assert dropped_in(console.wait_for_prompt()) == lines * len(LINE)
    assert "too late" not in console.command("1")


def test_what_does_not_fit_is_dropped_by_whole_lines(kernel):
    """Code that reads nothing for long gives up what comes for it: whole lines arrive, and no half of one."""
    line, lines = "typed ahead " + 84 * "." + "\r", (ROOM + 4_000) // 100
    assert ROOM % len(line) > 12  # what there is room for ends amid a line
    kernel.exec(f"import _provoke, select, sys, time\n_provoke.typed_ahead({ROOM})")
    kernel.exec("poll = select.poll(); poll.register(sys.stdin, select.POLLIN)")
    kernel.start("""
        time.sleep(3)
        data = bytearray()
        while poll.poll(500): data += sys.stdin.buffer.read(1)
        """)
    kernel.transport.serial.write((lines * line).encode())
    kernel.finish(30)
    assert 0 < lines - kernel.eval(f"len(data) // {len(line)}") < 50
    assert kernel.eval(f"data == {line.encode()!r} * (len(data) // {len(line)})")
    kernel.start(f"more = sys.stdin.buffer.read({len(line)})")
    kernel.transport.serial.write(line.encode())
    kernel.finish()
    assert kernel.eval(f"more.decode() == {line!r}"), "what is typed later is lost"
    kernel.exec("_provoke.typed_ahead(0)")


def dropped_in(text):
    """How many bytes were dropped, by what was printed."""
    return sum(int(count) for count in re.findall(r"\((\d+) bytes that were typed ahead are dropped\)", text))


def paste(console, text):
    """Type a long text while reading what comes back, as a terminal does: neither side may wait for the other."""
    data, deadline = text.encode(), time.monotonic() + 20
    while data and time.monotonic() < deadline:
        console.drain(0)
        if select.select([], [console.connection], [], 0.05)[1]:
            data = data[console.connection.send(data[:4096]) :]


def test_ctrl_c_with_nothing_typed_ahead_says_nothing_of_it(console):
    console.sendline("import time; time.sleep(1000)")
    console.expect_exact("1000)\r\n")
    console.interrupt()
    console.wait_for_prompt()
    assert "dropped" not in console.command("1")


def test_ctrl_c_that_comes_before_the_line_has_begun_to_run_stops_it(console):
    console.send("import time; time.sleep(1000)\rprint('too late')\r" + CTRL_C)
    console.expect_exact("KeyboardInterrupt")
    console.wait_for_prompt()
    assert "too late" not in console.command("1")


def test_ctrl_c_at_the_prompt_does_nothing(console):
    for _ in range(3):
        console.interrupt()
        console.wait_for_prompt()
    assert console.command("6 * 7") == "42\n"
