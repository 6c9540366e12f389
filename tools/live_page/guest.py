"""The machine behind the page: QEMU with its console and QMP on sockets of ours, and its RAM in a file that we map.

It may be killed, hang or panic: its RAM stays readable until the next one starts.
"""

import asyncio
import contextlib
import os
import re
import socket

import machine
from harness.memory import GuestMemory
from qemu.qmp import QMPClient, QMPError
from run import TRACE
from run import machine as described

from live_page.tables import levels_of

# How long QEMU may take to answer; it answers while the kernel computes.
ANSWER_S = 5
REGISTER = re.compile(r"\b(CR3|CR4)=([0-9a-f]+)")


class Guest:
    """One machine, as the environment describes it for `make run`. start() starts it, and again after its end.

    cr3, cr4: as they were when last asked. physical_bits: how wide its physical addresses are. status: None while it
    runs, else QEMU's. memory: its RAM, a GuestMemory.
    """

    def __init__(self, command_line):
        self.command_line = command_line
        self.process = self.memory = self.reader = self.writer = self.qmp = None
        self.cr3 = self.cr4 = 0
        self.physical_bits = machine.USUAL_PHYSICAL_BITS
        self.file = None

    @property
    def status(self):
        return None if self.process is None else self.process.returncode

    async def start(self):
        """Start a machine; the RAM of the one before is given up. Raises OSError if QEMU can't be started."""
        await self.stop()
        self._forget_memory()
        self.cr3 = self.cr4 = 0
        self.file = os.memfd_create("clew-view-ram")
        os.truncate(self.file, machine.size_in_bytes(os.environ.get("MEMORY") or "128M"))
        self.memory = GuestMemory(self.file, lambda: levels_of(self.cr4))
        console, console_of_guest = socket.socketpair()
        qmp, qmp_of_guest = socket.socketpair()
        with console_of_guest, qmp_of_guest:
            description = described(
                f"socket,fd={console_of_guest.fileno()}",
                qmp=f"socket,fd={qmp_of_guest.fileno()}",
                memory_file=f"/proc/self/fd/{self.file}",
                command_line=self.command_line,
            )
            self.physical_bits = description.physical_bits
            self.process = await asyncio.create_subprocess_exec(
                *machine.DIE_WITH_PARENT,
                *description.qemu_command(),
                cwd=machine.ROOT,
                stdin=asyncio.subprocess.DEVNULL,
                pass_fds=(console_of_guest.fileno(), qmp_of_guest.fileno(), self.file),
                start_new_session=True,
            )
        self.reader, self.writer = await asyncio.open_connection(sock=console)
        qmp.setblocking(False)
        self.qmp = QMPClient("view")
        with contextlib.suppress(QMPError, OSError, EOFError, TimeoutError):  # QEMU may be gone already
            async with asyncio.timeout(ANSWER_S):
                await self.qmp.connect(qmp)

    async def read(self):
        """Return what the console says next; nothing at its end."""
        with contextlib.suppress(ConnectionError):
            return await self.reader.read(65536)
        return b""

    def type(self, data):
        """Send bytes to the console. A machine that is gone takes none."""
        if self.status is None and self.writer is not None:
            self.writer.write(data)

    @property
    def untaken(self):
        """How many bytes the console has not taken yet."""
        return self.writer.transport.get_write_buffer_size() if self.writer else 0

    async def look_at_registers(self):
        """Ask QEMU for CR3 and CR4; of a machine that is gone they stay as they were.

        asyncio.wait_for of Python 3.11 forgets that it was cancelled if the answer comes at the same moment.
        """
        if self.status is not None:
            return
        with contextlib.suppress(QMPError, OSError, EOFError, TimeoutError, asyncio.InvalidStateError):
            async with asyncio.timeout(ANSWER_S):
                said = await self.qmp.execute("human-monitor-command", {"command-line": "info registers"})
            found = dict(REGISTER.findall(said))
            self.cr3, self.cr4 = int(found["CR3"], 16), int(found["CR4"], 16)

    async def reason(self):
        """Wait for the machine's end; return in words why it ended."""
        status = await self.process.wait()
        return machine.exit_reason(status, TRACE.read_text(errors="replace") if TRACE.exists() else "")

    async def stop(self):
        """Kill the machine, if there is one; its RAM stays."""
        if self.qmp is not None:
            with contextlib.suppress(Exception):  # whatever a broken connection says
                async with asyncio.timeout(1):
                    await self.qmp.disconnect()
            self.qmp = None
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
            await self.process.wait()
        if self.writer is not None:
            self.writer.close()
            self.reader = self.writer = None

    def _forget_memory(self):
        if self.memory is not None:
            self.memory.close()
            os.close(self.file)
            self.memory = self.file = None

    async def close(self):
        """Kill the machine and give up its RAM."""
        await self.stop()
        self._forget_memory()
