"""The line editor, as fingers expect it: every key on a line that was begun wrongly, history, and Tab."""

import ast

import pytest
from harness import QemuGuest
from harness.console import plain

UP, DOWN, RIGHT, LEFT = "\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D"
HOME, END, DELETE = "\x1b[H", "\x1b[F", "\x1b[3~"
TAB, CTRL_A, CTRL_B, CTRL_C, CTRL_D, CTRL_E = "\t", "\x01", "\x02", "\x03", "\x04", "\x05"
CTRL_K, CTRL_U, CTRL_W, CTRL_P, CTRL_N, CTRL_F = "\x0b", "\x15", "\x17", "\x10", "\x0e", "\x06"
BACKSPACE, WORD_BACK, WORD_FORWARD = "\x7f", "\x1bb", "\x1bf"


def result_of(console, keys):
    """Type keys and Return; return the last line printed before the next prompt."""
    console.sendline(keys)
    return console.wait_for_prompt().strip().splitlines()[-1]


@pytest.mark.parametrize(
    "keys",
    [
        "41 + 3" + BACKSPACE + "1",
        "1 + 1" + HOME + "4" + END,
        "4 + 1" + LEFT * 4 + "1",
        "41 + 1x" + LEFT + DELETE,
        "x41 + 1" + CTRL_A + CTRL_D,
        "1 + 1" + CTRL_A + "4" + CTRL_E,
        "41 + 1 + 100" + LEFT * 6 + CTRL_K,
        "nonsense" + CTRL_U + "41 + 1",
        "41 + 1 word" + CTRL_W,
        "1 + 1" + WORD_BACK * 2 + "4" + WORD_FORWARD,
        "1 + 1" + CTRL_B * 5 + CTRL_F + LEFT + "4",
    ],
)
def test_a_key_edits_the_line(console, keys):
    assert result_of(console, keys) == "42"


def test_history_goes_back_and_forth(console):
    console.command("10 + 1")
    console.command("20 + 2")
    assert result_of(console, UP + UP) == "11"
    assert result_of(console, CTRL_P + UP + UP) == "11"
    assert result_of(console, UP + UP + UP + DOWN) == "22"
    assert result_of(console, UP + UP + UP + CTRL_N + BACKSPACE + "5") == "15"


def test_a_hundred_lines_of_history_are_kept(console):
    for number in range(100):
        console.command(str(1000 + number))
    assert result_of(console, UP * 100) == "1000"


def test_ctrl_c_gives_a_line_up(console):
    console.send("1 / 0" + CTRL_C)
    assert "ZeroDivisionError" not in console.wait_for_prompt()
    assert console.command("6 * 7") == "42\n"


def test_a_block_is_indented_and_runs_after_an_empty_line(console):
    console.sendline("for i in range(3):")
    console.expect_exact("... ")
    console.sendline("print('line', i)")
    console.sendline(BACKSPACE)
    assert [word for word in console.wait_for_prompt().split() if word.isdigit()] == ["0", "1", "2"]


def test_ctrl_c_gives_a_block_up(console):
    console.sendline("while True:")
    console.expect_exact("... ")
    console.send(CTRL_C)
    console.wait_for_prompt()
    assert console.command("6 * 7") == "42\n"


def test_paste_mode_takes_text_as_it_is(console):
    console.send(CTRL_E)
    console.expect_exact("paste mode")
    console.send("def f(n):\r    return n + 1\r\rprint(f(41))\r" + CTRL_D)
    assert console.wait_for_prompt().strip().endswith("42")


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("cpui", "cpuid "),
        ("mod", "modules"),
        ("help cpui", "help cpuid"),
        ("? wal", "? walk"),
        ("import micropyt", "import micropython"),
        ("import exam", "import examples"),
        ("from examples.guard", "from examples.guard_page"),
        ("from memory im", "from memory import "),
        ("from memory import create_c", "from memory import create_contiguous_mapping"),
        ("from examples.guard_page import Guard", "from examples.guard_page import GuardedBuffer"),
        ("from faults import pro", "from faults import probe"),
        ("import from_ho", "import from_host"),
        ("dump st", "dump style="),
        ("dump style=q", "dump style=qemu"),
        ("dump w x us", "dump w x user"),
        ("dump ali", "dump alias="),
        ("exercise 3 se", "exercise 3 seed="),
        ("picture po", "picture pool"),
        ("walk zebra.start_a", "walk zebra.start_address"),
        ("poke zebra.start_address.val", "poke zebra.start_address.value"),
        ("open('from_", "open('from_host.py"),
        ('open("fol', 'open("folder/'),
        ("open('folder/in", "open('folder/inside.txt"),
        ("open('/ro", "open('/ro"),
        ("x = pri", "x = print"),
        ("zebra.rem", "zebra.remap"),
        ("x = quag", "x = quagga_"),
        ("x = okap", "x = okapi_"),
        ("x = nothing.at.al", "x = nothing.at.al"),
    ],
)
def test_tab_completes(furnished, typed, completed):
    console = furnished
    console.send(typed + TAB + "#" + CTRL_A + "#\r")
    console.expect_exact("\r\n")
    console.wait_for_prompt()
    console.send(UP)
    console.expect_exact(f"#{completed}#")
    console.send(CTRL_U)


