"""The prompt takes what people type: other shells' words, calls, objects for addresses, the kernel's own notation."""

import re

import pytest
from harness import Kernel, depth
from harness.guard import POKES


@pytest.mark.parametrize("line", ["exit", "exit()", "quit", "quit()", "exit 0", "exit(0)"])
def test_every_way_to_leave_leaves(guest, line):
    guest.console.sendline(line)
    guest.expect_exit(33)


def test_a_status_is_given_in_both_ways(boot):
    for line in ("exit 1", "quit(1)"):
        guest = boot()
        guest.console.wait_for_prompt()
        guest.console.sendline(line)
        guest.expect_exit(35)


def test_a_question_mark_is_help(console):
    whole = console.command("help")
    assert "walk" in whole
    assert [console.command(line) for line in ("?", "help()")] == [whole, whole]
    about = console.command("help walk")
    assert about.startswith("walk ADDRESS\n")
    assert [console.command(line) for line in ("? walk", "?walk", "walk?", "help('walk')")] == [about] * 4
    assert console.command("quit?") == console.command("help exit")
    assert console.command("x = 'walk?'") == ""
    assert console.command("# walk?") == ""


def test_help_takes_anything(console):
    console.command("import memory; from memory import *; m = create_mapping(4096, PteFlags())")
    console.command("fault = memory.UseAfterMove('x', 'y')")
    console.command("slow = type('Slow', (), {'__getattr__': lambda self, name: 1 / 0})()")
    for name in ("5", "[]", "print", "help", "memory", "m", "m.remap", "type(m)", "PteFlags()", "fault", "slow"):
        for line in (f"help({name})", f"help {name}" if name[0] != "[" else "? list"):
            said = console.command(line)
            assert said.strip(), line
            assert re.search(r"^\w+Error: |Traceback|raises", said) is None, line
    assert "remap" in console.command("help m")
    assert "start_address" in console.command("help m"), "what its range can be asked"
    assert "It has an address" in console.command("? m")


def test_a_command_can_be_called_where_a_line_begins(console):
    for line in ("cpuid(1)", "walk(0xffffffff80109000).physical", "dump('x', style='qemu')", "translate(0)"):
        assert "Error" not in console.command(line), line
    assert console.command("cpuid(1)") == console.command("cpuid 1")
    assert console.command("walk(0xffffffff80109000).physical") == f"{0x109000}\n"
    assert console.command("walk(1, 2)") == "UsageError: too many arguments: walk ADDRESS\n"
    assert console.command("'walk' in globals()") == "False\n"
    said = console.command("x = walk(0)")
    assert "NameError" in said
    assert "walk is a command: `from shell.commands import walk`" in said


def test_a_name_of_the_users_own_is_called_as_python_does(console):
    console.command("def peek(x): return x + 1\r")
    assert console.command("peek(41)") == "42\n"


# What has an address, and which: an expression for each, over the names below.
OBJECTS = """
import uctypes
from memory import *
from paging import OffsetPageTable, active_level_4_table
from faults import PageFault, on_fault
from shell.commands import owners, peek
from shell.commands import walk as walk_of
from diagnostics.regions import region_of
writable = PteFlags().writable(True)
m = create_mapping(8192, writable)
one = create_mapping(8192, writable)
view = one.as_slice("B", 5000)
overlay = one.as_type({"page": 0 | uctypes.UINT32, "offset": 4 | uctypes.UINT32}, 64)
borrowed = create_mapping(4096, writable).into_borrowed_slice("B")
stack, shared = Stack(2), SharedFrames(allocate_frames(1))
pages, frames = allocate_pages(3), allocate_frames(2)
handler = on_fault(pages.range, lambda fault: False)
root = active_level_4_table()
way = walk_of(m)
mapped = OffsetPageTable().translate(m.start_address)
try: peek(0x600000000008)
except PageFault as error: fault = error
own = [owner for owner in owners().owners if owner.first_page == m.start_address.number][0]
def window(physical): return (__import__("_boot").layout()["WINDOW_PAGE"] << 12) + physical
del peek, owners
"""
PLACES = {
    "m": "m.start_address.value",
    "m.range": "m.start_address.value",
    "m.range.start": "m.start_address.value",
    "m.start_address": "m.start_address.value",
    "m.start_address.value": "m.start_address.value",
    "Page(5)": "0x5000",
    "Frame(5)": "window(0x5000)",
    "PhysicalAddress(5)": "window(5)",
    "pages": "pages.start_address.value",
    "frames": "window(frames.start_address.value)",
    "frames.range": "window(frames.start_address.value)",
    "view": "one.start_address.value + 5000",
    "overlay": "one.start_address.value + 64",
    "borrowed": "borrowed.inner_ref().start_address.value",
    "stack": "stack.bottom.value",
    "shared": "window(shared.range.start_address.value)",
    "handler": "pages.start_address.value",
    "fault": "0x600000000008",
    "way": "m.start_address.value",
    "way.walk": "m.start_address.value",
    "way.walk[-1]": "window(way.walk[-1].table.start_address.value + 8 * m.start_address.p1_index())",
    "root": "root.page << 12",
    "root[300]": "(root.page << 12) + 8 * 300",
    "mapped": "window(way.physical)",
    "get_kernel_mmi_ref().page_table": "window(get_kernel_mmi_ref().page_table.physical_address.value)",
    "own": "m.start_address.value",
    "region_of(m.range.start.number)": f"{depth.POOL:#x}",
}


