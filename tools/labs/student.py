"""A student's file on a machine: loaded into a kernel that was just reset, called, and looked at from the host."""

import ast
import codecs
import random
import re
import time
from pathlib import Path

import pexpect
from harness import BOOT_TIMEOUT_S, GuestFailure, Kernel, QemuGuest
from oracle import page_walk

from labs.guard import RAISED, REPLACED, Guard
from labs.trouble import MachineDown, Trouble, source_of

# What a file may print. More is no output that somebody reads.
OUTPUT_LIMIT_IN_BYTES = 128 << 10
LIMIT_IN_S = 10
# A machine that says nothing for so long, after a prompt, waits for code.
QUIET_S = 1
SOFTLY_RESET = b"raw REPL; CTRL-B to exit\r\n>"
# The exit port's status of exit(0); QEMU's own is twice that and one.
EXIT_BASE = 0x10


class Flood(Exception):
    """More was printed than may be."""


class Shown:
    """What a file prints, shown as it comes: whole letters, and no part of the mark behind it."""

    def __init__(self, show):
        self.show, self.done = show, 0
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def so_far(self, data, mark):
        """Show what is new in all the bytes that have come."""
        end = data.find(mark)
        if end < 0:  # a line's end or a mark may have begun
            begun = data.rfind(mark[:1], max(0, len(data) - len(mark)))
            end = len(data) - data.endswith(b"\r") if begun < 0 else begun
        if self.show is not None and end > self.done:
            self.show(self.decoder.decode(data[self.done : end]).replace("\r\n", "\n"))
            self.done = end


