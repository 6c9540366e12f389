"""Sessions at the prompt, as a text shows them: typed again on a fresh machine, and compared with what is printed.

A text is Markdown. A ```clew block is typed line by line; blocks go on with the same machine until `exit`.
A ```sh block before them says what machine it is: its line `make run CPUS=2 QEMU_EXTRA="-device edu"`, and files by
`truncate -s 16M FILE`. ```c blocks are files, each begins with its name in a comment.

What is printed has to be what is shown. Numbers that lie elsewhere in another build are named, one by one:

    <!-- varies
    where m lies: 0xffffc00000900000
    the frame of m: 0x121e
    pages that verify counts: 1054875
    -->

A name stands for one number wherever its digits stand, within a longer hexadecimal number too, and that number has to
be the same one throughout. Runs of blanks and empty lines don't count.
"""

import os
import re
import shlex
from dataclasses import dataclass, field

PROMPT = re.compile(r"^(clew> |\.\.\. ?)(.*)$")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
VARIES = re.compile(r"^<!-- varies\n(.*?)^-->$", re.MULTILINE | re.DOTALL)
NUMBER = re.compile(r"0x[0-9a-f]+|\d+")
SHORTEST = 3
"""Digits of a number that may vary. A shorter one says something; in hexadecimal it may be a size, and is all of it."""


class Stale(AssertionError):
    """What a text shows is not what happens, or it can't be typed: text, block, line, and what is there instead."""


@dataclass
class Exchange:
    """One typed line: the `line` of the text that it stands in, its `prompt`, what was `typed`, and the lines shown."""

    line: int
    prompt: str
    typed: str
    shown: list = field(default_factory=list)


@dataclass
class Session:
    """What is typed on one machine: [(number of the block, [Exchange])], and the shell's lines before it."""

    blocks: list
    shell: list


def sessions(text, name):
    """Return the Sessions of a text. Raises Stale for a block that does not begin with a prompt."""
    found, shell, number, is_over = [], [], 0, True
    for block in BLOCK.finditer(text):
        if block[1] == "sh":
            shell += block[2].replace("\\\n", " ").splitlines()
        if block[1] != "clew":
            continue
        number += 1
        exchanges = exchanges_of(block[2], text[: block.start(2)].count("\n") + 1, f"{name}, block {number}")
        if is_over or any(line.startswith("make run") for line in shell):
            found.append(Session([], shell))
        found[-1].blocks.append((number, exchanges))
        shell, is_over = [], exchanges[-1].typed == "exit"
    return found


def exchanges_of(block, line, place):
    """Return the Exchanges of a block, which begins in a line of its text."""
    found = []
    for offset, row in enumerate(block.splitlines()):
        if prompt := PROMPT.match(row):
            found.append(Exchange(line + offset, prompt[1].rstrip(), prompt[2]))
        elif found:
            found[-1].shown.append(row)
        else:
            raise Stale(f"{place}, line {line + offset}: a prompt comes first, not {row!r}")
    if not found:
        raise Stale(f"{place}, line {line}: nothing is typed")
    return found


def c_files(text):
    """Return {name without .c: text} of the C files in a text."""
    blocks = "".join(block[2] for block in BLOCK.finditer(text) if block[1] == "c")
    return dict(re.findall(r"^/\* (\w+)\.c \*/\n(.*?)(?=^/\*|\Z)", blocks, re.MULTILINE | re.DOTALL))


def pictures(text):
    """Return the words, from the tool's path on, of each line of a text that draws; the last one is the picture's path.

    `make picture ARGS=` is the tool tools/picture.py; the others are called by their names.
    """
    shell = [block[2].replace("\\\n", " ") for block in BLOCK.finditer(text) if block[1] == "sh"]
    lines = [shlex.split(line) for block in shell for line in block.splitlines()]
    found = []
    for words in lines:
        if words[:2] == ["make", "picture"]:
            found.append(["tools/picture.py", *shlex.split(words[2].removeprefix("ARGS="))])
        elif words[:1] == [".venv/bin/python"] and words[-1].endswith(".svg"):
            found.append(words[1:])
    return found


def words_of_run(shell, folder, objects):
    """Return the settings of a machine (tools/machine.py) that the shell's lines before a session ask for.

    objects: {name: bytes} of the object files that `OBJECTS` may name. Files are made in the folder.
    """
    settings = {}
    for line in shell:
        words = shlex.split(line)
        if words[:2] == ["truncate", "-s"]:
            size = int(words[2][:-1]) << {"K": 10, "M": 20}[words[2][-1]]
            (folder / words[3]).write_bytes(b"")
            os.truncate(folder / words[3], size)
        if words[:2] != ["make", "run"]:
            continue
        given = dict(word.split("=", 1) for word in words[2:])
        settings = {key.lower(): given.pop(key) for key in ("BOOT", "MEMORY", "CPU") if key in given}
        if "CPUS" in given:
            settings["processors"] = int(given.pop("CPUS"))
        if "QEMU_EXTRA" in given:
            settings["extra"] = tuple(shlex.split(given.pop("QEMU_EXTRA")))
        if "PAGING" in given:
            settings["paging"] = int(given.pop("PAGING"))
        if "DISK" in given:
            settings["disk"] = str(folder / given.pop("DISK"))
        if "OBJECTS" in given:
            names = given.pop("OBJECTS").split()
            for each in names:
                (folder / each).write_bytes(objects[each])
            settings["files"] = tuple(str(folder / each) for each in names)
        if given:
            raise ValueError(f"make run has no {', '.join(given)} here")
    return settings


