"""Python means in the kernel what it means elsewhere, by whichever door an operation goes (port/quick/).

Each program of on_target/language prints there what it prints in the Python that runs this test.
"""

import re
import subprocess
import sys

import on_target
import pytest

HERE = "class micropython:\n    native = staticmethod(lambda function: function)\n"
THERE = "import micropython\n"
FLOAT = re.compile(r"-?\d+\.\d+(?:e[-+]?\d+)?|-?\d+e[-+]?\d+")

# From Python 3.12 on slices have hashes, so that a dict looks for one; MicroPython's have none.
WITH_SLICES = ["^dict .*slice"] if slice.__hash__ else []
# What MicroPython decides otherwise, as patterns of what the line says here.
OTHERWISE = {
    "operators": [],
    "names": [],
    "calls": ["UnboundLocalError", "RecursionError"],  # their base classes there
    "subscripts": ["^bytearray remove", "^bytearray put slice", "^list remove (1.0|None|a) TypeError", *WITH_SLICES],
}


def parts(line):
    """Return a line's text with its floats taken out, and these, rounded to what two printers agree on."""
    return FLOAT.sub("F", line), [float(f"{float(value):.14g}") for value in FLOAT.findall(line)]


@pytest.mark.parametrize("program", OTHERWISE)
def test_a_program_prints_what_it_prints_elsewhere(kernel, program):
    text = on_target.source(f"language/{program}")
    command = [sys.executable, "-W", "ignore", "-c", HERE + text]
    here = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    there = kernel.exec(THERE + text, timeout=60).splitlines()
    assert len(here) == len(there)
    pairs = [(a, b) for a, b in zip(here, there, strict=True) if parts(a) != parts(b)]
    assert not [pair for pair in pairs if not any(re.search(known, pair[0]) for known in OTHERWISE[program])]
