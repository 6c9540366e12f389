"""Exercises are the same on every machine, take answers as the kernel writes them, and show the way to them."""

import re

import pytest
from harness import Kernel

NUMBERS = range(1, 8)
SHEET = """
from shell.exercises import Exercise
def sheet(seed):
    for number in range(1, 8):
        made = Exercise(number, seed)
        made.end()
        print(repr((str(made), made.written())))
"""


def test_a_seed_is_the_same_on_every_machine(kernel, boot):
    """Little RAM and much, another loader, and a machine where somebody has mapped this and that before."""
    kernel.exec(SHEET)
    first = [kernel.exec(f"sheet({seed})") for seed in (2, 9)]
    kernel.exec("import memory\nkept = [memory.create_mapping(n << 12, memory.HEAP_FLAGS) for n in (1, 700, 30)]")
    assert [kernel.exec(f"sheet({seed})") for seed in (2, 9)] == first
    for settings in {"memory": "32M"}, {"memory": "5G", "boot": "iso"}:
        guest = boot(**settings)
        guest.console.wait_for_prompt(60)
        other = Kernel(guest, timeout=60)
        other.exec(SHEET)
        assert [other.exec(f"sheet({seed})") for seed in (2, 9)] == first, settings


def test_the_solution_ends_with_what_is_right(console):
    """It fits the screen; its last line is an answer as the kernel writes it, and right; other kinds are not."""
    for number in NUMBERS:
        console.command(f"exercise {number} seed=11")
        lines = console.command("solution").rstrip("\n").split("\n")
        assert 4 < len(lines) < 24
        assert max(map(len, lines)) <= 80
        assert lines[-1].startswith("check ")
        assert console.command(lines[-1]) == "right.\n"
        answer = lines[-1].split()[1:]
        other = "no" if answer[0].isdecimal() else "v0x1000" if answer[0][0] != "v" else "p0x1000"
        told = console.command(" ".join(["check", other, *answer[1:]]))
        assert re.match(r"part 1 of the answer is [\w ]+, and [\w ]+ is asked for\n", told)


@pytest.mark.four_levels
def test_the_steps_of_a_solution_lead_to_the_answer(kernel):
    kernel.exec("from shell.commands import exercise, solution")
    steps = [kernel.exec(f"made = exercise({number}, seed=7); print(solution())") for number in NUMBERS]
    assert [int(part) for part in re.findall(r"= (\d+)\n", steps[0])] == [240, 370, 481, 24, 1999]
    assert "add the offset 0xbd3: 0x7a8848b04bd3" in steps[1]
    assert "names the frame p0xf04dd000;\nthe offset 0x2f3 is added" in steps[2]
    assert "ring 3 reads         U at every level: 0 0 1 0: no" in steps[3]
    assert "is in page 0x26072" in steps[4]
    assert "P1 tables, by page number >> 9: from 40 to 41: 2." in steps[5]
    assert "fifo   0! 3! 2! 4!(0) 0!(3) 0 0 0 2 2 2 3!(2): 6 faults" in steps[6]


@pytest.mark.parametrize("number", [3])
def test_nothing_is_lost(kernel, number):
    kernel.exec("from shell.exercises import Exercise\nimport memory")
    kernel.exec(f"Exercise({number}, 1).end()")
    free = "(memory.frame_allocator.statistics().free, memory.page_allocator.statistics().free)"
    before = kernel.eval(free)
    kernel.exec(f"made = Exercise({number}, 7)")
    with kernel.raises("AddressInUse"):
        kernel.exec(f"Exercise({number}, 7)")
    kernel.exec("made.end(); made.end()")
    assert kernel.eval(free) == before
    assert kernel.eval("memory.verify().violations") == []
