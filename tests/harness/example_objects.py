"""The example objects, compiled by the lines that `help load` prints."""

import runpy
import shlex
import shutil
import subprocess

import machine
import pytest

SOURCES = machine.ROOT / "kernel" / "examples" / "objects"
LINES = runpy.run_path(str(machine.ROOT / "kernel" / "loader" / "compiling.py"))
C_LINE, RUST_LINE = LINES["C_LINE"], LINES["RUST_LINE"]
COMPILERS = {".c": C_LINE, ".rs": RUST_LINE}


def compile_example(name, folder):
    """Return the path of the object made of an example, once, in a folder. Without a compiler the test is skipped."""
    source = SOURCES / name
    made = folder / f"{source.stem}.o"
    if not made.exists():
        *command, _ = shlex.split(COMPILERS[source.suffix])
        if not shutil.which(command[0]):
            pytest.skip(f"no {command[0]} here: python3 tools/packages.py rust")
        done = subprocess.run([*command, source], cwd=folder, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return made
