"""`policies`: the chart fits the screen, a person sees how far it is, and Ctrl-C leaves a clean line."""

import pytest
from harness.screen import Reader

ROWS = ["frames", "opt", "fifo", "clock", "enhanced", "aging", "lfu", "nru", "wsclock", "2q", "random"]


@pytest.mark.parametrize(("size", "columns"), [((80, 24), 4), ((60, 20), 4), ((40, 20), 3)])
def test_the_chart_of_all_policies_fits_the_screen(boot, size, columns):
    guest = boot(command_line="terminal={}x{}".format(*size))
    reader = Reader(guest, *size)
    reader.pages()
    pages = reader.read("policies zipf references=60")
    assert reader.display.wraps == []
    assert [page.unseen() for page in pages] == [[]] * len(pages)
    rows = [row for page in pages for row in page.printed if row]
    assert rows[0].startswith("faults of zipf: 60 references to ")
    rows = rows[next(place for place, row in enumerate(rows) if row.startswith("frames ")) :]
    assert [row.split()[0] for row in rows[:11]] == ROWS
    counts = [[int(word) for word in row.split()[1:] if word.isdigit()] for row in rows[:11]]
    assert len(counts[0]) == columns
    assert all(here <= there for policy in counts[2:] for here, there in zip(counts[1], policy, strict=True))
    bars = [row.count("#") for row in rows[1:11]]
    assert min(bars) == bars[0] > 0
    assert b"run 40 of 40" in guest.console.transcript().encode()


def test_ctrl_c_ends_a_comparison_on_a_clean_line(boot):
    guest = boot(command_line="terminal=80x24")
    console = guest.console
    console.wait_for_prompt()
    console.sendline("policies uniform references=20000")
    console.expect_exact("run 1 of 40")
    console.interrupt()
    console.expect_exact("\r\x1b[K")
    console.wait_for_prompt()
    assert "fifo     9" in console.command("policies belady fifo frames=3,4")
    assert "nothing to complain of" in console.command("verify")


def test_words_of_the_command_are_files_names_and_classes(console):
    console.command("from replacement.policies.fifo import Fifo")
    console.command("Mine = type('Mine', (Fifo,), {'name': 'mine'})")
    console.command("from replacement.traces import Trace")
    console.command("t = Trace([1, 2, 3, 4, 1, 2, 5, 1, 2, 3, 4, 5])")
    console.command("t.save('b.trace')")
    for trace in ("t", "b.trace", "belady"):
        answer = console.command(f"policies {trace} Mine fifo frames=3,4")
        assert [line.split()[1::2] for line in answer.splitlines()[-2:]] == [["9", "10"], ["9", "10"]]
    for line, error in {
        "policies nobody.trace": "UsageError: nobody.trace is no file, and no trace: uniform, ",
        "policies belady nobody": "UnknownPolicy: 'nobody' is no replacement policy",
        "policies belady fifo frames=0": "NoSuchFrames: 0 frames for 5 pages",
        "policies belady fifo frames=6": "NoSuchFrames: 6 frames for 5 pages",
        "policies belady fifo frames=x": "UsageError: x is no frames: numbers, as 4 or 3,4,8",
        "policies b.trace fifo seed=3": "UsageError: references, pages and seed are for traces that are made",
        "policies t fifo pages=3": "UsageError: references, pages and seed are for traces that are made",
    }.items():
        assert error in console.command(line)


def test_what_is_imported_late_is_a_command_like_others(kernel):
    late = (
        "[name for name in __import__('sys').modules if name.startswith('replacement') or name.endswith('_commands')]"
    )
    before = kernel.eval(late)
    assert not {"shell.replacement_commands", "shell.object_commands", "replacement"} & set(before)
    kernel.exec("from shell.commands import load, policies")
    assert kernel.eval("(policies.name, load.name, hasattr(policies, 'play'))") == ("policies", "load", False)
    assert kernel.eval(late) == before
    assert kernel.eval("policies.usage()").startswith("policies [TRACE] [POLICY ...] [frames=FRAMES] ")
    assert "belady" in kernel.eval("policies.words_after([])")
    assert {"opt", "frames="} < set(kernel.eval("policies.words_after(['belady'])"))
    assert kernel.eval("load.summary") == "Load object files, which may refer to each other."
