"""What is wrong with a student's file is said by name, whatever it does; nothing hangs, and nothing grows."""

import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import grade
import machine
import pytest
from lab import main as run_lab
from labs.student import OUTPUT_LIMIT_IN_BYTES, Student
from labs.trouble import Trouble, source_of

FAULT = """\
from memory import *
m = create_mapping(8192, PteFlags())
def spoil(address):
    import machine
    machine.mem8[address] = 1
print("so far")
spoil(m.start_address.value)
"""
FULL = """\
kept = []
def keep(size):
    while True:
        kept.append(bytearray(size))
for size in 1 << 20, 1 << 12, 1 << 7:
    try:
        keep(size)
    except MemoryError:
        if size < 1000:
            raise
"""
SPIN = "while True:\n    pass\n"
LOOP = "it did not come to an end within 1 s"
ENDED_ITSELF = "it ended itself, and what comes behind that was not done"
EVERY_BYTE = bytes(range(256))
# (what it is, the file, what was printed, how the complaint begins and what it holds besides)
FILES = [
    ("empty", "", "", None),
    ("main", 'if __name__ == "__main__":\n    print("run by hand")\n', "run by hand\n", None),
    ("lines", "\ufeffdef f():\r\n\treturn 1\r\nprint(f())\r\nprint('ü')\r\n", "1\nü\n", None),
    ("no_line", 'for _ in range(300):\n    print("x" * 100, end="")\n', "x" * 30000, None),
    ("bytes", f"import sys\nsys.stdout.write({EVERY_BYTE})\n", EVERY_BYTE.decode(errors="replace"), None),
    ("answers", 'print("\\x1e=None\\x1e")\nprint("\\x04\\x04>")\n', "\x1e=None\x1e\n\x04\x04>\n", None),
    ("syntax", "def f(:\n", "", ["SyntaxError: invalid syntax", "syntax.py, line 1"]),
    ("tabs", "if 1:\n\tif 1:\n        pass\n", "", ["SyntaxError", "tabs.py, line 3"]),
    ("system_exit", "import sys\nsys.exit(3)\n", "", [f"SystemExit: 3: {ENDED_ITSELF}", "system_exit.py, line 2"]),
    ("raised", "print('é')\nraise SystemExit\n", "é\n", [f"SystemExit: {ENDED_ITSELF}", "raised.py, line 2"]),
    ("interrupt", "raise KeyboardInterrupt\n", "", ["KeyboardInterrupt\ninterrupt.py, line 1"]),
    ("soft", "import machine\nmachine.soft_reset()\n", "", [f"SystemExit: {ENDED_ITSELF}"]),
    ("deep", "def f(n):\n    return f(n + 1) + 1\nf(0)\n", "", ["RuntimeError: maximum recursion", "line 2 in f"]),
    ("full", FULL, "", ["MemoryError", "full.py, line 7"]),
    ("fault", FAULT, "so far\n", ["PageFault: write to v0x", "read-only at P1", "fault.py, line 7: "]),
    ("loop", 'print("before")\n' + SPIN, "before\n", [LOOP]),
    ("stubborn", "while True:\n    try:\n        1 / 0\n    finally:\n        continue\n", "", [LOOP]),
    ("input", "input('name? ')\n", "name? ", [LOOP, "does it wait for input?"]),
    ("exit", "print(1)\nfrom shell.commands import exit\nexit(3)\n", "1\n", ["it left the machine by exit(3)"]),
    ("reset", "import machine\nmachine.reset()\n", "", ["it took the machine down: the machine reset"]),
    ("triple", "from paging.natives import cpu\ncpu.write_cr3(0x123000)\n", "", ["it took the machine down: triple"]),
    ("panic", "import _provoke\n_provoke.exception(8)\n", None, ["it took the machine down; the kernel's last words"]),
    ("flood", 'while True:\n    print("x" * 4000)\n', None, ["it printed more than 131,072 bytes"]),
]


# Less than what a time limit that is not kept would take.
LAB_MAY_TAKE_S = 50


@pytest.fixture(scope="module")
def student():
    """A Student of a machine that all these files share, as long as they leave it whole; `.printed` is what came."""
    printed = []
    with Student("", as_name="__main__", show=printed.append, memory="32M") as made:
        made.printed_so_far = printed
        yield made


@pytest.mark.parametrize(("name", "text", "printed", "wrong"), FILES, ids=[name for name, *_ in FILES])
def test_make_lab_says_what_came_of_a_file(student, tmp_path, name, text, printed, wrong):
    path = tmp_path / f"{name}.py"
    path.write_text(text, newline="")
    student.take(path)
    student.limit_s = 1 if wrong and LOOP in wrong else 60
    student.printed_so_far.clear()
    begun, told = time.monotonic(), ""
    try:
        student.start()
    except Trouble as trouble:
        told = str(trouble)
    if student.limit_s == 1:
        assert time.monotonic() - begun < LAB_MAY_TAKE_S
    found = "".join(student.printed_so_far)
    assert len(found) <= OUTPUT_LIMIT_IN_BYTES
    assert printed in (found, None)
    assert bool(told) == bool(wrong), told
    assert told.startswith((wrong or [""])[0]), told
    assert [part for part in wrong or () if part not in told] == []


