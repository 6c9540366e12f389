"""Litmus tests on machines with two and three CPUs. (On Bochs: tests/processors/test_bochs.py.)"""

from harness import Kernel
from harness.screen import Reader
from processors import litmus_rows as rows

ONE_THREAD = "tcg,thread=single"


def kernel_of(boot, processors, accelerator):
    """Return a kernel on a machine of its own."""
    guest = boot(processors=processors, accelerator=accelerator)
    guest.console.wait_for_prompt(30)
    kernel = Kernel(guest, timeout=60)
    rows.begin(kernel)
    return kernel


def test_all_rows(boot):
    """With one thread for both CPUs QEMU lets the other go on at a pause only, so nothing is left to the host."""
    kernel = kernel_of(boot, 2, ONE_THREAD)
    for row in rows.ROWS:
        row(kernel)
        rows.begin(kernel)


def test_with_a_thread_for_each_cpu_nothing_forbidden_is_seen(boot):
    kernel = kernel_of(boot, 2, "tcg")
    rows.what_is_shown_is_allowed(kernel, runs=20, is_deterministic=False)


def test_three_cpus_answer_one_shootdown(boot):
    kernel = kernel_of(boot, 3, ONE_THREAD)
    for name, test in rows.TESTS.items():
        if len(test.cpus) == 3:
            assert rows.forbidden(name, rows.tried(kernel, name, 200)) == []
    assert rows.forbidden("three-shootdown", rows.tried(kernel, "three-shootdown", 200, shootdown=False))


# Lines, and what is to be read on the screen then.
STALE = "may   r1 = 1 and r2 = 1: seen ", "never r2 = fault: not seen", "400 runs on 2 CPUs"
DRAWN = {
    "litmus": ("shootdown-remap,", "three: CPUS=3"),
    "litmus stale-read-after-remap runs=400": STALE,
    "litmus store-buffering runs=100": ("may   r1 = 0 and r2 = 0: not seen", "QEMU and Bochs walk for no access"),
    "litmus dirty-lost-by-a-store runs=400": ("a = 5 and x not dirty: seen ", "a PWAG  5"),
}


def test_the_prompt_runs_one_and_draws_it(boot):
    guest = boot(processors=2, accelerator=ONE_THREAD, command_line="terminal=80x24")
    reader = Reader(guest, 80, 24)
    reader.pages()
    console = guest.console
    for line, words in DRAWN.items():
        pages = reader.read(line)
        assert reader.display.wraps == [], line
        assert [page.unseen() for page in pages] == [[]] * len(pages), line
        text = " ".join(" ".join(row for page in pages for row in page.printed).split())
        for word in words:
            assert " ".join(word.split()) in text, (line, text)
    assert b"message-passing: 1000 of 1000 runs" in run_and_said(console, "litmus message-passing runs=1000")
    console.command("terminal off")
    for line, error in {
        "litmus nothing": "UsageError: nothing is no litmus test, and no file: litmus lists the tests",
        "litmus three-shootdown": "TooFewProcessors: three-shootdown needs 3 CPUs, this machine has 2: make run CPUS=3",
        "litmus message-passing runs=0": "UsageError: runs is 0: it must be from 1 to 10000000",
        "litmus message-passing seed=x": "UsageError: x is no seed",
        "litmus(5)": "UsageError: test must be a str, not int",
    }.items():
        assert error in console.command(line), line
    console.command("file = open('mine', 'w'); _ = file.write('test mine\\nstart: x -> e'); file.close()")
    assert "UsageError: mine, line 2: e is no frame: a, b, c, d" in console.command("litmus mine")
    text = "test mine\\nstart: x -> a; a = 1\\ncpu 0: r1 = read x\\ncpu 1: r2 = read x\\nnever: r1 = 1; r2 = 2"
    console.command(f"file = open('mine', 'w'); _ = file.write('{text}'); file.close()")
    answer = console.command("litmus mine runs=10")
    assert "10 runs had an outcome that must never be seen" in answer
    assert "NEVER" in answer
    assert "nothing to complain of" in console.command("verify")


def run_and_said(console, line):
    """Run a line; return all that came."""
    console.sendline(line)
    console.wait_for_prompt(60)
    return console.transcript().encode()


def test_one_cpu_is_too_few(console):
    assert "message-passing needs 2 CPUs, this machine has 1: make run CPUS=2" in console.command(
        "litmus message-passing"
    )


def test_ctrl_c_ends_a_long_run_and_the_cpus_are_well(boot):
    guest = boot(processors=2, accelerator=ONE_THREAD, command_line="terminal=80x24")
    console = guest.console
    console.wait_for_prompt(30)
    console.sendline("litmus message-passing runs=9000000")
    console.expect_exact(" of 9000000 runs")
    console.interrupt()
    console.wait_for_prompt()
    assert "30 runs on 2 CPUs" in console.command("litmus shootdown-remap runs=30")
    assert "nothing to complain of" in console.command("verify")
