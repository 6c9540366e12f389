#!/usr/bin/env python3
"""Run MicroPython's own tests (its run-tests.py, unchanged) on the kernel, under our supervisor.

    tools/micropython_tests.py [--mode bytecode|native] [--every N] [--jobs N] [TEST...]

Upstream's script decides what to skip, what a test should print and whether it did. We give it a target: a machine
that is replaced when a test takes it down. The result must agree with tests/micropython/expected.txt exactly.
"""

import argparse
import contextlib
import importlib.machinery
import importlib.util
import io
import json
import os
import sys
import tempfile
import time
import types
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from machine import BUILD, MICROPYTHON, ROOT
from say import say, stop

sys.path.insert(0, str(ROOT / "tests"))

from harness import GuestFailure, Kernel, QemuGuest
from on_target import source

DIRECTORIES = ("basics", "micropython", "float", "misc", "extmod", "stress", "unicode")
MODES = {"bytecode": [], "native": ["--via-mpy", "--emit", "native"]}
EXPECTED = ROOT / "tests" / "micropython" / "expected.txt"
# The slowest upstream tests take about 10 s on a loaded machine; a hung one costs this much.
TEST_TIMEOUT_S = 90
BOOT_TIMEOUT_S = 20


class Target:
    """What upstream's script takes for a board: runs one script at a time on a machine, each after a soft reset."""

    def __init__(self, upstream):
        self.upstream = upstream
        self.guest = self.kernel = None
        self.restarts = 0

    def ready(self):
        """Make sure that a kernel in a fresh state waits in the raw REPL."""
        if self.kernel is None:
            self.guest = QemuGuest()
            self.guest.console.wait_for_prompt(BOOT_TIMEOUT_S)
            self.kernel = Kernel(self.guest, timeout=TEST_TIMEOUT_S)
        self.kernel.soft_reset()

    def run_script_on_remote_target(self, args, test_file, is_special):
        """Run a test's script; return (crashed, output). A machine that it took down is replaced."""
        crashed, script = self.upstream.prepare_script_for_target(
            args, script_filename=test_file, force_plain=is_special
        )
        if crashed:
            return True, script
        try:
            self.ready()
            self.prepare(Path(test_file))
            return self.run(script, is_special)
        except GuestFailure as failure:
            self.close()
            self.restarts += 1
            return True, f"{failure}\nCRASH".encode()

    def prepare(self, test_file):
        """Send what a test takes for granted: the unittest module, or the data files beside it."""
        text = test_file.read_bytes()
        if b"unittest" in text:
            self.kernel.exec(source("micropython/unittest"))
        if b'open("data/' in text:
            files = {path.name: path.read_bytes() for path in (test_file.parent / "data").iterdir()}
            self.kernel.exec(f"files = {files!r}\n" + source("micropython/data"))

    def run(self, script, is_special):
        """Run a script; return (crashed, output) as upstream's own target does."""
        output, error = self.kernel.exec_raw(script)
        if not error:
            return False, output
        return True, (b"exception\nCRASH" if is_special else output + error + b"CRASH")

    def read_until(self, minimum, ending):
        """Wait for what a test that skips itself (SystemExit, so a soft reset) ends with."""
        self.kernel.transport.read_until(minimum, ending)

    def close(self):
        """Stop the machine."""
        if self.guest is not None:
            self.guest.stop()
        self.guest = self.kernel = None


class Tee(io.StringIO):
    """Standard output of upstream's script, kept; each line also goes to a log."""

    def __init__(self, log):
        super().__init__()
        self.log = log

    def write(self, text):
        self.log.write(text)
        self.log.flush()
        return super().write(text)


