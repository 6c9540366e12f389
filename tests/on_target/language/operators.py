"""Every operator on every pair of values where small ints begin, end, or meet something else.

As bytecode and as emitted code; needs micropython.native.
"""

EDGE = 2**62  # the first value that is no small int; -EDGE is the last on its side
VALUES = [0, 1, 3, 61, 62, 63, 64, 2**32 - 1, 2**61, EDGE - 1, EDGE, EDGE + 1, 2**64]
VALUES += [-value for value in VALUES[1:]] + [True, False, 0.5, -2.0, None, (1,), [2]]
ARITHMETIC = ["+", "-", "*", "//", "/", "%", "&", "|", "^", "<<", ">>"]
COMPARISONS = ["<", ">", "<=", ">=", "==", "!=", "is", "is not", "in"]
TEMPLATE = """
def plain(a, b):
    return a {0} b
def in_place(a, b):
    a {1} b
    return a
@micropython.native
def emitted(a, b):
    return a {0} b
@micropython.native
def emitted_in_place(a, b):
    a {1} b
    return a
"""
FUNCTIONS = ("plain", "in_place", "emitted", "emitted_in_place")


def is_fair(operator, a, b):
    """Not: what MicroPython does otherwise on purpose, or what would fill the memory."""
    numbers = [type(value) in (int, bool, float) for value in (a, b)]
    if operator in ("&", "|", "^"):
        return type(a) is not bool  # gives an int, not a bool
    if operator in ("is", "is not"):
        return type(a) is type(b) is int and -EDGE <= a < EDGE and -EDGE <= b < EDGE
    if operator in ("<<", ">>"):
        return not numbers[1] or -EDGE <= b < 200  # another error for a large count
    return operator != "*" or all(numbers)  # (1,) * EDGE


def shown(function, a, b):
    """Return the type and value of a result, or the name of an error."""
    try:
        result = function(a[:] if isinstance(a, list) else a, b)
    except Exception as error:
        return type(error).__name__
    return type(result).__name__ + " " + repr(result)


for operator in ARITHMETIC + COMPARISONS:
    names = {"micropython": micropython}
    assigned = operator + "=" if operator in ARITHMETIC else "= a " + operator
    exec(TEMPLATE.format(operator, assigned), names)
    for a in VALUES:
        for b in VALUES:
            if is_fair(operator, a, b):
                results = [shown(names[name], a, b) for name in FUNCTIONS]
                same = results[0] if results == results[:1] * 4 else results
                print(repr(a), operator, repr(b), ":", same)


class Loud(int):
    """An int that says which of its methods was called."""


def method(name):
    return lambda *_: name


for name in ("add", "sub", "mul", "and", "or", "xor", "lshift", "rshift", "radd", "rsub", "lt", "gt", "le", "ge", "eq"):
    setattr(Loud, f"__{name}__", method(name))
loud = Loud(3)
print(loud + 1, loud - 1, loud * 1, loud & 1, loud | 1, loud ^ 1, loud << 1, loud >> 1)
print(1 + loud, 1 - loud, loud < 1, loud > 1, loud <= 1, loud >= 1, bool(loud == 3))
for text in ("1 << -1", "1 >> -1", "-1 << -1", "1 // 0", "1 % 0", "1 / 0", "1 << -(2**62)", "divmod(1, 0)", "None < 1"):
    try:
        print(text, eval(text))
    except Exception as error:
        print(text, type(error).__name__)