@pytest.fixture
def things(guest):
    """A machine at its prompt, with one of everything that has an address."""
    kernel = Kernel(guest)
    kernel.exec(OBJECTS)
    expected = kernel.eval("(" + ", ".join(PLACES.values()) + ")")
    guest.console.send("\x02")
    guest.console.expect_exact(">>> ")
    guest.console.sendline("clew")
    guest.console.wait_for_prompt()
    return guest.console, dict(zip(PLACES, expected, strict=True))


def test_whatever_has_an_address_is_one(things):
    console, expected = things
    for thing, address in expected.items():
        said = console.command(f"translate {thing}")
        assert re.match(rf"v{address & (1 << 64) - 1:#x} = ", said), (thing, said)
    for thing in ("None", "'text'", "1.5", "PageTable", "writable"):
        assert re.match(r"UsageError: .* has no address\n", console.command(f"walk {thing}")), thing
    for word in ("walk", "entries", "peek", "hexdump", "dump"):
        said = [console.command(f"{word} {thing}") for thing in ("m", "m.range", "m.start_address")]
        assert "Error" not in said[0], word
        assert said[0] == said[1], word
        assert said[0] == said[2] or word == "dump", word


def test_dump_takes_a_place_with_all_that_belongs_to_it(things):
    console, expected = things
    start = expected["m"]
    shown = console.command("dump m")
    assert re.findall(r"^v0x([0-9a-f]+)-0x([0-9a-f]+)", shown, re.MULTILINE) == [(f"{start:x}", f"{start + 8191:x}")]
    assert console.command("dump m w") == shown
    assert console.command("dump m x").startswith("nothing is mapped")
    assert console.command(f"dump {start + 5:#x}").split()[4].startswith(f"v{start:#x}-{start + 4095:#x}")
    assert console.command("dump first=m last=m") == shown
    aliases = console.command("dump alias=m")
    assert f"v{start:#x}-" in aliases
    assert "---[ physical window ]---" in aliases
    assert "one place at a time" in console.command("dump m one")
    assert "has no physical address now" in console.command("dump alias=pages")


def test_what_is_over_says_so(things):
    console, _ = things
    console.command("m.drop()")
    for word in ("walk", "dump", "peek", "translate"):
        assert console.command(f"{word} m").startswith("UseAfterMove: "), word
    assert "It has an address" not in console.command("help m")


@POKES
def test_numbers_come_in_the_kernels_own_notation(guest):
    console = guest.console
    console.command("poke p0x3000000 p0x1234")
    assert guest.memory.read_entry(0x300_0000) == 0x1234
    assert console.command(f"peek v{depth.WINDOW + 0x3000000:#x}").split()[-1] == "0x0000000000001234"
    console.command("exercise 2 seed=3")
    console.command("import shell.exercise_commands as lessons")
    answer = int(console.command("lessons.DESK.exercise.answer[0]"))
    assert console.command("check p0x1000").startswith("part 1 of the answer is a physical address")
    for written in (f"v{answer:#x}", f"{answer}"):
        assert console.command(f"check {written}") == "right.\n", written
    console.command(f"from memory import *; place = VirtualAddress({answer})")
    assert console.command("check place") == "right.\n"


