"""Commands: a word at the prompt and a Python callable are the same thing, and mistakes get one line of help."""

import re

import pytest
from harness import depth
from harness.guard import POKES

TRACEBACK = "Traceback"


def test_help_lists_every_command_with_a_line(console):
    listed = dict(re.findall(r"^(\w+)  +(\S.*)$", console.command("help"), re.MULTILINE))
    assert {"help", "ram", "cr", "cpuid", "peek", "poke", "exit"} <= set(listed)
    for word in listed:
        assert console.command(f"help {word}").splitlines()[0].split()[0] == word


@pytest.mark.parametrize("word", ["ram", "cr", "cpuid", "modules"])
def test_a_command_prints_the_repr_of_what_its_callable_returns(console, word):
    by_word = console.command(word)
    by_call = console.command(f"__import__('shell.commands', None, None, ['{word}']).{word}()")
    assert by_word.splitlines()[0] == by_call.splitlines()[0]
    assert len(by_word) > 20


def test_no_command_bears_the_name_of_a_package_or_a_builtin(kernel):
    names = set(kernel.eval("[command.name for command in __import__('shell.commands', None, None, ['x']).TABLE]"))
    packages = {"memory", "paging", "memory_structs", "faults", "loader", "devices", "diagnostics", "shell", "main"}
    assert not names & packages
    assert {name for name in names if kernel.eval(f"hasattr(__import__('builtins'), '{name}')")} <= {"help"}


@POKES
def test_peek_and_poke_reach_memory_in_every_width(guest):
    console, address = guest.console, 0x300_0000
    for width, value in ((8, 0x12), (16, 0x1234), (32, 0x12345678), (64, 0x123456789ABCDEF0)):
        console.command(f"poke p{address:#x} {value:#x} {width}")
        assert int.from_bytes(guest.memory.read(address, width // 8), "little") == value
        assert console.command(f"peek p{address:#x} 1 {width}").split()[-1] == f"{value:#0{2 + width // 4}x}"


def test_peek_takes_addresses_in_every_notation_and_names_arguments(guest):
    guest.memory.write_entry(0x300_0000, 0xABCDEF)
    at = depth.WINDOW + 0x3000000
    guest.console.command(f"place = {at:#x}")
    notations = (f"{at:#x}", f"v{at:#x}", "p0x3000000", str(at), "place", "place+0")
    for text in (*notations, "address=place count=1", "place width=64"):
        assert guest.console.command(f"peek {text}").strip().endswith("0x0000000000abcdef"), text


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("peek", "UsageError: address is missing: peek ADDRESS [COUNT] [WIDTH]"),
        ("peek nowhere", "UsageError: nowhere is no address: peek ADDRESS [COUNT] [WIDTH]"),
        ("peek 0 1 2 3", "UsageError: too many arguments: peek ADDRESS [COUNT] [WIDTH]"),
        ("peek 0x1000 1 12", "UsageError: width is 12: it must be 8, 16, 32 or 64"),
        ("peek 0x1000 0", "UsageError: count is 0: it must be from 1 to 4294967296"),
        ("poke p0x3000000 0x100 8", "UsageError: 0x100 does not fit 8 bits"),
        ("poke p0x3000000", "UsageError: value is missing: poke ADDRESS VALUE [WIDTH]"),
        ("exit 200", "UsageError: status is 200: it must be from 0 to 111"),
        ("help pek", "UsageError: there is no command and no name pek: did you mean peek?"),
        ("cpuid(0x1ffffffff)", "UsageError: leaf is 0x1ffffffff: it must be from 0x0 to 0xffffffff"),
        ("peak", "there is no command and no name peak: did you mean peek? (help lists the commands)"),
        ("wlk 0x1000", "there is no command and no name wlk: did you mean walk? (help lists the commands)"),
        ("cupid", "there is no command and no name cupid: did you mean cpuid? (help lists the commands)"),
    ],
)
def test_a_mistake_is_one_line_that_helps(console, line, said):
    assert console.command(line) == said + "\n"


def test_a_fault_of_a_command_is_one_line(console):
    said = console.command("peek 0x600000000000")
    assert said.startswith(f"PageFault: read of v0x600000000000: not present at {depth.ROOT}; ")
    assert said.count("\n") == 1


def test_a_name_nobody_knows_is_pythons_own_error(console):
    assert "NameError: name 'xylophone' isn't defined" in console.command("xylophone")
    assert TRACEBACK in console.command("xylophone")


def test_a_name_the_user_has_bound_wins_over_a_command(console):
    console.command("ram = [1, 2]")
    assert console.command("ram") == "[1, 2]\n"
    console.command("del ram")
    assert "usable" in console.command("ram")


@pytest.mark.parametrize("line", ["peek = 5", "peek, poke = 5, 6", "peek: int = 5"])
def test_a_command_word_can_be_bound(console, line):
    console.command(line)
    assert console.command("peek") == "5\n"


def test_help_fits_a_screen_of_eighty_columns(console):
    assert all(len(line) <= 80 for line in console.command("help").split("\n")[:-4])


def test_an_error_of_the_users_own_code_has_its_traceback(console):
    assert 'File "<stdin>", line 1, in <module>' in console.command("1 / 0")


def test_python_still_is_python(console):
    assert console.command("[command for command in (1, 2)]") == "[1, 2]\n"
    assert console.command("exit = 1") == ""


def test_ctrl_c_stops_a_command(console):
    console.sendline(f"peek {depth.WINDOW:#x} 4000000")
    console.expect_exact("\r\n")
    console.interrupt()
    assert "nterrupt" in console.wait_for_prompt()
    assert console.command("6 * 7") == "42\n"
