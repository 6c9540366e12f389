"""A student's file on a machine: loaded into a kernel that was just reset, called, and looked at from the host."""

import ast
import re
from pathlib import Path

from harness import BOOT_TIMEOUT_S, GuestFailure, Kernel, QemuGuest
from oracle import page_walk

from labs.guard import MARK, Guard
from labs.trouble import MachineDown, Trouble, source_of

# What a file may print. More is no output that somebody reads.
OUTPUT_LIMIT_IN_BYTES = 128 << 10
SHOWN = 4000
LIMIT_IN_S = 10
# The exit port's status of exit(0); QEMU's own is twice that and one.
EXIT_BASE = 0x10


class Flood(Exception):
    """More was printed than may be."""


class Student:
    """One file, and the machine that it is on, which has `.levels` of tables. Use it with `with`, or call stop().

    path: the file. limit_s: how long each run in it may take. prelude: what the grader's own code imports, before the
    file is there. as_name: the file's __name__. settings: of the machine (tools/machine.py).
    """

    def __init__(self, path, limit_s=LIMIT_IN_S, prelude="", as_name="student", **settings):
        self.path, self.as_name = Path(path), as_name
        self.name = re.sub(r"[^\w.-]", "_", self.path.name)
        self.limit_s, self.prelude, self.settings = limit_s, prelude, settings
        self.guest = self.kernel = self.guard = self.levels = None
        self.text, self.output, self.printed = "", None, 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    # The machine.

    def start(self):
        """Have a machine that was just reset, with the file loaded; return what it printed. Raises Trouble."""
        self.text = source_of(self.path)
        self._machine()
        self.guard = Guard()
        self.kernel.exec(self.guard.text)
        self.run(self.prelude)
        self.levels = int(self._call("value", "LEVELS")[1])
        return self._call("load", self.text, self.name, self.as_name)[0]

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
        """Run code of the grader's: `student` has the names of the file. Returns what was printed. Raises Trouble."""
        return self._call("run", "\n".join(_dedented(code)))[0]

    def said(self):
        """Return what the last run printed, as far as it came; of very much, the beginning."""
        text = self.output
        if text is None and self.guest is None:
            return ""
        if text is None:
            text = self.guest.console.transcript().rpartition("\x04")[2].replace("\r\n", "\n")
        return text if len(text) <= SHOWN else f"{text[:SHOWN]}\n... and {len(text) - SHOWN:,} letters more\n"

    def value(self, expression):
        """Return the value of an expression, as far as its repr is a Python literal. Raises Trouble."""
        value = self._call("value", expression.strip())[1]
        try:
            return ast.literal_eval(value)
        except (ValueError, SyntaxError) as error:
            raise Trouble(f"{expression} is {value[:200]}, which is no number, text or list of these") from error

    def check_kernel(self):
        """Raise Trouble if the file replaced something of the kernel's."""
        changed = ast.literal_eval(self._call("changed", "")[1])
        if changed:
            raise Trouble(f"it replaced {changed}, which is the kernel's: give what you make a name of your own")

    def _call(self, kind, *words):
        """Call the guard; return (what was printed, the repr of the value)."""
        self.output = None
        try:
            output, error = self.kernel.exec_raw(self.guard.call(kind, *words), self.limit_s)
        except Flood:
            raise MachineDown(f"it printed more than {OUTPUT_LIMIT_IN_BYTES:,} bytes") from None
        except GuestFailure:
            raise MachineDown(self._end()) from None
        text = self.output = output.decode(errors="replace").replace("\r\n", "\n")
        if error:
            raise Trouble(self._explained(error.decode(errors="replace")))
        printed, mark, value = text.rpartition(MARK)
        if not mark:
            raise MachineDown("it reset the machine softly: reset(), SystemExit or sys.exit() did")
        return printed, value.strip()

    def _end(self):
        """Say in words why the machine does not answer any more."""
        guest = self.guest
        guest.failure = guest.failure or "it does not answer"
        if guest.is_alive() and b"PANIC" not in guest.log_bytes():
            return f"it did not come to an end within {self.limit_s:g} s: an endless loop?"
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
        return "\n".join([lines[-1], *found])

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
