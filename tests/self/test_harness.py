"""The harness: whatever a guest does, a test ends in bounded time, says why, and the next guest is a fresh one."""

import subprocess
import sys
import time
from pathlib import Path
from textwrap import dedent

import pytest
from harness import GuestFailure, QemuGuest

SOURCE = Path(__file__).parent / "obedient.S"
QUICKLY_S = 5


@pytest.fixture(scope="session")
def obedient_kernel(tmp_path_factory):
    """The path of a kernel that obeys letters (tests/self/obedient.S)."""
    path = tmp_path_factory.mktemp("guests") / "obedient.elf"
    options = [
        "-m32",
        "-nostdlib",
        "-static",
        "-no-pie",
        "-Wl,-Ttext=0x100000",
        "-Wl,--build-id=none",
        "-z",
        "noexecstack",
    ]
    subprocess.run(["gcc", *options, "-o", path, SOURCE], check=True)
    return path


@pytest.fixture
def obedient(obedient_kernel):
    """A guest that obeys letters, at its prompt."""
    with QemuGuest(kernel=obedient_kernel) as guest:
        guest.console.wait_for_prompt()
        yield guest


def test_a_guest_echoes_what_is_typed(obedient):
    obedient.console.send(b"z")
    assert obedient.console.wait_for_prompt() == "z\n"


def test_an_expected_exit_is_no_failure(obedient):
    obedient.console.send(b"x")
    obedient.expect_exit(33)


def test_another_exit_status_than_the_expected_one_fails(obedient):
    obedient.console.send(b"f")
    with pytest.raises(GuestFailure, match=r"ended with status 35, not 33: the kernel exited with failure"):
        obedient.expect_exit(33)


def test_a_guest_that_does_not_exit_as_expected_fails_in_time(obedient):
    with pytest.raises(GuestFailure, match=r"still runs after 0\.5 s"):
        obedient.expect_exit(33, timeout=0.5)


@pytest.mark.parametrize(
    ("letter", "reason"),
    [
        (b"x", "ended with status 33"),
        (b"f", "ended with status 35"),
        (b"t", "ended with status 0: triple fault"),
        (b"r", "ended with status 0: the machine reset"),
        (b"p", r"(?s)the log says 'PANIC'.*--- log:\nPANIC: asked to"),
    ],
)
def test_a_guest_that_ends_or_panics_fails_at_once(obedient, letter, reason):
    obedient.console.send(letter)
    begun = time.monotonic()
    with pytest.raises(GuestFailure, match=reason):
        obedient.console.wait_for_prompt(timeout=60)
    assert time.monotonic() - begun < QUICKLY_S


def test_a_guest_that_hangs_fails_after_the_time_given_with_its_console(obedient):
    obedient.console.send(b"z")
    obedient.console.wait_for_prompt()
    obedient.console.send(b"h")
    begun = time.monotonic()
    with pytest.raises(GuestFailure, match=r"(?s)did not print.*within 0.5 s.*--- console:.*z"):
        obedient.console.wait_for_prompt(timeout=0.5)
    assert time.monotonic() - begun < QUICKLY_S


def test_a_failed_guest_stays_failed(obedient):
    obedient.console.send(b"p")
    for _ in range(2):
        with pytest.raises(GuestFailure, match="PANIC"):
            obedient.console.wait_for_prompt(timeout=5)


def test_stopping_a_guest_leaves_no_process_and_no_files(obedient):
    process, folder = obedient.process, obedient.folder
    obedient.console.send(b"h")
    obedient.stop()
    assert process.returncode is not None
    assert not folder.exists()


def test_the_host_sees_what_the_guest_writes_to_its_ram(obedient):
    obedient.console.send(b"m")
    obedient.console.wait_for_prompt()
    assert obedient.memory.read_entry(0x110000) == 0x1122334455667788


def test_qemu_agrees_with_the_host_about_ram(obedient):
    obedient.memory.write_entry(0x120000, 0xFEDCBA9876543210)
    assert obedient.monitor.human("xp /1xg 0x120000").split()[-1] == "0xfedcba9876543210"
    assert obedient.monitor.registers()["CR0"] & 1 == 1


def test_ram_above_four_gib_begins_behind_the_low_part(obedient_kernel):
    with QemuGuest(kernel=obedient_kernel, memory="3G") as guest:
        guest.memory.write_entry(0x1_0000_0000, 0x55AA)
        assert guest.monitor.human("xp /1xg 0x100000000").split()[-1] == "0x00000000000055aa"
        assert not guest.memory.is_ram(0x8000_0000)


def test_the_next_test_gets_a_fresh_machine_after_each_kind_of_failure(pytester_run):
    summary = pytester_run(
        """
        import pytest

        @pytest.mark.parametrize("letter", ["x", "t", "h", "p"])
        def test_fails(boot, letter):
            guest = boot(kernel=KERNEL)
            guest.console.wait_for_prompt()
            guest.console.send(letter)
            guest.console.wait_for_prompt(timeout=1)

        def test_ends_unnoticed(boot):
            guest = boot(kernel=KERNEL)
            guest.console.wait_for_prompt()
            guest.console.send("t")
            guest.process.wait(5)

        def test_passes(boot):
            guest = boot(kernel=KERNEL)
            guest.console.wait_for_prompt()
        """
    )
    assert "4 failed, 2 passed, 1 error" in summary


@pytest.fixture
def pytester_run(tmp_path, obedient_kernel):
    """A function that runs a test file of its own, with the project's fixtures; returns pytest's last line."""
    tests = Path(__file__).parent.parent

    def run(text):
        (tmp_path / "conftest.py").write_text((tests / "conftest.py").read_text())
        (tmp_path / "test_inner.py").write_text(f"KERNEL = {str(obedient_kernel)!r}\n" + dedent(text))
        path = f"pythonpath={tests} {tests.parent / 'tools'}"
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-o",
            path,
            "-p",
            "no:cacheprovider",
            "-c",
            "/dev/null",
            "--rootdir",
            tmp_path,
        ]
        result = subprocess.run(
            [*command, tmp_path], capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path
        )
        return result.stdout.strip().splitlines()[-1]

    return run
