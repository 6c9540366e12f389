"""What a person sets for make is checked before anything is built: one line for each value that can't be meant."""

import os
import subprocess
import sys

import machine
import pytest

WRONG = [
    ("BOOT=foo", "choose pvh, iso or uefi"),
    ("PAGING=3", "choose 4 or 5: so many levels of page tables there are"),
    ("PAGING=five", "choose 4 or 5"),
    ("MEMORY=1", "give a number and a unit"),
    ("MEMORY=12Q", "give a number and a unit"),
    ("MEMORY=23M", "Clew needs 24M or more"),
    ("CPUS=300", "give a number from 1 to 64"),
    ("CPUS=0", "give a number from 1 to 64"),
    ("CPUS=two", "give a number from 1 to 64"),
    ("QEMU=nosuch", "there is no such program"),
    ("QEMU_EXTRA='", "a shell can't read these words"),
    ("GDB_PORT=80", "give a number from 1024 to 65535"),
    ("OBJECTS=nosuch.o", f"{machine.ROOT}/nosuch.o: there is no such file"),
    ("OBJECTS='", "a shell can't read these words"),
    ("DISK=nosuch", f"{machine.ROOT}/nosuch: there is no such file: truncate -s 16M FILE makes one"),
    ("DISK=/dev/null", "/dev/null: there is no such file"),
    *((f"SEEDS={seeds}", "give seeds from 0 to 1048576, 10,000 at most") for seeds in ("a", "9-3", "1-", "1-20000")),
    ("SEEDS=1048577", "give seeds from 0 to 1048576"),
    ("SOURCE_DATE_EPOCH=now", "give whole seconds since 1970"),
]
REFUSED_BY_QEMU = [
    ("CPU=nosuch", "unable to find CPU model 'nosuch'"),
    ("ACCEL=nosuch", "invalid accelerator nosuch"),
    ("QEMU_EXTRA=-nosuch", "invalid option"),
    ("QEMU=false", "it ended with status 1"),
]


def run(*words, setting=""):
    name, _, value = setting.partition("=")
    environment = {**os.environ, **({name: value} if name else {})}
    options = {"cwd": machine.ROOT, "env": environment, "stdin": subprocess.DEVNULL, "timeout": 60}
    return subprocess.run(words, capture_output=True, text=True, check=False, **options)


@pytest.mark.parametrize(("setting", "why"), WRONG, ids=[setting for setting, _ in WRONG])
def test_a_value_that_cannot_be_meant_is_one_line(setting, why):
    result = run(sys.executable, "tools/run.py", "run", setting=setting)
    assert result.stderr.startswith(f"clew: {setting}: {why}")
    assert (result.returncode, result.stderr.count("\n"), result.stdout) == (1, 1, "")


@pytest.mark.parametrize(
    ("content", "why"),
    [(b"", "it is empty: truncate -s 16M FILE"), (b"QFI\xfb", "it is no raw image: qemu-img convert -O raw")],
    ids=["empty", "qcow2"],
)
def test_what_is_no_image_of_a_disk_is_one_line(tmp_path, content, why):
    (tmp_path / "disk").write_bytes(content)
    result = run(sys.executable, "tools/run.py", "run", setting=f"DISK={tmp_path}/disk")
    assert result.stderr.startswith(f"clew: DISK={tmp_path}/disk: {tmp_path}/disk: {why}")
    assert (result.returncode, result.stderr.count("\n"), result.stdout) == (1, 1, "")


@pytest.mark.parametrize("rights", [0o600, 0o400], ids=["writable", "read-only"])
def test_a_file_is_a_disk_of_the_machine(tmp_path, rights):
    path = tmp_path / "a, disk"
    path.write_bytes(b"first sector" + bytes(16384 - 12))
    path.chmod(rights)
    script = "from devices.disk import Disk\nd = Disk()\nd\nd.read_sectors(0)[:12]\nd.write_sectors(1, b'now' * 512)\n"
    options = {"cwd": machine.ROOT, "capture_output": True, "text": True, "timeout": 100}
    done = subprocess.run(
        [sys.executable, "tools/run.py", "run"],
        input=script,
        env={**os.environ, "DISK": str(path)},
        check=False,
        **options,
    )
    assert "32 sectors" in done.stdout
    assert "b'first sector'" in done.stdout
    if os.access(path, os.W_OK):
        assert (done.returncode, path.read_bytes()[512:2048]) == (0, b"now" * 512)
    else:
        assert "ReadOnlyDisk" in done.stdout
        assert (done.returncode, path.read_bytes()[512:]) == (1, bytes(16384 - 512))


@pytest.mark.parametrize(("setting", "why"), REFUSED_BY_QEMU, ids=[setting for setting, _ in REFUSED_BY_QEMU])
def test_what_qemu_refuses_is_one_line_with_its_reason(setting, why):
    result = run(sys.executable, "tools/run.py", "run", setting=setting)
    assert result.stderr.startswith(f"clew: {setting}: QEMU refuses: ")
    assert why in result.stderr
    assert (result.returncode, result.stderr.count("\n"), result.stdout) == (1, 1, "")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("tools/run.py", "bochs"), "clew: PAGING: no CPU of Bochs 2.7 has five levels of page tables: "),
        (
            ("tools/matrix.py", "--machine", "bochs"),
            "clew: make matrix: PAGING=5: no CPU of Bochs 2.7 has five levels",
        ),
    ],
    ids=["run", "matrix"],
)
def test_bochs_has_four_levels_of_page_tables(words, said):
    result = run(sys.executable, *words, setting="PAGING=5")
    assert said in result.stderr.splitlines()[-1]
    assert (result.returncode != 0, result.stdout) == (True, "")


@pytest.mark.parametrize("target", ["run", "debug", "pty", "bochs", "test"])
def test_make_builds_nothing_for_such_a_value(target):
    """Whether it comes on make's command line or in the environment."""
    for words, setting in ((("make", target, "BOOT=foo"), ""), (("make", target), "BOOT=foo")):
        result = run(*words, setting=setting)
        assert result.stderr.startswith("clew: BOOT=foo: choose pvh, iso or uefi\n")
        assert result.stdout == ""


def test_make_test_says_it_once_not_in_each_test():
    result = run(sys.executable, "-m", "pytest", "-q", "tests/house/test_file_lengths.py", setting="QEMU=nosuch")
    assert result.returncode != 0
    assert result.stdout + result.stderr == "ERROR: clew: QEMU=nosuch: there is no such program\n\n"
