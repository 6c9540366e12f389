"""`make matrix` judges any machine that boots the ISO and has a serial line: here a QEMU that nobody of us started."""

import json
import socket
import subprocess
import sys
import tomllib

import machine
import pytest
from matrix import jobs, known_differences
from matrix.judge import KEPT, Disagreement
from oracle.permissions import Access

TCG = machine.ROOT / "tests/matrix/known/qemu-tcg.toml"
RESERVED = [[0, 0, 16], [3, 1000, 64]]
"""Runs with faults that TCG reports otherwise than the SDM says."""


@pytest.fixture
def by_hand():
    """A function that starts QEMU as a person would, with the ISO and a serial line; it returns the process."""
    started = []

    def start(serial):
        words = ["qemu-system-x86_64", "-m", "128M", "-cpu", "max", "-cdrom", str(machine.BUILD / "kernel.iso")]
        words += ["-accel", "tcg", "-display", "none", "-serial", serial]
        process = subprocess.Popen([*machine.DIE_WITH_PARENT, *words], stdout=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def free_port():
    """Return a TCP port of this machine that nobody uses."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def test_the_tool_on_a_machine_behind_a_tcp_port(by_hand, tmp_path):
    where = f"tcp:127.0.0.1:{free_port()}"
    by_hand(f"{where},server=on,wait=on")
    output = tmp_path / "sum.json"
    tool = [sys.executable, "tools/matrix.py", "--console", where, "--known", str(TCG), "--json", str(output)]
    command = [*tool, "--case", "5:77"]
    done = subprocess.run(command, cwd=machine.ROOT, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    counts = json.loads(output.read_text())["counts"]
    assert counts["cases"] == counts["anchor"] == 12
    assert "0 disagreements" in done.stdout


def test_what_is_no_known_difference_is_a_line_with_its_command_and_a_pty_will_do(by_hand):
    process = by_hand("pty")
    path = next(line for line in process.stdout if "redirected to" in line).split("redirected to ")[1].split()[0]
    console = {"kind": "console", "console": path, "cpu": None}
    again = "make matrix ARGS='--case {case}'"
    found = jobs.perform(console, RESERVED, "", again)
    assert found["counts"]["disagreements"] > len(found["disagreements"]) == KEPT
    assert found["said"] == "nothing"
    for text, command in found["disagreements"]:
        assert "the machine did page fault" in text
        number, state = command.removeprefix("make matrix ARGS='--case ").removesuffix("'").split(":")
        assert int(number) in {0, 3}
        assert int(state) < 4096
    agreed = jobs.perform(console, RESERVED, TCG.read_text(), again)
    assert agreed["counts"]["disagreements"] == 0
    assert agreed["counts"]["cases"] == found["counts"]["cases"] == 80 * 12


def test_what_the_cpu_lacks_is_left_out_and_counted():
    numbered = list(enumerate(jobs.catalogue()))
    runs = [
        [next(n for n, block in numbered if block.settings.pke and block.name == "anchor"), 0, 4],
        [next(n for n, block in numbered if block.name == "SMAP and AC" and block.settings.smep), 0, 2],
        [0, 0, 1],
    ]
    found = jobs.perform({"kind": "qemu", "cpu": "qemu64", "console": None}, runs, None, "")
    left = {name: cases for name, cases in found["counts"].items() if name.startswith("left out")}
    assert left == {"left out, for the CPU lacks PKE": 48, "left out, for the CPU lacks SMAP and SMEP": 48}
    assert found["counts"]["cases"] == 12


def test_a_known_difference_is_found_by_its_words_and_no_other():
    block = jobs.catalogue()[0]
    text = '[[difference]]\nwhy = "seen in May"\naccess = "user write"\n'
    text += 'expected = "page fault P|W"\nfound = "page fault W"'
    known = known_differences.parse(text)
    fault = 1 << 6
    assert known.reason_for(Disagreement(block, 0, Access(1, True), fault | 3, fault | 2)) == "seen in May"
    assert known.reason_for(Disagreement(block, 0, Access(1, True), fault | 3, fault | 6)) is None
    assert known.reason_for(Disagreement(block, 0, Access(1, False), fault | 3, fault | 2)) is None


WRONG = {
    'processor.no_such = "why"': "the oracle models",
    '[[difference]]\nwhy = "x"\nfound = "y"': "has why, expected, found",
    '[[difference]]\nwhy = "x"\nfound = "y"\nexpected = "z"\nstate = "7"': "may have block, access",
    "[processor]\ntcg_rsvd_without_p = true": "every value is a text",
    'known = "x"': "only",
}


@pytest.mark.parametrize("text", WRONG)
def test_a_slip_in_a_file_of_known_differences_is_refused(text):
    with pytest.raises(ValueError, match=WRONG[text]):
        known_differences.parse(text)


def test_the_files_that_are_here_mean_something():
    for path in (machine.ROOT / "tests/matrix/known").glob("*.toml"):
        text = path.read_text()
        assert known_differences.parse(text).liberties == tuple(tomllib.loads(text)["processor"])
