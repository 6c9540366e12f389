"""Calls of every kind of thing with every kind of arguments, right and wrong."""


def attempt(text):
    """Show what an expression gives, or the name of its error."""
    try:
        print(text, eval(text))
    except Exception as error:
        print(text, type(error).__name__)


def none():
    return "none"


def two(a, b):
    return a, b


def default(a, b=2, c=3):
    return a, b, c


def all_default(a=1, b=2):
    return a, b


def many(a, b, c, d, e, f, g, h, i=9, j=10):
    return a, b, c, d, e, f, g, h, i, j


def star(a, *rest):
    return a, rest


def stars(a, b=2, *rest, key=4, **others):
    return a, b, rest, key, sorted(others.items())


def only(a, *, key):
    return a, key


def locals_unset(a, flag):
    if flag:
        late = a
    return late


def closed(a, b=5):
    def inner(c=7):
        nonlocal a
        a += 1
        return a, b, c

    return inner(), inner(1)


def counted(start, stop=3):
    while start < stop:
        start += yield start


def generated(a, *rest, b=1):
    yield a, rest, b


def deep(n):
    return 0 if n == 0 else 1 + deep(n - 1)


def failing(n):
    try:
        return [1, 2][n]
    finally:
        none()


class Callable:
    def __init__(self, a, b=2):
        self.a, self.b = a, b

    def __call__(self, *arguments, **named):
        return self.a, arguments, named

    def method(self, a, b=3):
        return a, b, self.b

    @classmethod
    def of_class(cls, a):
        return cls.__name__, a

    @staticmethod
    def of_none(a):
        return a


thing = Callable(1)
bound = thing.method
WORDS = ("none", "two", "default", "all_default", "many", "star", "stars", "only", "closed", "locals_unset", "bound")
WORDS += ("thing", "thing.of_class", "thing.of_none", "Callable.of_class", "abs", "max", "isinstance", "5", "None")
ARGUMENTS = ("", "1", "1, 2", "1, 2, 3", "1, 2, 3, 4", "1, 2, 3, 4, 5, 6, 7, 8", "1, 2, 3, 4, 5, 6, 7, 8, 11")
ARGUMENTS += ("b=3", "1, b=3", "1, 2, b=3", "1, key=5", "1, other=5", "*[1, 2]", "**{'a': 1}", "1, *(2,), **{'key': 1}")
for word in WORDS:
    for arguments in ARGUMENTS:
        if word not in ("closed", "bound", "abs", "max", "isinstance", "thing.of_none") or "=" not in arguments:
            attempt(f"{word}({arguments})" if word not in ("abs", "thing") else f"{word}({arguments}) is not None")
attempt("locals_unset(1, True), locals_unset(2, False)")
attempt("Callable(7, 8).method(1), Callable(b=7, a=6).a, Callable(4)(1, x=2)")
attempt("list(counted(0)), list(counted(1, 9 - 4))")
attempt("list(generated(1)), list(generated(1, 2, b=3))")
attempt("deep(20), [failing(n) for n in (0, 1)]")
attempt("failing(2)")
attempt("deep(10**6)")
attempt("deep(30)")
attempt("[closed(n) for n in range(3)]")
attempt("(lambda a, b=thing: (a, b is thing))(1)")
attempt("sorted([3, 1, 2], key=lambda value: -value), list(map(default, [1, 2])), list(map(two, [1], [2]))")
