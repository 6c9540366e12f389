"""What a person sets for make is checked before anything is built: one line for each value that can't be meant."""

import os
import re
import subprocess
import sys

import machine
import pytest
import settings

WRONG = [
    ("BOOT=foo", "choose pvh, iso or uefi"),
    ("PAGING=3", "choose 4 or 5: so many levels of page tables there are"),
    ("PAGING=five", "choose 4 or 5"),
    ("MEMORY=1", "give a number and a unit"),
    ("MEMORY=12Q", "give a number and a unit"),
    ("MEMORY=13M", "Clew needs 14M or more, as in MEMORY=128M"),
    ("MEMORY=64T", "Clew can use less than 64T: so much its physical window shows"),
    ("CPUS=300", "give a number from 1 to 64"),
    ("CPUS=0", "give a number from 1 to 64"),
    ("CPUS=two", "give a number from 1 to 64"),
    ("GUARD=yes", "give 1 for the guard, 0 for none"),
    ("QEMU=nosuch", "there is no such program"),
    ("QEMU_EXTRA='", "a shell can't read these words"),
    ("GDB_PORT=80", "give a number from 1024 to 65535"),
    ("VIEW_PORT=80", "give a number from 1024 to 65535"),
    ("SCREEN=yes", "SCREEN=1 opens a window"),
    ("SCREEN=1", "through PVH the machine has no display: add BOOT=iso"),
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


def test_more_memory_than_qemu_7_can_give_is_one_line_or_there():
    """Its tables for the BIOS were too long for 32 TiB; QEMU 10 has others."""
    result = run(sys.executable, "tools/run.py", "run", setting="MEMORY=32T")
    if result.returncode:
        assert result.stderr.startswith("clew: MEMORY=32T: QEMU refuses: qemu-system-x86_64: ")
        assert (result.returncode, result.stderr.count("\n"), result.stdout) == (1, 1, "")
    else:
        assert re.search(r"^RAM +3[12](\.\d)? TiB usable", result.stdout, re.MULTILINE)


@pytest.mark.parametrize(("setting", "why"), WRONG, ids=[setting for setting, _ in WRONG])
def test_a_value_that_cannot_be_meant_is_one_line(setting, why):
    result = run(sys.executable, "tools/run.py", "run", setting=setting)
    assert result.stderr.startswith(f"clew: {setting}: {why}")
    assert (result.returncode, result.stderr.count("\n"), result.stdout) == (1, 1, "")


def test_the_guard_goes_with_every_loader_and_is_refused_where_no_cpu_has_keys():
    cases = ("run", {"BOOT": "iso"}, "\nguard   key 15, over "), ("bochs", {}, "GUARD: Bochs has no protection keys")
    for words, others, said in cases:
        options = {"cwd": machine.ROOT, "env": {**os.environ, "GUARD": "1", **others}, "timeout": 60}
        command = [sys.executable, "tools/run.py", words]
        result = subprocess.run(command, input="exit\n", capture_output=True, text=True, check=False, **options)
        assert said in (result.stdout if words == "run" else result.stderr)
        assert (result.returncode, result.stderr.count("\n")) == ((0, 0) if words == "run" else (1, 1))


@pytest.mark.parametrize(
    ("environment", "kinds", "why"),
    [
        ({"BOOT": "iso"}, "gtk sdl", "there is no desktop here"),
        ({"BOOT": "uefi", "DISPLAY": ":0"}, "none curses", "this QEMU can't open windows: apt-get install"),
        ({"BOOT": "uefi", "DISPLAY": ":0"}, "none sdl", None),
        ({"BOOT": "iso", "WAYLAND_DISPLAY": "wayland-0"}, "sdl gtk", None),
    ],
)
def test_a_window_is_opened_where_there_is_a_desktop_and_refused_by_name_elsewhere(
    monkeypatch, tmp_path, environment, kinds, why
):
    qemu = tmp_path / "qemu"
    qemu.write_text(f"#!/bin/sh\nprintf '%s\\n' {kinds}\n")
    qemu.chmod(0o755)
    monkeypatch.setenv("QEMU", str(qemu))
    found = settings.check_screen("1", environment)
    assert found is None if why is None else found.startswith(why)
    if why is None:
        window = settings.window({**environment, "SCREEN": "1"})
        assert window == ("gtk" if "gtk" in kinds else "sdl")
        command = machine.Machine(boot="iso", window=window).qemu_command()
        assert command[command.index("-display") + 1] == window
    assert settings.window(environment) == ""


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
def test_bochs_has_four_levels_of_page_tables(monkeypatch, words, said):
    monkeypatch.delenv("GUARD", raising=False)
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


def words_for(memory, **settings):
    return machine.Machine(memory=memory, **settings).qemu_command()


@pytest.mark.parametrize(
    ("memory", "cpu"),
    [
        ("128M", "max"),
        ("900G", "max"),
        ("1T", "max,phys-bits=42"),
        ("8T", "max,phys-bits=44"),
        ("16T", "max,phys-bits=45"),
    ],
)
def test_addresses_are_as_wide_as_ram_needs(memory, cpu):
    words = words_for(memory)
    assert words[words.index("-cpu") + 1] == cpu


def test_who_says_how_wide_they_are_is_heard():
    assert "qemu64,phys-bits=52" in words_for("1T", cpu="qemu64,phys-bits=52")


@pytest.mark.parametrize(("memory", "is_sparse"), [("128M", False), ("4G", False), ("5G", True), ("8T", True)])
def test_much_ram_is_taken_from_the_host_as_it_is_touched(memory, is_sparse):
    assert (f"memory-backend-ram,id=ram,size={memory},reserve=off" in words_for(memory)) == is_sparse


@pytest.mark.parametrize(
    ("memory", "boot", "has_qboot"), [("12T", "pvh", True), ("16T", "pvh", False), ("1T", "iso", False)]
)
def test_firmware_that_can_not_do_it_is_not_used(memory, boot, has_qboot):
    assert (machine.QBOOT in words_for(memory, boot=boot)) == has_qboot


def test_uefi_needs_more_before_there_is_a_kernel():
    assert settings.check_memory("63M", {"BOOT": "uefi"}) == "Clew needs 64M or more with BOOT=uefi, as in MEMORY=128M"
    assert settings.check_memory("63M", {"BOOT": "iso"}) is None


def test_a_limit_on_addresses_is_one_line():
    result = run("bash", "-c", f"ulimit -v 8000000; exec {sys.executable} tools/run.py run", setting="MEMORY=8T")
    assert result.stderr == (
        "clew: MEMORY=8T: a process may have 7812 MiB of addresses here: ulimit -v unlimited lets QEMU have more\n"
    )


@pytest.mark.parametrize(("policy", "is_refused"), [("0", False), ("1", False), ("2", True)])
def test_a_host_that_promises_no_more_than_it_has_is_asked_for_no_more(monkeypatch, tmp_path, policy, is_refused):
    (tmp_path / "overcommit_memory").write_text(policy + "\n")
    monkeypatch.setattr(settings, "OVERCOMMIT", tmp_path / "overcommit_memory")
    said = settings.refused_by_host(machine.size_in_bytes("8T"))
    assert (said is not None) == is_refused
    assert said is None or said.endswith("and promises no more than that: sudo sysctl vm.overcommit_memory=1")
    assert settings.refused_by_host(machine.size_in_bytes("16M")) is None
