"""The named tests, by family: a file's TEXT is about one idea. `NAMES` are the files; each is imported when it is used.

The sections are those of the Intel SDM, volume 3A.
"""

NAMES = (
    "ordering",
    "aliases",
    "stale",
    "flushing",
    "shootdown",
    "mapping",
    "rights",
    "dirty",
    "accessed",
    "three",
)
HEAD = "test "


def text_of(family):
    """Return the text of a family's tests."""
    return __import__("litmus.families." + family, None, None, ("TEXT",)).TEXT


def names_of(family):
    """Return the names of a family's tests."""
    return [line[len(HEAD) :] for line in text_of(family).split("\n") if line.startswith(HEAD)]


def text_of_test(name):
    """Return the text of a named test; None if there is none of that name."""
    for family in NAMES:
        if name in names_of(family):
            begin = text_of(family).index("%s%s\n" % (HEAD, name))
            end = text_of(family).find("\n" + HEAD, begin)
            return text_of(family)[begin : end if end >= 0 else None]
    return None
