"""QEMU's own view of a machine, over QMP: a synchronous face on the qemu.qmp package."""

import asyncio
import contextlib

from qemu.qmp import QMPClient

# `info tlb` of a big address space is tens of megabytes in one reply; the package's default limit is 10 MiB.
LARGEST_REPLY = 256 << 20


class Monitor:
    """A connected QMP session on one end of a socket pair. Every call has a time limit, in seconds."""

    def __init__(self, connection, timeout=10):
        self.timeout = timeout
        self._loop = asyncio.new_event_loop()
        self._client = QMPClient("harness", readbuflen=LARGEST_REPLY)
        connection.setblocking(False)
        self._run(self._client.connect(connection), timeout)

    def _run(self, coroutine, timeout):
        return self._loop.run_until_complete(asyncio.wait_for(coroutine, timeout))

    def execute(self, command, timeout=None, **arguments):
        """Execute a QMP command (underscores in argument names stand for hyphens); return its result."""
        named = {name.replace("_", "-"): value for name, value in arguments.items()}
        return self._run(self._client.execute(command, named or None), timeout or self.timeout)

    def human(self, command_line, cpu=0, timeout=None):
        """Execute a command of the human monitor, such as "info tlb"; return its text with plain newlines.

        Raises ValueError for "info mem", in which QEMU hangs for ever where there are five levels of page tables.
        """
        if command_line == "info mem":
            raise ValueError("info mem hangs with five levels of page tables: ask for info tlb")
        text = self.execute("human-monitor-command", timeout, command_line=command_line, cpu_index=cpu)
        return text.replace("\r\n", "\n")

    def registers(self, cpu=0):
        """Return the CPU's registers by name: {"CR3": ..., "RIP": ...}, from "info registers"."""
        words = self.human("info registers", cpu).replace("\n", " ").split(" ")
        pairs = [word.split("=", 1) for word in words if "=" in word]
        return {name: int(value, 16) for name, value in pairs if is_hexadecimal(value)}

    def stop(self):
        """Hold the CPUs still."""
        self.execute("stop")

    def resume(self):
        """Let the CPUs go on."""
        self.execute("cont")

    def close(self):
        """End the session; the machine goes on."""
        if not self._loop.is_closed():
            with contextlib.suppress(Exception):  # QEMU may be gone already
                self._run(self._client.disconnect(), 2)
            self._loop.close()


def is_hexadecimal(text):
    """Answer whether a text is one hexadecimal number."""
    return bool(text) and all(character in "0123456789abcdefABCDEF" for character in text)
