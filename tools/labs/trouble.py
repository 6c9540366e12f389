"""What can be wrong with a student's file, each by a name of its own."""

import os
from pathlib import Path

# A file of a lab has some hundred lines.
SOURCE_LIMIT_IN_BYTES = 256 << 10


class Trouble(Exception):
    """A student's file can't be used, or did what ends its run. The text says what, in one line or a few."""


class MachineDown(Trouble):
    """The machine does not run any more, or nobody can talk to it: the next one is a new one."""


def source_of(path):
    """Return the text of a student's file. Raises Trouble for what is none."""
    path = Path(path)
    if not path.exists():
        raise Trouble("there is no such file")
    if not path.is_file():
        raise Trouble("it is no file")
    if not os.access(path, os.R_OK):
        raise Trouble("you may not read it")
    if path.stat().st_size > SOURCE_LIMIT_IN_BYTES:
        raise Trouble(f"it has {path.stat().st_size:,} bytes, and {SOURCE_LIMIT_IN_BYTES:,} is the limit")
    data = path.read_bytes()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Trouble(f"it is not UTF-8: byte {error.start} is {data[error.start]:#04x}") from error
    if "\0" in text:
        raise Trouble(f"it is no Python: byte {data.index(0)} is zero")
    return text
