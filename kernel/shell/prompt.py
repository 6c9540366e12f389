"""What the prompt asks about each line: is it a command? And how it shows values and errors."""

import builtins
import io
import sys

import loader
import memory
from memory_structs import KernelError
from paging.natives import console

from shell.commands import OTHER_WORDS, TABLE, help
from shell.nearest import nearest
from shell.terminal import TERMINAL
from shell.tour import run_as_typed
from shell.user import NAMES

MODULE = type(sys)
COMMANDS = {command.name: command for command in TABLE}
# After a command's word, these mean Python: an assignment, an attribute, an element.
PYTHON_AFTER_WORD = "=.,:[)]}"


def install():
    """Let the prompt know the commands."""
    console.set_command_runner(run)
    console.set_completer(complete)
    console.set_error_shower(show_error)
    builtins.__repl_print__ = show_value
    builtins.help = help


def complete(line):
    """What Tab brings."""
    from shell import completion  # noqa: PLC0415 (the boot needs it not)

    return completion.complete(line)


def log(text):
    """Write to the log channel."""
    console.log(text)


def run(source):
    """Run one complete input if it is a command; return whether it was. What a command prints is its own repr."""
    TERMINAL.begin()
    try:
        return run_line(source)
    except KeyboardInterrupt:
        word = split_word(source)[0]
        if word not in COMMANDS or word in NAMES:
            raise
        print("\n%s: interrupted" % word)
        return True


def run_line(source):
    """Do what `run` does, in the middle of a page."""
    asked = asked_for(source)
    if asked is not None:
        return run_command(help, asked, source)
    word, rest = split_word(source)
    command = COMMANDS.get(OTHER_WORDS.get(word, word))
    if not word or (word in NAMES and not is_ours(NAMES[word], word)):
        return False
    if command:
        return run_command(command, rest, source, word)
    return (not rest or not is_valid(source)) and suggest(word)


def asked_for(source):
    """Return what a line with a question mark at either end asks about, or None."""
    line = source.strip()
    asked = line[1:] if line[:1] == "?" else line[:-1] if line[-1:] == "?" else None
    return None if asked is None or any([letter in asked for letter in "?#'\"\n"]) else asked.strip()


def is_ours(value, word):
    """Answer whether a bound name is no choice of the user's: the command, or what memory, loader and
    paging.keys bring."""
    bringers = memory, loader, sys.modules.get("paging.keys")
    is_brought = any([getattr(module, word, bringers) is value for module in bringers])
    return value is COMMANDS.get(word) or type(value) is MODULE or is_brought


def split_word(source):
    """Return the name that a line begins with and what follows it, or ("", "")."""
    line = source.strip()
    end = 0
    while end < len(line) and (line[end].isalpha() or line[end] == "_" or (end and line[end].isdigit())):
        end += 1
    return (line[:end], line[end:].strip()) if "\n" not in line else ("", "")


def run_command(command, rest, source, word=None):
    """Run a command on the words behind it; return False if the line is Python after all."""
    if rest[:1] == "(":
        if word in NAMES and type(NAMES[word]) is not MODULE:
            return False
        asked = rest[1:-1].strip()
        if command is help and rest[-1] == ")" and is_name(asked) and not isinstance(NAMES.get(asked), str):
            return report(command, lambda: show_result(command.run([asked], NAMES)))
        return report(command, call_in_python, command, word, source)
    if rest and rest[0] in PYTHON_AFTER_WORD and rest[:2] != "==":
        return False
    return report(command, lambda: show_result(command.run(rest.split(), NAMES)))


def is_name(text):
    """Answer whether a text is a name, or several with points between them."""
    return all([each and split_word(each) == (each, "") for each in text.split(".")])


def report(command, act, *arguments):
    """Do an act of a command's; say in one line what it raises, but for Ctrl-C. Returns True."""
    try:
        act(*arguments)
    except Exception as error:
        console.line_failed(type(error).__name__)
        TERMINAL.say("%s: %s" % (type(error).__name__, text_of(error)))
        if not isinstance(error, KernelError):
            log_traceback(error)
    return True


def call_in_python(command, word, source):
    """Run a line that calls a command by its word, as in `walk(a).physical`; the name is there for just so long."""
    hidden = NAMES.get(word)
    NAMES[word] = command
    try:
        exec(compile(source, "<stdin>", "single"), NAMES)
    finally:
        if NAMES.get(word) is command:
            del NAMES[word]
            if hidden is not None:
                NAMES[word] = hidden


def show_result(result):
    """Show what a command returned; a step of the tour is played."""
    if hasattr(result, "play"):
        result.play(TERMINAL.say, lambda source: run_as_typed(source, run_line, TERMINAL.say))
    elif result is not None:
        TERMINAL.show(result)


def show_value(value):
    """Show the value of an expression: what a command would show as it does, all else by its repr."""
    if value is None:
        return
    builtins._ = value
    if isinstance(value, (str, bytes, bytearray)):
        TERMINAL.put(repr(value))  # to be copied from the screen as it is
    else:
        show_result(value if hasattr(value, "lines") else repr(value))


def show_error(error, text, source, is_tools):
    """Show what an input has raised, and what would be right: for a command that is taken for a function, or that was
    typed at the prompt for tools. Returns False, having shown nothing, for anything else at that prompt."""
    if is_tools:
        return show_way_back(text, source)
    TERMINAL.say(text[:-1] if text[-1:] == "\n" else text)
    if isinstance(error, NameError):
        word = text_of(error).partition("'")[2].partition("'")[0]
        if word in COMMANDS:
            TERMINAL.say("%s is a command: `from shell.commands import %s` makes it a function, too" % (word, word))
    return True


def show_way_back(text, source):
    """Show what a command raised at the prompt for tools, and how to get to the prompt for people."""
    word = split_word(source or "")[0]
    if word in NAMES or OTHER_WORDS.get(word, word) not in COMMANDS:
        return False
    print(text + "%s is a command of Clew's own prompt: type clew to get there" % word)
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
    console.line_failed("NameError")
    TERMINAL.say("there is no command and no name %s: did you mean %s? (help lists the commands)" % (word, guess))
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
