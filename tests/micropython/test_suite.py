"""MicroPython's own tests pass on the kernel: every 32nd of them here, all of them in `make test-micropython`."""

import subprocess
import sys

import machine
import pytest

PART = 32


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["bytecode", "native"])
def test_upstreams_tests_pass_but_for_those_listed(mode):
    command = [sys.executable, "tools/micropython_tests.py", "--mode", mode, "--every", str(PART), "--jobs", "1"]
    result = subprocess.run(command, cwd=machine.ROOT, capture_output=True, text=True, timeout=110, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
