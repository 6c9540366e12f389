"""A command: a word at the prompt and a Python callable, one and the same thing."""

from shell.errors import UsageError
from shell.kinds import NotLiteral

REQUIRED = object()
# What a command has beside its name.
LATE = "summary", "arguments", "details", "_positional", "_function"


class Argument:
    """One argument: its name, its kind, and its default unless it is required.

    With `repeated`, the last positional argument of a command takes all the words that are left, as a list. With
    `by_name` it is only ever given as `name=value`; such arguments come last.
    """

    def __init__(self, name, kind, default=REQUIRED, repeated=False, by_name=False):
        self.name = name
        self.kind = kind
        self.default = default
        self.repeated = repeated
        self.by_name = by_name

    def usage(self):
        """Return how it stands in a usage line: `ADDRESS`, `[COUNT]`, `[WORD ...]`."""
        if self.by_name:
            return "[%s=%s]" % (self.name, self.kind.name)
        text = self.name.upper() + (" ..." if self.repeated else "")
        return text if self.default is REQUIRED and not self.repeated else "[%s]" % text


class Command:
    """A word of the prompt. Calling it with Python values returns what the command prints, as an object.

    `summary` is one line, `details` what `help WORD` adds.
    """

    def __init__(self, name, summary, arguments, details, function):
        self.name = name
        self.summary = summary
        self.arguments = arguments
        self._positional = [argument for argument in arguments if not argument.by_name]
        self.details = details
        self._function = function

    def usage(self):
        """Return the line that shows how it is typed."""
        return " ".join([self.name] + [argument.usage() for argument in self.arguments])

    def __repr__(self):
        return "%s: %s" % (self.usage(), self.summary)

    def __call__(self, *values, **named):
        """Call it with Python values, by position or name. Raises UsageError before anything is done."""
        return self._function(*self._checked(list(values), named))

    def run(self, words, names):
        """Call it with words as typed; `names` are the user's own, for arguments that are expressions."""
        values, named = [], {}
        for word in words:
            name, equals, text = word.partition("=")
            argument = self._argument_called(name) if equals else None
            if argument:
                named[name] = self._value_of(argument, text, names)
            else:
                values.append(self._value_of(self._argument_at(len(values)), word, names))
        return self(*values, **named)

    def words_after(self, words):
        """Return what Tab offers for the next argument after these words: `name=` for those that go by name."""
        argument = self._argument_at(len([word for word in words if "=" not in word]), None)
        named = [each.name + "=" for each in self.arguments if each.by_name]
        return (argument.kind.words if argument else ()) + tuple(named)

    def words_of(self, name):
        """Return what Tab offers behind `name=`."""
        argument = self._argument_called(name)
        return argument.kind.words if argument else ()

    def _argument_called(self, name):
        for argument in self.arguments:
            if argument.name == name:
                return argument
        return None

    def _argument_at(self, place, otherwise=REQUIRED):
        if place < len(self._positional):
            return self._positional[place]
        if self._positional and self._positional[-1].repeated:
            return self._positional[-1]
        if otherwise is None:
            return None
        raise UsageError("too many arguments: %s" % self.usage())

    def _value_of(self, argument, text, names):
        try:
            return argument.kind.of_text(text)
        except NotLiteral:
            pass
        try:
            return eval(text, names)
        except (NameError, SyntaxError):
            raise UsageError("%s is no %s: %s" % (text, argument.kind.name.lower(), self.usage()))

    def _checked(self, values, named):
        checked = []
        for place, argument in enumerate(self.arguments):
            if argument.repeated:
                checked.append([argument.kind.of_value(value) for value in values[place:]])
            elif place < len(values) and not argument.by_name:
                checked.append(argument.kind.of_value(values[place]))
            elif argument.name in named:
                checked.append(argument.kind.of_value(named.pop(argument.name)))
            elif argument.default is REQUIRED:
                raise UsageError("%s is missing: %s" % (argument.name, self.usage()))
            else:
                checked.append(argument.default)
        last_repeats = self._positional and self._positional[-1].repeated
        if named or (len(values) > len(self._positional) and not last_repeats):
            raise UsageError("too many arguments: %s" % self.usage())
        return checked


class LateCommand(Command):
    """A Command of the same name in a module that is imported when more than the name is asked for."""

    def __init__(self, name, module):
        self.name = name
        self._module = module

    def __getattr__(self, attribute):
        if attribute not in LATE:
            raise AttributeError(attribute)
        found = getattr(__import__(self._module, None, None, (self.name,)), self.name)
        for each in LATE:
            setattr(self, each, getattr(found, each))
        return getattr(found, attribute)


def command(name, summary, *arguments, details=()):
    """Make a Command of the function below; its parameters are the arguments in order."""
    return lambda function: Command(name, summary, arguments, details, function)
