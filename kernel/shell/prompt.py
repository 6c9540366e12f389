"""What the prompt asks about each line: is it a command? And what Tab offers."""

import io
import sys

import memory
from memory_structs import KernelError
from paging.natives import console

from shell.commands import TABLE
from shell.nearest import nearest
from shell.terminal import of_command_line
from shell.tour import run_as_typed
from shell.user import NAMES

TERMINAL = of_command_line()
MODULE = type(sys)
COMMANDS = {command.name: command for command in TABLE}
# After a command's word, these mean Python: an assignment, an attribute, a call.
PYTHON_AFTER_WORD = "=.,:([)]}"


def install():
    """Let the prompt know the commands."""
    console.set_command_runner(run)
    console.set_completer(complete)


def log(text):
    """Write to the log channel."""
    console.log(text)


def run(source):
    """Run one complete input if it is a command; return whether it was. What a command prints is its own repr."""
    word, rest = split_word(source)
    names = NAMES
    command = COMMANDS.get(word)
    if not word or (word in names and not is_ours(names[word], word)):
        return False
    if command:
        return run_command(command, rest, names)
    return (not rest or not is_valid(source)) and suggest(word)


def is_ours(value, word):
    """Answer whether a bound name is no choice of the user's: the command itself, or what `import *` brought."""
    return value is COMMANDS.get(word) or type(value) is MODULE or getattr(memory, word, None) is value


def split_word(source):
    """Return the name that a line begins with and what follows it, or ("", "")."""
    line = source.strip()
    end = 0
    while end < len(line) and (line[end].isalpha() or line[end] == "_" or (end and line[end].isdigit())):
        end += 1
    return (line[:end], line[end:].strip()) if "\n" not in line else ("", "")


def run_command(command, rest, names):
    """Run a command on the words behind it; return False if the line is Python after all."""
    if rest[:1] == "(" and not is_python(command.name) and command.name not in names:
        print(
            "%s is a command: type %s, or first `from shell.commands import %s`"
            % (command.name, command.usage(), command.name)
        )
        return True
    if rest and rest[0] in PYTHON_AFTER_WORD and rest[:2] != "==":
        return False
    try:
        result = command.run(rest.split(), names)
        if hasattr(result, "play"):
            result.play(lambda source: run_as_typed(source, run))
        elif result is not None:
            TERMINAL.show(result)
    except KeyboardInterrupt:
        print("\n%s: interrupted" % command.name)
    except Exception as error:
        print("%s: %s" % (type(error).__name__, text_of(error)))
        if not isinstance(error, KernelError):
            log_traceback(error)
    return True


def log_traceback(error):
    """Keep what a person is spared: where in the kernel a command failed."""
    text = io.StringIO()
    sys.print_exception(error, text)
    log(text.getvalue())


def text_of(error):
    """Return an exception's message."""
    return " ".join(str(argument) for argument in error.args) or "no details"


def suggest(word):
    """Say which command a lone unknown word may have meant; return False if none is similar."""
    if is_python(word):
        return False
    guess = nearest(word, COMMANDS)
    if guess is None:
        return False
    print("there is no command and no name %s: did you mean %s? (help lists the commands)" % (word, guess))
    return True


def is_valid(source):
    """Answer whether a line can be Python at all."""
    try:
        compile(source, "<stdin>", "single")
    except SyntaxError:
        return False
    return True


def is_python(word):
    """Answer whether a lone word means something in Python: a builtin's name, a keyword."""
    try:
        eval(word, {})
    except NameError:
        return False
    except SyntaxError:
        return True
    return True


def complete(line):
    """Return the words that the last word of a line can become, or None to leave it to Python."""
    words = line.split()
    last = "" if not words or line[-1:] == " " else words.pop()
    names = NAMES
    if not words:
        found = [name + (" " if COMMANDS[name].arguments else "") for name in COMMANDS if name.startswith(last)]
    elif words[0] in COMMANDS and words[0] not in names:
        found = argument_words(COMMANDS[words[0]], words[1:], last)
    else:
        return None
    if not found or (not last and not words):
        return None
    return sorted(set(found + [name for name in names if name.startswith(last) and (last or name[0] != "_")]))


def argument_words(command, before, last):
    """Return the words that a command's next argument can be."""
    if command.name == "help":
        known = COMMANDS
    else:
        argument = command.argument_for(before)
        known = argument.kind.words if argument else ()
    return [word for word in known if word.startswith(last)]
