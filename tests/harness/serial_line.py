"""A machine that somebody else started, known by its serial line alone: a hypervisor's, or real hardware."""

import contextlib
import socket
import time

import pexpect
import serial

from harness.console import PROMPT, Console
from harness.errors import GuestFailure

BAUD = 115200
CONNECT_TIMEOUT_S = 10
QUIET_S = 1
AWAKEN = "\x03\x02\r"
"""Ctrl-C and Ctrl-B: whatever it does and whichever REPL it is in, a prompt comes back."""
PROMPTS = PROMPT, b">>> "
RESET = "\x03\x02\x04"
"""The same and Ctrl-D, which undoes everything."""


def open_line(where):
    """Open a serial line: "tcp:HOST:PORT", or the path of a tty or pty; return what has fileno() and close().

    Raises ValueError for what is neither, OSError if nobody is there.
    """
    if not where.startswith("tcp:"):
        if "/" not in where:
            raise ValueError(f"{where!r} is neither tcp:HOST:PORT nor the path of a serial line")
        return serial.Serial(where, BAUD, exclusive=True)
    host, _, port = where.removeprefix("tcp:").rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 1 << 16:
        raise ValueError(f"{where!r} is no tcp:HOST:PORT")
    connection = socket.create_connection((host.strip("[]"), int(port)), CONNECT_TIMEOUT_S)
    connection.settimeout(None)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


class SerialGuest:
    """A machine on a serial line, at its prompt after wait_for_prompt(). Use it with `with`: it is left freshly reset.

    What a Guest has and only a process of ours could give (.memory, .monitor, .log) is missing.
    """

    def __init__(self, where):
        self.where = where
        self.failure = None
        self.expected_to_end = False
        self.console = Console(open_line(where), self)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError, GuestFailure, pexpect.EOF):
            if not self.failure:
                self.console.send(RESET)
        self.console.close()

    def wait_for_prompt(self, timeout):
        """Wait until the machine is at its prompt: it may still boot, or have been there for long and say nothing."""
        deadline, seen = time.monotonic() + timeout, b""
        while not seen.endswith(PROMPTS):
            if time.monotonic() > deadline:
                self.fail(f"{self.where}: no prompt within {timeout} s")
            try:
                seen = (seen + self.console.read_nonblocking(timeout=QUIET_S))[-len(PROMPT) :]
            except pexpect.TIMEOUT:
                self.console.send(AWAKEN)
            except pexpect.EOF:
                self.fail(f"{self.where}: {self.reason()}")

    def check(self):
        """Raise GuestFailure if the machine has failed."""
        if self.failure:
            raise GuestFailure(self.failure)

    def fail(self, what):
        """Mark this machine as failed and raise GuestFailure with the end of what it said."""
        self.failure = f"{what}\n--- console:\n{self.console.transcript()[-2000:]}"
        raise GuestFailure(self.failure)

    def reason(self):
        """Return why nothing more can come."""
        return "the other end closed the serial line"
