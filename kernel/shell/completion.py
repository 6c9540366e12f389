"""What Tab offers at the prompt: commands and their arguments, names and attributes, modules, and paths in quotes."""

import builtins
import os
import sys

from diagnostics.text import WIDTH, Table
from paging.natives import console

from shell.commands import TABLE
from shell.terminal import TERMINAL
from shell.user import NAMES, attribute_names

COMMANDS = {command.name: command for command in TABLE}
KEYWORDS = ("import ", "from ", "with ", "for ", "while ", "def ", "class ", "return ", "lambda ", "del ", "try:")
INDENT = "    "


def complete(line):
    """Return what to insert behind a line, or True if there are several words and they have been listed."""
    if not line.strip():
        return offer("", list(COMMANDS)) if not line else INDENT
    last, words = words_for(line)
    return offer(last, words)


def offer(last, words):
    """Return the letters that all words with this beginning share, or True when they have none and were listed."""
    fitting = sorted(set(word for word in words if word.startswith(last)))
    if not fitting:
        return ""
    shared = fitting[0]
    for word in fitting:
        while not word.startswith(shared):
            shared = shared[:-1]
    if len(fitting) > 1 and shared == last:
        list_words(fitting)
        return True
    return shared[len(last) :]


def list_words(words):
    """Print words in as many columns as the screen has room for, in pages like everything."""
    words = [word.strip() for word in words]
    width = TERMINAL.columns or WIDTH
    in_a_row = max(width // (max(len(word) for word in words) + 2), 1)
    print()
    TERMINAL.begin()
    TERMINAL.show(Table([words[at : at + in_a_row] for at in range(0, len(words), in_a_row)]))


def words_for(line):
    """Return (the word that a line ends with, what it can become)."""
    path = open_quote(line)
    if path is not None:
        folder = path[: path.rfind("/") + 1]
        return path[len(folder) :], files_in(folder)
    first, space, rest = line.lstrip().partition(" ")
    last = line[line.rfind(" ") + 1 :]
    if first in ("import", "from") and space:
        return last, words_of_import(first, rest, last)
    found = argument_words(first, rest, last) if space else None
    if found:
        return found
    name = identifier_at_end(last)
    return name.rpartition(".")[2], names_for(name, name == line.lstrip())


def identifier_at_end(text):
    """Return the name, dots included, that a text ends with."""
    start = len(text)
    while start > 0 and (text[start - 1].isalpha() or text[start - 1].isdigit() or text[start - 1] in "_."):
        start -= 1
    return text[start:]


def open_quote(line):
    """Return what follows the quote that is still open at the end of a line, or None."""
    quote, start = None, 0
    for place, letter in enumerate(line):
        if quote is None and letter in "'\"":
            quote, start = letter, place + 1
        elif letter == quote:
            quote = None
    return None if quote is None else line[start:]


def files_in(folder):
    """Return the names in a folder of the file system; those of folders end with a slash."""
    try:
        entries = os.ilistdir(folder.rstrip("/") or folder or ".")
        return [entry[0] + ("/" if entry[1] & 0x4000 else "") for entry in entries]
    except OSError:
        return []


def argument_words(first, rest, last):
    """Return (the word to complete, what a command's next argument can be), or None if the line is no command's."""
    command = COMMANDS.get("help" if first == "?" else first)
    if command is None or first in NAMES or rest[:1] in ("=", "(", "."):
        return None
    name, equals, text = last.partition("=")
    if equals and command.words_of(name):
        return text, command.words_of(name)
    before = rest.split()
    if last:
        before.pop()
    words = list(COMMANDS) if command.name == "help" else list(command.words_after(before))
    if identifier_at_end(last) != last or (not last and words):
        return (last, words) if words else None
    path, dot, name = last.rpartition(".")
    names = names_for(last, False) if dot else [each for each in NAMES if name or each[0] != "_"]
    return last, words + [path + dot + each for each in names]


def names_for(name, is_first):
    """Return what the last part of a dotted name can become; for the first word of a line, commands too."""
    path, dot, last = name.rpartition(".")
    if dot:
        return [each for each in attribute_names(value_of(path)) if last or each[0] != "_"]
    names = [each for each in NAMES if last or each[0] != "_"]
    if not last:
        return names
    names += [each for each in attribute_names(builtins) if each[0] != "_" or last[0] == "_"]
    if not is_first:
        return names
    return names + [each + (" " if COMMANDS[each].arguments else "") for each in COMMANDS] + list(KEYWORDS)


def value_of(path):
    """Return what a dotted name stands for, without calling anything but the getters on its way; None if nothing."""
    value = NAMES
    for place, part in enumerate(path.split(".")):
        try:
            value = (NAMES[part] if part in NAMES else getattr(builtins, part)) if place == 0 else getattr(value, part)
        except Exception:
            return None
    return value


def words_of_import(first, rest, last):
    """Return what the last word of `import ...` or `from ...` can become."""
    module, imports, _ = rest.partition(" import ")
    if first == "from" and imports:
        return names_of_module(module.strip())
    if first == "from" and " " in rest:
        return ["import "]
    return next_parts(last, module_names())


def next_parts(beginning, names):
    """Return dotted names, each only as far as the first dot behind a beginning."""
    parts = []
    for name in names:
        end = name.find(".", len(beginning))
        parts.append(name if end < 0 else name[:end])
    return parts


def names_of_module(name):
    """Return what can be imported from a module that is loaded, or that belongs to the kernel."""
    known = module_names()
    if name not in sys.modules and name not in known:
        return []
    inside = [each[len(name) + 1 :] for each in known if each.startswith(name + ".")]
    try:
        module = __import__(name)
        for part in name.split(".")[1:]:
            module = getattr(module, part)
    except Exception:
        return inside
    names = getattr(module, "__all__", None) or [each for each in attribute_names(module) if each[0] != "_"]
    return list(names) + next_parts("", inside)


def module_names():
    """Return the names of all modules that the kernel brings, and of the user's files beside them."""
    names = []
    for path in console.module_names() + files_in("/") + files_in("/rom/"):
        is_file = path.endswith(".py")
        name = path[: -len("/__init__.py")] if path.endswith("/__init__.py") else path[:-3] if is_file else path
        if (is_file or "." not in name) and name[:1] != "_":
            names.append(name.replace("/", "."))
    return names
