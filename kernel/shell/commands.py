"""The command table: what the prompt knows, and `from shell.commands import ...` for Python."""

from shell.command import LateCommand
from shell.help_command import make_help
from shell.session_commands import leave_machine as exit
from shell.session_commands import reset, terminal

MACHINE = "shell.machine_commands"
cpuid, cr, faultlog, heap = [LateCommand(name, MACHINE) for name in ("cpuid", "cr", "faultlog", "heap")]
hexdump, idt, modules, msr = [LateCommand(name, MACHINE) for name in ("hexdump", "idt", "modules", "msr")]
peek, poke, ram = [LateCommand(name, MACHINE) for name in ("peek", "poke", "ram")]
OBJECTS = "shell.object_commands"  # imported when one of its commands is used
load, objects, symbol = [LateCommand(name, OBJECTS) for name in ("load", "objects", "symbol")]
replace, unload = [LateCommand(name, OBJECTS) for name in ("replace", "unload")]
LEARNING, MEMORY, PAGING = "shell.learning_commands", "shell.memory_commands", "shell.paging_commands"
bench, examples, tour = [LateCommand(name, LEARNING) for name in ("bench", "examples", "tour")]
frames, owners, pages = [LateCommand(name, MEMORY) for name in ("frames", "owners", "pages")]
picture, screen, verify = [LateCommand(name, MEMORY) for name in ("picture", "screen", "verify")]
dump, entries, flush = [LateCommand(name, PAGING) for name in ("dump", "entries", "flush")]
stale, translate, walk = [LateCommand(name, PAGING) for name in ("stale", "translate", "walk")]
iommu, pci = [LateCommand(name, "shell.device_commands") for name in ("iommu", "pci")]
check, exercise, solution = [LateCommand(name, "shell.exercise_commands") for name in ("check", "exercise", "solution")]
policies = LateCommand("policies", "shell.replacement_commands")
cpus = LateCommand("cpus", "shell.processor_commands")
litmus = LateCommand("litmus", "shell.litmus_commands")
key = LateCommand("key", "shell.key_commands")
TABLE = (cpuid, cr, exit, faultlog, heap, hexdump, idt, modules, msr, peek, poke, ram, reset, terminal)
TABLE += (bench, check, examples, exercise, solution, tour)
TABLE += (walk, translate, entries, dump, flush, stale, frames, pages, owners, verify, picture, screen)
TABLE += (load, objects, symbol, replace, unload, iommu, pci, policies, cpus, litmus, key)
# Words that other shells and Python's own prompt have for the same.
OTHER_WORDS = {"quit": "exit"}
help = make_help(TABLE, OTHER_WORDS)
TABLE += (help,)
