"""The command table: what the prompt knows, and `from shell.commands import ...` for Python."""

from shell.device_commands import pci
from shell.help_command import make_help
from shell.learning_commands import bench, check, examples, exercise, tour
from shell.machine_commands import (
    cpuid,
    cr,
    faultlog,
    heap,
    hexdump,
    idt,
    modules,
    msr,
    peek,
    poke,
    ram,
    reset,
    terminal,
)
from shell.machine_commands import leave_machine as exit
from shell.memory_commands import frames, owners, pages, picture, screen, verify
from shell.object_commands import load, objects, replace, symbol, unload
from shell.paging_commands import dump, entries, flush, stale, translate, walk

TABLE = (cpuid, cr, exit, faultlog, heap, hexdump, idt, modules, msr, peek, poke, ram, reset, terminal)
TABLE += (bench, check, examples, exercise, tour)
TABLE += (walk, translate, entries, dump, flush, stale, frames, pages, owners, verify, picture, screen)
TABLE += (pci,)
TABLE += (load, objects, symbol, replace, unload)
# Words that other shells and Python's own prompt have for the same.
OTHER_WORDS = {"quit": "exit"}
help = make_help(TABLE, OTHER_WORDS)
TABLE += (help,)
