"""The console of a guest (COM1) as a person would use it: pexpect on the socket that carries it."""

import contextlib
import os
import re
import select
import time

import pexpect
from pexpect.fdpexpect import fdspawn

PROMPT = b"clew> "
INTERRUPT = b"\x03"
# While waiting we look at the guest's health this often.
CHECK_INTERVAL_S = 0.25
ESCAPE_SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Console(fdspawn):
    """pexpect's spawn, on a guest's console: send, expect, expect_exact, before, after are pexpect's own.

    Lines end with a carriage return, as a terminal sends them. A wait fails with GuestFailure, not with pexpect's
    TIMEOUT, and at once when the guest ends or panics.
    """

    def __init__(self, connection, guest):
        self.connection = connection
        self.guest = guest
        self._transcript = bytearray()
        super().__init__(connection.fileno(), timeout=10)
        del self.command  # pexpect's attribute of that name would hide our method
        self.linesep = b"\r"
        self.delaybeforesend = None

    def read_nonblocking(self, size=1, timeout=-1):
        """Read what is there, up to size bytes, looking at the guest's health while waiting."""
        limit = self.timeout if timeout == -1 else timeout
        deadline = None if limit is None else time.monotonic() + limit
        while not select.select([self.child_fd], [], [], self._slice(deadline))[0]:
            self.guest.check()
            if deadline is not None and time.monotonic() >= deadline:
                raise pexpect.TIMEOUT("no output")
        try:
            data = os.read(self.child_fd, max(size, 65536))
        except OSError:
            data = b""
        if not data:
            self._ended()
        self._transcript += data
        return data

    @staticmethod
    def _slice(deadline):
        return CHECK_INTERVAL_S if deadline is None else max(0, min(CHECK_INTERVAL_S, deadline - time.monotonic()))

    def _ended(self):
        """The guest closed its console: it ends; say so with its status."""
        if not self.guest.expected_to_end:
            with contextlib.suppress(Exception):
                self.guest.process.wait(2)
            self.guest.check()
        self.flag_eof = True
        raise pexpect.EOF("the guest closed its console")

    def expect(self, pattern, timeout=-1, **options):
        """Wait for a pattern as pexpect does; a guest that doesn't print it in time fails."""
        with self._failing(pattern, timeout):
            return super().expect(pattern, timeout=timeout, **options)

    def expect_exact(self, pattern_list, timeout=-1, **options):
        """Wait for a text as pexpect does; a guest that doesn't print it in time fails."""
        with self._failing(pattern_list, timeout):
            return super().expect_exact(pattern_list, timeout=timeout, **options)

    @contextlib.contextmanager
    def _failing(self, what, timeout):
        try:
            yield
        except pexpect.TIMEOUT:
            seconds = self.timeout if timeout == -1 else timeout
            self.guest.fail(f"the guest did not print {what!r} within {seconds} s")
        except pexpect.EOF:
            self.guest.fail(f"the guest ended while {what!r} was awaited: {self.guest.reason()}")

    def wait_for_prompt(self, timeout=-1):
        """Wait for the prompt; return the text before it."""
        self.expect_exact(PROMPT, timeout=timeout)
        return plain(self.before)

    def command(self, line, timeout=-1):
        """Type a line at the prompt, wait for the next prompt; return what was printed in between."""
        self.sendline(line)
        text = self.wait_for_prompt(timeout)
        echo, newline, rest = text.partition("\n")
        return rest if newline and echo.strip() == line.strip() else text

    def interrupt(self):
        """Type Ctrl-C."""
        self.send(INTERRUPT)

    def drain(self, timeout):
        """Read what arrives within timeout seconds at most once; keep it for the next expect."""
        if not self.closed and select.select([self.child_fd], [], [], timeout)[0]:
            try:
                data = os.read(self.child_fd, 65536)
            except OSError:
                data = b""
            self._transcript += data
            self.buffer += data
            if not data:
                time.sleep(min(timeout, 0.01))

    def transcript(self):
        """Return everything that the guest has printed, as text."""
        return self._transcript.decode(errors="replace")

    def forget(self):
        """Drop what the transcript holds so far."""
        self._transcript.clear()

    def close(self):
        """Close our end."""
        if not self.closed:
            self.closed = True
            self.connection.close()


def plain(data):
    """Return console bytes as text with newlines for CRLF and without the terminal's escape sequences."""
    return ESCAPE_SEQUENCE.sub("", data.decode(errors="replace").replace("\r\n", "\n"))
