"""What the loader brought: its description of the machine, and file systems to load from; and object files.

handover    what the loader handed over at power-on
disks       files: a disk in RAM, and file systems in boot modules
objects     load, call, replace and unload object files: what programs use
elf         a file as it says that it is, checked
linking     symbols, places, relocations: from files to mappings, all or nothing
replacing   a new object in the place of an old one
sections    what is loaded, and who needs whom
namespaces, relocations, errors
"""


def symbol(name):
    """The Symbol of a loaded object: `symbol("add3").as_func("q(qqq)")`. Raises NoSuchSymbol."""
    from .objects import symbol as find  # noqa: PLC0415 (the boot needs no objects)

    return find(name)