class Student:
    """One file, and the machine that it is on, which has `.levels` of tables. Use it with `with`, or call stop().

    path: the file. limit_s: how long each run in it may take. prelude: what the grader's own code imports, before the
    file is there. as_name: the file's __name__. seed: of `.numbers`, which each check of a grader draws from.
    show: called with the text that the file prints, as it comes. settings: of the machine (tools/machine.py).
    """

    def __init__(self, path, limit_s=LIMIT_IN_S, prelude="", as_name="student", seed=1, show=None, **settings):
        self.take(path)
        self.as_name, self.seed = as_name, seed
        self.limit_s, self.prelude, self.settings = limit_s, prelude, settings
        self.guest = self.kernel = self.guard = self.levels = None
        self.text, self.show, self.printed = "", show, 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def take(self, path):
        """Take another file: the machine stays, and start() resets it."""
        self.path = Path(path)
        self.name = re.sub(r"[^\w.-]", "_", self.path.name)

    # The machine.

    def start(self):
        """Have a machine that was just reset, with the file loaded. Raises Trouble."""
        self.text, self.numbers = source_of(self.path), random.Random(self.seed)
        self._machine()
        self.guard = Guard()
        self.kernel.exec(self.guard.text)
        self.run(self.prelude)
        self.levels = int(self._call("value", "LEVELS"))
        self._call("load", self.text, self.name, self.as_name)

    def _machine(self):
        """A soft reset of the machine that there is, or a new one."""
        if self.guest is not None and self._is_whole():
            try:
                self.printed = 0
                self.guest.forget()
                self.kernel.soft_reset()
                return
            except (GuestFailure, Flood):
                pass
        self.stop()
        self.guest = QemuGuest(**self.settings)
        self.guest.console.wait_for_prompt(BOOT_TIMEOUT_S["pvh"] * 4)
        self._meter()
        self.kernel = Kernel(self.guest, timeout=BOOT_TIMEOUT_S["pvh"] * 4)

    def _is_whole(self):
        return not self.guest.failure and self.guest.is_alive() and self.kernel.transport.in_raw_repl

    def _meter(self):
        """Count what the machine prints, and stop listening when it is too much."""
        read = self.guest.console.read_nonblocking

        def counted(size=1, timeout=-1):
            data = read(size, timeout)
            self.printed += len(data)
            if self.printed > OUTPUT_LIMIT_IN_BYTES:
                self.guest.failure = "it prints without end"
                raise Flood
            return data

        self.guest.console.read_nonblocking = counted
        self.printed = 0

    def stop(self):
        """Stop the machine."""
        if self.guest is not None:
            self.guest.stop()
        self.guest = self.kernel = None

    # The file.

    def run(self, code):
        """Run code of the grader's: `student` has the names of the file. Raises Trouble."""
        self._call("run", "\n".join(_dedented(code)))

    def value(self, expression):
        """Return the value of an expression, as far as its repr is a Python literal. Raises Trouble."""
        value = self._call("value", expression.strip())
        try:
            return ast.literal_eval(value)
        except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
            raise Trouble(f"{expression} is {value[:200]}, which is no number, text or list of these") from error

    def check_kernel(self):
        """Raise Trouble if the file replaced something of the kernel's."""
        self._call("changed", "")

    def _call(self, kind, *words):
        """Have the guard do something; return the repr of the value. Raises Trouble."""
        code, mark = self.guard.call(kind, *words)
        try:
            self.kernel.send(code)
            answer = self._answer(mark.encode())
        except Flood:
            raise MachineDown(f"it printed more than {OUTPUT_LIMIT_IN_BYTES:,} bytes") from None
        except GuestFailure:
            raise MachineDown(self._end()) from None
        text = answer[1:].decode(errors="replace").replace("\r\n", "\n")
        if answer[:1] == RAISED.encode():
            raise Trouble(self._explained(text))
        if answer[:1] == REPLACED.encode():
            raise Trouble(f"it replaced {text}, which is not the file's: give what you make a name of your own")
        return text

    def _answer(self, mark):
        """Return what the guard says between two marks; what comes before is the file's, and is shown as it comes.

        Raises GuestFailure when the machine ends or time is up, MachineDown when it waits for other code already.
        """
        serial, deadline = self.kernel.transport.serial, time.monotonic() + self.limit_s
        shown, data = Shown(self.show), b""
        while data.count(mark) < 2:
            data += self._more(serial, deadline, data)
            shown.so_far(data, mark)
        _, answer, serial.pending = data.split(mark, 2)
        for _ in range(2):  # the ends of the output and of the raw REPL's own errors
            self.kernel.transport.read_until(1, b"\x04", timeout=self.limit_s)
        return answer

    def _more(self, serial, deadline, before):
        """Return what the machine prints next, nothing if it is silent for a while."""
        if not serial.pending:
            try:
                serial._fetch(max(0, min(deadline - time.monotonic(), QUIET_S)))
            except pexpect.EOF:
                self.guest.fail("the machine ended")
            except pexpect.TIMEOUT:
                if before.endswith((b"\x04>", SOFTLY_RESET)):
                    self._at_its_prompt(before)
        if time.monotonic() >= deadline:
            self.guest.fail("time is up")
        data, serial.pending = serial.pending, b""
        return data

    def _at_its_prompt(self, data):
        """Raise MachineDown: the guard came to no answer, and the machine waits for other code."""
        self.guest.failure = "it is at its prompt"
        if data.endswith(SOFTLY_RESET):
            raise MachineDown("it reset the machine softly: what comes behind that was not done")
        error = data[:-2].rpartition(b"\x04")[2].decode(errors="replace").strip()
        raise MachineDown(f"it left the grader nothing to answer with: {error.rpartition(chr(10))[2]}")

    def _end(self):
        """Say in words why the machine does not answer any more."""
        guest = self.guest
        guest.failure = guest.failure or "it does not answer"
        if guest.is_alive() and b"PANIC" not in guest.log_bytes():
            return f"it did not come to an end within {self.limit_s:g} s: an endless loop, or does it wait for input?"
        try:
            status = guest.process.wait(5)
        except Exception:
            status = None
        if b"PANIC" in guest.log_bytes():
            lines = [line for line in guest.log().splitlines() if line.strip()]
            first = next(place for place, line in enumerate(lines) if "PANIC" in line)
            return "it took the machine down; the kernel's last words:\n" + "\n".join(lines[first : first + 6])
        if status is not None and status % 2 and status // 2 >= EXIT_BASE:
            return f"it left the machine by exit({status // 2 - EXIT_BASE}): what comes behind that was not done"
        return f"it took the machine down: {guest.reason()}"

    def explained(self, expression):
        """Return the value of an expression, an exception, as a text with the file's lines. Raises Trouble."""
        self.run(f"import io, sys; out = io.StringIO(); sys.print_exception({expression}, out)")
        return self._explained(self.value("out.getvalue()"))

    def _explained(self, traceback):
        """Return a traceback with the student's own lines, and without the guard's."""
        lines = traceback.replace("\r\n", "\n").strip().split("\n")
        source, found = self.text.split("\n"), []
        for line in lines[:-1]:
            place = re.match(r'\s*File "([^"]*)", line (\d+)(?:, in (\S+))?', line)
            if place and place[1] == self.name:
                number = int(place[2])
                where = f" in {place[3]}" if place[3] and place[3] != "<module>" else ""
                shown = source[number - 1].strip() if 0 < number <= len(source) else ""
                found.append(f"{self.path.name}, line {number}{where}: {shown}".rstrip(": "))
            elif not place and not line.startswith("Traceback") and line.strip():
                found.append(line)
        last = lines[-1].rstrip(": ")
        if last.startswith("SystemExit"):
            last += ": it ended itself, and what comes behind that was not done"
        return "\n".join([last, *found])

    # The host's own view.

    @property
    def memory(self):
        """The machine's RAM (tests/harness/memory.py)."""
        return self.guest.memory

    def root(self):
        """The physical address of the active root table, as CR3 has it."""
        return self.guest.monitor.registers()["CR3"] & page_walk.ADDRESS_MASK

    def leaf(self, address, root=None):
        """The host's walk of the machine's RAM: the Leaf of a virtual address, or None."""
        return page_walk.translate(self.root() if root is None else root, self.memory, address, self.levels)

    def byte(self, address):
        """The byte at a virtual address, by the host's walk. Raises AssertionError where nothing is mapped."""
        leaf = self.leaf(address)
        assert leaf is not None, f"nothing is mapped at v{address:#x}"
        return self.memory.read(leaf.pa + address - leaf.va, 1)[0]

    def frames(self, first, count):
        """The physical addresses that `count` pages from a virtual address on lead to; None for each that is not
        mapped."""
        root, levels = self.root(), self.levels
        leaves = [page_walk.translate(root, self.memory, first + 4096 * page, levels) for page in range(count)]
        return [leaf and leaf.pa + first + 4096 * page - leaf.va for page, leaf in enumerate(leaves)]


def _dedented(code):
    """Return the lines of code without the indentation that they have in a grader."""
    lines = [line for line in code.split("\n") if line.strip()]
    margin = min((len(line) - len(line.lstrip()) for line in lines), default=0)
    return [line[margin:] for line in lines]
