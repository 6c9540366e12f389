"""The prompt's hooks and the log channel. Imported by one module of the kernel."""

from collections.abc import Callable

def set_command_runner(function: Callable[[str], bool]) -> None:
    """Have a function see each complete input of the prompt `clew> ` first; True from it means: it was a command.

    What it raises is printed like an exception of the user's own code. A soft reset forgets it.
    """

def set_completer(function: Callable[[str], str | bool | None]) -> None:
    """Have Tab ask a function, with the line up to the cursor: what to insert, or True if it has printed a list.

    None, or anything that it raises, leaves it to MicroPython's own completion. A soft reset forgets it.
    """

def set_error_shower(function: Callable[[BaseException, str, str | None, bool], bool]) -> None:
    """Have a function print what an input of the prompt raised.

    It gets the exception, its text as it would be printed, the input (None if it could not even be read), and whether
    that was at the prompt for tools.
    If it raises or answers False, the text is printed as it is. A soft reset forgets it.
    """

def module_names() -> list[str]:
    """Return the names of the builtin modules, and the frozen ones by their files: `memory/views/__init__.py`."""

def unread(count: int) -> bool:
    """Have the `count` bytes that were read last from the serial port be read again, before what came since.

    False, and nothing done, if fewer were read, or the port's buffer has no room for them any more. Allocates nothing.
    """

def log(text: str) -> None:
    """Write to the log channel (port 0xE9), nothing added."""

def line_failed(error: str) -> None:
    """Log that a line at the prompt failed, and by which error: `make run < script` counts these lines."""

def overruns() -> int:
    """Return how often the serial port lost a byte. Nothing but a fault of the machine makes this more than 0."""

def panic(text: str) -> None:
    """Print one line on the console and the log, and end the machine with a failing status. Does not return."""
