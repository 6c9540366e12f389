"""Ctrl-C ends whatever runs: bytecode, machine code, sleeping, waiting for input; but not a critical stretch."""

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