def load_upstream(tests, scratch):
    """Return upstream's run-tests.py as a module that keeps its temporary files in a folder of ours."""
    os.environ.setdefault("MICROPY_CPYTHON3", sys.executable)  # what `python3` names may be a script that looks for one
    loader = importlib.machinery.SourceFileLoader("run_tests", str(tests / "run-tests.py"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("run_tests", loader))
    sys.dont_write_bytecode = True
    loader.exec_module(module)
    module.MPYCROSS = str(BUILD / "mpy-cross" / "mpy-cross")
    module.tempfile = types.SimpleNamespace(mktemp=lambda dir=None, suffix="": tempfile.mktemp(suffix, dir=scratch))
    return module


def run_part(directory, mode, files, part):
    """Run some tests in this process; return {test: "pass" | "FAIL" | "skip"}."""
    tests = Path(directory) / "tests"
    results = BUILD / "micropython-tests" / f"{mode}-{part}"
    results.mkdir(parents=True, exist_ok=True)
    for old in results.glob("*.*"):
        old.unlink()
    os.chdir(tests)
    upstream = load_upstream(tests, results)
    target = Target(upstream)
    upstream.get_test_instance = lambda *_: target
    sys.argv = ["run-tests.py", "-t", "clew", "-j", "1", "--result-dir", str(results), *MODES[mode], *files]
    with open(results / "log", "w") as log, contextlib.redirect_stdout(Tee(log)) as output:
        try:
            upstream.main()
        except SystemExit:
            pass  # upstream's way to say that a test failed; we count ourselves
        finally:
            target.close()
    lines = [line.split() for line in output.getvalue().splitlines()]
    return {line[1]: line[0] for line in lines if len(line) > 1 and line[0] in ("pass", "FAIL", "skip")}


def run(directory, mode, files, jobs):
    """Run tests in several processes; return {test: verdict} for all of them."""
    verdicts = {}
    jobs = min(jobs, len(files))  # without names, upstream's script would run everything
    with ProcessPoolExecutor(jobs) as pool:
        parts = [pool.submit(run_part, directory, mode, files[part::jobs], part) for part in range(jobs)]
        for part in parts:
            verdicts |= part.result()
    for missing in sorted(set(files) - set(verdicts)):
        verdicts[missing] = "FAIL"
    return verdicts


def read_expected(mode):
    """Return {test: reason} of the failures that are expected in a mode."""
    expected = {}
    for line in EXPECTED.read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            modes, test, reason = line.split(None, 2)
            if modes in (mode, "both"):
                expected[test] = reason
    return expected


def judge(mode, verdicts):
    """Return (summary line, complaints, (how many passed, how many were performed)) for the verdicts of a mode."""
    expected = read_expected(mode)
    failed = {test for test, verdict in verdicts.items() if verdict == "FAIL"}
    ran = [test for test, verdict in verdicts.items() if verdict != "skip"]
    complaints = [f"{mode}: {test} fails and is not listed" for test in sorted(failed - set(expected))]
    complaints += [
        f"{mode}: {test} is listed as a failure ({reason}) and passes"
        for test, reason in sorted(expected.items())
        if verdicts.get(test) == "pass"
    ]
    skipped = len(verdicts) - len(ran)
    counts = f"{len(ran)} performed, {len(ran) - len(failed)} passed, {len(failed)} failed"
    summary = f"{mode}: {counts} ({len(failed & set(expected))} as listed), {skipped} skipped"
    return summary, complaints, (len(ran) - len(failed), len(ran))


def choose(directory, names, every):
    """Return the tests to run: those named, or every Nth of upstream's."""
    tests = Path(directory) / "tests"
    if names:
        return names
    found = sorted(str(path.relative_to(tests)) for name in DIRECTORIES for path in (tests / name).glob("*.py"))
    return found[::every]


def main():
    """Run what the command line names; exit status 1 unless everything is as listed."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--mode", choices=MODES, action="append")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="run only every Nth test")
    parser.add_argument("--jobs", type=int, default=min(2, os.cpu_count()))
    parser.add_argument("tests", nargs="*", help="tests such as basics/andor.py (default: all)")
    options = parser.parse_args()
    if not MICROPYTHON.exists():
        stop(f"there is no {MICROPYTHON}: use make test-micropython")
    complaints, counts = [], {}
    for mode in options.mode or MODES:
        files = choose(MICROPYTHON, options.tests, options.every)
        say(f"running {len(files)} of MicroPython's tests on the kernel, {mode} (about {len(files) // 7} s) ...")
        begun = time.monotonic()
        summary, found, counts[mode] = judge(mode, run(MICROPYTHON, mode, files, options.jobs))
        print(f"{summary}, {time.monotonic() - begun:.0f} s", flush=True)
        complaints += found
    if not options.tests and options.every == 1 and not options.mode:
        (BUILD / "micropython-tests.json").write_text(json.dumps(counts) + "\n")
    if complaints:
        print(*complaints, sep="\n")
        stop("the logs and outputs are in build/micropython-tests/; the list is tests/micropython/expected.txt")


if __name__ == "__main__":
    main()
