#!/usr/bin/env python3
"""Say what this machine has for each step, and what `make` would install."""

import os
import platform
import shutil
import subprocess

import packages
from machine import MICROPYTHON, ROOT

STEPS = {
    "build": "make run",
    "iso": "make",
    "venv": "make test, make lint",
    "run": "make run, make test",
    "uefi": "make test",
    "bochs": "make test, make bochs",
    "debug": "make test, make debug",
    "browser": "the tests of make view in a browser",
    "rust": "the example object in Rust",
}
VERSIONS = (
    ("gcc", "-dumpfullversion"),
    ("qemu-system-x86_64", "--version"),
    ("grub-mkimage", "--version"),
    ("gdb", "--version"),
)


def first_line(command):
    """Return the first line that a command prints, or why it printed none."""
    if not shutil.which(command[0]):
        return "not here"
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return (result.stdout or result.stderr).strip().split("\n")[0]


def main():
    """Print the report."""
    print(f"Python {platform.python_version()}, {os.cpu_count()} CPUs")
    for command in VERSIONS:
        print(f"{command[0]}: {first_line(list(command))}")
    for step, targets in STEPS.items():
        lacking = [package for package, _ in packages.missing([step])]
        print(f"{targets}: " + (f"would install {' '.join(lacking)}" if lacking else "all there"))
    print(f"MicroPython's source: {MICROPYTHON.resolve() if MICROPYTHON.exists() else 'would be fetched or checked'}")
    print(f".venv: {'there' if (ROOT / '.venv' / 'ready').exists() else 'would be made'}")


if __name__ == "__main__":
    main()