@pytest.fixture(scope="module")
def furnished():
    """The console of a machine with a name, files and folders, for tests that leave it as it was."""
    with QemuGuest() as guest:
        console = guest.console
        console.wait_for_prompt()
        console.command("zebra = __import__('memory').create_mapping(4096, __import__('memory').PteFlags())")
        console.command("quagga_one = quagga_two = okapi_a = okapi_bc = 1")
        console.command("__import__('os').mkdir('folder')")
        for name in ("from_host.py", "notes.txt", "folder/inside.txt"):
            console.command(f"open('{name}', 'w').close()")
        yield console


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("dump style=", {"ptdump", "qemu", "json"}),
        ("dump ", {"w", "x", "user", "huge", "wx", "style=", "first=", "last=", "alias="}),
        ("picture ", {"memory", "pool", "screen", "live"}),
        ("open('", {"folder/", "from_host.py", "notes.txt"}),
        ("from examples.", {"examples.guard_page", "examples.copy_on_write"}),
        ("p", {"peek", "poke", "pages", "picture", "print", "pow"}),
        ("zebra.", {"remap", "start_address", "size_in_bytes", "as_slice"}),
        ("", {"walk", "tour", "help"}),
    ],
)
def test_tab_lists_what_there_is(furnished, typed, words):
    console = furnished
    console.send(typed + TAB)
    console.expect_exact("\r\n")
    console.expect_exact("clew> " + typed)
    listed = set(plain(console.before).split())
    assert words <= listed
    assert typed != "p" or all(word[0] == "p" for word in listed)
    console.send(CTRL_U)


def test_tab_asks_no_object_for_what_it_has(furnished):
    """An attribute that is a function may do anything, and a module that looks names up is asked for all of them."""
    console = furnished
    console.command("asked = []")
    console.command("get = lambda self, name: asked.append(name)")
    console.command("own = property(lambda self: asked.append('own'))")
    console.command("lazy = type('Lazy', (), {'__getattr__': get, 'own': own, 'method': get})()")
    for typed in ("lazy.", "lazy.me", "lazy.o", "walk lazy.o"):
        console.send(typed + TAB + CTRL_U + "'done'\r")
        console.expect_exact("\r\n'done'\r\n")
        console.wait_for_prompt()
    assert set(ast.literal_eval(console.command("asked"))) <= {"range"}, "a range is known to have more names"


def test_tab_completes_the_users_names_and_their_attributes(console):
    console.command("zebra_crossing = [1]")
    assert result_of(console, "zebra_c" + TAB + "[0] + 41") == "42"
    console.command("zebra_crossing.append(41)")
    assert result_of(console, "sum(zebra_crossing) - zebra_crossing.cou" + TAB + "(3)") == "42"


def test_tab_lists_what_is_possible_and_keeps_the_line(console):
    console.send("p" + TAB)
    console.expect_exact("peek")
    console.expect_exact("poke")
    console.expect_exact("clew> p")
    console.sendline("ow(2, 3)")
    assert console.wait_for_prompt().strip().endswith("8")


def test_tab_offers_no_command_in_a_block_or_to_input(console):
    console.sendline("if True:")
    console.expect_exact("... ")
    console.send("cpui" + TAB)
    console.sendline("d = 5")
    console.sendline(BACKSPACE)
    console.wait_for_prompt()
    assert console.command("cpuid") == "5\n"
    console.sendline("s = input('? ')")
    console.expect_exact("? ")
    console.sendline("mod" + TAB)
    console.wait_for_prompt()
    assert console.command("s") == "'mod'\n"


def test_a_line_longer_than_a_screen_is_edited_like_any_other(console):
    line = "len('" + "x" * 2000 + "')"
    assert result_of(console, line + HOME + "1 + " + END) == "2001"


@pytest.mark.parametrize("columns", [5, 99, 999, 1000, 4000])
def test_the_cursor_goes_back_as_far_as_it_should(console, columns):
    console.send("x" * columns + HOME + CTRL_C)
    console.expect_exact("x" * columns)
    console.wait_for_prompt()
    assert console.before.startswith(b"\x1b[%dD" % columns)
