"""The tools that MicroPython users have: mpremote over a pty, the raw REPL, the friendly prompt, soft resets."""

import os
import re
import subprocess
import sys
import time

import machine
import pytest
from harness import BOOT_TIMEOUT_S, Kernel

CTRL_A, CTRL_B, CTRL_C, CTRL_D = b"\x01", b"\x02", b"\x03", b"\x04"
TOOL_TIMEOUT_S = 30
SOFT_RESET_LIMIT_S = 0.2
# The test machine is shared with others.
NOISE = 3


@pytest.fixture
def pty(tmp_path):
    """The path of a pty that is the console of a fresh machine."""
    command = machine.Machine(console="pty").qemu_command()
    process = subprocess.Popen(
        [*machine_prefix(), *command],
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    try:
        line = next(line for line in process.stdout if "redirected to" in line)
        yield line.split("redirected to ", 1)[1].split()[0]
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def machine_prefix():
    """Return the words in front of a command whose process must not outlive the test."""
    return ("setpriv", "--pdeathsig", "KILL")


def mpremote(pty, *words, folder=None):
    """Run mpremote on a pty; return its result."""
    command = [os.path.join(os.path.dirname(sys.executable), "mpremote"), "connect", pty, *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=TOOL_TIMEOUT_S, check=False, cwd=folder)


def test_mpremote_evaluates_executes_and_reports_exceptions(pty, tmp_path):
    said = mpremote(pty, "eval", "6 * 7", "+", "exec", "import sys; print(sys.platform)").stdout
    assert said.split() == ["42", "clew"]
    failed = mpremote(pty, "exec", "1 / 0")
    assert failed.returncode == 1
    assert "ZeroDivisionError" in failed.stdout + failed.stderr
    (tmp_path / "program.py").write_text("for i in range(3):\n    print('line', i)\n")
    assert mpremote(pty, "run", str(tmp_path / "program.py")).stdout.split() == ["line", "0", "line", "1", "line", "2"]


def test_mpremote_keeps_files_on_the_ram_disk(pty, tmp_path):
    data = os.urandom(20_000)
    (tmp_path / "data.bin").write_bytes(data)
    there, back = str(tmp_path / "data.bin"), tmp_path / "back.bin"
    first = mpremote(pty, "fs", "cp", there, ":data.bin", "+", "fs", "ls", "+", "fs", "cp", ":data.bin", str(back))
    assert first.returncode == 0
    assert re.search(r"20000 data.bin", first.stdout)
    assert back.read_bytes() == data
    second = mpremote(pty, "fs", "ls", "+", "fs", "mkdir", ":folder", "+", "fs", "rm", ":data.bin", "+", "fs", "ls")
    assert second.returncode == 0
    was, _, found = second.stdout.rpartition("ls :")
    assert "data.bin" in was
    assert "data.bin" not in found
    assert "folder" in found


def test_mpremote_mounts_a_folder_of_the_host(pty, tmp_path):
    (tmp_path / "from_host.py").write_text("answer = 42\n")
    result = mpremote(pty, "mount", str(tmp_path), "exec", "import from_host; print(from_host.answer)")
    assert "42" in result.stdout.split()


def test_the_raw_repl_says_what_tools_wait_for(guest):
    console = guest.console
    console.send(CTRL_A)
    console.expect_exact("raw REPL; CTRL-B to exit\r\n>")
    console.send(b"print(6 * 7)" + CTRL_D)
    console.expect_exact("OK42\r\n\x04\x04>")
    console.send(b"1 / 0" + CTRL_D)
    console.expect(rb"OK\x04Traceback.*ZeroDivisionError: divide by zero\r\n\x04>")
    console.send(CTRL_D)
    console.expect_exact("OK\r\nMPY: soft reboot\r\nraw REPL; CTRL-B to exit\r\n>")
    console.send(CTRL_B)
    console.expect_exact("\r\nMicroPython v1.25.0")
    console.expect_exact(">>> ")
    console.sendline("6 * 7")
    console.expect_exact("42\r\n>>> ")


def test_the_friendly_prompt_knows_no_commands_and_a_soft_reset_brings_ours_back(guest):
    console = guest.console
    console.send(CTRL_B)
    console.expect_exact(">>> ")
    console.sendline("ram")
    console.expect_exact("NameError")
    console.send(CTRL_D)
    console.wait_for_prompt()
    assert "usable" in console.command("ram")


def test_names_are_gone_and_files_are_kept_after_a_soft_reset(guest):
    console = guest.console
    console.command("one_of_mine = open('held', 'w'); _ = one_of_mine.write('still here'); one_of_mine.close()")
    console.send(CTRL_D)
    banner = console.wait_for_prompt()
    assert "MPY: soft reboot" in banner
    assert "loader" in banner
    assert "NameError" in console.command("one_of_mine")
    assert console.command("open('held').read()") == "'still here'\n"


def test_a_soft_reset_is_quick_and_can_be_repeated(guest):
    kernel = Kernel(guest)
    seconds = []
    for _ in range(20):
        begun = time.monotonic()
        kernel.soft_reset()
        seconds.append(time.monotonic() - begun)
    assert sorted(seconds)[10] <= SOFT_RESET_LIMIT_S * NOISE
    assert kernel.eval("6 * 7") == 42


def test_a_soft_reset_goes_back_to_the_boot_tables(kernel):
    root = kernel.eval("__import__('_cpu').read_root_frame()")
    kernel.exec("""
        import _cpu, _memory
        frame = 0x3000
        _memory.copy_frames(frame, _cpu.read_root_frame(), 1)
        _cpu.write_root_frame(frame)
        """)
    assert kernel.guest.monitor.registers()["CR3"] >> 12 == 0x3000
    kernel.soft_reset()
    assert kernel.guest.monitor.registers()["CR3"] >> 12 == root


def test_a_romfs_module_is_mounted_and_its_files_can_be_imported(boot, tmp_path):
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "hello.py").write_text("greeting = 'from the loader'\n")
    command = [os.path.join(os.path.dirname(sys.executable), "mpremote"), "romfs", "-o", str(tmp_path / "files.romfs")]
    subprocess.run([*command, "build", str(folder)], check=True, capture_output=True, timeout=TOOL_TIMEOUT_S)
    guest = boot(modules=(tmp_path / "files.romfs",))
    guest.console.wait_for_prompt(BOOT_TIMEOUT_S["pvh"])
    assert guest.console.command("import hello; hello.greeting") == "'from the loader'\n"
    assert "rom" in guest.console.command("__import__('os').listdir('/')")
    assert "KiB" in guest.console.command("modules") or "bytes" in guest.console.command("modules")
    assert "OSError" in guest.console.command("open('/rom/x', 'w')")


def test_a_module_that_is_no_romfs_is_left_alone(boot, tmp_path):
    (tmp_path / "noise").write_bytes(b"just bytes")
    guest = boot(modules=(tmp_path / "noise",))
    guest.console.wait_for_prompt(BOOT_TIMEOUT_S["pvh"])
    assert "rom" not in guest.console.command("__import__('os').listdir('/')")
    assert "10 bytes" in guest.console.command("modules")


def test_no_file_of_the_user_can_stand_in_for_the_kernel(guest):
    console = guest.console
    for name in ("main", "shell", "loader"):
        console.command(f"f = open('{name}.py', 'w'); _ = f.write('raise SystemExit'); f.close()")
    console.send(CTRL_D)
    assert "loader" in console.wait_for_prompt()
    assert "usable" in console.command("ram")
