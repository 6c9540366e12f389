"""`help`: the table of commands, or all about one."""

from diagnostics.text import Lines, columns

from shell.command import Argument, command
from shell.errors import UsageError
from shell.kinds import TextKind
from shell.nearest import nearest

FOOT = (
    "",
    "help WORD tells more about one. Each is a Python function too: from shell.commands import ram",
    "Anything else that you type is Python. Tab completes, Ctrl-C interrupts, Ctrl-D starts afresh.",
)


def make_help(table):
    """Return the help command for a table of commands."""

    @command("help", "This list, or all about one command.", Argument("word", TextKind("WORD"), None))
    def help_command(word):
        return Lines(overview(table + (help_command,)) if word is None else about(word, table + (help_command,)))

    return help_command


def overview(table):
    """Return the lines of the list of commands."""
    rows = sorted((each.name, each.summary) for each in table)
    return columns(rows) + list(FOOT)


def about(word, table):
    """Return the lines about one command. Raises UsageError if there is none of that name."""
    for each in table:
        if each.name == word:
            return (each.usage(), "", each.summary) + ((("",) + each.details) if each.details else ())
    guess = nearest(word, [each.name for each in table])
    raise UsageError("there is no command %s%s" % (word, ": did you mean %s?" % guess if guess else ""))
