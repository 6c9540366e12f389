"""MicroPython on this machine, with the kernel's Python on its path: for property tests of pure logic."""

import ast
import os
import select
import subprocess
from pathlib import Path
from textwrap import dedent

import machine

from harness.errors import GuestFailure, KernelRaised

MICROPYTHON = machine.BUILD / "unix" / "micropython"
LOOP = Path(__file__).with_name("unix_loop.py")


class UnixPython:
    """A MicroPython process that runs one program after the other in the same namespace; about 50 us each.

    The face is the Kernel's: exec(code), eval(expression), KernelRaised. A program prints for us with show(...).
    """

    def __init__(self, heap="64M", timeout=30):
        if not MICROPYTHON.exists():
            raise GuestFailure(f"{MICROPYTHON} is missing: run `make test`, not pytest")
        self.timeout = timeout
        environment = {**os.environ, "MICROPYPATH": f"{machine.ROOT / 'kernel'}:.frozen"}
        command = [*machine.DIE_WITH_PARENT, str(MICROPYTHON), "-X", f"heapsize={heap}", str(LOOP)]
        self.process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )

    def exec(self, code):
        """Run code; return what it showed. KernelRaised if it raised, GuestFailure if the process hangs or ends."""
        program = dedent(code).encode()
        try:
            self.process.stdin.write(b"%d\n%s" % (len(program), program))
            self.process.stdin.flush()
            output, error = self._answer()
        except (OSError, ValueError) as trouble:
            self.close()
            raise GuestFailure(f"MicroPython did not answer: {trouble}") from trouble
        if error:
            raise KernelRaised(error, output)
        return output

    def eval(self, expression):
        """Return the value of an expression, as far as its repr is a Python literal."""
        return ast.literal_eval(self.exec(f"show(repr({expression}))").strip())

    def _answer(self):
        """Read the two texts of an answer. ValueError if it doesn't begin in time or is none."""
        if not select.select([self.process.stdout], [], [], self.timeout)[0]:
            raise ValueError(f"nothing came within {self.timeout} s")
        sizes = [int(size) for size in self.process.stdout.readline().split()]
        if len(sizes) != 2:
            raise ValueError("it ended")
        return [self.process.stdout.read(size).decode() for size in sizes]

    def close(self):
        """End the process."""
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()
        self.process.stdout.close()
