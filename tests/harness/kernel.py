"""A kernel to run Python in: mpremote's serial transport (raw REPL) on the guest's console."""

import ast
import base64
import contextlib
import re
import time
import zlib
from textwrap import dedent

import pexpect
import pytest
from mpremote.transport import TransportError, TransportExecError
from mpremote.transport_serial import SerialTransport

from harness import remote
from harness.errors import KernelRaised

READ_SLICE_S = 0.5
# A serial line takes QEMU some 5 microseconds a byte: from so many on, code is sent compressed.
COMPRESSED_FROM_BYTES = 1000
UNPACK = (
    "exec(compile(__import__('deflate').DeflateIO(__import__('io').BytesIO(__import__('binascii').a2b_base64(%r))).read(),"
    " '<stdin>', 'exec'))\n"
)


class ConsoleSerial:
    """What mpremote takes for a serial port: the bytes of a Console. A read waits at most `limit` seconds."""

    def __init__(self, console, limit=10):
        self.console = console
        self.limit = limit
        self.pending = bytes(console.buffer)
        console.buffer = b""

    def inWaiting(self):
        """Return how many bytes can be read without waiting."""
        with contextlib.suppress(pexpect.TIMEOUT):
            self._fetch(0)
        return len(self.pending)

    def _fetch(self, timeout):
        self.pending += self.console.read_nonblocking(65536, timeout)

    def read(self, size=1):
        """Return up to size bytes; fewer only after the time limit."""
        deadline = time.monotonic() + self.limit
        with contextlib.suppress(pexpect.TIMEOUT):
            while len(self.pending) < size:
                self._fetch(max(0, deadline - time.monotonic()))
        data, self.pending = self.pending[:size], self.pending[size:]
        return data

    def write(self, data):
        """Write all the bytes."""
        self.console.send(data)
        return len(data)

    def close(self):
        """Give unread bytes back to the console."""
        self.console.buffer = self.pending + self.console.buffer
        self.pending = b""


class Transport(SerialTransport):
    """mpremote's transport on a Console instead of a device file."""

    def __init__(self, console):
        self.in_raw_repl = False
        self.use_raw_paste = True
        self.device_name = "console"
        self.mounted = False
        self.is_pty = True  # "read(1) blocks by itself": no polling
        self.serial = ConsoleSerial(console)

    def read_until(self, min_num_bytes, ending, timeout=10, data_consumer=None, timeout_overall=None):
        """Read until the ending came, or for `timeout` seconds all in all (mpremote: between two bytes)."""
        serial, data = self.serial, b""
        deadline = time.monotonic() + min(limit for limit in (timeout, timeout_overall, 3600) if limit is not None)
        while not data.endswith(ending):
            at = serial.pending.find(ending[-1:])
            if at < 0:
                data += serial.pending
                serial.pending = b""
                try:
                    serial._fetch(max(0, deadline - time.monotonic()))
                except pexpect.TIMEOUT:
                    return data
            else:
                data += serial.pending[: at + 1]
                serial.pending = serial.pending[at + 1 :]
        if data_consumer:
            data_consumer(data)
        return data

    def close(self):
        """Leave the console to others."""
        self.serial.close()


