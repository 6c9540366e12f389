"""The handout stands by itself: it grades, and holds no solution."""

import os
import shlex
import subprocess
import sys
import tarfile
from pathlib import Path

import handout
import machine
import pytest


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A folder with the handout, elsewhere, and an archive of it."""
    folder = tmp_path_factory.mktemp("student") / "a handout"
    folder.mkdir()
    handout.make(folder)
    handout.pack(folder, folder.parent / "handout.tar.gz")
    return folder


def test_it_holds_no_solution(made):
    there = {str(path.relative_to(made)) for path in made.rglob("*")}
    with tarfile.open(made.parent / "handout.tar.gz") as archive:
        assert {name.removeprefix("clew-labs/") for name in archive.getnames()} == there
    assert [path for path in there if {"reference", "wrong", "__pycache__"} & set(path.split("/"))] == []
    solutions = [path for kind in ("reference", "wrong") for path in handout.LABS.glob(f"*/{kind}/*.py")]
    assert len(solutions) >= 48
    texts = {path.read_text() for path in made.rglob("*.py")}
    assert [path for path in solutions if path.read_text() in texts] == []
    for lab in handout.LABS.glob("*/grade.py"):
        assert {f"docs/labs/{lab.parent.name}/{name}" for name in ("README.md", "starter.py", "grade.py")} <= there


def test_the_site_has_the_texts_of_the_labs_and_nothing_else():
    """The site takes what is Markdown; solutions are none."""
    texts = {path.relative_to(handout.LABS) for path in handout.LABS.rglob("*.md")}
    names = sorted(path.parent.name for path in handout.LABS.glob("*/grade.py"))
    assert {str(text) for text in texts} == {"README.md", "handout/README.md", *(f"{name}/README.md" for name in names)}
    index = (machine.ROOT / "docs" / "index.md").read_text()
    assert [name for name in names if f"\nlabs/{name}/README\n" not in index] == []


def test_its_requirements_are_pinned_and_few(made):
    lines = (made / "requirements.txt").read_text().split()
    assert set(lines) < set((machine.ROOT / "requirements.txt").read_text().split())
    assert {"pytest", "numpy", "mpremote"} < {line.partition("==")[0] for line in lines}


def test_it_grades_by_itself(made, tmp_path):
    """With make, and nothing of this checkout but the packages that it would install."""
    (made / ".venv").mkdir()
    for path in Path(sys.prefix).iterdir():
        if path.name != "ready":
            (made / ".venv" / path.name).symlink_to(path)
    (made / ".venv" / "ready").touch()
    mine = tmp_path / "it's mine.py"
    mine.write_text((machine.ROOT / "docs/labs/lazy/reference/lazy.py").read_text() + "print('begun')\n")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "MAKE"))}
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    options = {"cwd": made, "capture_output": True, "text": True, "timeout": 100, "env": environment}
    files = shlex.join([f"{mine}::no_more_than_the_limit", f"{mine}::frames_are_cleared"])
    done = subprocess.run(["make", "grade", "LAB=lazy", f"FILE={files}", "ARGS=--limit 60"], check=False, **options)
    assert "35 of 35 points" in done.stdout, done.stderr
    assert done.returncode == 0
    done = subprocess.run(["make", "lab", f"FILE={mine}", "ARGS=--limit 60"], check=False, **options)
    assert (done.returncode, done.stdout, done.stderr) == (0, "begun\n", "")
    done = subprocess.run(["make", "run"], input="ram\n", check=False, **options)
    assert done.returncode == 0
    assert "clew> ram" in done.stdout