class Numbers:
    """The numbers of a text that may vary: `.found` is {name: the one that this build has}, as far as it was seen."""

    def __init__(self, text, name):
        self.shown, self.found = {}, {}
        for comment in VARIES.finditer(text):
            for row in comment[1].splitlines():
                what, _, value = row.rpartition(": ")
                digits = value.removeprefix("0x")
                if not what or not NUMBER.fullmatch(value) or (value == digits and len(digits) < SHORTEST):
                    raise Stale(f"{name}: {row!r} names no number of {SHORTEST} digits or more")
                if what in self.shown or value in self.shown.values():
                    raise Stale(f"{name}: {row!r} is named twice")
                self.shown[what] = value
        rest = VARIES.sub("", text)
        for what, value in self.shown.items():
            if not any(place_in(token, value) is not None for token in NUMBER.findall(rest)):
                raise Stale(f"{name}: {what!r} varies, but {value} is nowhere")

    def agree(self, shown, printed):
        """Answer whether a printed line is the one that is shown, and take down what its numbers are here."""
        shown, printed = squeezed(shown), squeezed(printed)
        pattern, names, at = "", [], 0
        for token in NUMBER.finditer(shown):
            pattern += re.escape(shown[at : token.start()])
            at = token.end()
            what = self.name_in(token[0])
            if what is None:
                pattern += re.escape(token[0])
                continue
            names.append(what)
            value = self.shown[what]
            start = place_in(token[0], value)
            before, after = token[0][:start], token[0][start + len(value.removeprefix("0x")) :]
            if value.startswith("0x"):
                pattern += re.escape(before.rstrip("0") if before != "0x" else before) + "0*([1-9a-f][0-9a-f]*)"
                pattern += re.escape(after)
            else:
                pattern += r"([1-9]\d*)"
        match = re.fullmatch(pattern + re.escape(shown[at:]), printed)
        if match is None:
            return False
        return all(self._is(what, digits) for what, digits in zip(names, match.groups(), strict=True))

    def name_in(self, token):
        """Return the name of what stands in a number, the longest one; None if nothing of it may vary."""
        there = [what for what, value in self.shown.items() if place_in(token, value) is not None]
        return max(there, key=lambda what: len(self.shown[what]), default=None)

    def _is(self, what, digits):
        """Answer whether a name stands for these digits here, as it did before."""
        value = ("0x" if self.shown[what].startswith("0x") else "") + digits
        if self.found.setdefault(what, value) != value:
            return False
        return len(digits) < SHORTEST or [*self.found.values()].count(value) == 1


def place_in(token, value):
    """Return where in a number the digits of one that varies begin; None if they are not there."""
    if not value.startswith("0x"):
        return 0 if token == value else None
    if len(value) < SHORTEST + 2:
        return 2 if token == value else None
    if not token.startswith("0x"):
        return None
    place = token[2:].find(value[2:])
    return None if place < 0 else place + 2


def squeezed(line):
    """Return a line with runs of blanks made one."""
    return re.sub(r" +", " ", line).strip()


def replay(session, console, numbers, name, on_exchange=None):
    """Type a session at a prompt and compare. Raises Stale, which names text, block and line.

    on_exchange(exchange, printed lines, agrees): instead of raising, be told what each line printed.
    """
    expected = "clew>"
    for number, exchanges in session.blocks:
        for exchange in exchanges:
            place = f"{name}, block {number}, line {exchange.line}: {exchange.typed!r}"
            if exchange.prompt != expected:
                raise Stale(f"{place} is shown behind {exchange.prompt!r}, but the prompt is {expected!r}")
            if any(numbers.name_in(token) for token in NUMBER.findall(exchange.typed)):
                raise Stale(f"{place} types a number that varies")
            if exchange.typed == "exit":
                console.sendline("exit")
                return
            # In a block the editor indents by itself: take that away first.
            console.send(b"\x15" + exchange.typed.encode() + b"\r")
            try:
                which = console.expect([rb"clew> $", rb"\.\.\. +$|\.\.\. $"])
            except Exception as error:
                raise Stale(f"{place}: {error}") from error
            expected = ("clew>", "...")[which]
            printed = [line.rstrip() for line in plain(console.before).split("\n")[1:]]
            seen = [line for line in printed if line]
            shown = [line for line in exchange.shown if line.strip()]
            agrees = len(seen) == len(shown) and all(map(numbers.agree, shown, seen))
            if on_exchange is not None:
                on_exchange(exchange, printed, agrees)
            elif not agrees:
                raise Stale(f"{place} prints\n{indented(seen)}\nwhich the text shows as\n{indented(shown)}")
    if expected != "clew>":
        raise Stale(f"{name}, block {number}: its last line leaves the prompt at '...'")


def indented(lines):
    """Return lines for an error's text."""
    return "\n".join(f"    {line}" for line in lines)


def plain(data):
    """Return console bytes as text."""
    return re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", data.decode()).replace("\r\n", "\n")
