"""The command table: what the prompt knows, and `from shell.commands import ...` for Python."""

from shell.help_command import make_help
from shell.machine_commands import cpuid, cr, modules, peek, poke, ram
from shell.machine_commands import leave_machine as exit

TABLE = (cpuid, cr, exit, modules, peek, poke, ram)
help = make_help(TABLE)
TABLE += (help,)