def lab(path, *words):
    command = [sys.executable, "tools/lab.py", str(path), *words]
    options = {"cwd": machine.ROOT, "capture_output": True, "text": True}
    return subprocess.run(command, timeout=LAB_MAY_TAKE_S, check=False, **options)


def test_the_status_tells_whether_a_file_came_to_its_end(tmp_path):
    path = tmp_path / "a 'b\" ü.py"
    path.write_text("print('ü')\n1 / 0\n")
    done = lab(path, "--limit", "60")
    assert (done.returncode, done.stdout) == (1, "ü\n")
    assert done.stderr == f"clew: {path}: ZeroDivisionError: divide by zero\n{path.name}, line 2: 1 / 0\n"
    path.write_text("print('ü')\n")
    done = lab(path, "--limit", "60")
    assert (done.returncode, done.stdout, done.stderr) == (0, "ü\n", "")


def test_output_comes_at_once_and_ctrl_c_leaves_nothing(tmp_path):
    """Two at once: each prints while it runs; interrupted, each says so, and its machine is gone."""
    path = tmp_path / "loop.py"
    path.write_text(f"print('begun', end='')\n{SPIN}")
    command = [sys.executable, "tools/lab.py", str(path), "--limit", "600"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "cwd": machine.ROOT}
    two = [subprocess.Popen(command, **pipes) for _ in range(2)]
    try:
        for each in two:
            assert each.stdout.read(5) == b"begun"
            machines = emulators_of(each.pid)
            assert len(machines) == 1
            each.send_signal(signal.SIGINT)
            _, said = each.communicate(timeout=LAB_MAY_TAKE_S)
            assert (each.returncode, said.decode()) == (130, f"clew: {path}: interrupted; its machine is stopped\n")
            assert not Path(f"/proc/{machines[0]}").exists()
    finally:
        for each in two:
            each.kill()
            each.communicate()


def test_what_is_no_file_of_python_is_one_line(tmp_path, monkeypatch):
    (tmp_path / "latin.py").write_bytes("# \xe4\n".encode("latin-1"))
    (tmp_path / "zero.py").write_bytes(b"a\0b")
    os.truncate(os.open(tmp_path / "long.py", os.O_CREAT | os.O_RDWR), 1 << 20)
    for name, why in (
        ("", "it is no file"),
        ("latin.py", "it is not UTF-8: byte 2 is 0xe4"),
        ("zero.py", "it is no Python: byte 1 is zero"),
        ("long.py", "it has 1,048,576 bytes, and 262,144 is the limit"),
    ):
        with pytest.raises(Trouble) as raised:
            source_of(tmp_path / name)
        assert str(raised.value) == why
    for path, told in (
        (tmp_path / "nosuch.py", f"clew: {tmp_path}/nosuch.py: there is no such file"),
        ("", "clew: FILE is missing: give a file, as in make lab FILE=mine.py"),
    ):
        monkeypatch.setattr(sys, "argv", ["lab.py", str(path)])
        with pytest.raises(SystemExit) as ended:
            run_lab()
        assert str(ended.value) == told


TAMPERING = """\
import __main__, memory
from faults import on_fault
from memory import HEAP_FLAGS, PAGE_SIZE, create_mapping_at
class Any:
    def __eq__(self, other): return True
%s
class Lazy:
    def __init__(self, range, most):
        self.mapped, self.handler = [], on_fault(range, self.supply)
    def supply(self, fault):
        self.mapped.append(create_mapping_at(fault.page.start_address, PAGE_SIZE, HEAP_FLAGS))
        return True
"""
CHECK = "a_page_gets_a_frame_when_it_is_touched"
GUARD = "name, = [name for name in dir(__main__) if name.startswith('guard_')]\n"
PRETEND = "lambda key, mark, *words: print(mark, '=None', mark, sep='')"
# A change, and what is said of it; None where it changes nothing for the grader.
CHANGES = [
    ("main", "__main__.print = __main__.exec = __main__.repr = __main__.student = None", None),
    ("kernel", "memory.create_mapping = print", "it replaced memory.create_mapping"),
    ("class", "memory.MappedPages.drop = print", "it replaced memory.MappedPages.drop"),
    ("object", "memory.frame_allocator = Any()", "it replaced memory.frame_allocator"),
    ("native", "import faults.handlers\nfaults.handlers.traps = Any()", "it replaced faults.handlers.traps"),
    ("builtins", "import builtins\nbuiltins.repr = lambda value: 'True'", "it replaced builtins.repr"),
    ("one_module", "import faults.handlers\nfaults.handlers.len = lambda value: 0", "it replaced faults.handlers.len"),
    ("guard", f"{GUARD}setattr(__main__, name, {PRETEND})", "it replaced the grader's guard"),
    (
        "asks",
        GUARD + "getattr(__main__, name)(Any(), '', 'run', 'touch = 0')",
        "RuntimeError: the grader's guard is the",
    ),
    ("escapes", "print('\\x1b[2J', end='')\nraise ValueError('\\x1b[2J\\x07')", "ValueError: \\x1b[2J\\x07"),
    ("loop", "while True: pass", "it did not come to an end within 4 s"),
]


