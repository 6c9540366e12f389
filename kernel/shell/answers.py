"""Answers to exercises: what their parts are, how they are written, and when one is right.

A part is written as the kernel writes it: `p0x…`, `v0x…`, `yes`, `no`; a plain number is right where it means the same.
"""

from memory_structs import PhysicalAddress, VirtualAddress

from shell.errors import UsageError
from shell.kinds import AddressKind, AnythingKind, integer_of

NUMBER, PHYSICAL, VIRTUAL, YES_OR_NO = "a number", "a physical address", "a virtual address", "yes or no"
SHOWN = {NUMBER: "N", PHYSICAL: "p0x...", VIRTUAL: "v0x...", YES_OR_NO: "yes|no"}
CLASSES = {PHYSICAL: PhysicalAddress, VIRTUAL: VirtualAddress}
WORDS = {"yes": True, "no": False}


class AnswerKind(AnythingKind):
    """A part of an answer."""

    def of_text(self, text):
        if text in WORDS:
            return WORDS[text]
        return AddressKind("ADDRESS").of_text(text) if text[:3] in ("p0x", "v0x") else integer_of(text)

    def of_value(self, value):
        value = WORDS.get(value, value) if isinstance(value, str) else value
        if kind_of(value) is None:
            raise UsageError("a part of an answer is a number, an address, yes or no, not %s" % type(value).__name__)
        return value


def kind_of(value):
    """Return what a given part is, or None for what is no part of any answer."""
    if type(value) is bool:
        return YES_OR_NO
    if type(value) is int:
        return NUMBER
    for kind, cls in CLASSES.items():
        if isinstance(value, cls):
            return kind
    return None


def is_right(kind, wanted, given):
    """Answer whether a given part is the wanted one: of the same kind, or a number that means the same."""
    found = kind_of(given)
    if found not in (kind, NUMBER):
        return False
    return (given if found in (NUMBER, YES_OR_NO) else given.value) == wanted


def lesson(kind, given, place):
    """Return what is wrong with a part already by its kind, or None."""
    found = kind_of(given)
    if found in (kind, NUMBER):
        return None
    return "part %d of the answer is %s, and %s is asked for" % (place, found, kind)


def written(kind, value):
    """Return a part as the kernel writes it."""
    if kind == YES_OR_NO:
        return "yes" if value else "no"
    return "%d" % value if kind == NUMBER else str(CLASSES[kind](value))


def usage(kinds):
    """Return how an answer is typed."""
    return " ".join([SHOWN[kind] for kind in kinds])