@pytest.mark.parametrize(
    ("text", "length"), [("0.5K", 512), ("1.5k", 1536), ("0.25K", 256), ("1K", 1024), ("0x40", 64), ("100", 100)]
)
def test_a_size_may_have_a_point(kernel, text, length):
    kernel.exec("from shell.kinds import SIZE, UsageError")
    assert kernel.eval(f"SIZE.of_text({text!r})") == length
    assert kernel.eval(f"SIZE.of_text('0.5G') == 1 << 29 and SIZE.of_text({text!r}) == {length}") is True
    for bad in ("0.3K", "1.0001K"):
        with kernel.raises("UsageError", match="is no whole number of bytes"):
            kernel.exec(f"SIZE.of_text({bad!r})")


def test_limits_are_told_as_they_are_typed(console):
    assert console.command("tour 14") == "UsageError: step is 14: it must be from 1 to 13\n"
    assert console.command("msr 0x100000000").endswith("is 0x100000000: it must be from 0x0 to 0xffffffff\n")
    assert console.command("exercise 1 seed=9999999").endswith("it must be from 0 to 1048576\n")


def test_a_recursion_is_told_once(console):
    console.command("def down(n): return down(n + 1)\r")
    lines = console.command("down(0)").strip().split("\n")
    assert lines[:3] == [
        "Traceback (most recent call last):",
        '  File "<stdin>", line 1, in <module>',
        '  File "<stdin>", line 1, in down',
    ]
    assert re.fullmatch(r"  \[Previous line repeated \d\d+ more times\]", lines[3])
    assert lines[4:] == ["RuntimeError: maximum recursion depth exceeded"]
    console.command("def left(n): return right(n)\r")
    console.command("def right(n): return left(n)\r")
    assert re.search(r"in left\n.*in right\n  \[Previous 2 lines repeated \d+ more times\]", console.command("left(0)"))
    assert len(console.command("left(0)").split("\n")) <= 9
    console.command("def thrice(n): return thrice(n - 1) if n else 1 / 0\r")
    assert console.command("thrice(1)").count("in thrice") == 2
    assert "repeated" not in console.command("thrice(1)")


def test_the_raw_repl_tells_a_recursion_once_too(kernel):
    with kernel.raises("RuntimeError") as caught:
        kernel.exec("def down(n): return down(n + 1)\ndown(0)")
    assert re.search(r"in down\n  \[Previous line repeated \d+ more times\]\n", caught.value.traceback)


def test_the_banner_and_help_name_the_tour(boot):
    guest = boot()
    assert "tour shows around" in guest.console.wait_for_prompt()
    assert "tour shows around" in guest.console.command("help")


def test_a_persons_own_prompt_comes_back_after_a_tool(guest):
    """mpremote leaves the prompt that tools look for; what leads back is said there, and undoes nothing."""
    console = guest.console
    console.command("kept = 5")
    console.send("\x01")
    console.expect_exact("raw REPL; CTRL-B to exit\r\n>")
    console.send("\x02")
    console.expect_exact("clew for Clew's own prompt")
    console.expect_exact(">>> ")
    for line, error in (("ram", "NameError"), ("walk 0x1000", "SyntaxError"), ("quit()", "NameError")):
        console.sendline(line)
        console.expect_exact(error)
        console.expect_exact("is a command of Clew's own prompt: type clew to get there\r\n>>> ")
    for line in ("nothing", "1 / 0", "kept kept"):
        console.sendline(line)
        console.expect_exact(">>> ")
        assert b"clew" not in console.before
    console.sendline("clew")
    console.wait_for_prompt()
    assert console.command("kept") == "5\n"
    assert "usable" in console.command("ram")
    console.command("clew = 7")
    console.send("\x02")
    console.expect_exact(">>> ")
    console.sendline("clew")
    console.expect_exact("7\r\n>>> ")
