"""Commands about this session: the screen, a fresh start, the way out. A full heap stops none: boot has loaded them."""

from diagnostics.processor import leave
from diagnostics.text import Lines

from shell.command import Argument, command
from shell.errors import UsageError
from shell.kinds import NumberKind, TextKind
from shell.terminal import TERMINAL, size_of

LAST_STATUS = 0x6F


@command(
    "terminal",
    "How large your screen is, for whatever is shown.",
    Argument("size", TextKind("SIZE"), None),
    details=(
        "terminal           what is known",
        "terminal ask       ask the terminal itself: after the window has changed, or on a line of its own",
        "terminal 100x30    that many columns and rows",
        "terminal off       whole lines, no pages",
    ),
)
def terminal(size):
    known = size_of(size) if size else None
    if size == "ask":
        TERMINAL.ask()
    elif size == "off":
        TERMINAL.resize(0, 0)
    elif known:
        TERMINAL.resize(*known)
    elif size is not None:
        raise UsageError("%s is no size: ask, off, or columns and rows as 80x24, from 20x5 on" % size)
    return Lines((TERMINAL.description(),))


@command("reset", "Start afresh, as Ctrl-D does: boot tables, new heap; files stay.")
def reset():
    raise SystemExit


@command(
    "exit",
    "Leave QEMU: its status is 33 (success), or 33 + 2 * STATUS.",
    Argument("status", NumberKind("STATUS", 0, LAST_STATUS), 0),
)
def leave_machine(status):
    leave(status)
