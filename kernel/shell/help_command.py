"""`help`: the table of commands, or all about one, or about any object."""

import sys

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

# The types of what C can make, too, and has no name then.
MADE_IN_C = "function", "bound_method"


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
        return about_word(word, table)
    return about_command(word) if isinstance(word, Command) else about_object(word)


def about_word(word, table):
    """Return what there is to say about a word: a command, a name of the user's or of the reference, an expression."""
    for each in table:
        if each.name == word:
            return about_command(each)
    try:
        value = eval(word, NAMES)
    except (NameError, SyntaxError, AttributeError):
        return about_name(word, table)
    if isinstance(value, Command):
        return about_command(value)
    if isinstance(value, str) and word[:1] in ("'", '"'):
        return about_word(value, table)
    return about_attribute(word, value) if is_attribute(word) else about_known(word, value) or about_object(value)


def is_attribute(word):
    """Answer whether an expression asks something that a name stands for, or what that stands for, for an attribute."""
    return "." in word and all([letter.isalpha() or letter.isdigit() or letter in "._" for letter in word])


def about_known(word, value):
    """Return what the reference says of a name that still stands for what it names there; None where it doesn't."""
    from shell.reference import articles  # noqa: PLC0415 (the boot needs no reference)

    found = [each for each in articles(word) if each.is_about(value)]
    return with_value(found[0], value) if found else None


def with_value(article, value):
    """Return an Article, followed by the value if it is one that the text does not show: a constant's."""
    if isinstance(value, type) or type(value) is type(sys) or callable(value):
        return article
    return Noted(article.lines, value)


def about_name(word, table):
    """Return what the reference says of a name that the prompt does not know. Raises UsageError."""
    from shell.reference import articles, known_names  # noqa: PLC0415 (the boot needs no reference)

    found = articles(word) or attribute_notes(word)
    if not found:
        near = [name for name in known_names() if abs(len(name) - len(word)) < 3]
        guess = nearest(word, [each.name for each in table]) or nearest(word, near) or nearest_attribute(word)
        raise UsageError("there is no command and no name %s%s" % (word, ": did you mean %s?" % guess if guess else ""))
    return found[0] if len(found) == 1 else Several(word, found)


def attribute_notes(word):
    """Return what the text of a class says of one of its attributes: [Noted], or nothing."""
    from shell.reference import articles  # noqa: PLC0415 (the boot needs no reference)

    owner, _, name = word.rpartition(".")
    notes = [each.note_on(name) for each in (articles(owner) if owner else ())]
    return [Noted(note) for note in notes if note]


def nearest_attribute(word):
    """Return what somebody may have meant who mistyped an attribute of a value, or None."""
    left, _, name = word.rpartition(".")
    try:
        guess = nearest(name, attribute_names(eval(left, NAMES)))
    except Exception:
        return None
    return "%s.%s" % (left, guess) if guess else None


def about_attribute(word, value):
    """Return what the reference says of an attribute, by the class of what has it; else about the value."""
    from shell.reference import articles  # noqa: PLC0415 (the boot needs no reference)

    left, _, name = word.rpartition(".")
    owner = eval(left, NAMES)
    if type(owner) is type(sys) and owner.__name__[:1] == "_":
        text = "%s.%s is a native function: port/typings/%s.pyi has its contract"
        return Lines((text % (owner.__name__, name, owner.__name__),)) if callable(value) else about_object(value)
    kinds = [owner if isinstance(owner, type) else type(owner)]
    while kinds:
        kind = kinds.pop()
        member = "%s.%s" % (kind.__name__, name)
        found = articles(member)
        if found:
            return found[0] if callable(value) else with_value(found[0], value)
        notes = attribute_notes(member)
        if notes:
            return Noted(notes[0].lines, value)
        kinds += getattr(kind, "__bases__", ())
    return about_known(word, value) or about_object(value)


def about_object(value):
    """Return what the reference says of an object, or what can be seen of it."""
    from shell.reference import article_of  # noqa: PLC0415 (the boot needs no reference)

    return article_of(value) or Description(value)


class Fitted(Lines):
    """Ready lines, of which those that are too long are broken between words."""

    def lines(self, width=WIDTH):
        for line in self._lines:
            yield from fitted(line, width)


class Noted(View):
    """What a text says, by a function of the width, and the value that is there now, if there is one."""

    def __init__(self, lines, *value):
        self._lines = lines
        self._value = value

    def lines(self, width=WIDTH):
        yield from self._lines(width)
        for value in self._value:
            yield ""
            yield from fitted("now: %s" % text_of(value), width)


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
    return Fitted((each.usage(), "", each.summary) + ((("",) + each.details) if each.details else ()))


class Description(View):
    """What an object is, where it lies, and what can be asked of it. Nothing is asked meanwhile but its text."""

    def __init__(self, value):
        self.value = value

    def lines(self, width=WIDTH):
        from shell.reference import article_of  # noqa: PLC0415 (the boot needs no reference)

        value = self.value
        kind = value if isinstance(value, type) else type(value)
        bases = [base.__name__ for base in getattr(kind, "__bases__", ()) if base is not object]
        named = kind.__name__ + (", a kind of %s" % ", ".join(bases) if bases else "")
        if kind.__name__ in MADE_IN_C and not is_named(value):
            yield "a function that is made in C, and has no text here"
            return
        yield from fitted("the class %s" % named if value is kind else "%s: %s" % (named, text_of(value)), width)
        article = article_of(kind)
        if article and article.text and value is not kind:
            yield from fitted(article.text.split("\n\n")[0].replace("\n", " "), width, 0)
            yield "help %s tells more." % kind.__name__
        names = [name for name in attribute_names(value) if name[:1] != "_"]
        if names:
            yield ""
            yield "can be asked:"
            yield from fitted("  " + "  ".join(names), width, 2)
        if value is not kind and not isinstance(value, int) and has_place(value):
            yield ""
            yield "It has an address: `walk` and the other commands take it as it is."


def is_named(value):
    """Answer whether a function is one of Python's, whose text has its name."""
    return " at " in repr(value)


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
