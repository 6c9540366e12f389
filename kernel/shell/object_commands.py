"""Commands about object files: load, look, replace, unload. The loader is imported when the first of them is used."""

import os
import sys

from diagnostics.text import Lines
from loader.compiling import C_LINE, RUST_LINE
from loader.disks import find_file

from shell.command import Argument, command
from shell.errors import UsageError
from shell.kinds import TextKind

BOOT = "/boot"


def loader():
    """Return loader.objects."""
    from loader import objects  # noqa: PLC0415 (the boot needs no objects)

    return objects


def views():
    """Return diagnostics.objects."""
    from diagnostics import objects  # noqa: PLC0415 (the boot needs no objects)

    return objects


class FileKind(TextKind):
    """The path of an object file."""

    @property
    def words(self):
        names = os.listdir()
        if BOOT[1:] in os.listdir("/"):
            names += [name for name in os.listdir(BOOT) if name not in names]
        return tuple([name for name in names if name.endswith(".o")])


class ObjectKind(TextKind):
    """The name of a loaded object."""

    @property
    def words(self):
        return tuple(loader().OBJECTS.objects) if "loader.objects" in sys.modules else ()


class SymbolKind(TextKind):
    """The name of a symbol of a loaded object."""

    @property
    def words(self):
        if "loader.objects" not in sys.modules:
            return ()
        return tuple([name for name, each in loader().OBJECTS.definitions.items() if each.section])


FILE, OBJECT, SYMBOL = FileKind("FILE"), ObjectKind("OBJECT"), SymbolKind("SYMBOL")


def contents_of(path):
    """Return (the file's name without its folders, its bytes). Raises UsageError."""
    try:
        with open(find_file(path), "rb") as file:
            return path.rpartition("/")[2], file.read()
    except OSError as error:
        raise UsageError("%s can't be read (%s): `mpremote fs cp` it, or make run OBJECTS=..." % (path, error))


@command(
    "load",
    "Load object files, which may refer to each other.",
    Argument("file", FILE, repeated=True),
    details=(
        "load counter.o math.o     both, or none of them",
        "load a.o                  from here, or from /boot: make run OBJECTS='a.o b.o'",
        "C     %s" % C_LINE,
        "Rust  %s" % RUST_LINE,
        "Without -mno-red-zone a fault may overwrite what a function keeps below its stack pointer: nobody can see it.",
        "What they may call of the kernel: memcpy and the like, strlen, printf, puts, log_print, abort.",
    ),
)
def load(files):
    if not files:
        raise UsageError("file is missing: load FILE ...")
    return Lines([repr(each) for each in loader().load([contents_of(path) for path in files])])


@command("objects", "The object files that are loaded: where, with which rights, who needs whom.")
def objects():
    return views().objects_table(loader().loaded())


@command(
    "symbol",
    "A symbol of a loaded object: its section, address, users, bytes.",
    Argument("name", SYMBOL),
    details=("symbol add3", 'symbol("add3").as_func("q(qqq)")(1, 2, 39)     to call it'),
)
def symbol(name):
    return views().SymbolView(loader().symbol(name))


@command(
    "replace",
    "Put an object file in the place of a loaded object.",
    Argument("object", OBJECT),
    Argument("file", FILE),
    details=(
        "replace math.o math2.o    who uses math.o uses math2.o from the next call on; its state is carried over",
        "objects.replace (`from loader import objects`) takes a function that carries the state instead.",
    ),
)
def replace(old, file):
    return Lines([repr(loader().replace(old, contents_of(file)))])


@command(
    "unload",
    "Unload objects that nobody needs but each other.",
    Argument("object", OBJECT, repeated=True),
)
def unload(names):
    if not names:
        raise UsageError("object is missing: unload OBJECT ...")
    loader().unload(*names)
    return Lines(())
