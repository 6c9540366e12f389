"""The build: small and reproducible products, helpful words when something is missing."""

import hashlib
import os
import re
import subprocess

import machine
import make_iso
import packages
import pytest

ROOT = machine.ROOT


def run(*words, **environment):
    """Run a command at the top of the project; return its result."""
    merged = {**os.environ, **environment}
    return subprocess.run(words, cwd=ROOT, env=merged, capture_output=True, text=True, timeout=60, check=False)


def test_help_lists_every_target_with_a_line_of_its_own():
    described = set(re.findall(r"^([a-z-]+):.*?## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    listed = re.findall(r"^  make (\S+) +\S", run("make", "help").stdout, re.MULTILINE)
    assert set(listed) == described
    wanted = "all run test debug pty bochs bench test-micropython lint format clean help"
    assert set(wanted.split()) <= set(listed)


def test_the_image_is_small():
    assert (machine.BUILD / "kernel.iso").stat().st_size <= 2 << 20


def test_two_images_of_one_kernel_are_identical(tmp_path, monkeypatch):
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1744675200")
    digests = []
    for name in ("a.iso", "b.iso"):
        make_iso.make_iso(machine.BUILD / "kernel.elf", ROOT / "boot" / "grub.cfg", tmp_path / name)
        digests.append(hashlib.sha256((tmp_path / name).read_bytes()).hexdigest())
    assert digests[0] == digests[1]


def test_a_wrong_micropy_dir_is_one_line(tmp_path):
    result = run("make", "build/kernel.elf", f"MICROPY_DIR={tmp_path}")
    assert result.returncode != 0
    assert f"clew: {tmp_path} is no MicroPython source (no py/mpconfig.h there)" in result.stderr


def test_a_missing_tool_without_apt_is_one_line_that_names_the_package(monkeypatch, tmp_path):
    monkeypatch.setattr(packages, "search_path", lambda: str(tmp_path))
    monkeypatch.setattr(packages.shutil, "which", lambda name, path=None: None)
    with pytest.raises(SystemExit, match=r"^clew: no apt-get here: please install .*\bxorriso\b"):
        packages.install(packages.missing(["iso"]))