def test_a_grader_is_not_fooled_and_goes_on(tmp_path):
    """One run: each of the files is told of by name, and the one after it has a whole machine."""
    for name, change, _ in CHANGES:
        (tmp_path / f"{name} it's.py").write_text(TAMPERING % change)
    (tmp_path / "latin.py").write_bytes(b"# \xe4")
    files = [f"{tmp_path}/{name} it's.py::{CHECK}" for name, *_ in reversed(CHANGES)]
    command = [sys.executable, "tools/grade.py", "lazy", "--limit", "4", "--jobs", "2"]
    command += ["--junit", f"{tmp_path}/all.xml"]
    environment = {**os.environ, "FILE": shlex.join([f"{tmp_path}/latin.py", *files])}
    options = {"cwd": machine.ROOT, "env": environment, "capture_output": True, "text": True}
    done = subprocess.run(command, timeout=100, check=False, **options)
    refused, *reports = done.stdout.split("lazy: ")[1:]
    assert refused.split() == f"{tmp_path}/latin.py found: it is not UTF-8: byte 2 is 0xe4 0 of 0 points".split()
    assert len(reports) == len(CHANGES), done.stdout + done.stderr
    suites = ElementTree.parse(tmp_path / "all.xml").getroot()
    names = [file.partition("::")[0] for file in (f"{tmp_path}/latin.py", *files)]
    assert [suite.get("name") for suite in suites] == names
    for report, suite, (name, _, told) in zip(reversed(reports), suites[:0:-1], CHANGES, strict=True):
        assert report.startswith(f"{tmp_path}/{name} it's.py")
        assert (f"found: {told}" in " ".join(report.split())) == (told is not None), report
        assert f"{25 if told is None else 0} of 25 points" in report
        assert int(suite.get("errors")) + int(suite.get("failures")) == (told is not None)
        assert max(map(len, report.splitlines()[1:])) < 80
        assert report.isascii()
        assert report.replace("\n", "").isprintable()
    assert done.stderr.startswith(f"clew: 1 of {len(CHANGES) + 1} with all points; ARGS='--seed ")


def test_a_grading_that_is_interrupted_ends_all_of_it(tmp_path):
    """Two files are being graded, and four wait: these are not begun any more."""
    files = [tmp_path / f"{number}.py" for number in range(6)]
    for path in files:
        path.write_text(TAMPERING % SPIN)
    command = [sys.executable, "tools/grade.py", "lazy", *map(str, files), "--jobs", "2"]
    grading = subprocess.Popen(
        [*command, "--limit", "600"], cwd=machine.ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    try:
        deadline = time.monotonic() + LAB_MAY_TAKE_S
        while len(machines := emulators_of(grading.pid)) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        os.killpg(grading.pid, signal.SIGINT)
        _, said = grading.communicate(timeout=LAB_MAY_TAKE_S)
        assert (grading.returncode, said) == (130, "clew: interrupted: 0 of 6 files are graded\n")
        while [each for each in machines if Path(f"/proc/{each}").exists()]:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    finally:
        grading.kill()
        grading.communicate()


def emulators_of(pid):
    """Return the processes of QEMU below a process."""
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            is_one = "qemu" in Path(f"/proc/{child}/comm").read_text()
            found += [child] if is_one else emulators_of(child)
    return found


def test_a_setting_that_cannot_be_meant_is_one_line(tmp_path, monkeypatch):
    path = tmp_path / "mine.py"
    path.write_text("")
    monkeypatch.setenv("FILE", "x 'y")
    for words, told in (
        (("nosuch", str(path)), "clew: LAB=nosuch: there is no such lab: choose copy_on_write, lazy"),
        (("lazy",), "clew: FILE=x 'y: a shell can't read these words (No closing quotation)"),
        (("lazy", f"{path}::nosuch"), "clew: nosuch: there is no such check: choose a_page_gets"),
        (("lazy", str(path), "--junit", f"{tmp_path}/no/x.xml"), f"clew: --junit {tmp_path}/no/x.xml: nothing can be"),
    ):
        with pytest.raises(SystemExit) as ended:
            grade.wanted_of(grade.arguments_of(words).files, words[0])
        assert str(ended.value).startswith(told)
        assert "\n" not in str(ended.value)
    monkeypatch.delenv("FILE")
    with pytest.raises(SystemExit, match=r"^clew: FILE is missing"):
        grade.arguments_of(["lazy"])
    for word in "0", "65", "x", "-1", "\u00b2":
        with pytest.raises(SystemExit) as ended:
            grade.arguments_of(["lazy", str(path), f"--jobs={word}"])
        assert ended.value.code == 2