class Kernel:
    """Python in the kernel: exec, eval, and what a test wants to know of the machine around it.

    guest: the machine (its .console, .monitor, .memory, .log()). The console is in the raw REPL while a Kernel is
    in use; friendly() gives it back.
    """

    def __init__(self, guest, timeout=10):
        self.guest = guest
        self.timeout = timeout
        self.transport = Transport(guest.console)
        self._guarded(self.transport.enter_raw_repl, soft_reset=False)

    def exec(self, code, timeout=None):
        """Run code in the kernel's __main__; return what it printed. KernelRaised if it raised."""
        output, error = self.exec_raw(compressed(dedented(code)), timeout)
        text = output.decode(errors="replace").replace("\r\n", "\n")
        if error:
            raise KernelRaised(error.decode(errors="replace"), text)
        return text

    def module(self, name):
        """Return a module of the kernel, whose functions and classes can be called from here (see remote.py)."""
        support = "" if self.eval("'_answer' in globals()") else remote.SUPPORT
        self.exec(f"{support}\nimport {name} as _module")
        return remote.ask(self, "_module")

    def exec_raw(self, code, timeout=None):
        """Run code (text or bytes) as it is; return (output, traceback) as the bytes that came."""
        limit = timeout or self.timeout
        self.transport.serial.limit = limit
        return self._guarded(self.transport.exec_raw, code, timeout=limit)

    def eval(self, expression, timeout=None):
        """Return the value of an expression in the kernel, as far as its repr is a Python literal."""
        return ast.literal_eval(self.text(expression, timeout))

    def text(self, expression, timeout=None):
        """Return the repr of an expression's value in the kernel, as text."""
        return self.exec(f"print(repr({expression}))", timeout).strip()

    def _guarded(self, call, *arguments, **options):
        """Call into the transport; a guest that doesn't answer, or ends, fails."""
        try:
            return call(*arguments, **options)
        except (TransportError, pexpect.TIMEOUT, ValueError) as error:
            if isinstance(error, TransportExecError):
                raise
            self.guest.check()
            self.guest.fail(f"the kernel did not answer: {error}")
        except pexpect.EOF:
            self.guest.fail(f"the machine ended: {self.guest.reason()}")

    @contextlib.contextmanager
    def raises(self, name, match=""):
        """Expect the code run inside to raise an exception of that class in the kernel.

        Yields an object whose .value is the KernelRaised. match: a regular expression for its message.
        """
        with pytest.raises(KernelRaised) as caught:
            yield caught
        assert caught.value.name == name, f"expected {name}, the kernel raised:\n{caught.value.traceback}"
        assert re.search(match, caught.value.message), f"{match!r} does not match: {caught.value.message}"

    def start(self, code):
        """Start code and return at once, for code that never ends or takes the machine down."""
        self.send(dedented(code))

    def send(self, code):
        """Start code as it is; whoever does that reads what comes of it."""
        self._guarded(self.transport.exec_raw_no_follow, code)

    def wait_for_output(self, text, timeout=None):
        """Wait until the code begun with start() has printed a text.

        Ctrl-C, for one, is only heard by code that runs already, not while it is compiled.
        """
        ending = text.encode()
        output = self._guarded(self.transport.read_until, 1, ending, timeout or self.timeout)
        if not output.endswith(ending):
            self.guest.fail(f"the kernel printed {output!r}, not {text!r}")

    def finish(self, timeout=None):
        """Wait for code begun with start(); return what it printed. KernelRaised if it raised."""
        output, error = self._guarded(self.transport.follow, timeout or self.timeout)
        text = output.decode(errors="replace").replace("\r\n", "\n")
        if error:
            raise KernelRaised(error.decode(errors="replace"), text)
        return text

    def interrupt(self):
        """Type Ctrl-C."""
        self.transport.serial.write(b"\x03")

    def soft_reset(self):
        """Reset softly and wait until the raw REPL is back."""
        self._guarded(self.transport.enter_raw_repl, soft_reset=True, timeout_overall=self.timeout)

    def exit(self, status=0):
        """Leave through the exit port; fail unless QEMU ends with the status that belongs to it."""
        self.guest.expected_to_end = True
        self.start(f"from shell.commands import exit\nexit({status})")
        self.guest.expect_exit(2 * (0x10 + status) + 1)

    def friendly(self):
        """Leave the raw REPL; return the console, at MicroPython's friendly prompt."""
        self.transport.exit_raw_repl()
        self.transport.close()
        return self.guest.console


def dedented(code):
    """Return code without the indentation that a test's triple-quoted text brings along."""
    return dedent(code).strip("\n") + "\n"


def compressed(code):
    """Return code that does the same and is shorter, if it is long. A traceback has one line more at its top."""
    if len(code) < COMPRESSED_FROM_BYTES:
        return code
    compressor = zlib.compressobj(9, wbits=12)  # with a window of 4 KiB there
    return UNPACK % base64.b64encode(compressor.compress(code.encode()) + compressor.flush()).decode()
