"""What is wrong with a student's file is said by name, whatever it does; nothing hangs, and nothing grows."""

import os
import subprocess
import sys

import machine
import pytest
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
# (what it is, the file, what was printed, how the complaint begins and what it holds besides)
FILES = [
    ("syntax", "def f(:\n", "", ["SyntaxError: invalid syntax", "syntax.py, line "]),
    ("loop", 'print("before")\nwhile True:\n    pass\n', "before\n", ["it did not come to an end within 2 s"]),
    ("exit", "print(1)\nfrom shell.commands import exit\nexit(3)\n", "1\n", ["it left the machine by exit(3)"]),
    ("system_exit", "import sys\nsys.exit()\n", "", ["it reset the machine softly"]),
    ("soft_reset", "from shell.commands import reset\nreset()\n", "", ["it reset the machine softly"]),
    ("triple", "from paging.natives import cpu\ncpu.write_cr3(0x123000)\n", "", ["it took the machine down: triple"]),
    (
        "fault",
        FAULT,
        "so far\n",
        ["PageFault: write to v0x", "read-only at P1", "remap it writable", "fault.py, line 7: "],
    ),
    ("main", 'if __name__ == "__main__":\n    print("run by hand")\n', "run by hand\n", None),
]


# Less than what a time limit that is not kept would take.
LAB_MAY_TAKE_S = 50


def lab(path, *words):
    command = [sys.executable, "tools/lab.py", str(path), *words]
    options = {"cwd": machine.ROOT, "capture_output": True, "text": True}
    return subprocess.run(command, timeout=LAB_MAY_TAKE_S, check=False, **options)


@pytest.mark.parametrize(("name", "text", "printed", "wrong"), FILES, ids=[name for name, *_ in FILES])
def test_make_lab_says_what_came_of_a_file(tmp_path, name, text, printed, wrong):
    path = tmp_path / f"{name}.py"
    path.write_text(text)
    done = lab(path, "--limit", "2" if name == "loop" else "60")
    assert done.stdout == printed
    if wrong is None:
        assert (done.returncode, done.stderr) == (0, "")
    else:
        assert done.returncode == 1
        assert done.stderr.startswith(f"clew: {path}: {wrong[0]}")
        assert [part for part in wrong if part not in done.stderr] == []


def test_output_without_end_is_cut_off(tmp_path):
    path = tmp_path / "flood.py"
    path.write_text('text = "x" * 4000\nfor _ in range(25000):\n    print(text)\n')
    done = lab(path, "--limit", "40")
    assert done.returncode == 1
    assert f"clew: {path}: it printed more than 131,072 bytes" in done.stderr
    assert len(done.stdout) < 5000


def test_what_is_no_file_of_python_is_one_line(tmp_path):
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
    done = lab(tmp_path / "nosuch.py")
    assert (done.returncode, done.stderr) == (1, f"clew: {tmp_path}/nosuch.py: there is no such file\n")
    assert lab("").stderr.startswith("clew: FILE is missing")


TAMPERING = """\
import __main__, memory
from faults import on_fault
from memory import HEAP_FLAGS, PAGE_SIZE, create_mapping_at
%s
class Lazy:
    def __init__(self, range, most):
        self.mapped, self.handler = [], on_fault(range, self.supply)
    def supply(self, fault):
        self.mapped.append(create_mapping_at(fault.page.start_address, PAGE_SIZE, HEAP_FLAGS))
        return True
"""
CHECK = "a_page_gets_a_frame_when_it_is_touched"
# A change, and what is said of it; None where it changes nothing for the grader.
CHANGES = [
    ("main", "__main__.print = __main__.exec = __main__.repr = __main__.student = None", None),
    ("kernel", "memory.create_mapping = print", "it replaced memory.create_mapping"),
    ("class", "memory.MappedPages.drop = print", "it replaced memory.MappedPages.drop"),
    ("builtins", "import builtins\nbuiltins.repr = lambda value: 'True'", "it replaced builtins.repr"),
    ("loop", "while True: pass", "it did not come to an end within 8 s"),
]


def test_a_grader_is_not_fooled_and_goes_on(tmp_path):
    """One run: each of the files is told of by name, and the one after it has a whole machine."""
    for name, change, _ in CHANGES:
        (tmp_path / f"{name}.py").write_text(TAMPERING % change)
    files = [f"{tmp_path}/{name}.py::{CHECK}" for name, *_ in reversed(CHANGES)]
    command = [sys.executable, "tools/grade.py", "lazy", "--limit", "8", *files]
    done = subprocess.run(command, cwd=machine.ROOT, capture_output=True, text=True, timeout=100, check=False)
    reports = done.stdout.split("lazy: ")[1:]
    assert len(reports) == len(CHANGES), done.stdout + done.stderr
    for report, (name, _, told) in zip(reversed(reports), CHANGES, strict=True):
        assert report.startswith(f"{tmp_path}/{name}.py")
        assert (f"found: {told}" in report.replace("\n", " ")) == (told is not None), report
        assert f"{25 if told is None else 0} of 25 points" in report
        assert max(map(len, report.splitlines()[1:])) < 80


def test_a_setting_that_cannot_be_meant_is_one_line(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text("")
    for words, told in (
        (("nosuch", str(path)), "clew: LAB=nosuch: there is no such lab: choose copy_on_write, lazy"),
        (("lazy",), "clew: FILE is missing"),
        (("lazy", f"{path}::nosuch"), "clew: nosuch: there is no such check: choose a_page_gets"),
        (("lazy", f"{tmp_path}/nosuch.py"), f"clew: {tmp_path}/nosuch.py: there is no such file"),
    ):
        command = [sys.executable, "tools/grade.py", *words]
        done = subprocess.run(command, cwd=machine.ROOT, capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith(told)
        assert done.stderr.count("\n") == 1
