"""Every screen fits the terminal that is there: no line is too long, no word broken, no row scrolls away unread.

The terminal is an emulator's. The screens of all commands are made from the shell's own table, so none is forgotten.
"""

import re

import pytest
from harness import Kernel, depth
from harness.console import PROMPT
from harness.screen import Reader

SIZES = [(80, 24), (120, 40), (60, 20)]
WIDE = (300, 100)
MANY_PAGES = 4
ENDS_THE_MACHINE = {"exit", "reset"}
CHANGES_THE_SIZE = {"terminal ask", "terminal off"}
DRAWN_IN_PLACE = {"picture live"}  # it has a test of its own
# How these are cut into lines is another for another width.
LAID_OUT_ANEW = {"hexdump", "peek", "picture", "policies"}
SAMPLES = {
    "FileKind": "a.o",
    "ObjectKind": "a.o",
    "SymbolKind": "entry",
    "AddressKind": "p0x3000000",
    "PlaceKind": "p0x3000000",
    "NumberKind": "1",
    "SizeKind": "1K",
}
TABLE = """[(each.name, [(argument.name, type(argument.kind).__name__, argument.kind.words, argument.usage()[0] != "[",
    argument.by_name) for argument in each.arguments]) for each in __import__("shell.commands").commands.TABLE]"""
# Something to show: owners with all rights, faults, an exercise, and functions that never come back.
BUSY = """
from memory import *
from faults import PageFault
from shell.commands import peek, exercise
kept = [create_mapping(n << 12, PteFlags().writable(n % 2 == 1)) for n in (1, 2, 300)]
m = kept[1]
both = PteFlags().writable(True).executable(True)
for address in (0x600000000008, 0x123456789000):
    try: peek(address)
    except PageFault: pass
_ = exercise(3, seed=5)
def down(n): return down(n + 1)
def left(n): return right(n)
def right(n): return left(n)
del peek, exercise
"""
OTHERS = [
    *("poke m 1", "m.as_slice_mut('B')", "create_mapping(4096, both)", "VirtualAddress(4) - PhysicalAddress(4)"),
    *("xylophone", "peek(nowhere, 5)", "x = walk(m)", "down(0)", "left(0)", "sorted(globals())", "m", "walk(m).walk"),
    *("verify(1, 2, 3)", "help m", "? create_mapping", "help PageFault", "wlak 5", "exercise 1 seed=9999999", "dump m"),
    *("dump style=xml", "terminal no", "help nothing", "help()", "entries m 1", "dump w x", "exercise 4", "exercise 7"),
    *("check 5 5", "poke 0xffffffff80109000 1", "peek 0x800000000000", "faultlog", "bench call function"),
]


def lines_of(table):
    """Return lines that use all commands of a table, each with every word that it takes."""
    lines = []
    for name, arguments in table:
        lines.append(f"help {name}")
        if name in ENDS_THE_MACHINE or name == "tour":
            continue
        if name == "litmus":  # so has the histogram
            lines += ["litmus", "litmus x", "litmus message-passing", "litmus message-passing runs=0"]
            continue
        if name == "policies":  # the chart has a test of its own
            lines += ["policies belady fifo opt", "policies x", "policies belady x", "policies belady frames=9"]
            continue
        required = [SAMPLES[kind] for _, kind, _, needed, _ in arguments if needed]
        lines.append(" ".join([name, *required]))
        for argument, _, words, _, by_name in arguments:
            lines += [f"{name} {argument + '=' if by_name else ''}{word}" for word in words]
    return [line for line in lines if line not in CHANGES_THE_SIZE | DRAWN_IN_PLACE]


def machine(boot, size):
    """Return a reader at a machine with something to show, whose terminal has a size; its banner, its commands."""
    guest = boot(command_line="terminal={}x{}".format(*size))
    reader = Reader(guest, *size)
    banner = reader.pages()
    assert_readable(reader, banner, "the banner")
    kernel = Kernel(guest)
    kernel.exec(BUSY)
    table = kernel.eval(TABLE)
    guest.console.send("\x02")
    guest.console.expect_exact(">>> ")
    guest.console.sendline("clew")
    guest.console.expect_exact(PROMPT)
    return reader, table


