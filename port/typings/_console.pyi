"""The prompt's hooks and the log channel. Imported by one module of the kernel."""

from collections.abc import Callable

def set_command_runner(function: Callable[[str], bool]) -> None:
    """Have a function see each complete input of the prompt `clew> ` first; True from it means: it was a command.

    What it raises is printed like an exception of the user's own code. A soft reset forgets it.
    """

def set_completer(function: Callable[[str], list[str] | None]) -> None:
    """Have Tab ask a function for the words that the last word of a line can become; None leaves it to Python.

    What it raises counts as None. A soft reset forgets it.
    """

def log(text: str) -> None:
    """Write to the log channel (port 0xE9), nothing added."""

def overruns() -> int:
    """Return how often the serial port lost a byte. Nothing but a fault of the machine makes this more than 0."""

def panic(text: str) -> None:
    """Print one line on the console and the log, and end the machine with a failing status. Does not return."""
