"""A running machine under supervision: started in a process group of its own, never waited for without a limit."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import machine

from harness.console import Console
from harness.errors import GuestFailure
from harness.memory import GuestMemory
from harness.qmp import Monitor

# A guest whose log says one of these has failed, whatever it does next.
BAD_PATTERNS = re.compile(rb"PANIC|Triple fault|out of memory in the collector", re.IGNORECASE)
TAIL_IN_LINES = 25
CR4_LA57 = 1 << 12
# How long a machine may take to its prompt, by the way it boots.
BOOT_TIMEOUT_S = {"pvh": 15, "iso": 30, "uefi": 60}


class Guest:
    """A machine that runs. Use it with `with`, or call stop().

    console: the Console on COM1. A guest that has failed once stays failed: failure says why. at_boot, left_by: what
    it was at power-on, and which test had it before (spare.py).
    """

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="clew-guest-"))
        self.log_path = self.folder / "log"
        self.process = None
        self.console = None
        self.failure = None
        self.expected_to_end = False
        self.at_boot = self.left_by = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def spawn(self, command, **options):
        """Start the machine's process in a group of its own."""
        self.errors = open(self.folder / "errors", "wb")  # noqa: SIM115 (closed by stop)
        self.process = subprocess.Popen(
            [*machine.DIE_WITH_PARENT, *command],
            stdin=subprocess.DEVNULL,
            stderr=self.errors,
            start_new_session=True,
            **options,
        )

    def log(self):
        """Return what the kernel has logged so far, as text."""
        return self.log_bytes().decode(errors="replace")

    def log_bytes(self):
        """Return what the kernel has logged so far."""
        return self.log_path.read_bytes() if self.log_path.exists() else b""

    def forget(self):
        """Drop what console and log have said so far: another test begins."""
        self.console.forget()
        os.truncate(self.log_path, 0)

    def hold(self):
        """Stop the machine's process where it is, until go_on()."""
        os.killpg(self.process.pid, signal.SIGSTOP)

    def go_on(self):
        """Let the machine's process go on."""
        os.killpg(self.process.pid, signal.SIGCONT)

    def is_alive(self):
        """Answer whether the machine's process still runs."""
        return self.process.poll() is None

    def check(self):
        """Raise GuestFailure if the machine has ended unasked or its log holds a known-bad pattern."""
        if self.failure:
            raise GuestFailure(self.failure)
        bad = BAD_PATTERNS.search(self.log_bytes())
        if bad and not self.expected_to_end:
            self.fail(f"the log says {bad[0].decode()!r}")
        if not self.is_alive() and not self.expected_to_end:
            self.fail(f"the machine ended with status {self.process.returncode}: {self.reason()}")

    def reason(self):
        """Return in words why the machine's process ended."""
        return machine.exit_reason(self.process.returncode, self.trace())

    def trace(self):
        """Return the emulator's own log of resets (and exceptions, if asked for)."""
        return ""

    def fail(self, what):
        """Mark this machine as failed and raise GuestFailure with the tails of its console and log."""
        self.failure = f"{what}\n{self.tails()}"
        raise GuestFailure(self.failure)

    def tails(self):
        """Return the ends of console, log and error output, for a person."""
        parts = [("console", self.console.transcript()), ("log", self.log())]
        parts += [("emulator", (self.folder / "errors").read_text(errors="replace"))]
        if "Triple fault" in self.trace():
            parts += [("trace", self.trace())]
        return "\n".join(f"--- {name}:\n{tail(text)}" for name, text in parts if text.strip())

    def expect_exit(self, status=machine.SUCCESS, timeout=10):
        """Wait until the machine ends; fail unless its status is the one given."""
        self.expected_to_end = True
        try:
            found = self.wait(timeout)
        except subprocess.TimeoutExpired:
            self.fail(f"the machine still runs after {timeout} s; it should have ended with status {status}")
        if found != status:
            self.fail(f"the machine ended with status {found}, not {status}: {self.reason()}")

    def wait(self, timeout):
        """Wait for the process while reading the console, so that the guest is never held up by a full pipe."""
        deadline = time.monotonic() + timeout
        while self.is_alive():
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(self.process.args, timeout)
            self.console.drain(0.02)
        self.console.drain(0)
        return self.process.returncode

    def stop(self):
        """Kill the machine's process group and remove its files."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.errors.close()
        if self.console is not None:
            self.console.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def tail(text):
    """Return the last lines of a text."""
    return "\n".join(text.replace("\r", "").split("\n")[-TAIL_IN_LINES:])


class QemuGuest(Guest):
    """A machine in QEMU, described by the same settings as tools/machine.py's Machine.

    memory: guest RAM as the host sees it, a GuestMemory. monitor: QEMU's own view, over QMP.
    """

    def __init__(self, **settings):
        super().__init__()
        self.trace_path = self.folder / "trace"
        self._monitor = self._memory = None
        ram_in_bytes = machine.size_in_bytes(settings.get("memory", "128M"))
        self.memory_file = os.memfd_create("clew-guest-ram")
        os.truncate(self.memory_file, ram_in_bytes)
        console, guest_console = socket.socketpair()
        self.qmp, guest_qmp = socket.socketpair()
        self.console = Console(console, self)
        self.settings = machine.Machine(
            console=f"socket,fd={guest_console.fileno()}",
            qmp=f"socket,fd={guest_qmp.fileno()}",
            log=f"file,path={self.log_path},append=on",  # so that it can be emptied
            trace=str(self.trace_path),
            memory_file=f"/proc/self/fd/{self.memory_file}",
            **settings,
        )
        inherited = (guest_console.fileno(), guest_qmp.fileno(), self.memory_file)
        try:
            self.spawn(self.settings.qemu_command(), stdout=subprocess.DEVNULL, pass_fds=inherited)
        except BaseException:
            self.stop()
            raise
        finally:
            guest_console.close()
            guest_qmp.close()

    @property
    def monitor(self):
        """QEMU's monitor; connected at first use."""
        if self._monitor is None:
            self._monitor = Monitor(self.qmp)
        return self._monitor

    @property
    def memory(self):
        """Guest RAM, shared with the host; mapped at first use."""
        if self._memory is None:
            self._memory = GuestMemory(self.memory_file, self.levels)
        return self._memory

    def levels(self):
        """Return how many levels of page tables QEMU's processor goes through, by its CR4."""
        return 5 if self.monitor.registers()["CR4"] & CR4_LA57 else 4

    def trace(self):
        return self.trace_path.read_text(errors="replace") if self.trace_path.exists() else ""

    def stop(self):
        if self._monitor is not None:
            self._monitor.close()
        super().stop()
        if self._memory is not None:
            self._memory.close()
        self.qmp.close()
        if self.memory_file is not None:
            os.close(self.memory_file)
            self.memory_file = None


class BochsGuest(Guest):
    """A machine in Bochs, booted from the ISO, headless: an MMU that shares no code with QEMU's."""

    def __init__(self, start_timeout=20, **settings):
        super().__init__()
        with socket.create_server(("127.0.0.1", 0)) as server:
            command = machine.bochs_command(self.folder, server.getsockname()[1], **settings)
            self.output = open(self.log_path, "ab")  # noqa: SIM115 (closed by stop)
            self.spawn(command, stdout=self.output)
            server.settimeout(start_timeout)
            try:
                connection = server.accept()[0]
            except OSError as error:
                text = tail(self.log())
                self.stop()
                raise GuestFailure(f"Bochs did not open its console within {start_timeout} s:\n{text}") from error
        self.console = Console(connection, self)

    def stop(self):
        super().stop()
        self.output.close()

    def wait(self, timeout):
        """Wait until the kernel says that it halted the machine: Bochs itself goes on."""
        deadline = time.monotonic() + timeout
        while self.is_alive():
            self.console.drain(0.02)
            halted = machine.HALTED.search(self.console.transcript().encode())
            if halted:
                return int(halted[1])
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired(self.process.args, timeout)
        return self.process.returncode
