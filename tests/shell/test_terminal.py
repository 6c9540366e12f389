"""How the kernel learns how large a screen is; and that it asks nobody who has not asked it to."""

import pytest
from harness.console import PROMPT

QUERY = b"\x1b7\x1b[999;999H\x1b[6n\x1b8"
UNKNOWN = "unknown: tables for 80 columns, lines whole, no pages"


def widest(text):
    """Return the length of the longest line."""
    return max(len(line) for line in text.split("\n"))


@pytest.mark.parametrize("answer", ["\x1b[30;100R", "\x1b[20;60R"])
def test_a_terminal_that_answers_is_taken_at_its_word(console, answer):
    console.sendline("terminal ask")
    console.expect_exact(QUERY)
    console.send(answer)
    rows, columns = answer[2:-1].split(";")
    assert console.wait_for_prompt() == f"{columns} columns, pages of {rows} rows\n"
    console.sendline("help")
    console.expect_exact("-- Space: more")
    assert console.before.count(b"\n") == int(rows)
    console.send("q")
    console.wait_for_prompt()


def test_a_terminal_that_does_not_answer_has_eighty_columns_and_no_pages(console):
    console.sendline("terminal ask")
    assert console.wait_for_prompt().endswith("80 columns, no pages\n")
    assert widest(console.command("peek 0x600000000000").rstrip()) <= 80
    assert widest(console.command("help")) <= 80


@pytest.mark.parametrize("typed", ["6 * 7\r", "\x1b[A\x1b[A\r", "x\x7f6 * 7\r"])
def test_what_is_typed_instead_of_an_answer_is_not_lost(console, typed):
    """A script goes on typing, and keys that send escape sequences, as for the line before the last, are keys."""
    console.command("6 * 7")
    console.sendline("terminal ask")
    console.expect_exact(QUERY)
    console.send(typed)
    console.expect_exact("80 columns, no pages")
    console.expect_exact("\r\n42\r\n")
    console.wait_for_prompt()


def test_a_script_that_is_typed_ahead_runs_whole(console):
    console.send("terminal ask\rkept = 5\rterminal\rkept + 37\r")
    console.expect_exact("\r\n42\r\n")
    console.wait_for_prompt()


def test_nobody_is_asked_who_did_not_ask(guest):
    """Neither at boot, nor by any command but one, nor by a soft reset: a pipe would have that in its output."""
    console = guest.console
    for line in ("help", "terminal", "terminal 80x24", "walk 0", "terminal off", "picture", "reset"):
        console.command(line)
    assert "\x1b[6n" not in console.transcript()
    assert "\x1b7" not in console.transcript()


def test_the_size_can_be_told_and_forgotten(console):
    assert console.command("terminal") == UNKNOWN + "\n"
    whole = console.command("peek 0x600000000000")
    assert whole.count("\n") == 1
    assert console.command("terminal 60x50") == "60 columns, pages of 50 rows\n"
    narrow = console.command("peek 0x600000000000")
    assert widest(narrow) <= 60
    assert narrow.split() == whole.split()
    assert console.command("terminal off") == UNKNOWN + "\n"
    assert console.command("peek 0x600000000000") == whole
    for wrong in ("terminal 5x5", "terminal 80", "terminal x", "terminal 19x24", "terminal 80x4", "terminal -80x-24"):
        assert console.command(wrong).startswith("UsageError: "), wrong
    assert console.command("terminal") == UNKNOWN + "\n"


@pytest.mark.parametrize("words", ["terminal=", "terminal=80", "terminal=axb", "terminal=80x1", "terminal=-1x-1"])
def test_a_size_that_is_none_on_the_command_line_is_nobody(boot, words):
    guest = boot(command_line=words)
    guest.console.wait_for_prompt()
    assert guest.console.command("terminal") == UNKNOWN + "\n"


def test_return_shows_one_row_more_and_q_is_enough(boot):
    guest = boot(command_line="terminal=60x20")
    console = guest.console
    console.wait_for_prompt()
    console.sendline("help")
    console.expect_exact("-- Space: more")
    for _ in range(3):
        console.send("\r")
        console.expect_exact("-- Space: more")
        assert console.before.count(b"\n") == 1, "one row of the screen, though it is a part of a line"
    console.send("x")
    console.send("q")
    console.expect_exact(PROMPT)
    assert console.before.count(b"\n") == 0
    assert console.command("6 * 7") == "42\n"
