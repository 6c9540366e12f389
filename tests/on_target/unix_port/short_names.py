"""Short names for the tables of addresses, pages and ranges, on the target and on this machine."""

from memory_structs import *
from memory_structs.addresses import index_of

V, P = VirtualAddress, PhysicalAddress
MAX, LOW_LAST, HIGH = V(2**64 - 1), V(0x7FFFFFFFFFFF), V(0xFFFF800000000000)
LAST, TOP_1G = Page.maximum(), Page.maximum(Page1G)


def page(address, size=Page4K):
    return Page.containing_address(V(address), size)


def frame(address, size=Page4K):
    return Frame.containing_address(P(address), size)


def pages(first, last, size=Page4K):
    return PageRange(page(first, size), page(last, size))


def wrong_rows(rows):
    """Return (expression, answer, expected) of the rows that give something else: a repr, or an error's class."""
    wrong = []
    for expression, expected in rows:
        try:
            answer = repr(eval(expression))
        except Exception as error:
            answer = type(error).__name__
        if answer != expected:
            wrong.append((expression, answer, expected))
    return wrong
