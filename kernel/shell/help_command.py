"""`help`: the table of commands, or all about one, or about any object."""

from diagnostics.places import place_of
from diagnostics.text import WIDTH, Lines, Table, View, fitted

from shell.command import Argument, Command, command
from shell.errors import UsageError
from shell.kinds import AnythingKind
from shell.nearest import nearest
from shell.user import NAMES, attribute_names

FOOT = (
    "",
    "tour shows around. help WORD tells more about a command, help NAME about anything else; ? is help, too.",
    "Each command is a Python function: walk(a).physical, or `from shell.commands import walk` for programs.",
    "Anything else that you type is Python. Tab completes, Ctrl-C interrupts, Ctrl-D starts afresh.",
)


def make_help(table, other_words):
    """Return the help command for a table of commands, and {another word: the name of the same command}."""

    @command(
        "help",
        "This list, or all about one command or object.",
        Argument("word", AnythingKind("WORD"), None),
        details=("help walk", "help m            what m is, and what can be asked of it", "?, ? walk, m?     the same"),
    )
    def help_command(word):
        whole = table + (help_command,)
        if word is None:
            return Table(sorted((each.name, each.summary) for each in whole), (), FOOT)
        return about(other_words.get(word, word) if isinstance(word, str) else word, whole)

    return help_command


def about(word, table):
    """Return what there is to say about a command, by its name, or about an object, by any expression or itself."""
    if isinstance(word, str):
        for each in table:
            if each.name == word:
                return about_command(each)
        try:
            value = eval(word, NAMES)
        except (NameError, SyntaxError, AttributeError):
            return about_name(word, table)
        if "." in word and not isinstance(value, Command):
            return about_attribute(word, value)
        word = value
    return about_command(word) if isinstance(word, Command) else about_object(word)


def about_name(word, table):
    """Return what the reference says of a name that the prompt does not know. Raises UsageError."""
    from shell.reference import articles, known_names  # noqa: PLC0415 (the boot needs no reference)

    found = articles(word)
    if not found:
        near = [name for name in known_names() if abs(len(name) - len(word)) < 3]
        guess = nearest(word, [each.name for each in table]) or nearest(word, near)
        raise UsageError("there is no command %s%s" % (word, ": did you mean %s?" % guess if guess else ""))
    return found[0] if len(found) == 1 else Several(word, found)


def about_attribute(word, value):
    """Return what the reference says of an attribute, by the class of what has it; else about the value."""
    from shell.reference import articles  # noqa: PLC0415 (the boot needs no reference)

    left, _, name = word.rpartition(".")
    owner = eval(left, NAMES)
    kinds = [owner if isinstance(owner, type) else type(owner)]
    while kinds:
        kind = kinds.pop()
        found = articles("%s.%s" % (kind.__name__, name))
        if found:
            return found[0]
        kinds += getattr(kind, "__bases__", ())
    return about_object(value)


def about_object(value):
    """Return what the reference says of an object, or what can be seen of it."""
    from shell.reference import article_of  # noqa: PLC0415 (the boot needs no reference)

    return article_of(value) or Description(value)


class Several(View):
    """A word that several things are called by."""

    def __init__(self, word, articles):
        self.word = word
        self.names = sorted({name.split(":")[1] for article in articles for name in article.names})

    def lines(self, width=WIDTH):
        yield "several things are called %s; help NAME tells about one:" % self.word
        yield from fitted("  " + "  ".join(self.names), width, 2)


def about_command(each):
    """Return the lines about one command."""
    return Lines((each.usage(), "", each.summary) + ((("",) + each.details) if each.details else ()))


class Description(View):
    """What an object is, where it lies, and what can be asked of it. Nothing is asked meanwhile but its text."""

    def __init__(self, value):
        self.value = value

    def lines(self, width=WIDTH):
        value = self.value
        kind = value if isinstance(value, type) else type(value)
        bases = [base.__name__ for base in getattr(kind, "__bases__", ()) if base is not object]
        named = kind.__name__ + (", a kind of %s" % ", ".join(bases) if bases else "")
        yield "the class %s" % named if value is kind else "%s: %s" % (named, text_of(value))
        names = [name for name in attribute_names(value) if name[:1] != "_"]
        if names:
            yield ""
            yield "can be asked:"
            yield from fitted("  " + "  ".join(names), width, 2)
        if value is not kind and not isinstance(value, int) and has_place(value):
            yield ""
            yield "It has an address: `walk` and the other commands take it as it is."


def text_of(value):
    """Return an object's own text, or why it has none."""
    try:
        return repr(value)
    except Exception as error:
        return "its text raises %s" % type(error).__name__


def has_place(value):
    """Answer whether something has an address now."""
    try:
        return place_of(value) is not None
    except Exception:
        return False
