"""Objects of the kernel, held from the host: `memory = kernel.module("memory")`, `memory.allocate_pages(4).range`.

An attribute, call or index is one round trip of about 2 ms. Numbers, texts, bytes, None and tuples or lists of them
come back as themselves; everything else stays in the kernel and comes back as a Remote, which other calls take.
"""

import ast

# Runs in the kernel. `_held` keeps what the host refers to alive, until it forgets it or the kernel is reset.
SUPPORT = """
_held = {}
def _is_plain(value):
    if type(value) in (tuple, list):
        return all(_is_plain(item) for item in value)
    return value is None or type(value) in (bool, int, float, str, bytes)
def _answer(value):
    if _is_plain(value):
        print(repr((True, value)))
    else:
        number = max(_held, default=0) + 1
        _held[number] = value
        print(repr((False, number)))
"""


class Remote:
    """One object that lives in the kernel. Holding one keeps it alive there: see forget()."""

    def __init__(self, kernel, expression):
        self._kernel = kernel
        self._expression = expression

    def _ask(self, expression):
        return ask(self._kernel, expression)

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self._ask(f"{self._expression}.{name}")

    def __call__(self, *arguments, **options):
        words = [source_of(value) for value in arguments] + [
            f"{name}={source_of(value)}" for name, value in options.items()
        ]
        return self._ask(f"{self._expression}({', '.join(words)})")

    def __getitem__(self, key):
        return self._ask(f"{self._expression}[{source_of(key)}]")

    def __setitem__(self, key, value):
        self._kernel.exec(f"{self._expression}[{source_of(key)}] = {source_of(value)}")

    def __len__(self):
        return self._ask(f"len({self._expression})")

    def __contains__(self, value):
        return self._ask(f"{source_of(value)} in {self._expression}")

    def __eq__(self, other):
        return self._ask(f"{self._expression} == {source_of(other)}")

    __hash__ = None

    def __add__(self, other):
        return self._ask(f"{self._expression} + {source_of(other)}")

    def __sub__(self, other):
        return self._ask(f"{self._expression} - {source_of(other)}")

    def __or__(self, other):
        return self._ask(f"{self._expression} | {source_of(other)}")

    def __repr__(self):
        return self._ask(f"repr({self._expression})")

    def forget(self):
        """Let the kernel's collector have the object, unless the kernel itself refers to it."""
        self._kernel.exec(f"del {self._expression}")


def source_of(value):
    """Return the Python text that means a value in the kernel."""
    return value._expression if isinstance(value, Remote) else repr(value)


def ask(kernel, expression):
    """Return the value of an expression in the kernel, as itself or as a Remote."""
    plain, value = ast.literal_eval(kernel.exec(f"_answer({expression})").rstrip().rsplit("\n", 1)[-1])
    return value if plain else Remote(kernel, f"_held[{value}]")