def assert_readable(reader, pages, line):
    """Check that each row fits, and that it stands on the screen when the reader has time to read."""
    assert reader.display.wraps == [], line
    assert [page.unseen() for page in pages] == [[]] * len(pages), line
    rows = sum(len(page.printed) for page in pages)
    assert len(pages) == 1 or rows >= reader.rows, f"{line}: a key for nothing"


def words_of(pages):
    """Return the words of pages; which number it is doesn't matter."""
    text = " ".join(row for page in pages for row in page.printed)
    return {re.sub(r"0x[0-9a-f]+|\d+(\.\d+)?", "N", word) for word in text.split()}


@pytest.mark.parametrize("size", SIZES)
def test_every_screen_fits_and_no_word_is_broken(boot, size):
    """Words are looked at where there is least room: there, the same words are to be seen as where there is most."""
    reader, table = machine(boot, size)
    lines = lines_of(table) + OTHERS
    words = {}
    for line in lines:
        pages = reader.read(line, enough=MANY_PAGES)
        assert_readable(reader, pages, line)
        words[line] = words_of(pages)
    if size == min(SIZES):
        reader.columns, reader.rows = WIDE
        reader.read("terminal {}x{}".format(*WIDE))
        reader.read("exercise 3 seed=5")  # again as at the beginning: what it maps is to be seen
        for line in lines:
            if line.split()[0] not in LAID_OUT_ANEW:
                assert words[line] - words_of(reader.read(line, enough=1)) == set(), line


@pytest.mark.parametrize("size", [(80, 24), (60, 18)])
def test_a_live_picture_stays_in_its_place_on_the_screen(boot, size):
    """Each drawing covers the one before, all of it, and nothing scrolls away."""
    guest = boot(command_line="terminal={}x{}".format(*size))
    guest.console.wait_for_prompt()
    reader = Reader(guest, *size)
    [page] = reader.read("picture live")
    assert reader.display.wraps == []
    assert page.printed.count(page.shown[0]) == 12, "so many steps, all with the same title"
    drawn = [row for row in page.shown if row]
    assert page.shown[0].startswith("physical memory, one cell is")
    assert drawn == reader.read("picture")[0].shown[: len(drawn)]


@pytest.mark.parametrize("size", SIZES)
def test_every_step_of_the_tour_fits(boot, size):
    reader, _ = machine(boot, size)
    end = rb"(?<=with\.)\r\n" + re.escape(PROMPT)
    for number in range(1, 14):
        pages = reader.read("tour" if number > 1 else "tour 1", until=end)
        assert_readable(reader, pages, f"step {number}")
        assert pages[0].printed[0].startswith(f"{number} of 13: ")


def test_a_wide_screen_is_used(boot):
    """What needs two lines on a narrow one needs one; a row has more words, more bytes, more cells."""
    rows = {}
    for size in SIZES:
        reader, _ = machine(boot, size)
        for line in ("walk m", "peek p0x3000000 8", "hexdump p0x3000000 64", "picture"):
            rows[line, size[0]] = [row for page in reader.read(line) for row in page.printed]
    assert [len(rows["walk m", width]) for width in (60, 80, 120)] == [3 + 2 * depth.LEVELS] * 2 + [3 + depth.LEVELS]
    assert [len(rows["peek p0x3000000 8", width]) for width in (60, 80, 120)] == [5, 5, 3]
    assert [len(rows["hexdump p0x3000000 64", width]) for width in (60, 80, 120)] == [9, 5, 5]
    assert len(rows["hexdump p0x3000000 64", 120][0].split()[1:-1]) == 16
    cells = [len(rows["picture", width][1].split()[1]) for width in (60, 80, 120)]
    assert cells == [32, 64, 96]


def test_ctrl_c_at_the_end_of_a_page_ends_the_whole_step(boot):
    guest = boot(command_line="terminal=80x24")
    console = guest.console
    console.wait_for_prompt()
    console.sendline("tour 5")
    console.expect_exact("-- Space: more")
    console.interrupt()
    console.expect_exact("tour: interrupted\r\n" + PROMPT.decode())
    assert console.command("6 * 7") == "42\n"
