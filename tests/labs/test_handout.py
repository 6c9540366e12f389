"""The handout stands by itself: it grades, and holds no solution."""

import os
import subprocess
import sys
import tarfile

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


def test_its_requirements_are_pinned_and_few(made):
    lines = (made / "requirements.txt").read_text().split()
    assert set(lines) < set((machine.ROOT / "requirements.txt").read_text().split())
    assert {"pytest", "numpy", "mpremote"} < {line.partition("==")[0] for line in lines}


def test_it_grades_by_itself(made, tmp_path):
    """With make, and nothing of this checkout but the packages that it would install."""
    (made / ".venv").symlink_to(sys.prefix)
    mine = tmp_path / "mine.py"
    mine.write_text((machine.ROOT / "docs/labs/lazy/reference/lazy.py").read_text())
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "MAKE"))}
    words = ["make", "grade", "LAB=lazy", f"FILE={mine}::no_more_than_the_limit {mine}::frames_are_cleared"]
    done = subprocess.run(
        [*words, "ARGS=--limit 60"],
        cwd=made,
        env={**environment, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert "35 of 35 points" in done.stdout, done.stderr
    assert done.returncode == 0
