"""Bench rows of the language itself: what every other row is made of."""

from time import ticks_cpu

TIMES = 100


class _One:
    def __init__(self):
        self.a = 1

    def method(self):
        return None


class _Six:
    def __init__(self):
        self.a = self.b = self.c = self.d = self.e = self.f = 1


def _loop(body):
    """Return a prepare function whose act calls body() TIMES times, in one loop."""

    def act():
        for _ in range(TIMES):
            body()

    return lambda: act


def _empty_loop():
    def act():
        for _ in range(TIMES):
            pass

    return act


def _calls():
    def nothing():
        pass

    return _loop(nothing)()


def _methods():
    return _loop(_One().method)()


def _addresses():
    """Arithmetic on an address that needs a big int: the reason for page numbers."""
    address = 1 << 63

    def act():
        for _ in range(TIMES):
            address + 4096

    return act


def _page_numbers():
    number = 1 << 51

    def act():
        for _ in range(TIMES):
            number + 1

    return act


def _raise_and_catch():
    def act():
        for _ in range(TIMES):
            try:
                raise ValueError
            except ValueError:
                pass

    return act


ROWS = (
    ("language: empty loop", _empty_loop, TIMES),
    ("language: call a function", _calls, TIMES),
    ("language: call a bound method", _methods, TIMES),
    ("language: call a C function", _loop(ticks_cpu), TIMES),
    ("language: make an object with one attribute", _loop(_One), TIMES),
    ("language: make an object with six attributes", _loop(_Six), TIMES),
    ("language: add to an address (big int)", _addresses, TIMES),
    ("language: add to a page number (small int)", _page_numbers, TIMES),
    ("language: raise and catch", _raise_and_catch, TIMES),
)
