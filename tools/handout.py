#!/usr/bin/env python3
"""Make the handout: the labs without their solutions, with a kernel and all that grading takes, for students.

    make handout        build/handout, and the same as build/handout.tar.gz

It stands by itself: who has it needs Python, make and QEMU, and no checkout. Its files lie as they do in one.
"""

import importlib.metadata
import os
import shutil
import tarfile
from pathlib import Path

from machine import BUILD, ROOT
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from say import say, stop

HANDOUT = BUILD / "handout"
ARCHIVE = BUILD / "handout.tar.gz"
# What solutions are kept in, and what only this tool needs.
KEPT_BACK = ("reference", "wrong", "handout", "__pycache__")
FOLDERS = ("docs/labs", "kernel", "tools/labs", "tests/harness", "tests/oracle")
FILES = (
    "build/kernel.elf",
    "tools/lab.py",
    "tools/grade.py",
    "tools/machine.py",
    "tools/run.py",
    "tools/settings.py",
    "tools/say.py",
    "LICENSE",
    "LICENCES.md",
)
LABS = ROOT / "docs" / "labs"
OF_ITS_OWN = LABS / "handout"
# The packages that its programs import.
IMPORTED = ("mpremote", "numpy", "pexpect", "pyserial", "pytest", "qemu.qmp")


def requirements():
    """Return the lines of requirements.txt that the handout needs. Raises KeyError for a package that is not there."""
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    pinned = {canonicalize_name(line.partition("==")[0]): line for line in lines if "==" in line}
    wanted, waiting = set(), [canonicalize_name(name) for name in IMPORTED]
    while waiting:
        name = waiting.pop()
        if name in wanted:
            continue
        wanted.add(name)
        for text in importlib.metadata.requires(name) or ():
            needed = Requirement(text)
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                waiting.append(canonicalize_name(needed.name))
    return [pinned[name] for name in sorted(wanted)]


def make(folder):
    """Fill an empty folder with the handout."""
    for name in FOLDERS:
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns(*KEPT_BACK))
    for name in FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name)
    shutil.copytree(OF_ITS_OWN, folder, dirs_exist_ok=True)
    (folder / "requirements.txt").write_text("\n".join(requirements()) + "\n")


def pack(folder, archive):
    """Write a folder as an archive that is the same whenever it is made, beneath clew-labs/."""

    def plain(entry):
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = ""
        entry.mtime = int(os.environ.get("SOURCE_DATE_EPOCH") or 0)
        return entry

    with tarfile.open(archive, "w:gz", compresslevel=6) as file:
        for path in sorted(folder.rglob("*")):
            file.add(path, Path("clew-labs") / path.relative_to(folder), recursive=False, filter=plain)


def main():
    """Make both."""
    shutil.rmtree(HANDOUT, ignore_errors=True)
    try:
        make(HANDOUT)
        pack(HANDOUT, ARCHIVE)
    except OSError as error:
        stop(f"{error.filename}: {error.strerror}")
    say(f"{HANDOUT.relative_to(ROOT)} and {ARCHIVE.relative_to(ROOT)} are there")


if __name__ == "__main__":
    main()
